/**
 * What a log counts of a candidate in the shadow: the say that came with each decision it took, and how many came without.
 *
 * Counts are of one candidate, the one its own deployment names: another one begins at nothing, and what objects say about
 * another is passed over, so two versions that are rolled out side by side do not undo each other. Held in memory, written once
 * a round: a log whose object dies forgets what it counted since. Of each difference a few examples are kept, by decision.
 * From: subject-shadow.ts. Several logs are added up by the Worker (edge-shadow.ts).
 */
import { createTally, type Tally, type TallyPart } from '../../core/policy/compare/tally.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Clock } from '../../ports.ts'
import { integer, type Mirror, type Sql, text } from '../sqlite/sql.ts'
import type { ChainEntry } from './rpc.ts'
import type { ShadowCounts } from './rpc-shadow.ts'

export interface ShadowBook extends Mirror {
  /** Inside a transaction: an entry that is new to the log. */
  note(entry: ChainEntry): void
  /** Inside a transaction; true when there was anything to write. */
  save(): boolean
  counts(): ShadowCounts
}

const READ = 'SELECT name, digest, since, passed_over, failed, lacking, counted FROM shadow'
const WRITE = `INSERT OR REPLACE INTO shadow
  (one, name, digest, since, passed_over, failed, lacking, counted) VALUES (1, ?, ?, ?, ?, ?, ?, ?)`

interface Counting {
  readonly since: EpochMs
  readonly tally: Tally
  readonly lacking: Map<string, number>
  passed_over: number
  failed: number
}

/** `followed` by the writer of the log. */
export function createShadowBook(
  sql: Sql,
  candidate: { readonly name: string; readonly digest: string },
  clock: Clock,
): ShadowBook {
  const { name, digest } = candidate
  const counting = readCounting(sql, digest) ?? begun(clock)
  /** Of a transaction under way. */
  let coming: ChainEntry['shadow'][] = []
  let dirty = false

  function count(shadow: ChainEntry['shadow']): void {
    dirty = true
    if (shadow?.digest !== digest) counting.passed_over++
    else if (shadow.counted === null) counting.failed++
    else {
      counting.tally.merge(shadow.counted)
      for (const fact of shadow.lacking)
        counting.lacking.set(fact, (counting.lacking.get(fact) ?? 0) + 1)
    }
  }

  return {
    note({ decision, shadow }) {
      if (decision !== null) coming.push(shadow)
    },
    committed() {
      for (const shadow of coming) count(shadow)
      coming = []
    },
    aborted() {
      coming = []
    },
    save() {
      if (!dirty) return false
      const { since, passed_over, failed, lacking, tally } = counting
      const facts = JSON.stringify([...lacking])
      sql.run(WRITE, name, digest, since, passed_over, failed, facts, JSON.stringify(tally.part()))
      dirty = false
      return true
    },
    counts() {
      const { since, passed_over, failed, lacking, tally } = counting
      const counted = tally.part()
      const facts = Object.fromEntries(lacking)
      return { name, digest, since, passed_over, failed, lacking: facts, counted }
    },
  }
}

function begun(clock: Clock): Counting {
  return { since: clock.now(), tally: createTally(), lacking: new Map(), passed_over: 0, failed: 0 }
}

function readCounting(sql: Sql, digest: string): Counting | null {
  const row = sql.get(READ)
  if (row === undefined || text(row, 'digest') !== digest) return null
  const tally = createTally()
  tally.merge(JSON.parse(text(row, 'counted')) as TallyPart)
  return {
    since: integer(row, 'since') as EpochMs,
    tally,
    lacking: new Map(JSON.parse(text(row, 'lacking')) as [string, number][]),
    passed_over: integer(row, 'passed_over'),
    failed: integer(row, 'failed'),
  }
}
