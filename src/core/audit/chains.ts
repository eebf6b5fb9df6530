/**
 * Follows every subject's chain: seq without gaps from 1, prev right, `at` never falling.
 *
 * Works on opened `chain` groups only. A link that is missing while enough entries in between were not opened may be
 * one of those: that is a notice, not a lie. A byte-identical repeat of one of a chain's last 16 records (a writer that
 * lost its acknowledgement) is legal; any other record at a known seq is a fork. Where a log goes on with the chains of
 * another, they begin where they ended there. Spec: docs/spec/record.md, "Chains".
 */
import { fromAscii, utf8 } from '../encoding.ts'
import type { ChainGroup } from '../record/groups.ts'
import type { Findings } from './findings.ts'

/** Records of one chain a repeat may repeat: a subject's outbox never holds as many. */
const REPEATABLE = 16

/** Characters kept of a leaf that is not the newest: 132 bits tell a repeat from another record. */
const SHORT = 22

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

/** In memory: a chain is a few hundred bytes, and there are as many as subjects. */
interface Head {
  readonly seq: number
  readonly at: number
  readonly unopened: number
  /** Null while all of its records are in the log before. */
  readonly first: number | null
  /** Leaf of the newest record. */
  readonly leaf: string
  /** Beginnings of the leaves before it, end to end. */
  readonly older: string
}

export class Chains {
  readonly #heads: Map<string, Head>
  #unopened: number
  #elsewhere: boolean
  #repeats = 0

  constructor(state: ChainsState = { heads: {}, unopened: 0 }) {
    this.#heads = new Map(
      Object.entries(state.heads).map(([sub, head]): [string, Head] => [sub, headFrom(head)]),
    )
    this.#unopened = state.unopened
    this.#elsewhere = state.elsewhere === true
  }

  /** True once a chain record was met, or chains of another log were taken over. */
  begun(): boolean {
    return this.#heads.size > 0 || this.#unopened > 0
  }

  /** Goes on with the chains of a log that ended, as if this one were its next entries. Before any link. */
  follow({ heads, unopened, elsewhere = false }: ChainsState): void {
    for (const [sub, head] of Object.entries(heads))
      this.#heads.set(sub, { ...headFrom(head), first: null })
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
      if (head.first === null) this.#heads.set(chain.sub, { ...head, first: index })
      if (isRepeat(head, chain.seq, leaf)) this.#repeats++
      else
        findings.add('chain_fork', index, `Seq ${chain.seq} of a chain is there with other bytes`)
      return AGAIN
    }
    const missing = chain.seq - (head?.seq ?? 0) - 1
    if (missing > 0) this.#gap(missing, index, head, findings)
    else if (chain.prev !== (head?.leaf ?? null))
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
    const older = head === undefined ? '' : withGap(withLeaf(head.older, head.leaf), missing)
    this.#advance({ index: head?.first ?? index, leaf, chain }, older)
    return { is: missing > 0 ? 'gap' : 'next', before: head?.at ?? null }
  }

  /** Where a chain stands; null for one that was not met. */
  headOf(sub: string): Pick<ChainHead, 'seq' | 'at'> | null {
    return this.#heads.get(sub) ?? null
  }

  /** Every chain that has records in this log, with the index of its first one here. */
  firsts(): ReadonlyMap<string, number> {
    const firsts = new Map<string, number>()
    for (const [sub, { first }] of this.#heads) if (first !== null) firsts.set(sub, first)
    return firsts
  }

  state(): ChainsState {
    const heads = Object.fromEntries([...this.#heads].map(([sub, head]) => [sub, stored(head)]))
    return {
      ...{ heads, unopened: this.#unopened },
      ...(this.#elsewhere ? { elsewhere: true } : {}),
    }
  }

  counts(): { readonly subjects: number; readonly repeats: number } {
    return { subjects: this.#heads.size, repeats: this.#repeats }
  }

  #gap(missing: number, index: number, head: Head | undefined, findings: Findings): void {
    const unopened = this.#unopened - (head?.unopened ?? 0)
    const message = `${missing} records are missing in a chain before this one; ${unopened} entries in between were not opened`
    if (head === undefined && this.#elsewhere)
      findings.note('chain_elsewhere', index, `${missing} records of a chain are in another log`)
    else if (unopened >= missing) findings.note('chain_unopened', index, message)
    else findings.add('chain_gap', index, message)
  }

  #advance({ index: first, leaf, chain }: Link, older: string): void {
    const { sub, seq, at } = chain
    this.#heads.set(sub, { seq, at, unopened: this.#unopened, first, leaf, older })
  }
}

function headFrom({ seq, at, unopened, leaves, first }: ChainHead): Head {
  const [older, leaf] = typeof leaves === 'string' ? cutText(leaves) : cutList(leaves)
  return { seq, at, unopened, first: first ?? null, leaf, older: own(older) }
}

/** Beginnings of the leaves before the last, and the last. */
type Cut = readonly [older: string, leaf: string]

function cutList(leaves: readonly string[]): Cut {
  let older = ''
  for (const leaf of leaves.slice(0, -1).slice(1 - REPEATABLE)) older += leaf.slice(0, SHORT)
  return [older, leaves.at(-1) ?? '']
}

/** A chain has many; as a list they cost ten times as much as in one piece. */
function cutText(leaves: string): Cut {
  const last = leaves.lastIndexOf('.')
  const older = leaves.slice(0, Math.max(0, last))
  return USUAL.test(older)
    ? [older.replaceAll('.', ''), leaves.slice(last + 1)]
    : cutList(leaves.split('.'))
}

const USUAL = new RegExp(`^(?:[^.]{${SHORT}}(?:[.][^.]{${SHORT}}){0,${REPEATABLE - 2}})?$`)

function stored({ seq, at, unopened, first, leaf, older }: Head): ChainHead {
  const leaves = older.match(CUT) ?? []
  const head = { seq, at, unopened, leaves: [...leaves, leaf] }
  return first === null ? head : { ...head, first }
}

const CUT = new RegExp(`.{${SHORT}}`, 'g')

function withLeaf(older: string, leaf: string): string {
  return own(older.slice(-SHORT * (REPEATABLE - 2)) + leaf.slice(0, SHORT))
}

/** A text of its own: pieces would keep alive what they were cut from. */
function own(text: string): string {
  return fromAscii(utf8(text)) ?? text
}

/** Records that were not opened have their places too: a repeat of one before them is a repeat all the same. */
const NOBODY: string = 'A'.repeat(SHORT)

function withGap(older: string, missing: number): string {
  if (missing === 0) return older
  const filled = older + NOBODY.repeat(Math.min(missing, REPEATABLE - 1))
  return own(filled.slice(-SHORT * (REPEATABLE - 1)))
}

function isRepeat({ seq, leaf, older }: Head, which: number, other: string): boolean {
  if (which === seq) return other === leaf
  const end = older.length - SHORT * (seq - 1 - which)
  return end >= SHORT && older.slice(end - SHORT, end) === other.slice(0, SHORT)
}
