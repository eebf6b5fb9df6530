/**
 * Brings the records of this chain into the log: strictly in order, as often as it takes.
 *
 * A record without a place is in the outbox. Sending is idempotent (the log knows a record by its leaf hash), so after a
 * lost answer or a lost memory the same records are simply sent again: there is no other way to recover. A log that
 * holds something else at their place means that one of the two was rolled back: nothing is written any more.
 * Next stop: sequencer-object.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Outcome } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ChainKind, Change, Observe, SignedRecord } from '../../ports.ts'
import { bytes, integer, type Row, type Sql, text, textOrNull } from '../sqlite/sql.ts'
import type { Places } from './places.ts'
import { type ChainEntry, opened, type SequencerRpc } from './rpc.ts'

/** Records sent at once: 100 × 7 KB. More wait only after the log was away while somebody kept asking. */
export const SENT_AT_ONCE = 100

export interface Outbox {
  /** True while the log may lack a record that is written here. */
  waiting(): boolean
  /** True once the log holds another chain than this one: what waits here is not in it and never will be. */
  contradicted(): boolean
  /**
   * Resolves once the log has every record written so far. Rejects with `log_unavailable`, `overloaded` or `halted`;
   * whether the log has taken some is known at the next time.
   */
  drain(): Promise<void>
  /** The next to be sent, known without reading it: a record that was just written. */
  hold(entry: ChainEntry): void
}

export interface OutboxParts {
  readonly sql: Sql
  /** Name of this subject's object. */
  readonly object: string
  /** Records durable on this chain. */
  readonly size: () => number
  readonly places: Places
  readonly log: Pick<SequencerRpc, 'append'>
  readonly observe: Observe
}

export function createOutbox(parts: OutboxParts): Outbox {
  const { size, places } = parts
  let running: Promise<void> | null = null
  let forked: LivegateError | null = null
  let held: ChainEntry | null = null

  /** What waits is nearly always the one record that was just written. */
  function waiting(): readonly ChainEntry[] {
    const only = held
    held = null
    return only !== null && only.seq === size() && places.known() === size() - 1
      ? [only]
      : waitingEntries(parts)
  }

  async function send(): Promise<void> {
    if (forked !== null) throw forked
    const entries = waiting()
    try {
      const indexes = await opened(parts.log.append(behind(places, entries)))
      if (indexes.length !== entries.length) throw miscounted(indexes.length, entries.length)
      places.note(indexes)
    } catch (error) {
      const failure = failureOf(error)
      if (isContradiction(error)) {
        forked = failure
        parts.observe({ type: 'halted', why: failure.message })
      }
      throw failure
    }
  }

  return {
    waiting: () => places.known() < size(),
    contradicted: () => forked !== null,
    hold(entry) {
      held = entry
    },
    async drain() {
      const goal = size()
      // Fewer when a subject has moved in meanwhile: what waited has given way.
      while (places.known() < Math.min(goal, size())) {
        running ??= send().finally(() => {
          running = null
        })
        await running
      }
    },
  }
}

/** The first says which place the record before it has: a log that was set back does not know it. */
function behind(places: Places, [first, ...rest]: readonly ChainEntry[]): readonly ChainEntry[] {
  if (first === undefined) return []
  return [{ ...first, after: first.seq === 1 ? null : places.of(first.seq - 2) }, ...rest]
}

const WAITING = `SELECT idx, id, kind, at, outcome, mode, rules, leaf, jws
  FROM records WHERE idx >= ? ORDER BY idx LIMIT ${SENT_AT_ONCE}`
const RELIED_ON = 'SELECT idx, strike FROM reliance WHERE idx >= ? ORDER BY strike'

function waitingEntries({ sql, object, places }: OutboxParts): readonly ChainEntry[] {
  const from = places.known()
  const strikes = new Map<number, string[]>()
  for (const row of sql.all(RELIED_ON, from)) {
    const idx = integer(row, 'idx')
    strikes.set(idx, [...(strikes.get(idx) ?? []), text(row, 'strike')])
  }
  return sql
    .all(WAITING, from)
    .map((row) => entryOf(object, row, strikes.get(integer(row, 'idx')) ?? []))
}

function entryOf(object: string, row: Row, strikes: readonly string[]): ChainEntry {
  return {
    object,
    // Nothing else is in these tables: the n-th record of the chain is the n-th row.
    seq: integer(row, 'idx') + 1,
    at: integer(row, 'at') as EpochMs,
    record: {
      id: text(row, 'id'),
      kind: text(row, 'kind') as ChainKind,
      jws: text(row, 'jws'),
      leaf: bytes(row, 'leaf'),
    },
    decision: decisionOf(row, strikes),
  }
}

function decisionOf(row: Row, strikes: readonly string[]): ChainEntry['decision'] {
  const outcome = textOrNull(row, 'outcome')
  if (outcome === null) return null
  return {
    outcome: outcome as Outcome,
    mode: textOrNull(row, 'mode'),
    rules: JSON.parse(textOrNull(row, 'rules') ?? '[]') as string[],
    strikes,
  }
}

/** A change's record as it is sent, once it is written at `seq` of the chain; as `entryOf` would read it. */
export function entryOfChange(
  object: string,
  { at, decision }: Pick<Change, 'at' | 'decision'>,
  { seq, record }: { readonly seq: number; readonly record: SignedRecord },
): ChainEntry {
  const { id, kind, jws, leaf } = record
  return {
    ...{ object, seq, at },
    record: { id, kind: kind as ChainKind, jws, leaf },
    decision: decision === undefined ? null : { strikes: [], ...decision },
  }
}

/** Codes a caller of the ledger has to expect; anything else says nothing about what happened. */
const EXPECTED: ReadonlySet<string> = new Set(['log_unavailable', 'overloaded', 'halted'])

function failureOf(error: unknown): LivegateError {
  if (!(error instanceof LivegateError)) throw error
  if (error.code === 'conflict') return contradicted(error)
  if (EXPECTED.has(error.code)) return error
  return new LivegateError('log_unavailable', 'Cannot log: the log did not take the record', {
    cause: error,
    retry_after_s: 1,
  })
}

/** True for what no waiting mends; that the log halted may be mended over there. */
function isContradiction(error: unknown): boolean {
  return error instanceof LivegateError && error.code === 'conflict'
}

function contradicted(cause: LivegateError): LivegateError {
  return new LivegateError(
    'halted',
    `${cause.message}; expected the log to go on with the chain that is stored here`,
    { cause, hint: 'One of the two was rolled back; restore both from the same moment.' },
  )
}

function miscounted(got: number, sent: number): LivegateError {
  return new LivegateError(
    'halted',
    `Cannot log: the log gave ${got} places for ${sent} records, expected as many`,
  )
}
