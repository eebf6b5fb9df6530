/**
 * The object that tells one endpoint of one log: a shell around hooks-run.ts.
 *
 * Which of them it is, it is told with the first news, and keeps: an alarm says nothing. An endpoint that is in the webhooks file
 * no more is told nothing, and keeps its place for when it is named again.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Standing } from '../../gate/webhooks/desk.ts'
import type { WebhookEndpoint } from '../../gate/webhooks/port.ts'
import { resultOf } from '../../gate/webhooks/schedule.ts'
import { requireEdgeConfig } from './config.ts'
import { createDoSql } from './do-sql.ts'
import { createEdgePost, type Send } from './edge-post.ts'
import type { Env } from './env.ts'
import { createHooksRun, type HooksRun } from './hooks-run.ts'
import { logPrefix, originOfShard } from './names.ts'
import { patientTiles } from './patient-tiles.ts'
import { createR2Tiles } from './r2-tiles.ts'
import { carried, type Reply } from './rpc.ts'
import type { WebhooksRpc, WhichHooks } from './rpc-webhooks.ts'
import { stubsOf } from './stubs.ts'
import { webhooksIn } from './webhooks-in.ts'
import { logEvents, reportFailure } from './worker-lines.ts'
import { after, random, systemClock } from './worker-system.ts'

type Args<K extends keyof WebhooksRpc> = Parameters<WebhooksRpc[K]>
type Answer<K extends keyof WebhooksRpc> = ReturnType<WebhooksRpc[K]>

/** How long an alarm waits that came while the deployment was not configured. */
const REOPEN_MS = 60_000
const NOTHING: Standing = { behind: 0, waiting: 0, dead: 0, disabled_at: null }

export class WebhooksObject extends DurableObject<Env> implements WebhooksRpc {
  #run: HooksRun | null = null

  told(which: Args<'told'>[0], news: Args<'told'>[1]): Answer<'told'> {
    return this.#ask(async () => {
      const { storage } = this.ctx
      if ((await storage.get('which')) === undefined) await storage.put('which', which)
      await (await this.#open())?.told(news)
      return null
    })
  }

  standing(): Answer<'standing'> {
    return this.#ask(async () => (await (await this.#open())?.standing()) ?? NOTHING)
  }

  dead(page: Args<'dead'>[0]): Answer<'dead'> {
    return this.#ask(async () => {
      const run = await this.#open()
      return run === null ? { letters: [], next: null } : run.dead(page)
    })
  }

  replay(indexes: Args<'replay'>[0]): Answer<'replay'> {
    return this.#ask(async () => {
      const run = await this.#open()
      return run === null ? { revived: 0, enabled: false } : run.replay(indexes)
    })
  }

  override async alarm(): Promise<void> {
    try {
      await (await this.#open())?.alarm()
    } catch (error) {
      reportFailure('webhooks', error)
      await this.ctx.storage.setAlarm(Date.now() + REOPEN_MS)
    }
  }

  #ask<T>(question: () => Promise<T>): Promise<Reply<T>> {
    return carried(question, (error) => reportFailure('webhooks', error))
  }

  /** Null before the first news, and for an endpoint the file does not name. */
  async #open(): Promise<HooksRun | null> {
    const { env, ctx } = this
    const which = await ctx.storage.get<WhichHooks>('which')
    if (which === undefined) return null
    if (this.#run !== null) return this.#run
    const endpoint = (await webhooksIn(env)).find(({ id }) => id === which.endpoint)
    if (endpoint === undefined) return null
    const { shard } = which
    const config = requireEdgeConfig(env)
    const stubs = stubsOf(env, after)
    const observe = logEvents(config.log_level, Date.now)
    this.#run ??= createHooksRun({
      ...{ sql: createDoSql(ctx.storage), storage: ctx.storage },
      endpoint: toldOf(endpoint, shard),
      origin: originOfShard(config.origin, shard, config.shards),
      tiles: patientTiles(createR2Tiles(env.LOG, logPrefix(shard)), after),
      ...{ sequencer: stubs.sequencer(shard), subject: stubs.subject },
      post: createEdgePost({ ...sendersOf(env), after, clock: systemClock }),
      ...{ clock: systemClock, random },
      onError: (error) => reportFailure('webhooks', error),
      onPosted: (id, posted) =>
        observe({ type: 'webhook_posted', endpoint: id, result: resultOf(posted) }),
    })
    return this.#run
  }
}

/** Every log has each activation, the first one first: the platform hears of it once. */
function toldOf(endpoint: WebhookEndpoint, shard: number): WebhookEndpoint {
  if (shard === 0) return endpoint
  const types = [...endpoint.types].filter((type) => type !== 'policy.activated')
  return { ...endpoint, types: new Set(types) }
}

/** Cloudflare binds no network of public addresses: its own is one. */
function sendersOf({ PUBLIC }: Env): { readonly anywhere: Send; readonly publicly: Send } {
  const anywhere: Send = (url, init) => fetch(url, init)
  return {
    anywhere,
    publicly: PUBLIC === undefined ? anywhere : (url, init) => PUBLIC.fetch(url, init),
  }
}
