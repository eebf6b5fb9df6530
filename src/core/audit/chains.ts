/**
 * Follows every subject's chain: seq without gaps from 1, prev right, `at` never falling.
 *
 * Works on opened `chain` groups only. A link that is missing while enough entries in between were not opened may be
 * one of those: that is a notice, not a lie. A byte-identical repeat of one of a chain's last 16 records (a writer that
 * lost its acknowledgement) is legal; any other record at a known seq is a fork. Where a log goes on with the chains of
 * another, they begin where they ended there. Spec: docs/spec/record.md, "Chains".
 */
import type { ChainGroup } from '../record/groups.ts'
import type { Findings } from './findings.ts'

/** Records of one chain a repeat may repeat: a subject's outbox never holds as many. */
const REPEATABLE = 16

/** As stored between two audits. */
export interface ChainHead {
  readonly seq: number
  readonly at: number
  /** Chain entries not opened before this head was met. */
  readonly unopened: number
  /** Leaf hashes (base64url) of the last records, the head's last. */
  readonly leaves: readonly string[]
  /** Index of its first record in this log; absent while all of them are in the log before. */
  readonly first?: number
}

/** As stored between two audits, or handed from a log that ended to the one that goes on. */
export interface ChainsState {
  readonly heads: Readonly<Record<string, ChainHead>>
  readonly unopened: number
  /** True when chains may have begun in a log that was not audited. */
  readonly elsewhere?: boolean
}

export interface Link {
  readonly index: number
  /** base64url. */
  readonly leaf: string
  readonly chain: ChainGroup
}

/** How a record joined its chain. */
export interface Linked {
  /** `next`: right after the one before; `gap`: with others missing in between; `again`: not a new link. */
  readonly is: 'next' | 'gap' | 'again'
  /** Instant of the record before it; null for the first one known. */
  readonly before: number | null
}

const AGAIN: Linked = { is: 'again', before: null }

export class Chains {
  readonly #heads: Map<string, ChainHead>
  #unopened: number
  #elsewhere: boolean
  #repeats = 0

  constructor(state: ChainsState = { heads: {}, unopened: 0 }) {
    this.#heads = new Map(Object.entries(state.heads))
    this.#unopened = state.unopened
    this.#elsewhere = state.elsewhere === true
  }

  /** True once a chain record was met, or chains of another log were taken over. */
  begun(): boolean {
    return this.#heads.size > 0 || this.#unopened > 0
  }

  /** Goes on with the chains of a log that ended, as if this one were its next entries. Before any link. */
  follow({ heads, unopened, elsewhere = false }: ChainsState): void {
    for (const [sub, { seq, at, unopened, leaves }] of Object.entries(heads))
      this.#heads.set(sub, { seq, at, unopened, leaves })
    this.#unopened += unopened
    this.#elsewhere ||= elsewhere
  }

  /** A chain record whose group `chain` nobody opened. */
  unopened(): void {
    this.#unopened++
  }

  link({ index, leaf, chain }: Link, findings: Findings): Linked {
    const head = this.#heads.get(chain.sub)
    if (head !== undefined && chain.seq <= head.seq) {
      if (head.first === undefined) this.#heads.set(chain.sub, { ...head, first: index })
      const back = head.leaves.length - 1 - (head.seq - chain.seq)
      if (head.leaves[back] === leaf) this.#repeats++
      else
        findings.add('chain_fork', index, `Seq ${chain.seq} of a chain is there with other bytes`)
      return AGAIN
    }
    const missing = chain.seq - (head?.seq ?? 0) - 1
    if (missing > 0) this.#gap(missing, index, head, findings)
    else if (chain.prev !== (head?.leaves.at(-1) ?? null))
      findings.add(
        'chain_prev',
        index,
        `Seq ${chain.seq} of a chain does not name the record before it`,
      )
    if (head !== undefined && chain.at < head.at)
      findings.add(
        'chain_time',
        index,
        `Seq ${chain.seq} of a chain is ${head.at - chain.at} ms earlier than the record before it`,
      )
    const before = missing > 0 ? [] : (head?.leaves ?? [])
    this.#advance({ index: head?.first ?? index, leaf, chain }, before)
    return { is: missing > 0 ? 'gap' : 'next', before: head?.at ?? null }
  }

  /** Where a chain stands; null for one that was not met. */
  headOf(sub: string): Pick<ChainHead, 'seq' | 'at'> | null {
    return this.#heads.get(sub) ?? null
  }

  /** Every chain that has records in this log, with the index of its first one here. */
  firsts(): ReadonlyMap<string, number> {
    const firsts = new Map<string, number>()
    for (const [sub, { first }] of this.#heads) if (first !== undefined) firsts.set(sub, first)
    return firsts
  }

  state(): ChainsState {
    const heads = Object.fromEntries(this.#heads)
    return {
      ...{ heads, unopened: this.#unopened },
      ...(this.#elsewhere ? { elsewhere: true } : {}),
    }
  }

  counts(): { readonly subjects: number; readonly repeats: number } {
    return { subjects: this.#heads.size, repeats: this.#repeats }
  }

  #gap(missing: number, index: number, head: ChainHead | undefined, findings: Findings): void {
    const unopened = this.#unopened - (head?.unopened ?? 0)
    const message = `${missing} records are missing in a chain before this one; ${unopened} entries in between were not opened`
    if (head === undefined && this.#elsewhere)
      findings.note('chain_elsewhere', index, `${missing} records of a chain are in another log`)
    else if (unopened >= missing) findings.note('chain_unopened', index, message)
    else findings.add('chain_gap', index, message)
  }

  #advance({ index: first, leaf, chain }: Link, before: readonly string[]): void {
    const { sub, seq, at } = chain
    const leaves = [...before.slice(1 - REPEATABLE), leaf]
    this.#heads.set(sub, { seq, at, unopened: this.#unopened, leaves, first })
  }
}
