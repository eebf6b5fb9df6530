/**
 * Subjects whose data was erased: that the log says so, how many records of theirs stay proven, and that nothing follows
 * on a chain that was ended so.
 *
 * Erasure removes openings, never entries: inclusion and order of what was logged are still shown. Contents removed for
 * their age (scope `retention`) end nothing. Spec: docs/spec/record.md, "Auditing".
 */
import type { OwnClaims } from '../record/groups.ts'
import type { Findings } from './findings.ts'

/** Pseudonym and records on the chain, of each erased subject; as stored between two audits. */
export type ErasureState = readonly (readonly [sub: string, records: number])[]

export class Erasures {
  readonly #erased: Map<string, number>

  constructor(state: ErasureState = []) {
    this.#erased = new Map(state)
  }

  /** `known` is the newest `seq` of the chain that was opened; null without one. */
  learn(
    { sub, scope, last_seq = 0 }: OwnClaims['erasure'],
    at: { readonly index: number; readonly known: number | null },
    findings: Findings,
  ): void {
    findings.note(
      'erasure',
      at.index,
      scope === 'retention'
        ? 'Contents of a subject were removed for their age'
        : `A subject was erased (${scope})`,
    )
    if (scope === 'retention') return
    if (at.known !== null && at.known > last_seq)
      findings.add(
        'erased_chain',
        at.index,
        `The erasure names ${last_seq} as the last of a chain that has ${at.known}`,
      )
    this.#erased.set(sub, Math.max(last_seq, this.#erased.get(sub) ?? 0))
  }

  /** A new record of a chain. */
  require(sub: string, index: number, findings: Findings): void {
    if (this.#erased.has(sub))
      findings.add('erased_chain', index, 'A record follows on the chain of an erased subject')
  }

  has(sub: string): boolean {
    return this.#erased.has(sub)
  }

  counts(): { readonly erased: number; readonly erased_records: number } {
    let records = 0
    for (const count of this.#erased.values()) records += count
    return { erased: this.#erased.size, erased_records: records }
  }

  state(): ErasureState {
    return [...this.#erased]
  }
}
