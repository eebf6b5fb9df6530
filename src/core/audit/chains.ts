/**
 * Follows every subject's chain: seq without gaps from 1, prev right, `at` never falling.
 *
 * Works on opened `chain` groups only. A link that is missing while enough entries in between were not opened may be
 * one of those: that is a notice, not a lie. A byte-identical repeat of one of a chain's last 16 records (a writer that
 * lost its acknowledgement) is legal; any other record at a known seq is a fork. Where a log goes on with the chains of
 * another, they begin where they ended there. Spec: docs/spec/record.md, "Chains".
 */
import type { ChainGroup } from '../record/groups.ts'
import { type ChainRow, ChainTable } from './chain-table.ts'
import type { Findings } from './findings.ts'
import { MAX_OLDER, SHORT_CHARS } from './leaf-list.ts'

/** As stored between two audits. */
export interface ChainHead {
  readonly seq: number
  readonly at: number
  /** Chain entries not opened before this head was met. */
  readonly unopened: number
  /** Leaf hashes (base64url) of the last records, the head's last and whole, of the others at least their beginning; joined by full stops, or in a list. */
  readonly leaves: readonly string[] | string
  /** Index of its first record in this log; absent while all of them are in the log before. */
  readonly first?: number
}

/** A chain as stored, by its pseudonym. */
export interface ChainState {
  readonly sub: string
  readonly head: ChainHead
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
  readonly #table: ChainTable
  #unopened: number
  #elsewhere: boolean
  #repeats = 0

  /** `seed`: any 32 bits the log does not know, so that it cannot choose pseudonyms that are slow to find. */
  constructor(state: ChainsState = { heads: {}, unopened: 0 }, seed = 0) {
    this.#table = new ChainTable(seed)
    for (const [sub, head] of Object.entries(state.heads)) this.adopt({ sub, head })
    this.#unopened = state.unopened
    this.#elsewhere = state.elsewhere === true
  }

  /** A chain as it stood after an earlier audit. Before any link. */
  adopt({ sub, head }: ChainState): void {
    const { seq, at, unopened, first = null, leaves } = head
    const row = this.#rowOf(sub)
    this.#table.set(row, { seq, at, unopened, first })
    this.#table.readLeaves(row, typeof leaves === 'string' ? leaves : leaves.join('.'))
  }

  /** True once a chain record was met, or chains of another log were taken over. */
  begun(): boolean {
    return this.#table.size > 0 || this.#unopened > 0
  }

  /** Goes on with the chains of a log that ended, as if this one were its next entries. Before any link. */
  follow({ heads, unopened, elsewhere = false }: ChainsState): void {
    for (const [sub, { first: _there, ...head }] of Object.entries(heads)) this.adopt({ sub, head })
    this.#unopened += unopened
    this.#elsewhere ||= elsewhere
  }

  /** A chain record whose group `chain` nobody opened. */
  unopened(): void {
    this.#unopened++
  }

  link({ index, leaf, chain }: Link, findings: Findings): Linked {
    const row = this.#table.find(chain.sub)
    const head = row < 0 ? null : this.#table.at(row)
    if (head !== null && chain.seq <= head.seq) {
      if (head.first === null) this.#table.set(row, { ...head, first: index })
      if (this.#isRepeat(row, head.seq - chain.seq, leaf)) this.#repeats++
      else
        findings.add('chain_fork', index, `Seq ${chain.seq} of a chain is there with other bytes`)
      return AGAIN
    }
    const missing = chain.seq - (head?.seq ?? 0) - 1
    if (missing > 0) this.#gap(missing, index, head, findings)
    else if (!this.#follows(row, chain.prev))
      findings.add(
        'chain_prev',
        index,
        `Seq ${chain.seq} of a chain does not name the record before it`,
      )
    if (head !== null && chain.at < head.at)
      findings.add(
        'chain_time',
        index,
        `Seq ${chain.seq} of a chain is ${head.at - chain.at} ms earlier than the record before it`,
      )
    this.#advance({ index: head?.first ?? index, leaf, chain }, row, missing)
    return { is: missing > 0 ? 'gap' : 'next', before: head?.at ?? null }
  }

  /** Where a chain stands; null for one that was not met. */
  headOf(sub: string): Pick<ChainHead, 'seq' | 'at'> | null {
    const row = this.#table.find(sub)
    return row < 0 ? null : this.#table.at(row)
  }

  /** Every chain that has records in this log, with the index of its first one here. */
  firsts(): ReadonlyMap<string, number> {
    const firsts = new Map<string, number>()
    for (let row = 0; row < this.#table.size; row++) {
      const { first } = this.#table.at(row)
      if (first !== null) firsts.set(this.#table.sub(row), first)
    }
    return firsts
  }

  /** `heads` false: without the chains themselves, which `each` gives one by one. */
  state({ heads = true }: { readonly heads?: boolean } = {}): ChainsState {
    const all = heads ? [...this.each()].map(({ sub, head }) => [sub, head] as const) : []
    return {
      ...{ heads: Object.fromEntries(all), unopened: this.#unopened },
      ...(this.#elsewhere ? { elsewhere: true } : {}),
    }
  }

  /** Every chain, as `adopt` takes it. */
  *each(): Generator<ChainState> {
    for (let row = 0; row < this.#table.size; row++)
      yield { sub: this.#table.sub(row), head: this.#stored(row) }
  }

  counts(): { readonly subjects: number; readonly repeats: number } {
    return { subjects: this.#table.size, repeats: this.#repeats }
  }

  #gap(missing: number, index: number, head: ChainRow | null, findings: Findings): void {
    const unopened = this.#unopened - (head?.unopened ?? 0)
    const message = `${missing} records are missing in a chain before this one; ${unopened} entries in between were not opened`
    if (head === null && this.#elsewhere)
      findings.note('chain_elsewhere', index, `${missing} records of a chain are in another log`)
    else if (unopened >= missing) findings.note('chain_unopened', index, message)
    else findings.add('chain_gap', index, message)
  }

  #follows(row: number, prev: string | null): boolean {
    if (row < 0 || prev === null) return row < 0 && prev === null
    return this.#table.isLeaf(row, prev)
  }

  #isRepeat(row: number, before: number, leaf: string): boolean {
    return before === 0 ? this.#table.isLeaf(row, leaf) : this.#table.isOlder(row, before, leaf)
  }

  /** Records that were not opened have their places too: a repeat of one before them is a repeat all the same. */
  #advance({ index: first, leaf, chain }: Link, known: number, missing: number): void {
    const row = known < 0 ? this.#table.add(chain.sub) : known
    if (known >= 0) {
      this.#table.age(row)
      for (let i = Math.min(missing, MAX_OLDER); i > 0; i--) this.#table.pushOlder(row, NOBODY)
    }
    this.#table.set(row, { seq: chain.seq, at: chain.at, unopened: this.#unopened, first })
    this.#table.setLeaf(row, leaf)
  }

  #rowOf(sub: string): number {
    const row = this.#table.find(sub)
    return row < 0 ? this.#table.add(sub) : row
  }

  #stored(row: number): ChainHead {
    const { seq, at, unopened, first } = this.#table.at(row)
    const leaves = [...this.#table.older(row), this.#table.leaf(row)]
    const head = { seq, at, unopened, leaves }
    return first === null ? head : { ...head, first }
  }
}

/** In the place of a record that was not opened. */
const NOBODY: string = 'A'.repeat(SHORT_CHARS)
