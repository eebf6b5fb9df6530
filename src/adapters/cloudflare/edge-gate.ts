/**
 * The gate as the Worker has it: each method is one question to the object of the subject it is about.
 *
 * The turn, the chain and the decision are in there (subject-object.ts); here is only who to ask. A strike and a session
 * are asked for by an id, so the directory says whose they are first: it knew before their 2xx was out. An object that
 * does not answer at all is waited for a little longer than its own budget, then the caller is told to come back. A
 * decision that comes after that is handed back: a broadcast nobody was told of must not count for a whole lease.
 */
import { LivegateError } from '../../core/errors.ts'
import { DECISION_BUDGET_MS } from '../../core/limits.ts'
import type { SubjectId } from '../../core/model.ts'
import type { After } from '../../gate/context.ts'
import { withinBudget } from '../../gate/deadline.ts'
import type { Answer, Gate } from '../../gate-types.ts'
import type { Pepper } from '../../ports.ts'
import { directoryName, serverName, subjectObjectName } from './names.ts'
import { opened, type Reply, type Stubs, type SubjectRpc } from './rpc.ts'

/** An object keeps its own budget; this is for one that cannot be reached. */
const TRANSPORT_MS = 3_000

export interface EdgeGateParts {
  readonly stubs: Pick<Stubs, 'subject' | 'directory'>
  readonly pepper: Pepper
  readonly after: After
  /** Lets work go on once the answer is out. */
  readonly keep: (work: Promise<unknown>) => void
}

export function createEdgeGate({ stubs, pepper, after, keep }: EdgeGateParts): Gate {
  const objectOf = (subject: SubjectId): SubjectRpc =>
    stubs.subject(subjectObjectName(pepper, subject))
  const ask = <T>(verb: string, call: () => PromiseLike<Reply<T>>): Promise<T> =>
    withinBudget(() => opened(call()), {
      ...{ after, verb },
      budget_ms: DECISION_BUDGET_MS + TRANSPORT_MS,
    })
  async function handBack(subject: SubjectId, late: Reply<Answer>): Promise<void> {
    if (!late.ok || late.value.repeated || late.value.decision.lease_until === null) return
    await objectOf(subject).unheard(subject, late.value.id)
  }

  /**
   * An object that died with the call may have a record its log lacks, and plain ones arm no alarm: whoever looks at it has it
   * sent. One that has too much to do is not asked more.
   */
  async function wake(subject: SubjectId, lost: unknown): Promise<void> {
    if ((lost as { readonly overloaded?: boolean } | null)?.overloaded === true) return
    await objectOf(subject).view(subject).catch(nothing)
  }

  return {
    async decide({ enforcement, ...request }) {
      const { subject } = request
      const enf_seq = enforcement?.take() ?? null
      const numbered =
        enforcement === undefined || enf_seq === null
          ? request
          : { ...request, number: { enforcer: enforcement.enforcer, enf_seq } }
      const call = objectOf(subject).decide(numbered)
      let gone = false
      const settled = call.then((late) => {
        // The object alone knows; a call that is lost leaves its number unused.
        if (late.number_free === true && enf_seq !== null) enforcement?.free(enf_seq)
        return gone ? handBack(subject, late) : undefined
      })
      keep(settled.catch((lost: unknown) => wake(subject, lost)))
      try {
        return await ask('decide', () => call)
      } catch (error) {
        gone = true
        throw error
      }
    },
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
    renew: () => Promise.reject(notYet('renew a broadcast')),
    end: () => Promise.reject(notYet('end a broadcast')),
    broadcast: () => Promise.reject(notYet('read a broadcast')),
    recheck: () => Promise.resolve([]),
    review: () => Promise.reject(notYet('review')),
    setHandle: () => Promise.reject(notYet('keep a handle')),
    cutDone: () => Promise.reject(notYet('record a cut')),
  }
}

function notYet(what: string): LivegateError {
  return new LivegateError('not_found', `Cannot ${what} by its id: this host finds none by it`)
}

/** What cannot be handed back ends with its lease. */
function nothing(): void {}
