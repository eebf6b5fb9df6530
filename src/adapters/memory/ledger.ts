/**
 * The Ledger and Directory ports in maps, written independently of the SQL ones: each checks the other.
 *
 * Polices its port (contract.ts): a commit needs a load before it, must change something, carries a leaf that is the
 * hash of its bytes, and never lets a chain's instant fall. Duties: ports.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { MAX_RELYING } from '../../core/limits.ts'
import type { Outcome, Strike, Suppression } from '../../core/model.ts'
import { cohostsIn, withoutCohosts } from '../../core/record/cohost-openings.ts'
import type {
  ChainKind,
  Change,
  CommitFailure,
  CommitResult,
  DecisionSearch,
  Directory,
  IdempotentAnswer,
  Ledger,
  ReviewQueue,
  StoredRecord,
  SubjectState,
} from '../../ports.ts'
import { checkRecord, demand, type Fates, fated } from './contract.ts'
import type { MemoryLog } from './log.ts'
import { asked, createMemoryReviews, said } from './reviews.ts'

const MAX_REFUSALS = 16
const MAX_HOLDS = 256
const NOBODY: SubjectState = {
  pseudonym: null,
  seq: 0,
  head: null,
  last_at: null,
  version: 0,
  strikes: [],
  facts: {},
  holds: [],
  reviews: [],
  broadcasts: [],
  refusals: [],
}

interface Kept {
  readonly record: StoredRecord
  readonly decision: Change['decision']
  readonly cohosts: readonly string[]
  /** The strike it records or reverses. */
  readonly about: string | null
}

/** Everything there is, for whoever has to forget some of it (erasures.ts). */
export interface Shelves {
  readonly states: Map<string, SubjectState>
  /** Strike id to subject. */
  readonly owners: Map<string, string>
  readonly answers: Map<string, IdempotentAnswer>
  readonly suppressions: Map<string, readonly Suppression[]>
  /** Pseudonyms of chains that were erased. */
  readonly ended: Set<string>
  /** In the order of the log. */
  readonly records: Kept[]
}

export interface MemoryHistory {
  readonly ledger: Ledger
  readonly directory: Directory
  readonly reviews: ReviewQueue
  readonly shelves: Shelves
  readonly stateOf: (subject: string) => SubjectState
  /** A write that has to come after a load, in the same turn. */
  readonly followUp: (subject: string) => void
}

export function createMemoryHistory(log: MemoryLog, fates: Fates): MemoryHistory {
  const shelves: Shelves = {
    ...{ states: new Map(), owners: new Map(), answers: new Map(), suppressions: new Map() },
    ...{ ended: new Set(), records: [] },
  }
  const loads = new Map<string, number>()
  const stateOf = (subject: string): SubjectState => {
    const state = shelves.states.get(subject) ?? NOBODY
    const suppressions = shelves.suppressions.get(subject)
    return suppressions === undefined ? state : { ...state, suppressions }
  }
  const followUp = (subject: string): void => {
    const open = loads.get(subject) ?? 0
    demand(open > 0, 'a commit follows a load in the same turn')
    loads.set(subject, open - 1)
  }
  return {
    ...{ shelves, stateOf, followUp },
    ledger: {
      load(subject) {
        loads.set(subject, (loads.get(subject) ?? 0) + 1)
        return stateOf(subject)
      },
      peek: (subject) => shelves.states.get(subject) ?? null,
      commit(change) {
        followUp(change.subject)
        checkChange(change, stateOf(change.subject))
        return fated(fates, 'ledger.commit', () => commit(shelves, log, change))
      },
      idempotent: (caller, subject, key) =>
        shelves.answers.get(JSON.stringify([caller, subject, key])) ?? null,
    },
    directory: createDirectory(shelves),
    reviews: createMemoryReviews(shelves.states),
  }
}

/** The duties of a caller; what it may run into without fault is `refusalOf`'s. */
function checkChange(change: Change, state: SubjectState): void {
  const { record, strike, decision } = change
  const { facts, holds, opens, ends, refusal, idempotency, reverses, review_items } = change
  const own = [record, strike, facts, holds, opens, ends, refusal, idempotency, reverses]
  const effects = [...own, review_items]
  demand(
    effects.some((effect) => effect !== null && effect !== undefined),
    'a change changes something',
  )
  demand(strike === undefined || strike.subject === change.subject, 'a strike is of its subject')
  const standing = strike !== undefined || reverses !== undefined
  demand(!standing || (record !== null && change.bumps_version), 'a change of standing is logged')
  demand(decision === undefined || record?.kind === 'decision', 'a decision has its record')
  if (record === null) return
  checkRecord(record)
  demand(Object.keys(record.openings).length > 0, 'a record of a chain has openings')
  demand(change.pseudonym !== null, 'the first record of a subject brings a pseudonym')
  demand(
    state.pseudonym === null || state.pseudonym === change.pseudonym,
    'a pseudonym never changes',
  )
  demand(state.last_at === null || change.at >= state.last_at, 'the instant never falls')
}

function commit(shelves: Shelves, log: MemoryLog, change: Change): CommitResult {
  const state = shelves.states.get(change.subject) ?? NOBODY
  const error = refusalOf(shelves, log, change, state)
  if (error !== null) return { ok: false, error }
  const next = step(state, change)
  shelves.states.set(change.subject, next)
  if (change.strike !== undefined) shelves.owners.set(change.strike.id, change.subject)
  if (change.idempotency !== undefined) {
    const { caller, key } = change.idempotency
    const scope = JSON.stringify([caller, change.subject, key])
    shelves.answers.set(scope, change.idempotency)
  }
  const { subject, at } = change
  const { record, decision, cohosts = [] } = withoutErased(shelves, change)
  if (record === null) return { ok: true, receipt: null }
  const receipt = log.place(record)
  const { id, jws, openings } = record
  const kind = record.kind as ChainKind
  const stored = { id, kind, subject, seq: next.seq, at, jws, openings, receipt }
  const { strike, reverses } = change
  const about = strike?.id ?? reverses ?? null
  shelves.records.push({ record: stored, decision, cohosts, about })
  return { ok: true, receipt }
}

/** What names a co-host as it was before it was erased is kept without it. */
function withoutErased(shelves: Shelves, change: Change): Change {
  const { record, cohosts = [] } = change
  if (record === null || cohosts.length === 0) return change
  const named = cohostsIn(record.openings)
  if (!named.some(({ called }) => called !== null && shelves.ended.has(called))) return change
  const openings = withoutCohosts(record.openings)
  return { ...change, record: { ...record, openings }, cohosts: [] }
}

function refusalOf(
  shelves: Shelves,
  log: MemoryLog,
  change: Change,
  state: SubjectState,
): CommitFailure | null {
  const { expect, strike, reverses } = change
  if (!change.requires.every((name) => log.log.has(name))) return 'requires'
  const owner = strike === undefined ? undefined : shelves.owners.get(strike.id)
  if (owner !== undefined) return owner === change.subject ? 'conflict' : 'strike_taken'
  if (reverses !== undefined && !state.strikes.some((s) => s.id === reverses)) return 'conflict'
  const same =
    expect.seq === state.seq && expect.head === state.head && expect.version === state.version
  return same ? null : 'conflict'
}

function step(state: SubjectState, change: Change): SubjectState {
  const { record, at, opens, ends, refusal, strike, reverses } = change
  const holds = new Map(state.holds.map((hold) => [`${hold.rule}\n${hold.stream}`, hold]))
  for (const hold of change.holds ?? []) holds.set(`${hold.rule}\n${hold.stream}`, hold)
  const oldestFirst = [...holds.values()].sort((a, b) => a.first_asked_at - b.first_asked_at)
  const running = state.broadcasts.filter((b) => {
    const replaced = b.id === opens?.id
    const sameSession =
      b.session !== undefined && b.session === opens?.session && b.server === opens.server
    const over = b.lease_until <= at && !(b.cutting !== undefined && b.cutting.until > at)
    return !over && b.id !== ends && !replaced && !sameSession
  })
  const marked = running.map((b) => {
    const { rechecks } = change
    return rechecks === undefined || b.cutting !== undefined ? b : { ...b, recheck: rechecks }
  })
  const refusals = state.refusals.filter((r) => r.stream !== refusal?.stream)
  const strikes: Strike[] = state.strikes.map((s) =>
    s.id === reverses ? { ...s, status: 'reversed' } : s,
  )
  return {
    ...state,
    version: change.bumps_version ? state.version + 1 : state.version,
    strikes: strike === undefined ? strikes : [...strikes, strike],
    facts: change.facts ?? state.facts,
    reviews: said(state, change),
    ...(change.review_items === undefined ? {} : { review_items: asked(state, change) }),
    holds: oldestFirst.slice(-MAX_HOLDS),
    broadcasts: opens === undefined ? marked : [...marked, opens],
    refusals: refusal === undefined ? refusals : [...refusals, refusal].slice(-MAX_REFUSALS),
    ...(record === null
      ? {}
      : {
          pseudonym: state.pseudonym ?? change.pseudonym,
          seq: state.seq + 1,
          head: toBase64Url(record.leaf),
          last_at: at,
        }),
  }
}

function createDirectory(shelves: Shelves): Directory {
  const { states, owners, records } = shelves
  return {
    subjectOfStrike: (strike) => owners.get(strike) ?? null,
    record: (id) => records.findLast(({ record }) => record.id === id)?.record ?? null,
    searchDecisions: async (search) => searchDecisions(records, search),
    async records({ from, limit }) {
      const found = records.filter(({ record }) => record.receipt.index >= from)
      const next = found[limit]?.record.receipt.index ?? null
      return { records: found.slice(0, limit).map(({ record }) => record), next }
    },
    async decisionsRelyingOn(strike) {
      return records
        .filter(({ decision }) => decision?.strikes?.includes(strike) === true)
        .map(({ record, decision }) => ({
          id: record.id,
          outcome: decision?.outcome as Outcome,
          at: record.at,
        }))
        .reverse()
        .slice(0, MAX_RELYING)
    },
    async broadcastOfSession(server, session) {
      for (const [subject, { broadcasts }] of states) {
        const broadcast = broadcasts.find((b) => b.server === server && b.session === session)
        if (broadcast !== undefined) return { subject, broadcast }
      }
      return null
    },
  }
}

function searchDecisions(
  records: readonly Kept[],
  search: DecisionSearch,
): { readonly records: readonly StoredRecord[]; readonly next: string | null } {
  const { outcome, rule, from, to, cursor, limit } = search
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
    throw new LivegateError(
      'invalid_request',
      'Cannot continue search: the cursor is not one of ours',
    )
  const before = cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor)
  const found = records
    .filter(
      ({ record, decision }) =>
        decision !== undefined &&
        record.receipt.index < before &&
        (outcome === undefined || decision.outcome === outcome) &&
        (rule === undefined || decision.rules.includes(rule)) &&
        (from === undefined || record.at >= from) &&
        (to === undefined || record.at < to),
    )
    .map(({ record }) => record)
    .reverse()
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    records: page,
    next: found.length > limit && last !== undefined ? String(last.receipt.index) : null,
  }
}
