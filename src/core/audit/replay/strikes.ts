/**
 * Holds the strikes that facts list against those that a chain says: none ignored, none invented, none altered, each
 * reversal counted.
 *
 * Strikes are compared by hash (trace.ts). Findings name log indexes, so that whoever may can look the strike up. What a
 * view may honestly have missed (a co-host's newest strikes) is its `unseen`. Next: chain-replay.ts.
 */
import type { FindingCode } from '../findings.ts'
import { HASH_CHARS, ROW_CHARS } from './trace.ts'

/** Where and when something was logged. */
export interface Logged {
  /** Null: in the log before this one. */
  readonly index: number | null
  /** Instant of its record. */
  readonly at: number
  /** Seconds of the log's own time (log-time.ts). */
  readonly logged: number
}

export interface KnownStrike extends Logged {
  /** Hash of the id, and of what it says. */
  readonly id: string
  readonly said: string
  /** Beginning of its record's leaf in base64url; empty when it is known from facts alone. */
  readonly leaf: string
  readonly reversal: Logged | null
  /** Its contents were removed: facts may list it or not. */
  readonly gone: boolean
}

/** How much the facts at hand must show of what is known. */
export interface StrikeView {
  /** False when the chain may hold strikes and reversals that were not opened. */
  readonly complete: boolean
  /** True for what may honestly have come too late. */
  readonly unseen: (event: Logged) => boolean
  /** `` for the subject itself, ` of co-host 1` and so on. */
  readonly whose: string
}

export interface StrikeFault {
  readonly code: FindingCode
  readonly message: string
}

export interface StrikeJudgement {
  readonly faults: readonly StrikeFault[]
  /** What would be a fault, had it been logged earlier. */
  readonly excused: number
}

const RIGHT: StrikeJudgement = { faults: [], excused: 0 }

/** One strike as facts list it. */
interface Listed {
  readonly said: string
  readonly reversed: boolean
}

/** Judges one host's list, rows end to end. */
export function judgeStrikes(
  known: readonly KnownStrike[],
  rows: string,
  view: StrikeView,
): StrikeJudgement {
  if (rows === expectedRows(known)) return RIGHT
  const { listed, faults } = listedIn(rows, view)
  let excused = 0
  for (const strike of known) {
    const row = listed.get(strike.id)
    listed.delete(strike.id)
    const fault = row === undefined ? missing(strike, view) : differing(strike, row, view)
    if (fault === 'excused') excused++
    else if (fault !== null) faults.push(fault)
  }
  if (view.complete && listed.size > 0)
    faults.push({ code: 'strike_invented', message: inventedWords(listed.size, view) })
  return { faults, excused }
}

function inventedWords(count: number, { whose }: StrikeView): string {
  const strikes = count === 1 ? `a strike${whose}` : `${count} strikes${whose}`
  return `The facts list ${strikes} that no record of the chain holds`
}

/** What facts list when nothing is wrong, in the order of the chain. */
function expectedRows(known: readonly KnownStrike[]): string {
  let rows = ''
  for (const { id, said, reversal, gone } of known)
    if (!gone) rows += `${id}${said}${reversal === null ? 'a' : 'r'}`
  return rows
}

/** Takes rows apart. */
export function* rowsIn(rows: string): Generator<Listed & { readonly id: string }> {
  for (let from = 0; from < rows.length; from += ROW_CHARS) {
    const id = rows.slice(from, from + HASH_CHARS)
    const said = rows.slice(from + HASH_CHARS, from + 2 * HASH_CHARS)
    yield { id, said, reversed: rows[from + 2 * HASH_CHARS] === 'r' }
  }
}

function listedIn(
  rows: string,
  { whose }: StrikeView,
): { readonly listed: Map<string, Listed>; readonly faults: StrikeFault[] } {
  const listed = new Map<string, Listed>()
  const faults: StrikeFault[] = []
  for (const { id, ...row } of rowsIn(rows)) {
    if (listed.has(id))
      faults.push({ code: 'strike_invented', message: `The facts list a strike${whose} twice` })
    listed.set(id, row)
  }
  return { listed, faults }
}

type Fault = StrikeFault | 'excused' | null

function missing(strike: KnownStrike, view: StrikeView): Fault {
  if (strike.gone) return null
  if (view.unseen(strike)) return 'excused'
  const message = `The facts lack the strike${view.whose} ${placeOf(strike)}`
  return { code: 'strike_ignored', message }
}

function differing(
  strike: KnownStrike,
  row: Listed,
  { whose, complete, unseen }: StrikeView,
): Fault {
  const which = `the strike${whose} ${placeOf(strike)}`
  if (row.said !== strike.said)
    return { code: 'strike_altered', message: `The facts say something else of ${which}` }
  if (row.reversed && strike.reversal === null)
    return complete && !strike.gone
      ? {
          code: 'reversal_invented',
          message: `The facts call ${which} reversed; nothing reversed it`,
        }
      : null
  if (row.reversed || strike.reversal === null) return null
  if (unseen(strike.reversal)) return 'excused'
  return {
    code: 'reversal_ignored',
    message: `The facts count ${which}, which was reversed ${placeOf(strike.reversal)}`,
  }
}

function placeOf({ index }: Logged): string {
  return index === null ? 'in the log before' : `at index ${index}`
}

/** What is known once facts are believed for want of records: their rows, with what was known of each. */
export function learnt(
  known: readonly KnownStrike[],
  rows: string,
  now: Logged,
): readonly KnownStrike[] {
  const before = new Map(known.map((strike) => [strike.id, strike]))
  return [...rowsIn(rows)].map(({ id, said, reversed }) => {
    const base = before.get(id) ?? { id, said, leaf: '', reversal: null, gone: false, ...now }
    return reversed && base.reversal === null ? { ...base, reversal: now } : base
  })
}
