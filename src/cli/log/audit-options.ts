/**
 * What an audit was asked for, and what --state means for it, whether it is of one log or of several.
 */
import type { AuditState } from '../../core/audit/state.ts'
import { type CliFailure, EXIT, type ExitCode, incomplete } from '../failure.ts'
import type { Session } from '../session.ts'
import type { StatesRequest } from './audit-state.ts'
import type { ChallengeOptions } from './challenge.ts'
import type { LogKey } from './head.ts'
import type { PredecessorOptions } from './predecessor.ts'

export interface LogsOptions extends PredecessorOptions, ChallengeOptions {
  readonly vkey: readonly string[]
  readonly disclosures?: string
  readonly witnessPolicy?: string
  readonly records?: readonly string[]
  readonly signatures: boolean
  readonly replay: boolean
  readonly state?: string
}

export const NO_SIGNATURES = 'the state is not updated: signatures were left out'

/** The states to open; without signatures none is written. */
export function statesRequest(
  session: Session,
  { state, signatures }: LogsOptions,
  keys: Iterable<LogKey>,
): StatesRequest {
  return {
    path: state === undefined ? null : session.path(state),
    keys: new Map([...keys].map((key) => [key.origin, key])),
    update: signatures,
  }
}

/**
 * Whether no log needs its predecessor audited again: `states` has null for a log that begins. What an earlier audit
 * compared need not be compared again; what it passed over cannot be made up for.
 */
export function comparedBefore(
  session: Session,
  { predecessor }: LogsOptions,
  states: readonly (AuditState | null)[],
): boolean {
  if (predecessor === undefined) return false
  for (const state of states)
    if (state !== null && state.succession?.predecessor?.checked !== true)
      throw incomplete(
        'Cannot follow the chains across: the audit in --state went past their beginning without the predecessor',
        'audit anew, with another --state',
      )
  if (states.length === 0 || states.includes(null)) return false
  session.say('the predecessor was compared by an earlier audit')
  return true
}

/** A state that could not be written is said after what was found, and hides no finding. */
export function exitAfter(session: Session, exit: ExitCode, trouble: CliFailure | null): ExitCode {
  if (trouble === null) return exit
  session.warn(`the state is not updated: ${trouble.message}`)
  return exit === EXIT.clean ? EXIT.incomplete : exit
}
