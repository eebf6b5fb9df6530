/**
 * Everything a gate can be asked, over one context: each question with its budget, each answer of a decision observed.
 *
 * What it takes to decide is ../gate.ts's and is handed in; the rest is in the files imported here.
 */
import type { Answer, DecideRequest, Gate } from '../gate-types.ts'
import { viewBroadcast } from './broadcasts.ts'
import type { Context } from './context.ts'
import { cutDone } from './cuts.ts'
import { type Listener, withinBudget } from './deadline.ts'
import { explainNow } from './explain-now.ts'
import { setHandle } from './handles.ts'
import { joiningOf } from './joining.ts'
import { observeDecided } from './observe-decided.ts'
import { recheckSubject } from './recheck.ts'
import { refusedAtOnce } from './refused-again.ts'
import { renew } from './renewal.ts'
import { review } from './reviews.ts'
import { claimKey } from './running-keys.ts'
import { endBroadcast, endSession } from './sessions.ts'
import { recordStrike, reverseStrike } from './strikes.ts'
import { changeFacts, viewSubject } from './subjects.ts'

/** Makes one decision; `listener` is whoever waits for it. */
export type Decide = (
  context: Context,
  request: DecideRequest,
  listener: Listener,
) => Promise<Answer>

/** The gate over `context`. */
export function gateOver(context: Context, decideHeard: Decide): Gate {
  const running = new Set<string>()
  const timely = <T>(verb: string, work: (listener: Listener) => Promise<T>): Promise<T> =>
    withinBudget(work, { after: context.after, budget_ms: context.settings.budget_ms, verb })
  const decide = async (request: DecideRequest): Promise<Answer> => {
    const started = context.clock.now()
    const known = refusedAtOnce(context, request)
    if (known !== null) {
      observeDecided(context, known, started)
      return known
    }
    const release = claimKey(running, request)
    const answer = await timely('decide', (listener) =>
      context.tables.run(request, () => decideHeard(context, request, listener)).finally(release),
    )
    observeDecided(context, answer, started)
    return answer
  }
  return {
    decide,
    async join(request) {
      return decide(await joiningOf(context, request))
    },
    explain: (request) => context.tables.run(request, () => explainNow(context, request)),
    strike: (request) => timely('record the strike', () => recordStrike(context, request)),
    reverse: (request) => timely('reverse the strike', () => reverseStrike(context, request)),
    putFacts: (subject, facts, as_of) =>
      timely('store facts', () => changeFacts(context, { subject, facts, as_of, replace: true })),
    patchFacts: (subject, facts, as_of) =>
      timely('store facts', () => changeFacts(context, { subject, facts, as_of, replace: false })),
    subject: (subject) => viewSubject(context, subject),
    async endSession(server, session) {
      // Before every start, nearly always of a session nobody has seen.
      if (context.directory.mayBeOpen?.(server, session) === false) return false
      return timely('end the session', () => endSession(context, server, session))
    },
    renew: (request) => timely('renew', (listener) => renew(context, request, listener)),
    end: (request) => timely('end the broadcast', () => endBroadcast(context, request)),
    broadcast: (id) => viewBroadcast(context, id),
    recheck: (subject, cause, only_marked = false) =>
      recheckSubject(context, subject, { cause, only_marked }),
    review: (request) => timely('review', () => review(context, request)),
    setHandle: (server, session, handle) =>
      timely('keep the handle', () => setHandle(context, { server, session }, handle)),
    cutDone: (broadcast, done) => timely('record the cut', () => cutDone(context, broadcast, done)),
  }
}
