/**
 * What is asked of a subject's object about broadcasts that run there: one call with a question in it, one answer each.
 *
 * The gate inside does it, in the subject's turn. `at_host` is asked by objects of those who joined a broadcast of this
 * subject; where that is, the logs know by the decision's id. From: edge-gate.ts, subject-host.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { HostRecheck } from '../../gate/recheck.ts'
import type {
  Answer,
  CutDone,
  EndRequest,
  Gate,
  JoinRequest,
  RenewalAnswer,
  RenewRequest,
} from '../../gate-types.ts'
import type { BroadcastView, RecheckCause } from '../../ports.ts'
import { opened } from './rpc.ts'
import type { Others } from './subject-calls.ts'
import type { OpenAsked } from './subject-open.ts'
import { NOBODY_SWEPT, type SubjectSwept, type SweepAsked } from './subject-sweep.ts'

/** Each question with its answer. */
interface Lives {
  readonly renew: {
    readonly asks: { readonly request: RenewRequest }
    readonly answer: RenewalAnswer
  }
  readonly join: { readonly asks: { readonly request: JoinRequest }; readonly answer: Answer }
  readonly end: { readonly asks: { readonly request: EndRequest }; readonly answer: boolean }
  readonly view: { readonly asks: { readonly id: string }; readonly answer: BroadcastView | null }
  readonly recheck: {
    readonly asks: { readonly cause: RecheckCause; readonly only_marked: boolean }
    readonly answer: readonly string[]
  }
  readonly cut_done: {
    readonly asks: { readonly broadcast: string; readonly done: CutDone }
    readonly answer: boolean
  }
  readonly handle: {
    readonly asks: { readonly server: string; readonly session: string; readonly handle: string }
    readonly answer: boolean
  }
  readonly at_host: { readonly asks: { readonly broadcast: string }; readonly answer: HostRecheck }
  readonly sweep: { readonly asks: SweepAsked; readonly answer: SubjectSwept }
  readonly open: { readonly asks: OpenAsked; readonly answer: readonly BroadcastView[] }
}

export type LifeQuestion = {
  readonly [K in keyof Lives]: { readonly about: K } & Lives[K]['asks']
}[keyof Lives]
export type LifeAnswer<Q extends LifeQuestion> = Lives[Q['about']]['answer']

/** Of an object nobody is in. */
export function answerOfNobody({ about }: LifeQuestion): LifeAnswer<LifeQuestion> {
  if (about === 'open') return []
  return about === 'sweep' ? NOBODY_SWEPT : 'unchanged'
}

/** Answers for one subject. `atHost` looks at a broadcast of this subject's because of somebody who joined it, `sweep` at all; `openHere` lists. */
export function answerLife(
  gate: Gate,
  given: {
    readonly subject: string
    readonly question: LifeQuestion
    readonly atHost: (broadcast: string) => Promise<HostRecheck>
    readonly sweep: (asked: SweepAsked) => Promise<SubjectSwept>
    readonly openHere: (asked: OpenAsked) => Promise<readonly BroadcastView[]>
  },
): Promise<LifeAnswer<LifeQuestion>> {
  const { subject, question, atHost, sweep, openHere } = given
  switch (question.about) {
    case 'renew':
      return gate.renew(question.request)
    case 'join':
      return gate.join(question.request)
    case 'end':
      return gate.end(question.request)
    case 'view':
      return gate.broadcast(question.id)
    case 'recheck':
      return gate.recheck(subject, question.cause, question.only_marked)
    case 'cut_done':
      return gate.cutDone(question.broadcast, question.done)
    case 'handle':
      return gate.setHandle(question.server, question.session, question.handle)
    case 'at_host':
      return atHost(question.broadcast)
    case 'sweep':
      return sweep(question)
    case 'open':
      return openHere(question)
  }
}

/**
 * Looks at the broadcast of somebody else that this subject joined. Rejects with `log_unavailable` when nobody can say whose
 * it is: what is not decided yet has no place in a log.
 */
export async function recheckElsewhere(
  { others, shards }: { readonly others: Others; readonly shards: number },
  broadcast: string,
): Promise<HostRecheck> {
  const logs = Array.from({ length: shards }, (_, shard) => others.sequencer(shard))
  const asked = await Promise.allSettled(logs.map((log) => opened(log.find(broadcast))))
  for (const one of asked)
    if (one.status === 'fulfilled' && one.value !== null) {
      const host = others.subject(one.value.object)
      return (await opened(host.life(null, { about: 'at_host', broadcast }))) as HostRecheck
    }
  if (asked.every(({ status }) => status === 'fulfilled')) return 'unchanged'
  throw new LivegateError(
    'log_unavailable',
    'Cannot look at the broadcast: a log does not answer',
    {
      retry_after_s: 1,
    },
  )
}
