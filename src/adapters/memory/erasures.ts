/**
 * The Erasures port in maps. What is erased is gone at once, so every erasure that has begun is done.
 *
 * Works on the shelves of ledger.ts and strips the openings of log.ts; polices its callers like they do.
 */

import { ERASURE_KNOWN_MS } from '../../core/limits.ts'
import { withoutCohosts } from '../../core/record/cohost-openings.ts'
import type {
  CommitFailure,
  CommitResult,
  Erasure,
  ErasureChange,
  ErasureCounts,
  Erasures,
  ForgetChange,
  LegalHold,
  Receipt,
  SignedRecord,
  StoredRecord,
  SubjectState,
} from '../../ports.ts'
import { checkRecord, demand, type Fates, fated } from './contract.ts'
import type { Shelves } from './ledger.ts'
import type { MemoryLog } from './log.ts'

/** Stream keys are in a map of their own (keys.ts). */
export interface OwnedKeys {
  count(subject: string): number
  drop(subject: string): void
}

export interface ErasureParts {
  readonly shelves: Shelves
  readonly log: MemoryLog
  readonly keys: OwnedKeys
  readonly fates: Fates
  /** The state as `Ledger.load` gives it. */
  readonly stateOf: (subject: string) => SubjectState
  /** Notes that a load was followed up; throws when there was none. */
  readonly followUp: (subject: string) => void
}

export function createMemoryErasures(parts: ErasureParts): Erasures {
  const { shelves, log, fates } = parts
  const holds = new Map<string, LegalHold>()
  const done = new Map<string, Erasure>()
  let newest = Number.NEGATIVE_INFINITY
  const find = (subject: string): Erasure | null => {
    const erasure = done.get(subject)
    return erasure !== undefined && newest - erasure.at < ERASURE_KNOWN_MS ? erasure : null
  }
  return {
    inventory: (subject) => inventory(parts, subject),
    find,
    finish: async (subject) => done.get(subject) ?? null,
    begin(change) {
      parts.followUp(change.subject)
      const { scope, suppressions } = change
      demand(scope === 'subject' || suppressions.length === 0, 'nothing outlives a full erasure')
      const chained = parts.stateOf(change.subject).seq > 0
      demand(chained === (change.record !== null), 'a chain ends with a record')
      return fated(fates, 'erasures.begin', () => {
        const error = refusalOf(parts, change)
        if (error !== null) return { ok: false, error }
        newest = Math.max(newest, change.at)
        const receipt = change.record === null ? null : log.place(change.record)
        erase(parts, change)
        done.set(change.subject, erasureOf(change, receipt))
        return { ok: true, receipt }
      })
    },
    leaves: (_subject, strikes) => {
      const leaves = strikes.map((strike) => recordsOfStrike(shelves, strike, 'strike')[0])
      return leaves.flatMap((record) => (record === undefined ? [] : [record.receipt.leaf]))
    },
    forget(change) {
      parts.followUp(change.subject)
      demand(change.strikes.length > 0, 'forgetting forgets something')
      return fated(fates, 'erasures.forget', () => forget(parts, change))
    },
    legalHold: (subject) => holds.get(subject) ?? null,
    hold: (hold) => fated(fates, 'erasures.hold', () => void holds.set(hold.subject, hold)),
    lift: (subject) => fated(fates, 'erasures.lift', () => holds.delete(subject)),
    chain: (subject, { before_seq, limit }) =>
      shelves.records
        .map(({ record }) => record)
        .filter((one) => one.subject === subject && (before_seq === null || one.seq < before_seq))
        .sort((a, b) => b.seq - a.seq)
        .slice(0, limit),
  }
}

function inventory({ shelves, keys }: ErasureParts, subject: string): ErasureCounts | null {
  const state = shelves.states.get(subject)
  const stream_keys = keys.count(subject)
  const appearances = shelves.records.filter(({ cohosts }) => cohosts.includes(subject)).length
  const counts = {
    records: state?.seq ?? 0,
    strikes: state?.strikes.length ?? 0,
    facts: Object.keys(state?.facts ?? {}).length,
    holds: state?.holds.length ?? 0,
    reviews: state?.reviews.length ?? 0,
    broadcasts: state?.broadcasts.length ?? 0,
    ...{ appearances, stream_keys },
  }
  return state === undefined && stream_keys === 0 && appearances === 0 ? null : counts
}

function refusalOf(
  { shelves, log, stateOf }: ErasureParts,
  change: Pick<ErasureChange | ForgetChange, 'subject' | 'expect' | 'requires' | 'record'>,
): CommitFailure | null {
  const { expect, requires, record } = change
  if (record !== null) checkRecord(record as SignedRecord)
  if (!requires.every((name) => log.log.has(name))) return 'requires'
  const { seq, head, version } = shelves.states.get(change.subject) ?? stateOf(change.subject)
  const same = expect.seq === seq && expect.head === head && expect.version === version
  return same ? null : 'conflict'
}

function erase({ shelves, log, keys }: ErasureParts, change: ErasureChange): void {
  const { subject, suppressions } = change
  const state = shelves.states.get(subject)
  for (const { id } of state?.strikes ?? []) shelves.owners.delete(id)
  for (const scope of [...shelves.answers.keys()])
    if ((JSON.parse(scope) as string[])[1] === subject) shelves.answers.delete(scope)
  const own = shelves.records.filter(({ record }) => record.subject === subject)
  for (const { record } of own) log.strip(record.receipt.index, () => ({}))
  for (const [i, kept] of shelves.records.entries()) {
    const { record, cohosts } = kept
    if (record.subject === subject || !cohosts.includes(subject)) continue
    log.strip(record.receipt.index, withoutCohosts)
    shelves.records[i] = {
      ...kept,
      record: { ...record, openings: withoutCohosts(record.openings) },
      cohosts: cohosts.filter((cohost) => cohost !== subject),
    }
  }
  const left = shelves.records.filter(({ record }) => record.subject !== subject)
  shelves.records.splice(0, shelves.records.length, ...left)
  if (state?.pseudonym != null) shelves.ended.add(state.pseudonym)
  shelves.states.delete(subject)
  keys.drop(subject)
  if (suppressions.length === 0) shelves.suppressions.delete(subject)
  else shelves.suppressions.set(subject, suppressions)
}

function erasureOf(change: ErasureChange, receipt: Receipt | null): Erasure {
  const { scope, at, record, counts, suppressions } = change
  const suppressed = suppressions.length
  return { scope, at, state: 'done', record: record?.id ?? null, receipt, counts, suppressed }
}

function forget(parts: ErasureParts, change: ForgetChange): CommitResult {
  const { shelves, log } = parts
  const error = refusalOf(parts, change)
  if (error !== null) return { ok: false, error }
  const state = parts.stateOf(change.subject)
  if (!change.strikes.every((id) => state.strikes.some((strike) => strike.id === id)))
    return { ok: false, error: 'conflict' }
  const receipt = log.place(change.record)
  for (const strike of change.strikes) {
    shelves.owners.delete(strike)
    for (const record of [
      ...recordsOfStrike(shelves, strike, 'strike'),
      ...recordsOfStrike(shelves, strike, 'reversal'),
    ]) {
      log.strip(record.receipt.index, () => ({}))
      const i = shelves.records.findIndex((kept) => kept.record === record)
      const kept = shelves.records[i]
      if (kept !== undefined) shelves.records[i] = { ...kept, record: { ...record, openings: {} } }
    }
  }
  const { suppressions: _kept, ...stored } = state
  const strikes = state.strikes.filter(({ id }) => !change.strikes.includes(id))
  shelves.states.set(change.subject, { ...stored, strikes, version: state.version + 1 })
  return { ok: true, receipt }
}

function recordsOfStrike(
  { records }: Shelves,
  strike: string,
  kind: 'strike' | 'reversal',
): readonly StoredRecord[] {
  return records
    .filter(({ record, about }) => record.kind === kind && about === strike)
    .map(({ record }) => record)
}
