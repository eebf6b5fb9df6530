/**
 * The object of one subject: a shell that gives the host its storage, its clock and the way to the other objects.
 *
 * Every method is carried (rpc.ts). What it does is subject-host.ts's; what it is configured with, config.ts's.
 */
import { DurableObject } from 'cloudflare:workers'
import type { SubjectId } from '../../core/model.ts'
import type { Explanation } from '../../core/policy/explain.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Pending, Settling } from '../../gate/cohosts.ts'
import { givenNumber } from '../../gate/enforcement.ts'
import type { ErasureAnswer, ErasureRequest } from '../../gate/erasure.ts'
import type { ReviewAnswer, ReviewRequest } from '../../gate/reviews.ts'
import type { SubjectExport } from '../../gate/subject-export.ts'
import type {
  DecideRequest,
  FactsPatch,
  ReversalAnswer,
  ReversalRequest,
  StrikeAnswer,
  StrikeRequest,
  SubjectView,
} from '../../gate-types.ts'
import type { LegalHold, StoredFacts, StoredRecord, SubjectState } from '../../ports.ts'
import type { Env } from './env.ts'
import type { KeptMove, SubjectMove } from './import-steps.ts'
import { jittered } from './jitter.ts'
import { packed, unpacked } from './packed.ts'
import {
  type ChainPlace,
  carried,
  type NumberedReply,
  type NumberedRequest,
  type Reply,
  type SubjectRpc,
} from './rpc.ts'
import type { SubjectHost } from './subject-host.ts'
import type { LifeAnswer, LifeQuestion } from './subject-lives.ts'
import type { Naming } from './subject-mentions.ts'
import { startSubjectHost } from './subject-start.ts'
import { reportFailure } from './worker-lines.ts'
import { random } from './worker-system.ts'

/** After an alarm that could not do its work at all. */
const AGAIN_MS = 60_000

export class SubjectObject extends DurableObject<Env> implements SubjectRpc {
  #host: SubjectHost | null = null

  decide(given: NumberedRequest): Promise<NumberedReply> {
    const { number, ...request } = unpacked(given) as NumberedRequest
    if (number === undefined) return packed(this.#ask((host) => host.decide(request)))
    const { enforcement, isFree } = givenNumber(number)
    const asked: DecideRequest = { ...request, enforcement }
    const reply = this.#ask((host) => host.decide(asked))
    return packed(reply.then((done) => (isFree() ? { ...done, number_free: true } : done)))
  }

  unheard(subject: SubjectId, decision: string): Promise<Reply<null>> {
    return this.#ask((host) => host.unheard(subject, decision))
  }

  explain(request: Omit<DecideRequest, 'idempotency' | 'session'>): Promise<Reply<Explanation>> {
    return this.#ask((host) => host.explain(request))
  }

  strike(request: StrikeRequest): Promise<Reply<StrikeAnswer>> {
    return this.#ask((host) => host.strike(request))
  }

  reverse(subject: SubjectId, request: ReversalRequest): Promise<Reply<ReversalAnswer>> {
    return this.#ask((host) => host.reverse(subject, request))
  }

  putFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<Reply<StoredFacts>> {
    return this.#ask((host) => host.putFacts(subject, facts, as_of))
  }

  patchFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<Reply<StoredFacts>> {
    return this.#ask((host) => host.patchFacts(subject, facts, as_of))
  }

  view(subject: SubjectId): Promise<Reply<SubjectView>> {
    return this.#ask((host) => host.view(subject))
  }

  endSession(subject: SubjectId, server: string, session: string): Promise<Reply<boolean>> {
    return this.#ask((host) => host.endSession(subject, server, session))
  }

  life<Q extends LifeQuestion>(
    subject: SubjectId | null,
    question: Q,
  ): Promise<Reply<LifeAnswer<Q>>> {
    return this.#ask((host) => host.life(subject, question))
  }

  review(subject: SubjectId, request: ReviewRequest): Promise<Reply<ReviewAnswer>> {
    return this.#ask((host) => host.review(subject, request))
  }

  cohostStanding(subject: SubjectId): Promise<Reply<SubjectState>> {
    return this.#ask((host) => host.desk(subject).standing(subject))
  }

  cohostJoin(subject: SubjectId, pending: Pending): Promise<Reply<SubjectState>> {
    return this.#ask((host) => host.desk(subject).join(subject, pending))
  }

  cohostSettle(subject: SubjectId, settling: Settling): Promise<Reply<boolean>> {
    return this.#ask((host) => host.desk(subject).settle(subject, settling))
  }

  cohostEnd(subject: SubjectId, broadcast: string): Promise<Reply<null>> {
    return this.#ask(async (host) => {
      await host.desk(subject).end(subject, broadcast)
      return null
    })
  }

  records(
    seqs: readonly number[],
    places: readonly ChainPlace[] = [],
  ): Promise<Reply<readonly StoredRecord[]>> {
    return this.#ask((host) => host.records(seqs, places))
  }

  erase(request: ErasureRequest): Promise<Reply<ErasureAnswer>> {
    return this.#ask((host) => host.erase(request))
  }

  holdLegally(request: Omit<LegalHold, 'set_at'>): Promise<Reply<LegalHold>> {
    return this.#ask((host) => host.holdLegally(request))
  }

  liftHold(subject: SubjectId): Promise<Reply<boolean>> {
    return this.#ask((host) => host.liftHold(subject))
  }

  exported(subject: SubjectId, before: number | null): Promise<Reply<SubjectExport>> {
    return this.#ask((host) => host.exported(subject, before))
  }

  named(subject: SubjectId, naming: Naming): Promise<Reply<boolean>> {
    return this.#ask((own) => own.named(subject, naming))
  }

  unname(subject: SubjectId, cohost: SubjectId, seqs: readonly number[]): Promise<Reply<null>> {
    return this.#ask((own) => own.unname(subject, cohost, seqs))
  }

  unhost(
    subject: SubjectId,
    host: SubjectId,
    seqs: readonly number[] | null,
  ): Promise<Reply<null>> {
    return this.#ask((own) => own.unhost(subject, host, seqs))
  }

  keep(kept: KeptMove): Promise<Reply<null>> {
    return this.#ask((host) => host.keep(kept))
  }

  moveIn(move: SubjectMove): Promise<Reply<null>> {
    return this.#ask((host) => host.moveIn(move))
  }

  /** Never throws: the platform gives up after a few tries, and what waits here must reach the log. */
  override async alarm(): Promise<void> {
    const done = await this.#ask((host) => host.alarm())
    if (!done.ok) await this.ctx.storage.setAlarm(Date.now() + jittered(random, AGAIN_MS))
  }

  #ask<T>(question: (host: SubjectHost) => Promise<T> | T): Promise<Reply<T>> {
    return carried(
      async () => question(await this.#started()),
      (error) => reportFailure('subject', error),
    )
  }

  /** Started with the first question: a deployment that is not configured is answered, not a constructor that throws. */
  async #started(): Promise<SubjectHost> {
    if (this.#host !== null) return this.#host
    const started = await startSubjectHost(this.ctx, this.env)
    // Two questions may have started it at once: there is one turn, so there is one host.
    this.#host ??= started
    return this.#host
  }
}
