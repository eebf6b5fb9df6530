/**
 * An object that looks after what runs, by alarm: one for each log, which sweeps when what decides has changed; one for each
 * media server, which looks at what that runs; and one that knows which servers have registered themselves.
 *
 * A shell: clock, storage, the way to the other objects, and an alarm that is set again before and after each piece of work,
 * so it never stops of itself once it was rung. What it does: edge-sweep.ts; kept-media.ts, chosen by the composition root.
 */
import { DurableObject } from 'cloudflare:workers'
import { LivegateError } from '../../core/errors.ts'
import type { Plan } from '../../core/policy/plan.ts'
import type { RecheckCause } from '../../ports.ts'
import { requireEdgeConfig } from './config.ts'
import { createDoSql } from './do-sql.ts'
import { planOfText } from './edge-policy.ts'
import { createEdgeSweep, type SweepState } from './edge-sweep.ts'
import type { Env } from './env.ts'
import { type KeptMedia, mediaKeepers } from './kept-media.ts'
import { openRegistry, type Registry } from './kept-registry.ts'
import { keeperOfLog, keeperOfServer, REGISTRY } from './names.ts'
import { createRegisteredKeeper, NO_COUNTS } from './registered-keeper.ts'
import { carried, opened, type Reply } from './rpc.ts'
import type { KeeperRpc, KeptCounts } from './rpc-keeper.ts'
import type { RegisteredAs, RegistryRpc, ServerShown } from './rpc-registry.ts'
import { stubsOf } from './stubs.ts'
import { logEvents, reportFailure } from './worker-lines.ts'
import { after, systemClock as clock } from './worker-system.ts'

/** After a piece of work that failed as a whole, and for one that was cut short. */
const AGAIN_MS = 10_000

/** What an object looks after. */
interface Charge {
  /** When to look again if this look is never heard of. */
  readonly again_ms: number
  /** When to look again; null: not before somebody rings. */
  tend(hint: RecheckCause | undefined): Promise<number | null>
  readonly cut?: KeptMedia['cut']
  counts(): KeptCounts | null
  silentFor?(): number | null
  /** Something about its registration has changed; true when there is something to look at. */
  watch?(): Promise<boolean>
}

export class KeeperObject extends DurableObject<Env> implements KeeperRpc, RegistryRpc {
  /** Resolves with null when there is nothing to look after under this name any more; null: not known yet. */
  #charge: Promise<Charge | null> | null = null
  #registry: Promise<Registry> | null = null
  #hint: RecheckCause | undefined
  #working: Promise<void> | null = null
  /** Rings that came; what began before one does not count as its answer. */
  #rings = 0

  ring(cause: RecheckCause | null): Promise<Reply<null>> {
    return this.#answer(async () => {
      const charge = await this.#known()
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
    return this.#answer(async () => (await (await this.#known())?.cut?.(...args)) ?? null)
  }

  counts(): Promise<Reply<KeptCounts | null>> {
    return this.#answer(async () => (await this.#known())?.counts() ?? null)
  }

  silentFor(): Promise<Reply<number | null>> {
    return this.#answer(async () => (await this.#known())?.silentFor?.() ?? null)
  }

  watch(server: string): Promise<Reply<null>> {
    return this.#answer(async () => {
      const { storage } = this.ctx
      // The name is all that leads here, and names cannot be read back.
      if ((await storage.get<string>(WATCHED)) !== server) await storage.put(WATCHED, server)
      if ((await this.#known()) === null) this.#charge = null
      this.#rings++
      const looks = (await (await this.#known())?.watch?.()) ?? false
      if (looks && (await storage.getAlarm()) === null) await storage.setAlarm(clock.now())
      return null
    })
  }

  register(...args: Parameters<RegistryRpc['register']>): ReturnType<RegistryRpc['register']> {
    return this.#answer(() => this.#changing((registry) => registry.register(...args)))
  }

  deregister(id: string): Promise<Reply<null>> {
    return this.#answer(() =>
      this.#changing(async (registry) => {
        await registry.deregister(id)
        return null
      }),
    )
  }

  servers(): Promise<Reply<readonly ServerShown[]>> {
    return this.#answer(async () => (await this.#opened()).list())
  }

  registration(id: string): Promise<Reply<RegisteredAs | null>> {
    return this.#answer(async () => (await this.#opened()).registration(id))
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
    let next: number | null
    try {
      const charge = await this.#known()
      if (charge === null) return
      set = clock.now() + charge.again_ms
      await storage.setAlarm(set)
      const hint = this.#hint
      this.#hint = undefined
      next = await charge.tend(hint)
      if (rings !== this.#rings && (next === null || charge.counts() === null)) next = clock.now()
    } catch (error) {
      reportFailure('keeper', error)
      next = clock.now() + AGAIN_MS
    }
    if (next === null) await storage.deleteAlarm()
    // Each is a row that is paid for.
    else if (Math.abs(next - set) > CLOSE_MS) await storage.setAlarm(next)
  }

  #known(): Promise<Charge | null> {
    this.#charge ??= this.#begin().catch((error: unknown) => {
      this.#charge = null
      throw error
    })
    return this.#charge
  }

  async #begin(): Promise<Charge | null> {
    const { env, ctx } = this
    const config = requireEdgeConfig(env)
    const isNamed = (name: string): boolean => env.KEEPERS.idFromName(name).equals(ctx.id)
    for (let shard = 0; shard < config.shards; shard++)
      if (isNamed(keeperOfLog(shard))) return this.#sweeping(shard)
    if (isNamed(REGISTRY)) return this.#registering()
    const server = mediaKeepers.ids(env).find((id) => isNamed(keeperOfServer(id)))
    if (server !== undefined) return looking(env, server)
    const watched = (await ctx.storage.get<string>(WATCHED)) ?? null
    return watched === null ? null : this.#watching(watched)
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

  /** Who has registered: looked at when somebody's time is over. */
  #registering(): Charge {
    return {
      again_ms: AGAIN_MS,
      counts: () => null,
      tend: async () => {
        const registry = await this.#opened()
        await registry.tick()
        return registry.next()
      },
    }
  }

  /** A server that is in no file. */
  #watching(id: string): Charge {
    const { env, ctx } = this
    const stubs = stubsOf(env, after)
    const keeper = createRegisteredKeeper({
      registration: () => opened(stubs.registry().registration(id)),
      open: (as) => mediaKeepers.open(env, id, as),
      onError: (error) => reportFailure(`keeper of ${id}`, error),
    })
    const refresh = async (): Promise<KeptMedia | null> => {
      if ((await keeper.refresh()) !== 'gone') return keeper.kept()
      await ctx.storage.delete(WATCHED)
      this.#charge = Promise.resolve(null)
      return null
    }
    return {
      again_ms: AGAIN_MS,
      tend: async () => lookedAt(await refresh()),
      cut: async (at) => (await (keeper.kept() ?? (await refresh()))?.cut(at)) ?? 'unknown',
      counts: () => keeper.kept()?.counts() ?? NO_COUNTS,
      silentFor: () => keeper.kept()?.silentFor() ?? null,
      watch: async () => (await refresh()) !== null,
    }
  }

  #opened(): Promise<Registry> {
    this.#registry ??= this.#openRegistry().catch((error: unknown) => {
      this.#registry = null
      throw error
    })
    return this.#registry
  }

  async #openRegistry(): Promise<Registry> {
    const { env, ctx } = this
    if (!env.KEEPERS.idFromName(REGISTRY).equals(ctx.id)) throw noRegistry()
    const registry = await openRegistry(env, createDoSql(ctx.storage))
    if (registry === null) throw noRegistry()
    return registry
  }

  /** A change, and an alarm for what it makes due, before it is answered. */
  async #changing<T>(change: (registry: Registry) => Promise<T>): Promise<T> {
    const registry = await this.#opened()
    try {
      return await change(registry)
    } finally {
      this.#rings++
      const { storage } = this.ctx
      const [next, set] = [registry.next(), await storage.getAlarm()]
      if (next !== null && (set === null || set > next)) await storage.setAlarm(next)
    }
  }

  #answer<T>(work: () => Promise<T> | T): Promise<Reply<T>> {
    return carried(work, (error) => reportFailure('keeper', error))
  }
}

/** Where the id of a server that has registered itself is kept. */
const WATCHED = 'server'
/** Two instants that are one to an alarm. */
const CLOSE_MS = 50

function noRegistry(): LivegateError {
  return new LivegateError('internal', 'Cannot register: this object knows no registrations')
}

function looking(env: Env, server: string): Charge | null {
  const kept = mediaKeepers.open(env, server)
  if (kept === null) return null
  const { every_ms, counts, cut, silentFor } = kept
  return {
    ...{ again_ms: every_ms, counts, cut, silentFor },
    tend: () => lookedAt(kept),
  }
}

/** One look; when the next is due. */
async function lookedAt(kept: KeptMedia | null): Promise<number | null> {
  if (kept === null) return null
  const from = clock.now()
  await kept.look()
  return Math.max(from + kept.every_ms, clock.now() + kept.every_ms / 2)
}
