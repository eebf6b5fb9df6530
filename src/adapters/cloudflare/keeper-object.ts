/**
 * An object that looks after what runs, by alarm: one for each log, which sweeps when what decides has changed; one for each
 * media server, which looks at what that runs.
 *
 * A shell: clock, storage, the way to the other objects, and an alarm that is set again before and after each piece of work,
 * so it never stops of itself once it was rung. What it does: edge-sweep.ts; kept-media.ts, chosen by the composition root.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Plan } from '../../core/policy/plan.ts'
import type { RecheckCause } from '../../ports.ts'
import { requireEdgeConfig } from './config.ts'
import { planOfText } from './edge-policy.ts'
import { createEdgeSweep, type SweepState } from './edge-sweep.ts'
import type { Env } from './env.ts'
import { type KeptMedia, mediaKeepers } from './kept-media.ts'
import { keeperOfLog, keeperOfServer } from './names.ts'
import { carried, opened, type Reply } from './rpc.ts'
import type { KeeperRpc, KeptCounts } from './rpc-keeper.ts'
import { stubsOf } from './stubs.ts'
import { logEvents, reportFailure } from './worker-lines.ts'
import { after, systemClock as clock } from './worker-system.ts'

/** After a piece of work that failed as a whole, and for one that was cut short. */
const AGAIN_MS = 10_000

/** What an object looks after. */
interface Charge {
  /** When to look again if this look is never heard of. */
  readonly again_ms: number
  /** When to look again. */
  tend(hint: RecheckCause | undefined): Promise<number>
  readonly cut?: KeptMedia['cut']
  counts(): KeptCounts | null
}

export class KeeperObject extends DurableObject<Env> implements KeeperRpc {
  /** Null: there is nothing to look after under this name any more; undefined: not known yet. */
  #charge: Charge | null | undefined
  #hint: RecheckCause | undefined
  #working: Promise<void> | null = null
  /** Rings that came; what began before one does not count as its answer. */
  #rings = 0

  ring(cause: RecheckCause | null): Promise<Reply<null>> {
    return this.#answer(async () => {
      const charge = this.#known()
      const { storage } = this.ctx
      this.#rings++
      this.#hint = cause ?? this.#hint
      // One that looks every few seconds anyway is only begun.
      if (charge === null || (charge.counts() !== null && (await storage.getAlarm()) !== null))
        return null
      await storage.setAlarm(clock.now())
      return null
    })
  }

  cut(...args: Parameters<KeeperRpc['cut']>): ReturnType<KeeperRpc['cut']> {
    return this.#answer(async () => (await this.#known()?.cut?.(...args)) ?? null)
  }

  counts(): Promise<Reply<KeptCounts | null>> {
    return this.#answer(() => this.#known()?.counts() ?? null)
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
    const rings = this.#rings
    let set = clock.now() + AGAIN_MS
    let next: number
    try {
      const charge = this.#known()
      if (charge === null) return
      set = clock.now() + charge.again_ms
      await storage.setAlarm(set)
      const hint = this.#hint
      this.#hint = undefined
      next = await charge.tend(hint)
      if (rings !== this.#rings && charge.counts() === null) next = clock.now()
    } catch (error) {
      reportFailure('keeper', error)
      next = clock.now() + AGAIN_MS
    }
    // Each is a row that is paid for.
    if (Math.abs(next - set) > CLOSE_MS) await storage.setAlarm(next)
  }

  #known(): Charge | null {
    if (this.#charge === undefined) this.#charge = this.#begin()
    return this.#charge
  }

  #begin(): Charge | null {
    const { env, ctx } = this
    const config = requireEdgeConfig(env)
    const isNamed = (name: string): boolean => env.KEEPERS.idFromName(name).equals(ctx.id)
    for (let shard = 0; shard < config.shards; shard++)
      if (isNamed(keeperOfLog(shard))) return this.#sweeping(shard)
    const server = mediaKeepers.ids(env).find((id) => isNamed(keeperOfServer(id)))
    return server === undefined ? null : looking(env, server)
  }

  #sweeping(shard: number): Charge {
    const { env, ctx } = this
    const config = requireEdgeConfig(env)
    const stubs = stubsOf(env, after)
    const log = stubs.sequencer(shard)
    const sweep = createEdgeSweep({
      ...{ log, clock, subject: stubs.subject },
      planOf: (digest): Promise<Plan | null> =>
        planOfText(digest, () => opened(log.policyText(digest))),
      kept: {
        load: async () => (await ctx.storage.get<SweepState>('sweep')) ?? null,
        save: (state) => ctx.storage.put('sweep', state),
      },
      observe: logEvents(config.log_level, clock.now),
    })
    return { again_ms: AGAIN_MS, tend: sweep.tend, counts: () => null }
  }

  #answer<T>(work: () => Promise<T> | T): Promise<Reply<T>> {
    return carried(work, (error) => reportFailure('keeper', error))
  }
}

/** Two instants that are one to an alarm. */
const CLOSE_MS = 50

function looking(env: Env, server: string): Charge | null {
  const kept = mediaKeepers.open(env, server)
  if (kept === null) return null
  const { every_ms, counts, cut } = kept
  return {
    ...{ again_ms: every_ms, counts, cut },
    async tend() {
      const from = clock.now()
      await kept.look()
      return Math.max(from + every_ms, clock.now() + every_ms / 2)
    },
  }
}
