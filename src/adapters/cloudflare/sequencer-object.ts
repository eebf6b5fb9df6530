/**
 * The object of one log: a shell around its sequencer, which is opened with the first thing it is asked.
 *
 * An opening that fails (the bucket does not answer) is forgotten and tried again; nothing is appended before one
 * succeeds. What it does: sequencer.ts.
 */
import { DurableObject } from 'cloudflare:workers'
import { LivegateError } from '../../core/errors.ts'
import { epochMs } from '../../core/time.ts'
import { BUNDLED_SHADOW } from './bundle.ts'
import { requireEdgeConfig } from './config.ts'
import { SEAL_KEY } from './deployment-seal.ts'
import { candidateOf, planOf } from './edge-candidate.ts'
import { readSecrets } from './edge-keys.ts'
import { createPepper } from './edge-pepper.ts'
import type { Env } from './env.ts'
import { fixedOf } from './fixed.ts'
import { originOfShard, sequencerName } from './names.ts'
import { packed, unpackedEntries } from './packed.ts'
import { carried, type Reply, type SequencerRpc } from './rpc.ts'
import { openSequencer, type Sequencer } from './sequencer.ts'
import { createTelling } from './sequencer-telling.ts'
import { witnessSettings } from './sequencer-witnesses.ts'
import { hooksOf, stubsOf } from './stubs.ts'
import { webhooksIn } from './webhooks-in.ts'
import { logEvents, reportFailure } from './worker-lines.ts'
import { after, random, systemClock } from './worker-system.ts'

type Args<K extends keyof SequencerRpc> = Parameters<SequencerRpc[K]>
type Answer<K extends keyof SequencerRpc> = ReturnType<SequencerRpc[K]>

/** How long an alarm waits that came while the log could not be opened. */
const REOPEN_MS = 5_000

export class SequencerObject extends DurableObject<Env> implements SequencerRpc {
  #opening: Promise<Sequencer> | null = null

  append(entries: Args<'append'>[0]): Answer<'append'> {
    return packed(this.#ask((log) => log.append(unpackedEntries(entries))))
  }

  appendDeployment(...args: Args<'appendDeployment'>): Answer<'appendDeployment'> {
    return this.#ask((log) => log.appendDeployment(...args))
  }

  ready(...args: Args<'ready'>): Answer<'ready'> {
    return this.#ask((log) => log.ready(...args))
  }

  activations(): Answer<'activations'> {
    return this.#ask((log) => log.activations())
  }

  begin(...args: Args<'begin'>): Answer<'begin'> {
    return this.#ask((log) => log.begin(...args))
  }

  activate(...args: Args<'activate'>): Answer<'activate'> {
    return this.#ask((log) => log.activate(...args))
  }

  learn(...args: Args<'learn'>): Answer<'learn'> {
    return this.#ask((log) => log.learn(...args))
  }

  incidents(): Answer<'incidents'> {
    return this.#ask((log) => log.incidents())
  }

  changeIncident(...args: Args<'changeIncident'>): Answer<'changeIncident'> {
    return this.#ask((log) => log.changeIncident(...args))
  }

  learnIncidents(...args: Args<'learnIncidents'>): Answer<'learnIncidents'> {
    return this.#ask((log) => log.learnIncidents(...args))
  }

  eraseChain(...args: Args<'eraseChain'>): Answer<'eraseChain'> {
    return this.#ask((log) => log.eraseChain(...args))
  }

  forgetChain(...args: Args<'forgetChain'>): Answer<'forgetChain'> {
    return this.#ask((log) => log.forgetChain(...args))
  }

  forgetStrikes(...args: Args<'forgetStrikes'>): Answer<'forgetStrikes'> {
    return this.#ask((log) => log.forgetStrikes(...args))
  }

  head(...args: Args<'head'>): Answer<'head'> {
    return this.#ask((log) => log.head(...args))
  }

  find(...args: Args<'find'>): Answer<'find'> {
    return this.#ask((log) => log.find(...args))
  }

  searchDecisions(...args: Args<'searchDecisions'>): Answer<'searchDecisions'> {
    return this.#ask((log) => log.searchDecisions(...args))
  }

  records(...args: Args<'records'>): Answer<'records'> {
    return this.#ask((log) => log.records(...args))
  }

  decisionsRelyingOn(...args: Args<'decisionsRelyingOn'>): Answer<'decisionsRelyingOn'> {
    return this.#ask((log) => log.decisionsRelyingOn(...args))
  }

  checkpoint(): Answer<'checkpoint'> {
    return this.#ask((log) => log.checkpoint())
  }

  proof(...args: Args<'proof'>): Answer<'proof'> {
    return this.#ask((log) => log.proof(...args))
  }

  policies(): Answer<'policies'> {
    return this.#ask((log) => log.policies())
  }

  policyText(...args: Args<'policyText'>): Answer<'policyText'> {
    return this.#ask((log) => log.policyText(...args))
  }

  recordKeys(): Answer<'recordKeys'> {
    return this.#ask((log) => log.recordKeys())
  }

  access(...args: Args<'access'>): Answer<'access'> {
    return this.#ask((log) => log.access(...args))
  }

  keys(): Answer<'keys'> {
    return this.#ask((log) => log.keys())
  }

  changeKey(...args: Args<'changeKey'>): Answer<'changeKey'> {
    return this.#ask((log) => log.changeKey(...args))
  }

  heartbeat(): Answer<'heartbeat'> {
    return this.#ask((log) => log.heartbeat())
  }

  move(...args: Args<'move'>): Answer<'move'> {
    return this.#ask((log) => log.move(...args))
  }

  status(): Answer<'status'> {
    return this.#ask((log) => log.status())
  }

  running(...args: Args<'running'>): Answer<'running'> {
    return this.#ask((log) => log.running(...args))
  }

  shadow(): Answer<'shadow'> {
    return this.#ask((log) => log.shadow())
  }

  /** Runs a round now; for tests and for whoever takes a log out of service. False when nothing waited. */
  publish(): Promise<Reply<boolean>> {
    return this.#ask((log) => log.publish())
  }

  override async alarm(): Promise<void> {
    try {
      const log = await this.#open()
      await log.alarm()
    } catch (error) {
      reportFailure('sequencer', error)
      await this.ctx.storage.setAlarm(Date.now() + REOPEN_MS)
    }
  }

  #ask<T>(question: (log: Sequencer) => Promise<T>): Promise<Reply<T>> {
    return carried(
      async () => question(await this.#open()),
      (error) => reportFailure('sequencer', error),
    )
  }

  #open(): Promise<Sequencer> {
    this.#opening ??= this.#begin().catch((error) => {
      this.#opening = null
      throw error
    })
    return this.#opening
  }

  async #begin(): Promise<Sequencer> {
    const { env, ctx } = this
    const config = requireEdgeConfig(env)
    const shard = shardOf(env, ctx.id, config.shards)
    const origin = originOfShard(config.origin, shard, config.shards)
    const secrets = await readSecrets(config, origin)
    const endpoints = (await webhooksIn(env)).map(({ id }) => id)
    const onError = (error: unknown): void => reportFailure('sequencer', error)
    const shadow = planOf(candidateOf(config, BUNDLED_SHADOW))
    return openSequencer({
      ...{ storage: ctx.storage, bucket: env.LOG, prefix: `${shard}/` },
      seal: { key: SEAL_KEY, fixed: fixedOf(createPepper(config.pepper), config.shards) },
      ...{ origin, issuer: config.issuer, create: config.create_log, ...secrets },
      ...(shadow === null ? {} : { shadow }),
      clock: { now: () => epochMs(Date.now()) },
      random,
      ...witnessSettings(config.witnesses, { clock: systemClock, after, random }),
      ...(shard === 0 ? {} : { first: stubsOf(env, after).sequencer(0) }),
      observe: logEvents(config.log_level, Date.now),
      onError,
      ...(endpoints.length === 0
        ? {}
        : {
            onPublished: createTelling({ shard, endpoints, hooks: hooksOf(env, after), onError }),
          }),
    })
  }
}

/** Which log an object is: objects are named by it, but are told only their id. */
function shardOf(env: Env, id: DurableObjectId, shards: number): number {
  for (let shard = 0; shard < shards; shard++)
    if (env.SEQUENCERS.idFromName(sequencerName(shard)).equals(id)) return shard
  throw new LivegateError('internal', 'Cannot open log: the object is none of its shards')
}
