/**
 * Everything about the subject whose object this is: the gate over this object's ledger, with what it asks elsewhere.
 *
 * Composes; the parts are in the files it imports. Opened by subject-host.ts. Next stop: edge-ledger.ts.
 */
import type { SubjectId } from '../../core/model.ts'
import { ENGINE } from '../../core/policy/plan.ts'
import { createIssuer } from '../../core/record/issue.ts'
import { KEEP_EVERYTHING } from '../../core/retention.ts'
import type { EpochMs } from '../../core/time.ts'
import type { CohostDesk } from '../../gate/cohosts.ts'
import type { After } from '../../gate/context.ts'
import type { ErasureDesk } from '../../gate/erasure-desk.ts'
import type { HostRecheck } from '../../gate/recheck.ts'
import { createGateWithDesk } from '../../gate.ts'
import type { Gate } from '../../gate-types.ts'
import type { Clock, Observe, Random, StoredRecord } from '../../ports.ts'
import type { Writer } from '../sqlite/sql.ts'
import { type Answering, createAnswering } from './answering.ts'
import { createChainStore } from './chain-store.ts'
import { createEdgeErasures } from './edge-erasures.ts'
import { createEdgeLedger } from './edge-ledger.ts'
import { fixedOf } from './fixed.ts'
import type { LateSql } from './late-row.ts'
import { originOfShard, sequencerName, shardOf } from './names.ts'
import { createObjectDirectory, recordsOfChain } from './object-directory.ts'
import { renewing } from './outbox-renewal.ts'
import { routeCohosts } from './remote-cohosts.ts'
import type { ChainPlace } from './rpc.ts'
import { checkedDesk, createSetBackCheck } from './set-back.ts'
import { signerAmong } from './signer-among.ts'
import { type AlarmStorage, createAlarm } from './subject-alarm.ts'
import type { Others } from './subject-calls.ts'
import { claimsOf, cohostOf } from './subject-claims.ts'
import { createSubjectCuts } from './subject-cuts.ts'
import { createElsewhere } from './subject-elsewhere.ts'
import { createErasing, type Erasing } from './subject-erasing.ts'
import { recheckElsewhere } from './subject-lives.ts'
import { createOpenHere } from './subject-open.ts'
import { createReady, doubting, type KnownReady } from './subject-ready.ts'
import { createSubjectRetention } from './subject-retention.ts'
import { gateSettings, type SubjectSettings } from './subject-settings.ts'
import { createSubjectShadow, NO_SHADOW } from './subject-shadow.ts'
import { createSubjectSweep } from './subject-sweep.ts'
import { createTending } from './subject-tending.ts'
import { shortenWithCohosts } from './unheard-cohosts.ts'

export interface SubjectParts {
  readonly sql: LateSql
  readonly writer: Writer
  readonly storage: AlarmStorage & { deleteAll(): Promise<void> }
  /** True for the name of this very object. */
  readonly isSelf: (name: string) => boolean
  readonly others: Others
  readonly settings: SubjectSettings
  readonly ready: KnownReady
  readonly clock: Clock
  readonly random: Random
  readonly after: After
  readonly observe: Observe
}

/** Everything about the subject whose object this is. */
export interface House {
  readonly subject: SubjectId
  readonly gate: Gate
  readonly answering: Answering
  readonly desk: CohostDesk
  readonly takeBack: (subject: SubjectId, decision: string) => Promise<void>
  readonly atHost: (broadcast: string) => Promise<HostRecheck>
  readonly sweep: ReturnType<typeof createSubjectSweep>
  readonly openHere: ReturnType<typeof createOpenHere>
  readonly records: (
    seqs: readonly number[],
    places: readonly ChainPlace[],
  ) => Promise<readonly StoredRecord[]>
  /** Resolves when this object is known not to have been set back. */
  readonly whole: () => Promise<void>
  readonly tend: () => Promise<void>
  readonly reread: () => void
  readonly wakeAt: (at: EpochMs) => Promise<void>
  readonly erasing: Erasing
  /** Of the chain as it is now; null before its first record. */
  readonly pseudonym: () => string | null
  readonly erasure: ErasureDesk | null
}

/** Of somebody who is gone `subject` is empty: what is left to do needs the name of the object alone. */
export function openHouse(parts: SubjectParts, subject: SubjectId, object: string): House {
  const { sql, writer, clock, random, settings, others } = parts
  const { pepper, policy, surroundings, shards, issuer } = settings
  const held = [settings.signer, settings.next_signer].flatMap((key) => key ?? [])
  const shard = shardOf(object, shards)
  const origin = originOfShard(settings.origin, shard, shards)
  const log = others.sequencer(shard)
  const kids = held.map(({ kid }) => kid)
  const caller = { kid: settings.signer.kid, kids, ...fixedOf(pepper, shards) }
  const known = { known: parts.ready, object: sequencerName(shard) }
  const logsAsked = { log, first: others.sequencer(0) }
  const ready = createReady({ ...known, ...logsAsked, origin, bundled: policy, caller, clock })
  const signer = signerAmong(held, ready.kid)
  const shadow =
    settings.shadow === undefined ? NO_SHADOW : createSubjectShadow(settings.shadow, random)
  const store = createChainStore({
    ...{ sql, writer, object, origin, observe: parts.observe },
    log: shadow.log(
      renewing({
        ...{ sql, writer, object, random, signer, reread: () => store.reread() },
        log: { append: doubting(log, ready.doubt).append, head: log.head },
        async hasEnded(kid) {
          await ready.known()
          return ready.ended(kid)
        },
      }),
    ),
    onUnheard: (decisions) => void shortenWithCohosts(route(desk), decisions, parts.observe),
  })
  const alarm = createAlarm(parts.storage)
  const ledger = shadow.ledger(
    createEdgeLedger({
      ...{ sql, writer, store, object, alarm, clock, random, origin },
      ready: ready.known,
      async has(name) {
        await ready.known()
        return ready.has(name)
      },
      claims: claimsOf({ others, pepper }),
      erased: () => erasing.carryOn(),
      ...(settings.retention === undefined ? {} : { retention: settings.retention }),
    }),
  )
  const elsewhere = createElsewhere({ others, pepper })
  const kept = { sql, writer, store, object, origin, storage: parts.storage, alarm, clock }
  const erasing = createErasing({ ...kept, log, elsewhere })
  const erasures = createEdgeErasures({
    ...{ ...kept, log, elsewhere, erasing, after: parts.after },
    async has(name) {
      await ready.known()
      return ready.has(name)
    },
  })
  const logs = Array.from({ length: shards }, (_, i) => others.sequencer(i))
  const directory = createObjectDirectory({ sql, store, origin, logs })
  const issue = createIssuer({
    ...{ issuer, engine: ENGINE, log: origin, signer },
    random: (count) => random.bytes(count),
  })
  const route = (own: CohostDesk): CohostDesk =>
    routeCohosts(own, (id) => id === subject, cohostOf({ others, pepper }))
  const { gate, desk, takeBack, atHost, erasure } = createGateWithDesk(
    {
      ...{ clock, random, after: parts.after, observe: parts.observe, pepper },
      surroundings: { ...surroundings, incident: (at = clock.now()) => ready.incident(at) },
      ...{ ledger, directory, erasures },
      issuer: { kid: settings.signer.kid, issue },
      policies: ready.policies,
      recheckHost: (broadcast) => recheckElsewhere({ others, shards }, broadcast),
      onRevoked: (view) => cuts.revoked(view),
    },
    gateSettings(settings),
    route,
  )
  const rules = settings.retention ?? KEEP_EVERYTHING
  const retention = createSubjectRetention({
    ...{ rules, sql, writer, store, subject, clock, elsewhere, observe: parts.observe },
    retain: async () => (await erasure?.retain(subject, rules)) ?? { strikes: 0, more: false },
  })
  const whole = createSetBackCheck({ object, log, store, observe: parts.observe })
  const answering = createAnswering({ writer, store, clock, after: parts.after })
  const cuts = createSubjectCuts({
    ...{ gate: () => gate, answering, clock, after: parts.after },
    cut: settings.cut ?? (async () => null),
  })
  return {
    ...{ subject, gate, takeBack, atHost, reread: store.reread, answering, erasing, erasure },
    sweep: createSubjectSweep({ subject, gate, ledger, ready }),
    openHere: createOpenHere({ subject, ledger }),
    whole,
    pseudonym: () => store.peek()?.subjects.load(subject).state.pseudonym ?? null,
    async wakeAt(at) {
      await alarm.known()
      await alarm.arm(at)
    },
    desk: checkedDesk(desk, whole),
    records: (seqs, places) => recordsOfChain({ sql, store, origin }, seqs, places),
    tend: createTending({
      ...{ sql, writer, store, alarm, clock, random, subject, idle: answering.idle },
      ...{ storage: parts.storage, erasing, retention },
      endLease: (broadcast) => desk.end(subject, broadcast),
      recheck: () => gate.recheck(subject, 'restart', true),
      cutAgain: cuts.again,
    }),
  }
}
