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
import { subjectOfItem } from '../../gate/reviews.ts'
import type { Answer, Gate } from '../../gate-types.ts'
import type { Directory, Pepper } from '../../ports.ts'
import { directoryName, reviewsName, serverName, subjectObjectName } from './names.ts'
import { opened, type Reply, type Stubs, type SubjectRpc } from './rpc.ts'
import type { LifeAnswer, LifeQuestion } from './subject-lives.ts'

/** An object keeps its own budget; this is for one that cannot be reached. */
const TRANSPORT_MS = 3_000

export interface EdgeGateParts {
  readonly stubs: Pick<Stubs, 'subject' | 'directory'>
  readonly pepper: Pepper
  readonly after: After
  /** Any record by its id; no review finds its subject without. */
  readonly recordOf?: Directory['record']
  /** Lets work go on once the answer is out. */
  readonly keep: (work: Promise<unknown>) => void
}

export function createEdgeGate(parts: EdgeGateParts): Gate {
  const { stubs, pepper, after, keep, recordOf = () => null } = parts
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

  /** A question about what a decision let start, to the object of its host; `nobody`: the answer where there is none. */
  async function hosted<Q extends LifeQuestion>(
    verb: string,
    broadcast: string,
    question: Q,
    nobody?: LifeAnswer<Q>,
  ): Promise<LifeAnswer<Q>> {
    const record = await recordOf(broadcast)
    if (record?.kind === 'decision')
      return ask(verb, () => objectOf(record.subject).life(record.subject, question))
    if (nobody !== undefined) return nobody
    throw new LivegateError('not_found', `Cannot ${verb}: there is none with this id`)
  }

  return {
    async decide({ enforcement, ...request }) {
      const { subject } = request
      const enf_seq = enforcement?.take() ?? null
      const numbered =
        enforcement === undefined || enf_seq === null
          ? request
          : { ...request, number: { enforcer: enforcement.enforcer, enf_seq } }
      const call = objectOf(subject)
        .decide(numbered)
        .then((reply) => {
          // The object alone knows; a call that is lost leaves its number unused.
          if (reply.number_free === true && enf_seq !== null) enforcement?.free(enf_seq)
          return reply
        })
      try {
        return await ask('decide', () => call)
      } catch (error) {
        // Only now: to be kept on for every answer that is heard would cost each of them.
        keep(call.then((late) => handBack(subject, late)).catch((lost) => wake(subject, lost)))
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
      const found = await ask('end the session', () => directory.session(session, 'hook'))
      if (found === null) return false
      const { subject } = found
      return ask('end the session', () => objectOf(subject).endSession(subject, server, session))
    },
    renew: (request) =>
      hosted('renew the broadcast', request.broadcast, { about: 'renew', request }),
    join: (request) => hosted('join the broadcast', request.broadcast, { about: 'join', request }),
    end: (request) =>
      hosted('end the broadcast', request.broadcast, { about: 'end', request }, false),
    broadcast: (id) => hosted('read the broadcast', id, { about: 'view', id }, null),
    recheck: (subject, cause, only_marked = false) =>
      ask('look again', () =>
        objectOf(subject).life(subject, { about: 'recheck', cause, only_marked }),
      ).catch(() => []),
    async review(request) {
      const subject = await subjectOfItem({ directory: { record: recordOf } }, request.id)
      const done = await ask('review', () => objectOf(subject).review(subject, request))
      // Also what was so already: the queue may not have heard of it.
      const queue = stubs.directory(reviewsName(pepper, subject))
      const { subject: _subject, ...item } = done.item
      keep(queue.putReviews(subject, [item], item.result?.at ?? item.opened_at).catch(nothing))
      return done
    },
    async setHandle(server, session, handle) {
      const directory = stubs.directory(serverName(server))
      const found = await ask('keep the handle', () => directory.session(session))
      if (found === null) return false
      const { subject } = found
      const question = { about: 'handle', server, session, handle } as const
      return ask('keep the handle', () => objectOf(subject).life(subject, question))
    },
    cutDone: (broadcast, done) =>
      hosted('record the cut', broadcast, { about: 'cut_done', broadcast, done }, false),
  }
}

/** What cannot be handed back ends with its lease. */
function nothing(): void {}
