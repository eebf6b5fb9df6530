/**
 * An object that looks after what runs, by alarm: one for each log, which sweeps when what decides has changed.
 *
 * A shell: clock, storage, the way to the other objects, and an alarm that is set again before and after each piece of work,
 * so it never stops of itself once it was rung. What it does: edge-sweep.ts.
 */
import { DurableObject } from 'cloudflare:workers'
import { LivegateError } from '../../core/errors.ts'
import type { Plan } from '../../core/policy/plan.ts'
import type { RecheckCause } from '../../ports.ts'
import { requireEdgeConfig } from './config.ts'
import { planOfText } from './edge-policy.ts'
import { createEdgeSweep, type EdgeSweep, type SweepState } from './edge-sweep.ts'
import type { Env } from './env.ts'
import { keeperOfLog } from './names.ts'
import { carried, opened, type Reply } from './rpc.ts'
import type { KeeperRpc } from './rpc-keeper.ts'
import { stubsOf } from './stubs.ts'
import { logEvents, reportFailure } from './worker-lines.ts'
import { after, systemClock as clock } from './worker-system.ts'

/** After a piece of work that failed as a whole, and for one that was cut short. */
const AGAIN_MS = 10_000

export class KeeperObject extends DurableObject<Env> implements KeeperRpc {
  #sweep: EdgeSweep | null = null
  #hint: RecheckCause | undefined
  #working: Promise<void> | null = null
  /** Rings that came; what began before one does not count as its answer. */
  #rings = 0

  ring(cause: RecheckCause | null): Promise<Reply<null>> {
    return carried(
      async () => {
        this.#rings++
        this.#hint = cause ?? this.#hint
        await this.ctx.storage.setAlarm(clock.now())
        return null
      },
      (error) => reportFailure('keeper', error),
    )
  }

  override alarm(): Promise<void> {
    this.#working ??= this.#work().finally(() => {
      this.#working = null
    })
    return this.#working
  }

  /** Never rejects: the platform gives up after a few tries. */
  async #work(): Promise<void> {
    const { storage } = this.ctx
    await storage.setAlarm(clock.now() + AGAIN_MS)
    const rings = this.#rings
    let next: number
    try {
      this.#sweep ??= this.#begin()
      const hint = this.#hint
      this.#hint = undefined
      next = await this.#sweep.tend(hint)
    } catch (error) {
      reportFailure('keeper', error)
      next = clock.now() + AGAIN_MS
    }
    await storage.setAlarm(rings === this.#rings ? next : clock.now())
  }

  #begin(): EdgeSweep {
    const { env, ctx } = this
    const config = requireEdgeConfig(env)
    const stubs = stubsOf(env, after)
    const log = stubs.sequencer(logOf(env, ctx.id, config.shards))
    return createEdgeSweep({
      ...{ log, clock, subject: stubs.subject },
      planOf: (digest): Promise<Plan | null> =>
        planOfText(digest, () => opened(log.policyText(digest))),
      kept: {
        load: async () => (await ctx.storage.get<SweepState>('sweep')) ?? null,
        save: (state) => ctx.storage.put('sweep', state),
      },
      observe: logEvents(config.log_level, clock.now),
    })
  }
}

/** Objects are named by their log, but are told only their id. */
function logOf(env: Env, id: DurableObjectId, shards: number): number {
  for (let shard = 0; shard < shards; shard++)
    if (env.KEEPERS.idFromName(keeperOfLog(shard)).equals(id)) return shard
  throw new LivegateError('internal', 'Cannot look after what runs: the object is of no log')
}
