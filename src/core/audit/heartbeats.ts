/**
 * Recounts what heartbeats claim: each begins where the previous one ended and totals the entries it covers by kind.
 *
 * One byte per entry since the last heartbeat is remembered. Heartbeats show liveness and truncation only; completeness
 * rests on chains and receipts. Spec: docs/spec/record.md, "Heartbeats".
 */
import type { OwnClaims } from '../record/groups.ts'
import { RECORD_KINDS, type RecordKind } from '../record/kinds.ts'
import type { Findings } from './findings.ts'

/** Entries that could not be read have no kind and match no total. */
const UNREADABLE = RECORD_KINDS.length

export interface HeartbeatState {
  /** First index no heartbeat covers yet. */
  readonly next: number
  /** Runs of kinds from `next` on, -1 for unreadable entries. */
  readonly runs: readonly (readonly [kind: number, count: number])[]
}

export class Heartbeats {
  #next: number
  #kinds = new Uint8Array(1024)
  #length = 0

  constructor(state: HeartbeatState = { next: 0, runs: [] }) {
    this.#next = state.next
    for (const [kind, count] of state.runs)
      for (let i = 0; i < count; i++) this.#push(kind < 0 ? UNREADABLE : kind)
  }

  /** Called for every index once, in order, before `check` of that same index. */
  entry(kind: RecordKind | null): void {
    this.#push(kind === null ? UNREADABLE : RECORD_KINDS.indexOf(kind))
  }

  check(claims: OwnClaims['heartbeat'], index: number, findings: Findings): void {
    const { from_index: from, to_index: to } = claims
    if (from !== this.#next || to < from || to > index) {
      findings.add(
        'heartbeat_gap',
        index,
        `Heartbeat covers [${from}, ${to}), expected [${this.#next}, at most ${index})`,
      )
      this.#drop(Math.min(to, index) - this.#next)
      return
    }
    const counted = this.#totals(to - from)
    const differing = RECORD_KINDS.filter((kind, i) => (claims.totals[kind] ?? 0) !== counted[i])
    if (differing.length > 0)
      findings.add(
        'heartbeat_totals',
        index,
        `Heartbeat counts other totals than entries ${from} to ${to - 1}: ${differing.join(', ')}`,
      )
    this.#drop(to - from)
  }

  state(): HeartbeatState {
    const runs: [number, number][] = []
    for (const code of this.#kinds.subarray(0, this.#length)) {
      const kind = code === UNREADABLE ? -1 : code
      const last = runs.at(-1)
      if (last?.[0] === kind) last[1]++
      else runs.push([kind, 1])
    }
    return { next: this.#next, runs }
  }

  /** Entries after the last heartbeat's end: covered by none yet. */
  uncovered(): number {
    return this.#length
  }

  #push(code: number): void {
    if (this.#length === this.#kinds.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#kinds)
      this.#kinds = larger
    }
    this.#kinds[this.#length++] = code
  }

  #totals(count: number): number[] {
    const totals = new Array<number>(RECORD_KINDS.length + 1).fill(0)
    for (const code of this.#kinds.subarray(0, count)) totals[code] = (totals[code] ?? 0) + 1
    return totals
  }

  #drop(count: number): void {
    const dropped = Math.max(0, Math.min(count, this.#length))
    this.#kinds.copyWithin(0, dropped, this.#length)
    this.#length -= dropped
    this.#next += dropped
  }
}
