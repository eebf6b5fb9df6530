/**
 * Where one thread has the bundles it works on: reads those of a directory itself, scans them, and keeps of each what is
 * needed until its signatures, and its decisions again, are asked for.
 *
 * Bytes are read once, so what is verified is what was hashed. Room is used again: a fresh array for each file costs more
 * than reading it. Judgement lies in bundle-scan.ts and bundle-signatures.ts.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Finding } from '../../core/audit/findings.ts'
import type { RangeResult } from '../../core/audit/range.ts'
import { type LogBook, LogPlans } from '../../core/audit/replay/log-plans.ts'
import {
  Derivation,
  type Evaluated,
  type ReplayResult,
  rederive,
} from '../../core/audit/replay/rederive.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { type BundlePart, type PackedScan, scanBundle } from './bundle-scan.ts'
import { verifyBundle } from './bundle-signatures.ts'
import { type DisclosureIndex, openIndex } from './disclosure-index.ts'

/** A bundle to look at, and its bytes or the file they are in. */
export interface BundleJob extends BundlePart {
  readonly bundle: Uint8Array | string
}

/** What is asked about a bundle once everything before it has been judged. */
export interface Question {
  /** `audit.keys()`; null: its signatures are left out. */
  readonly keys: readonly RecordKey[] | null
  /** `audit.book()` where there is more in it than in the one given before; undefined for that one. */
  readonly book?: LogBook
}

export interface BundleResult {
  /** Null when signatures were left out. */
  readonly range: RangeResult | null
  readonly replay: ReplayResult
}

/** What a desk is for. */
export interface DeskTask {
  readonly disclosures: DisclosureIndex | null
  readonly signatures: boolean
  readonly replay: boolean
}

export interface BundleDesk {
  /** Null when the file cannot be read; nothing is kept then. */
  scan(id: number, job: BundleJob): PackedScan | null
  /** Verifies signatures and derives decisions of a bundle that was scanned, once, and lets it go. */
  verify(id: number, question: Question): BundleResult
  close(): void
}

interface Kept {
  readonly part: BundlePart
  /** Null when signatures are left out. */
  readonly bytes: Uint8Array | null
  /** Read here, so that its room may be used again. */
  readonly own: boolean
  /** Places of entries that are no records: their signatures say nothing. */
  readonly unreadable: ReadonlySet<number>
  /** Derived when it was scanned, and what has to wait for the book. */
  readonly derived: ReplayResult
  readonly evaluated: readonly Evaluated[]
}

/** One a thread. */
export function createDesk(task: DeskTask): BundleDesk {
  const { signatures, replay } = task
  const disclosures = task.disclosures === null ? null : openIndex(task.disclosures)
  const plans = new LogPlans()
  const kept = new Map<number, Kept>()
  const spare: Uint8Array[] = []

  function letGo({ bytes, own }: Pick<Kept, 'bytes' | 'own'>): void {
    if (own && bytes !== null && spare.length < MAX_SPARE) spare.push(new Uint8Array(bytes.buffer))
  }
  return {
    scan(id, { bundle, ...part }) {
      const own = typeof bundle === 'string'
      const bytes = own ? readInto(spare, bundle) : bundle
      if (bytes === null) return null
      const derived = createDerived(plans)
      const derive = derived.take
      const { scan, evaluated } = scanBundle(bytes, part, { disclosures, replay, derive })
      if (!signatures) letGo({ bytes, own })
      const waiting = { derived: derived.result(), evaluated, unreadable: unreadableOf(scan) }
      kept.set(id, { part, bytes: signatures ? bytes : null, own, ...waiting })
      return scan
    },
    verify(id, { keys, book }) {
      const bundle = kept.get(id)
      if (bundle === undefined) throw new TypeError(`there is no bundle ${id}`)
      kept.delete(id)
      if (book !== undefined) plans.learn(book)
      const { part, bytes, derived, evaluated, unreadable } = bundle
      const asked = keys === null ? null : { keys, unreadable }
      const range = asked === null || bytes === null ? null : verifyBundle(bytes, part, asked)
      letGo(bundle)
      return { range, replay: together(derived, rederive(evaluated, plans)) }
    },
    close: () => disclosures?.close(),
  }
}

const ALL_READ: ReadonlySet<number> = new Set()

function unreadableOf({ which, table }: PackedScan): ReadonlySet<number> {
  if (table.every((read) => !('fault' in read))) return ALL_READ
  const places = [...which.keys()]
  return new Set(places.filter((i) => 'fault' in (table[which[i] ?? 0] ?? {})))
}

/**
 * Decisions under policies that earlier bundles hold: what follows from those changes no more, and facts that are let go
 * at once are not carried along until signatures are asked for.
 */
function createDerived(plans: LogPlans): {
  readonly take: (one: Evaluated) => boolean
  readonly result: () => ReplayResult
} {
  const derivation = new Derivation()
  let before: { readonly one: Evaluated; readonly found: ReturnType<LogPlans['planFor']> } | null =
    null
  const take = (one: Evaluated): boolean => {
    const found =
      before !== null && areUnderOne(one, before.one) ? before.found : plans.planFor(one)
    if (found.is !== 'plan' && found.is !== 'unusable') return false
    before = { one, found }
    derivation.add(one, found)
    return true
  }
  return { take, result: () => derivation.result() }
}

/** Most decisions are made under what the one before them was made under. */
function areUnderOne(a: Evaluated, b: Evaluated): boolean {
  return a.policy === b.policy && a.revision === b.revision && a.engine === b.engine
}

function together(a: ReplayResult, b: ReplayResult): ReplayResult {
  return {
    replayed: a.replayed + b.replayed,
    other_engine: a.other_engine + b.other_engine,
    without_policy: a.without_policy + b.without_policy,
    findings: a.findings.length === 0 ? b.findings : [...a.findings, ...b.findings].sort(byIndex),
  }
}

function byIndex(a: Finding, b: Finding): number {
  return (a.index ?? 0) - (b.index ?? 0)
}

const MAX_SPARE = 32
const MAX_SPARE_BYTES: number = 4 * 1024 * 1024
/** Bundles differ a little in length: room is a multiple of this, so that it fits the next one too. */
const STEP: number = 64 * 1024

/** Null for whatever is not simply a file with something in it: the caller has the words for it. */
function readInto(spare: Uint8Array[], path: string): Uint8Array | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    const { size } = fstatSync(file)
    if (size === 0 || size > MAX_SPARE_BYTES) return null
    const fits = spare.findIndex((room) => room.length >= size)
    const [room = new Uint8Array(Math.ceil(size / STEP) * STEP)] =
      fits < 0 ? [] : spare.splice(fits, 1)
    let filled = 0
    while (filled < size) {
      const read = readSync(file, room, filled, size - filled, filled)
      if (read === 0) break
      filled += read
    }
    return room.subarray(0, filled)
  } catch {
    return null
  } finally {
    closeSync(file)
  }
}
