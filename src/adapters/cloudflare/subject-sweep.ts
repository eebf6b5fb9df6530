/**
 * One sweep's look at a subject: everything it is host of is looked at again, by what decides now.
 *
 * Asked by the keeper of the log (edge-sweep.ts), which has read there that something changed; an object that asked its log
 * before that asks again, so that no look goes by what was. What it joined is looked at by its host.
 */
import { LivegateError } from '../../core/errors.ts'
import type { SubjectId } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Gate } from '../../gate-types.ts'
import type { Ledger, RecheckCause } from '../../ports.ts'

export interface SweepAsked {
  readonly cause: RecheckCause
  /** When the change was read in the log. */
  readonly read_at: EpochMs
}

/** Ids of broadcasts. `failed`: to be looked at again. */
export interface SubjectSwept {
  readonly looked: number
  readonly revoked: readonly string[]
  readonly failed: readonly string[]
}

/** Of an object nobody is in. */
export const NOBODY_SWEPT: SubjectSwept = { looked: 0, revoked: [], failed: [] }

export function createSubjectSweep(parts: {
  readonly subject: SubjectId
  readonly gate: Pick<Gate, 'renew'>
  readonly ledger: Pick<Ledger, 'load'>
  /** What was heard of the log before this instant is asked again. */
  readonly ready: { doubtBefore(at: EpochMs): void }
}): (asked: SweepAsked) => Promise<SubjectSwept> {
  const { subject, gate, ledger, ready } = parts
  return async ({ cause, read_at }) => {
    ready.doubtBefore(read_at)
    const [revoked, failed]: [string[], string[]] = [[], []]
    let looked = 0
    for (const { id, role, cutting } of (await ledger.load(subject)).broadcasts) {
      if (role !== 'host' || cutting !== undefined) continue
      try {
        const { event } = await gate.renew({ broadcast: id, caller: 'livegate', cause })
        looked++
        if (event === 'revoked') revoked.push(id)
      } catch (error) {
        if (!hasEnded(error)) failed.push(id)
      }
    }
    return { looked, revoked, failed }
  }
}

function hasEnded(error: unknown): boolean {
  return error instanceof LivegateError && ['conflict', 'not_found'].includes(error.code)
}
