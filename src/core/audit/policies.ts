/**
 * Puts policy texts together as they appear in the log, so that a decision under a text nobody logged is noticed.
 *
 * Complete texts are kept: replay needs them. Spec: docs/spec/record.md, "Policy text".
 */
import { fromBase64Url, toBase64Url } from '../encoding.ts'
import type { OwnClaims } from '../record/groups.ts'
import type { Hasher } from '../record/hashing.ts'
import { joinPolicyParts } from '../record/policy-parts.ts'
import type { Findings } from './findings.ts'

type PolicyPart = OwnClaims['policy']

export interface PolicyState {
  readonly texts: Readonly<Record<string, string>>
  readonly parts: readonly PolicyPart[]
}

export class PolicyShelf {
  readonly #texts = new Map<string, Uint8Array>()
  readonly #parts = new Map<string, Map<number, PolicyPart>>()
  readonly #hasher: Hasher

  constructor(hasher: Hasher, state: PolicyState = { texts: {}, parts: [] }) {
    this.#hasher = hasher
    for (const [digest, text] of Object.entries(state.texts))
      this.#texts.set(digest, fromBase64Url(text) ?? new Uint8Array(0))
    for (const part of state.parts) this.#partsOf(part.digest).set(part.part, part)
  }

  /** Digest to exact bytes of every revision completely in the log so far. */
  texts(): ReadonlyMap<string, Uint8Array> {
    return this.#texts
  }

  state(): PolicyState {
    const texts = [...this.#texts].map(([digest, bytes]) => [digest, toBase64Url(bytes)] as const)
    const parts = [...this.#parts.values()].flatMap((some) => [...some.values()])
    return { texts: Object.fromEntries(texts), parts }
  }

  add({ digest, part, of, text }: PolicyPart, index: number, findings: Findings): void {
    if (part > of) findings.add('policy_parts', index, `Part ${part} of ${of} cannot be`)
    if (this.#texts.has(digest) || part > of) return
    const parts = this.#partsOf(digest)
    parts.set(part, { digest, part, of, text })
    if (parts.size < of) return
    const joined = joinPolicyParts(parts.values(), this.#hasher)
    if (joined.ok) this.#texts.set(digest, joined.value)
    else
      findings.add('policy_parts', index, `Parts of policy ${digest} do not fit: ${joined.error}`)
    this.#parts.delete(digest)
  }

  /** A record relies on a revision: its text must be there by now. */
  require(digest: string | undefined, index: number, findings: Findings): void {
    if (digest !== undefined && !this.#texts.has(digest))
      findings.add(
        'policy_not_logged',
        index,
        `Policy ${digest} is used before its complete text is in the log`,
      )
  }

  #partsOf(digest: string): Map<number, PolicyPart> {
    const parts = this.#parts.get(digest) ?? new Map<number, PolicyPart>()
    this.#parts.set(digest, parts)
    return parts
  }
}
