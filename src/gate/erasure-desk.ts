/**
 * Everything the gate does for a person's rights over what it stores: erase, hold, export, retain.
 *
 * Shares the turns of the gate it belongs to (gate.ts, `createGateWithDesk`), so nothing is decided about a subject in the
 * middle of its erasure. Absent where the host cannot forget. From: adapters/http/routes/erasure.ts.
 */
import { LivegateError } from '../core/errors.ts'
import { MAX_LEGAL_HOLD_MS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import { epochMs, formatInstant } from '../core/time.ts'
import type { LegalHold } from '../ports.ts'
import {
  type ErasureAnswer,
  type ErasureContext,
  type ErasureRequest,
  eraseSubject,
} from './erasure.ts'
import { type Retained, type RetentionRules, retainSubject } from './retention.ts'
import { exportSubject, type SubjectExport } from './subject-export.ts'

export interface ErasureDesk {
  /**
   * Forgets a subject; the same again is answered alike. @throws LivegateError `conflict` under a legal hold.
   */
  erase(request: ErasureRequest): Promise<ErasureAnswer>
  /** Keeps everything about a subject until an instant; takes the place of an earlier hold. */
  hold(request: Omit<LegalHold, 'set_at'>): Promise<LegalHold>
  /** False when there was none. */
  lift(subject: SubjectId): Promise<boolean>
  /** Everything stored about a subject, for itself, in pages: `before` is `next` of the one before. */
  exported(subject: SubjectId, before: number | null): Promise<SubjectExport>
  /** Forgets strikes past their time that can no longer count; bounded, so ask again while `more`. */
  retain(subject: SubjectId, rules: RetentionRules): Promise<Retained>
}

/** The desk over a context whose host can forget. */
export function createErasureDesk(context: ErasureContext): ErasureDesk {
  return {
    erase: (request) => eraseSubject(context, request),
    hold: (request) => holdSubject(context, request),
    // In the subject's turn: an erasure under way has looked, or will.
    lift: (subject) => context.turns.run(subject, () => context.erasures.lift(subject)),
    exported: (subject, before) => exportSubject(context, subject, before),
    retain: (subject, rules) => retainSubject(context, subject, rules),
  }
}

async function holdSubject(
  context: ErasureContext,
  request: Omit<LegalHold, 'set_at'>,
): Promise<LegalHold> {
  const now = context.clock.now()
  const [earliest, latest] = [now, epochMs(now + MAX_LEGAL_HOLD_MS)]
  if (request.until <= earliest || request.until > latest)
    throw new LivegateError('invalid_request', 'Cannot hold the subject: until is out of range', {
      faults: [
        {
          pointer: '/until',
          detail: `expected an instant after now and at most ${formatInstant(latest)}`,
        },
      ],
    })
  const hold = { ...request, set_at: now }
  await context.turns.run(request.subject, () => context.erasures.hold(hold))
  return hold
}
