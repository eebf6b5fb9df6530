/**
 * One subject's object as a host of the gate: the same gate as on Node, over this object's ledger.
 *
 * It answers for one subject only: an id that does not hash to this object's name is refused, so nobody's history is ever
 * read for somebody else's. Shell: subject-object.ts. Next stop: subject-house.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { SubjectId } from '../../core/model.ts'
import type { Explanation } from '../../core/policy/explain.ts'
import type { EpochMs } from '../../core/time.ts'
import type { CohostDesk } from '../../gate/cohosts.ts'
import type { ErasureAnswer, ErasureRequest } from '../../gate/erasure.ts'
import type { ErasureDesk } from '../../gate/erasure-desk.ts'
import type { ReviewAnswer, ReviewRequest } from '../../gate/reviews.ts'
import type { SubjectExport } from '../../gate/subject-export.ts'
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
import type { LegalHold, StoredFacts, StoredRecord } from '../../ports.ts'
import { putLegalHold } from '../sqlite/legal-holds.ts'
import { text } from '../sqlite/sql.ts'
import { anySuppressed, replaceSuppression } from '../sqlite/suppressions.ts'
import type { KeptMove, SubjectMove } from './import-steps.ts'
import { subjectOfMove, takeSubject } from './import-subject.ts'
import { subjectObjectName } from './names.ts'
import type { ChainPlace } from './rpc.ts'
import { patientOthers } from './subject-calls.ts'
import { type House, openHouse, type SubjectParts } from './subject-house.ts'
import { leavingIn } from './subject-leaving.ts'
import { answerLife, answerOfNobody, type LifeAnswer, type LifeQuestion } from './subject-lives.ts'
import { dropHost, type Naming, noteHost, stripNames } from './subject-mentions.ts'
import { hasSubjectTables } from './subject-schema.ts'
import { createTold } from './told.ts'

export type { SubjectParts } from './subject-house.ts'
export type { SubjectSettings } from './subject-settings.ts'

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
