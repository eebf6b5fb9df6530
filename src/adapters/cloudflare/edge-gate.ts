/**
 * The gate as the Worker has it: each method is one question to the object of the subject it is about.
 *
 * The turn, the chain and the decision are in there (subject-object.ts); here is only who to ask. A strike and a session
 * are asked for by an id, so the directory says whose they are first: it knew before their 2xx was out. An object that
 * does not answer at all is waited for a little longer than its own budget, then the caller is told to come back.
 */
import { LivegateError } from '../../core/errors.ts'
import { DECISION_BUDGET_MS } from '../../core/limits.ts'
import type { SubjectId } from '../../core/model.ts'
import type { After } from '../../gate/context.ts'
import { withinBudget } from '../../gate/deadline.ts'
import type { Gate } from '../../gate-types.ts'
import type { Pepper } from '../../ports.ts'
import { directoryName, serverName, subjectObjectName } from './names.ts'
import { opened, type Reply, type Stubs, type SubjectRpc } from './rpc.ts'

/** An object keeps its own budget; this is for one that cannot be reached. */
const TRANSPORT_MS = 3_000

export interface EdgeGateParts {
  readonly stubs: Pick<Stubs, 'subject' | 'directory'>
  readonly pepper: Pepper
  readonly after: After
}

export function createEdgeGate({ stubs, pepper, after }: EdgeGateParts): Gate {
  const objectOf = (subject: SubjectId): SubjectRpc =>
    stubs.subject(subjectObjectName(pepper, subject))
  const ask = <T>(verb: string, call: () => PromiseLike<Reply<T>>): Promise<T> =>
    withinBudget(() => opened(call()), {
      ...{ after, verb },
      budget_ms: DECISION_BUDGET_MS + TRANSPORT_MS,
    })
  return {
    decide: (request) => ask('decide', () => objectOf(request.subject).decide(request)),
    explain: (request) => ask('explain', () => objectOf(request.subject).explain(request)),
    strike: (request) => ask('record the strike', () => objectOf(request.subject).strike(request)),
    async reverse(request) {
      const name = directoryName(pepper, 'strike', request.strike)
      const directory = stubs.directory(name)
      const subject = await ask('reverse the strike', () =>
        directory.subjectOfStrike(request.strike),
      )
      if (subject === null)
        throw new LivegateError(
          'not_found',
          'Cannot reverse the strike: there is none with this id',
        )
      return ask('reverse the strike', () => objectOf(subject).reverse(subject, request))
    },
    putFacts: (subject, facts, as_of) =>
      ask('store facts', () => objectOf(subject).putFacts(subject, facts, as_of)),
    patchFacts: (subject, facts, as_of) =>
      ask('store facts', () => objectOf(subject).patchFacts(subject, facts, as_of)),
    subject: (subject) => ask('read the subject', () => objectOf(subject).view(subject)),
    async endSession(server, session) {
      const directory = stubs.directory(serverName(server))
      const found = await ask('end the session', () => directory.session(session))
      if (found === null) return false
      const { subject } = found
      return ask('end the session', () => objectOf(subject).endSession(subject, server, session))
    },
  }
}
