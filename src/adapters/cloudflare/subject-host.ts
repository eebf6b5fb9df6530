/**
 * One subject's object as a host of the gate: the same gate as on Node, over this object's ledger.
 *
 * Composes; the parts are in the files it imports. It answers for one subject only: an id that does not hash to this
 * object's name is refused, so nobody's history is ever read for somebody else's. Shell: subject-object.ts.
 * Next stop: edge-ledger.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { SubjectId } from '../../core/model.ts'
import type { Explanation } from '../../core/policy/explain.ts'
import { ENGINE } from '../../core/policy/plan.ts'
import { createIssuer } from '../../core/record/issue.ts'
import { KEEP_EVERYTHING } from '../../core/retention.ts'
import type { EpochMs } from '../../core/time.ts'
import type { CohostDesk } from '../../gate/cohosts.ts'
import type { After } from '../../gate/context.ts'
import type { ErasureAnswer, ErasureRequest } from '../../gate/erasure.ts'
import type { ErasureDesk } from '../../gate/erasure-desk.ts'
import type { HostRecheck } from '../../gate/recheck.ts'
import type { ReviewAnswer, ReviewRequest } from '../../gate/reviews.ts'
import type { SubjectExport } from '../../gate/subject-export.ts'
import { createGateWithDesk } from '../../gate.ts'
import type {
  Answer,
  DecideRequest,
  FactsPatch,
  Gate,
  ReversalAnswer,
  ReversalRequest,
  StrikeAnswer,
  StrikeRequest,
  SubjectView,
} from '../../gate-types.ts'
import type { Clock, LegalHold, Observe, Random, StoredFacts, StoredRecord } from '../../ports.ts'
import { putLegalHold } from '../sqlite/legal-holds.ts'
import { text, type Writer } from '../sqlite/sql.ts'
import { anySuppressed, replaceSuppression } from '../sqlite/suppressions.ts'
import { type Answering, createAnswering } from './answering.ts'
import { createChainStore } from './chain-store.ts'
import { createEdgeErasures } from './edge-erasures.ts'
import { createEdgeLedger } from './edge-ledger.ts'
import { fixedOf } from './fixed.ts'
import type { KeptMove, SubjectMove } from './import-steps.ts'
import { subjectOfMove, takeSubject } from './import-subject.ts'
import type { LateSql } from './late-row.ts'
import { originOfShard, sequencerName, shardOf, subjectObjectName } from './names.ts'
import { createObjectDirectory, recordsOfChain } from './object-directory.ts'
import { renewing } from './outbox-renewal.ts'
import { routeCohosts } from './remote-cohosts.ts'
import type { ChainPlace } from './rpc.ts'
import { checkedDesk, createSetBackCheck } from './set-back.ts'
import { signerAmong } from './signer-among.ts'
import { type AlarmStorage, createAlarm } from './subject-alarm.ts'
import { type Others, patientOthers } from './subject-calls.ts'
import { claimsOf, cohostOf } from './subject-claims.ts'
import { createSubjectCuts } from './subject-cuts.ts'
import { createElsewhere } from './subject-elsewhere.ts'
import { createErasing, type Erasing } from './subject-erasing.ts'
import { leavingIn } from './subject-leaving.ts'
import {
  answerLife,
  answerOfNobody,
  type LifeAnswer,
  type LifeQuestion,
  recheckElsewhere,
} from './subject-lives.ts'
import { dropHost, type Naming, noteHost, stripNames } from './subject-mentions.ts'
import { createOpenHere } from './subject-open.ts'
import { createReady, doubting, type KnownReady } from './subject-ready.ts'
import { createSubjectRetention } from './subject-retention.ts'
import { hasSubjectTables } from './subject-schema.ts'
import { gateSettings, type SubjectSettings } from './subject-settings.ts'
import { createSubjectShadow, NO_SHADOW } from './subject-shadow.ts'
import { createSubjectSweep } from './subject-sweep.ts'
import { createTending } from './subject-tending.ts'
import { createTold } from './told.ts'
import { shortenWithCohosts } from './unheard-cohosts.ts'

export type { SubjectSettings } from './subject-settings.ts'

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

/** As SubjectRpc (rpc.ts), but failures are thrown. */
export interface SubjectHost {
  decide(request: DecideRequest): Promise<Answer>
  unheard(subject: SubjectId, decision: string): Promise<null>
  explain(request: Omit<DecideRequest, 'idempotency' | 'session'>): Promise<Explanation>
  strike(request: StrikeRequest): Promise<StrikeAnswer>
  reverse(subject: SubjectId, request: ReversalRequest): Promise<ReversalAnswer>
  putFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<StoredFacts>
  patchFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<StoredFacts>
  view(subject: SubjectId): Promise<SubjectView>
  endSession(subject: SubjectId, server: string, session: string): Promise<boolean>
  life<Q extends LifeQuestion>(subject: SubjectId | null, question: Q): Promise<LifeAnswer<Q>>
  review(subject: SubjectId, request: ReviewRequest): Promise<ReviewAnswer>
  /** Where this subject is a co-host. Throws for any other. */
  desk(subject: SubjectId): CohostDesk
  records(seqs: readonly number[], places?: readonly ChainPlace[]): Promise<readonly StoredRecord[]>
  /** Takes in what an earlier host knew of this subject. */
  moveIn(move: SubjectMove): null
  erase(request: ErasureRequest): Promise<ErasureAnswer>
  holdLegally(request: Omit<LegalHold, 'set_at'>): Promise<LegalHold>
  liftHold(subject: SubjectId): Promise<boolean>
  exported(subject: SubjectId, before: number | null): Promise<SubjectExport>
  named(subject: SubjectId, naming: Naming): Promise<boolean>
  unname(subject: SubjectId, cohost: SubjectId, seqs: readonly number[]): Promise<null>
  unhost(subject: SubjectId, host: SubjectId, seqs: readonly number[] | null): Promise<null>
  keep(kept: KeptMove): Promise<null>
  /** The object's alarm went off. */
  alarm(): Promise<void>
}

export function createSubjectHost(given: SubjectParts): SubjectHost {
  const parts = { ...given, others: patientOthers(given.others, given.after) }
  const told = createTold()
  let open: House | null = null

  function of(subject: SubjectId): House {
    if (open?.subject === subject) return open
    const object = subjectObjectName(parts.settings.pepper, subject)
    if (!parts.isSelf(object))
      throw new LivegateError(
        'internal',
        'Cannot answer for a subject: this is another one’s object',
      )
    open = openHouse(parts, subject, object)
    return open
  }

  /** Whoever was here before; null when nobody was. */
  function resident(): House | null {
    if (open !== null || !hasSubjectTables(parts.sql)) return open
    const row = parts.sql.get('SELECT subject FROM subjects')
    return row === undefined ? null : of(text(row, 'subject'))
  }

  /** Of somebody who is gone, what is left to do. */
  function absent(): House | null {
    const { sql } = parts
    const object = leavingIn(sql)?.object ?? anySuppressed(sql)
    return object === null ? null : openHouse(parts, '', object)
  }

  const write = async (work: () => void): Promise<null> => {
    await parts.writer.write(work)
    return null
  }

  const desk = <T>(subject: SubjectId, question: (desk: ErasureDesk) => Promise<T>): Promise<T> => {
    const { erasure, answering } = of(subject)
    if (erasure === null) throw new LivegateError('internal', 'Cannot forget: there is no desk')
    return answering(() => question(erasure))
  }

  const answer = <T>(subject: SubjectId, question: (gate: Gate) => Promise<T>): Promise<T> => {
    const { gate, answering } = of(subject)
    return answering(() => question(gate))
  }

  /** What writes nothing finds nothing out: an object that was set back would show what was. */
  async function read<T>(subject: SubjectId, question: (gate: Gate) => Promise<T>): Promise<T> {
    const { gate, whole } = of(subject)
    await whole()
    return question(gate)
  }

  return {
    async decide(request) {
      const given = await answer(request.subject, (gate) => gate.decide(request))
      told.note(given.id)
      return given
    },
    async unheard(subject, decision) {
      const { takeBack, answering } = of(subject)
      if (told.onlyOnce(decision)) await answering(() => takeBack(subject, decision))
      return null
    },
    explain: (request) => read(request.subject, (gate) => gate.explain(request)),
    strike: async (request) => answer(request.subject, (gate) => gate.strike(request)),
    reverse: async (subject, request) => answer(subject, (gate) => gate.reverse(request)),
    putFacts: async (subject, facts, as_of) =>
      answer(subject, (gate) => gate.putFacts(subject, facts, as_of)),
    patchFacts: async (subject, facts, as_of) =>
      answer(subject, (gate) => gate.patchFacts(subject, facts, as_of)),
    view: (subject) => read(subject, (gate) => gate.subject(subject)),
    endSession: async (subject, server, session) =>
      answer(subject, (gate) => gate.endSession(server, session)),
    async life<Q extends LifeQuestion>(subject: SubjectId | null, question: Q) {
      const house = subject === null ? resident() : of(subject)
      if (house === null) return answerOfNobody(question) as LifeAnswer<Q>
      const answered = await house.answering(() => answerLife(house.gate, { ...house, question }))
      return answered as LifeAnswer<Q>
    },
    review: async (subject, request) =>
      answer(subject, (gate) => gate.review({ ...request, subject })),
    desk: (subject) => of(subject).desk,
    records: async (seqs, places = []) => (await resident()?.records(seqs, places)) ?? [],
    moveIn(move) {
      const { reread } = of(subjectOfMove(move.lines))
      takeSubject(parts.sql, move)
      // In place: who waits for a turn here goes on with what is true now.
      reread()
      // The log, ready once, takes nothing until all has moved in.
      parts.ready.clear()
      return null
    },
    erase: (request) => desk(request.subject, (erasure) => erasure.erase(request)),
    holdLegally: (request) => desk(request.subject, (erasure) => erasure.hold(request)),
    liftHold: (subject) => desk(subject, (erasure) => erasure.lift(subject)),
    async exported(subject, before) {
      await of(subject).whole()
      return desk(subject, (erasure) => erasure.exported(subject, before))
    },
    async named(subject, { host, seq, pseudonym }) {
      const { erasing, pseudonym: current } = of(subject)
      // What is on its way out here would take it along.
      await erasing.carryOn()
      if (pseudonym !== null && pseudonym !== current()) return false
      await write(() => noteHost(parts.sql, host, seq))
      return true
    },
    async unname(subject, cohost, seqs) {
      of(subject)
      if (!hasSubjectTables(parts.sql)) return null
      return write(() => stripNames(parts.sql, cohost, seqs))
    },
    async unhost(subject, host, seqs) {
      of(subject)
      return write(() => dropHost(parts.sql, host, seqs))
    },
    async keep(kept) {
      if ('legal_hold' in kept) {
        of(kept.legal_hold.subject)
        return write(() => putLegalHold(parts.sql, kept.legal_hold))
      }
      const { key, ...suppression } = kept.suppression
      if (!parts.isSelf(key))
        throw new LivegateError('internal', 'Cannot keep a restriction: it is another object’s')
      await write(() => replaceSuppression(parts.sql, key, suppression))
      const house = open ?? resident() ?? absent()
      house?.reread()
      if (suppression.until !== 'forever') await house?.wakeAt(suppression.until)
      return null
    },
    alarm: async () => (resident() ?? absent())?.tend(),
  }
}

/** Everything about the subject whose object this is. */
interface House {
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

function openHouse(parts: SubjectParts, subject: SubjectId, object: string): House {
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
