/**
 * Activations as their records say them, the other way round of `activationDraft`.
 */
import type { Activation } from '../model.ts'
import type { OwnClaims } from '../record/groups.ts'

/** The activation a record's claims tell, and nothing else of them. */
export function activationOf(claims: OwnClaims['activation']): Activation {
  const { revision, digest, name, active_from, scheduled, previous, cause, source, by } = claims
  const note = claims.note ?? null
  const what = { revision, digest, name, active_from, scheduled, previous }
  return { ...what, cause, source, by, note }
}
