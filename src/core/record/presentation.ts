/**
 * A record together with the groups somebody may see: `jws~disclosure~…~` (RFC 9901 section 4).
 *
 * Only joins and splits text; nothing is verified here. Which groups a caller gets is the gate's business. Next:
 * verify.ts, then disclosure.ts.
 */
import { LivegateError } from '../errors.ts'
import { ok, type Result } from '../result.ts'
import { type RecordFault, refuse } from './faults.ts'
import type { Openings } from './groups.ts'
import { GROUP_NAMES, type GroupName } from './kinds.ts'

/** What somebody was given. */
export interface Presentation {
  readonly jws: string
  readonly disclosures: readonly string[]
}

/** The record with the disclosures of `groups`. Throws LivegateError when one of them is not among the openings. */
export function presentation(
  jws: string,
  openings: Openings,
  groups: readonly GroupName[],
): string {
  let text = `${jws}~`
  for (const group of groups) {
    const disclosure = openings[group]
    if (disclosure === undefined)
      throw new LivegateError('internal', `Cannot present group ${group}: its opening is missing`)
    text += `${disclosure}~`
  }
  return text
}

/**
 * Splits a presentation, or a bare record without `~`. At most one disclosure per group; a key-binding JWT (text after
 * the last `~`) is refused.
 */
export function parsePresentation(text: string): Result<Presentation, RecordFault> {
  const [jws = '', ...rest] = text.split('~')
  if (rest.length === 0) return ok({ jws, disclosures: [] })
  if (rest.pop() !== '')
    return refuse('malformed', 'Cannot read a presentation: expected `~` at its end')
  if (rest.length > GROUP_NAMES.length)
    return refuse('disclosure_repeated', 'Cannot read a presentation: more disclosures than groups')
  return ok({ jws, disclosures: rest })
}
