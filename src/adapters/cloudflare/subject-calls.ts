/**
 * How a subject's object calls the others: a stub for each call, and no call waited for without end.
 *
 * A stub breaks with the object behind it, while this object may live on for days. A call that never comes back would
 * hold the subject's turn just as long; given up, it counts as lost, and everything asked here may be asked again.
 */
import type { After } from '../../gate/context.ts'
import { withPatience } from './patience.ts'
import type { CohostRpc } from './remote-cohosts.ts'
import type { DirectoryRpc, SequencerRpc, SubjectRpc } from './rpc.ts'

/** Several times what a decision has: whoever asked has been told to come back long before. */
export const PATIENCE_MS = 10_000

/** The other objects: logs by shard, the rest by their names. */
export interface Others {
  sequencer(
    shard: number,
  ): Pick<
    SequencerRpc,
    | 'append'
    | 'ready'
    | 'head'
    | 'decisionsRelyingOn'
    | 'policyText'
    | 'begin'
    | 'learn'
    | 'eraseChain'
    | 'forgetChain'
    | 'forgetStrikes'
    | 'find'
  >
  directory(
    name: string,
  ): Pick<
    DirectoryRpc,
    | 'claimStrike'
    | 'openSession'
    | 'closeSession'
    | 'keysOf'
    | 'dropSubject'
    | 'releaseStrikes'
    | 'putReviews'
  >
  subject(name: string): CohostRpc & Pick<SubjectRpc, 'named' | 'unname' | 'unhost' | 'life'>
}

export function patientOthers(others: Others, after: After): Others {
  const soon = <T>(call: () => PromiseLike<T>): Promise<T> =>
    withPatience(call, { after, patience_ms: PATIENCE_MS, who: 'the object' })
  return {
    sequencer(shard) {
      const log = (): ReturnType<Others['sequencer']> => others.sequencer(shard)
      return {
        append: (entries) => soon(() => log().append(entries)),
        ready: (...args) => soon(() => log().ready(...args)),
        head: (object) => soon(() => log().head(object)),
        decisionsRelyingOn: (strike) => soon(() => log().decisionsRelyingOn(strike)),
        policyText: (digest) => soon(() => log().policyText(digest)),
        begin: (bundled) => soon(() => log().begin(bundled)),
        learn: (...args) => soon(() => log().learn(...args)),
        eraseChain: (erasure) => soon(() => log().eraseChain(erasure)),
        forgetChain: (object) => soon(() => log().forgetChain(object)),
        forgetStrikes: (forgetting) => soon(() => log().forgetStrikes(forgetting)),
        find: (id) => soon(() => log().find(id)),
      }
    },
    directory(name) {
      const slice = (): ReturnType<Others['directory']> => others.directory(name)
      return {
        claimStrike: (id, subject) => soon(() => slice().claimStrike(id, subject)),
        openSession: (session, subject, broadcast) =>
          soon(() => slice().openSession(session, subject, broadcast)),
        closeSession: (session, broadcast) => soon(() => slice().closeSession(session, broadcast)),
        keysOf: (subject) => soon(() => slice().keysOf(subject)),
        dropSubject: (subject) => soon(() => slice().dropSubject(subject)),
        releaseStrikes: (...args) => soon(() => slice().releaseStrikes(...args)),
        putReviews: (...args) => soon(() => slice().putReviews(...args)),
      }
    },
    subject(name) {
      const object = (): ReturnType<Others['subject']> => others.subject(name)
      return {
        cohostStanding: (subject) => soon(() => object().cohostStanding(subject)),
        cohostJoin: (subject, pending) => soon(() => object().cohostJoin(subject, pending)),
        cohostSettle: (subject, settling) => soon(() => object().cohostSettle(subject, settling)),
        named: (...args) => soon(() => object().named(...args)),
        unname: (...args) => soon(() => object().unname(...args)),
        unhost: (...args) => soon(() => object().unhost(...args)),
        life: (subject, question) => soon(() => object().life(subject, question)),
        cohostEnd: (subject, broadcast) => soon(() => object().cohostEnd(subject, broadcast)),
      }
    },
  }
}
