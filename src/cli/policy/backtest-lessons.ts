/**
 * Finds policies and activations among the entries of a log as it goes by: they precede the decisions that rely on them.
 *
 * Headers are compared, not parsed: nearly all entries are of another kind. From: backtest-run.ts.
 */
import { textFromBase64Url } from '../../core/encoding.ts'
import type { Activation } from '../../core/model.ts'
import type { OwnClaims } from '../../core/record/groups.ts'
import { typOf } from '../../core/record/kinds.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { joinPolicyParts } from '../../core/record/policy-parts.ts'
import { nodeHasher } from '../log/ed25519.ts'
import type { Lesson } from './backtest-desk.ts'

export interface Lessons {
  /** What these entries teach; null for nothing. Call it in the order of the log. */
  of(entries: readonly Uint8Array[]): Lesson | null
}

const DOT = 0x2e
/** A log has one header for each kind and key; a hostile one has more, and must not fill the memory. */
const MAX_HEADERS = 1024

export function createLessons(): Lessons {
  const headers = new Map<string, boolean>()
  const parts = new Map<string, OwnClaims['policy'][]>()

  function teaches(entry: Buffer): boolean {
    const header = entry.toString('latin1', 0, Math.max(0, entry.indexOf(DOT)))
    const known = headers.get(header)
    if (known !== undefined) return known
    if (headers.size >= MAX_HEADERS) headers.clear()
    const text = textFromBase64Url(header) ?? ''
    const does = [typOf('policy'), typOf('activation')].some((typ) => text.includes(`"${typ}"`))
    headers.set(header, does)
    return does
  }

  /** The whole text, when this was its last part. */
  function joined(claims: OwnClaims['policy']): Uint8Array | null {
    const { digest, of } = claims
    const known = [...(parts.get(digest) ?? []), claims]
    parts.set(digest, known)
    if (known.length < of) return null
    const text = joinPolicyParts(known, nodeHasher)
    if (text.ok) parts.delete(digest)
    return text.ok ? text.value : null
  }

  return {
    of(entries) {
      const texts: { digest: string; bytes: Uint8Array }[] = []
      const activations: Activation[] = []
      for (const entry of entries) {
        const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.length)
        if (!teaches(bytes)) continue
        const parsed = parseRecord(bytes.toString('latin1'))
        if (!parsed.ok) continue
        const { kind, claims } = parsed.value
        if (kind === 'activation') activations.push({ ...claims, note: claims.note ?? null })
        if (kind !== 'policy') continue
        const text = joined(claims)
        if (text !== null) texts.push({ digest: claims.digest, bytes: text })
      }
      return texts.length === 0 && activations.length === 0 ? null : { texts, activations }
    },
  }
}
