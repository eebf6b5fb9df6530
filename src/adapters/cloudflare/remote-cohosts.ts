/**
 * Co-hosts where every subject is an object: each call goes to the object it is about, and takes its turn there.
 *
 * Nobody waits for another while holding a turn (gate/cohosts.ts), so objects may name each other as they like. Spec:
 * docs/architecture.md, "The edge host".
 */
import type { SubjectId } from '../../core/model.ts'
import type { CohostDesk } from '../../gate/cohosts.ts'
import { opened, type SubjectRpc } from './rpc.ts'

/** What one object asks of another. */
export type CohostRpc = Pick<
  SubjectRpc,
  'cohostStanding' | 'cohostJoin' | 'cohostSettle' | 'cohostEnd'
>

/** The desk for everybody: this object's own for its subject, the object of each other one for that. */
export function routeCohosts(
  own: CohostDesk,
  isOwn: (subject: SubjectId) => boolean,
  objectOf: (subject: SubjectId) => CohostRpc,
): CohostDesk {
  return {
    standing: (subject) =>
      isOwn(subject) ? own.standing(subject) : opened(objectOf(subject).cohostStanding(subject)),
    join: (subject, pending) =>
      isOwn(subject)
        ? own.join(subject, pending)
        : opened(objectOf(subject).cohostJoin(subject, pending)),
    settle: (subject, settling) =>
      isOwn(subject)
        ? own.settle(subject, settling)
        : opened(objectOf(subject).cohostSettle(subject, settling)),
    async end(subject, broadcast) {
      if (isOwn(subject)) await own.end(subject, broadcast)
      else await opened(objectOf(subject).cohostEnd(subject, broadcast))
    },
  }
}
