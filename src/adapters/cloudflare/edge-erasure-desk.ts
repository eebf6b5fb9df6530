/**
 * What is done for a person's rights, as the Worker has it: each a question to the object of the subject it is about.
 *
 * The turn, the chain and everything stored are in there (subject-object.ts). Retention is not asked for here: each object looks
 * after its own (subject-retention.ts). From: adapters/http/routes/erasure.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { SubjectId } from '../../core/model.ts'
import type { ErasureDesk } from '../../gate/erasure-desk.ts'
import type { Pepper } from '../../ports.ts'
import { subjectObjectName } from './names.ts'
import { opened, type Stubs, type SubjectRpc } from './rpc.ts'

export function createEdgeErasureDesk({
  stubs,
  pepper,
}: {
  readonly stubs: Pick<Stubs, 'subject'>
  readonly pepper: Pepper
}): ErasureDesk {
  const objectOf = (subject: SubjectId): SubjectRpc =>
    stubs.subject(subjectObjectName(pepper, subject))
  return {
    erase: (request) => opened(objectOf(request.subject).erase(request)),
    hold: (request) => opened(objectOf(request.subject).holdLegally(request)),
    lift: (subject) => opened(objectOf(subject).liftHold(subject)),
    exported: (subject, before) => opened(objectOf(subject).exported(subject, before)),
    retain: () =>
      Promise.reject(
        new LivegateError('internal', 'Cannot retain: objects look after themselves here'),
      ),
  }
}
