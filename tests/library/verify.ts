// verify.ts: what anybody who was given a record can check with the gate's JWKS alone
import {
  keyRing,
  openDisclosures,
  parseJwks,
  parsePresentation,
  verifyRecord,
} from '../../src/index.ts'

export async function whatWasDecided(record: string, jwks: unknown): Promise<string> {
  const keys = parseJwks(jwks)
  const presented = parsePresentation(record)
  if (!keys.ok || !presented.ok) return 'unreadable'
  const verified = await verifyRecord(presented.value.jws, keyRing(keys.value))
  if (!verified.ok) return verified.error.code
  const { value } = verified
  if (value.kind !== 'decision') return 'no decision'
  const commitment = { kind: value.kind, digests: value.claims._sd ?? [] }
  const opened = openDisclosures(commitment, presented.value.disclosures)
  if (!opened.ok) return opened.error.code
  return `${value.claims.outcome} for ${opened.value.subject?.subject}`
}
