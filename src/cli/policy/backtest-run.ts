/**
 * Feeds recorded decisions to a backtest: bundles of a log with what is disclosed of them, or a data directory.
 *
 * Bundles are read a few ahead, once, and handed to threads. Nothing is verified: neither signatures nor hashes; that is
 * what `log audit` does. From: commands/policy-backtest.ts.
 */
import { availableParallelism } from 'node:os'
import { type BacktestReport, createTotal } from '../../core/policy/compare/backtest.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts'
import { parseNote } from '../../core/tlog/note.ts'
import { type Bundle, TILE_WIDTH } from '../../core/tlog/tile.ts'
import { incomplete } from '../failure.ts'
import type { Disclosures } from '../log/disclosures.ts'
import { readNote } from '../log/head.ts'
import { type LogSource, needTile } from '../log/source.ts'
import { quote } from '../session.ts'
import { openReadOnly } from './backtest-database.ts'
import type { DeskParts } from './backtest-desk.ts'
import { createLessons } from './backtest-lessons.ts'
import { createReplayPool, type ReplayPool } from './backtest-pool.ts'

export interface RunInput extends Omit<DeskParts, 'database'> {
  readonly recorded:
    | {
        readonly logs: readonly LogSource[]
        /** Called once, while threads start. */
        readonly disclosures: () => Promise<Disclosures>
      }
    | { readonly database: string }
  /** How many work at once, 1 for the calling thread alone; as many as it is worth unless given. */
  readonly threads?: number
  readonly signal: AbortSignal
  /** Decisions so far, and how many entries there are at most. */
  readonly onStart: (entries: number) => (decisions: number) => void
}

/** Below this many entries, threads cost more than they bring. */
const WORTH_THREADS = 4096

export async function runBacktest(input: RunInput): Promise<BacktestReport> {
  const { recorded } = input
  return 'database' in recorded
    ? overDatabase(input, recorded.database)
    : overLogs(input, recorded.logs, recorded.disclosures)
}

async function withPool(
  input: RunInput,
  over: {
    readonly entries: number
    readonly database: string | null
    readonly feed: (pool: ReplayPool) => Promise<void>
  },
): Promise<BacktestReport> {
  const { candidate, activated_at, from, to, rule, count_lacking, onStart } = input
  const usual = over.entries < WORTH_THREADS ? 1 : availableParallelism()
  const total = createTotal()
  const pool = createReplayPool({
    ...{ candidate, activated_at, from, to, rule, count_lacking, total },
    database: over.database,
    threads: input.threads ?? usual,
    onProgress: onStart(over.entries),
  })
  try {
    await over.feed(pool)
    await pool.drain()
    return total.report()
  } finally {
    await pool.close()
  }
}

/** Indexes of one job. */
const STRETCH = 512

async function overDatabase(input: RunInput, database: string): Promise<BacktestReport> {
  const rows = openReadOnly(database)
  try {
    const { first, end } = rows.bounds() ?? { first: 0, end: 0 }
    return await withPool(input, {
      entries: end - first,
      database,
      async feed(pool) {
        pool.learn(rows.lesson())
        for (let at = first; at < end; at += STRETCH) {
          requireGoing(input)
          await pool.replay({ first: at, end: Math.min(end, at + STRETCH) })
        }
      },
    })
  } finally {
    rows.close()
  }
}

async function overLogs(
  input: RunInput,
  logs: readonly LogSource[],
  disclosures: () => Promise<Disclosures>,
): Promise<BacktestReport> {
  const sized = await Promise.all(
    logs.map(async (source) => ({ source, size: await sizeOf(source) })),
  )
  return withPool(input, {
    entries: sized.reduce((sum, { size }) => sum + size, 0),
    database: null,
    async feed(pool) {
      const { index } = await disclosures()
      pool.disclose(index)
      for (const log of sized) await feedLog(input, log, pool)
    },
  })
}

async function feedLog(
  input: RunInput,
  { source, size }: { readonly source: LogSource; readonly size: number },
  pool: ReplayPool,
): Promise<void> {
  const lessons = createLessons()
  for await (const { bundle, width } of bundlesOf(source, size)) {
    requireGoing(input)
    const entries = decodeBundle(bundle, width)
    if (!entries.ok)
      throw incomplete(
        `Cannot read log ${quote(source.name)}: a bundle is not what its checkpoint says`,
        'see `livegate log audit`',
      )
    const lesson = lessons.of(entries.value)
    if (lesson !== null) pool.learn(lesson)
    await pool.replay({ bundle, width })
  }
}

/** Bundles on their way while earlier ones are replayed. */
const READ_AHEAD = 4

interface ReadBundle {
  readonly bundle: Uint8Array
  readonly width: number
}

async function* bundlesOf(source: LogSource, size: number): AsyncGenerator<ReadBundle> {
  const coming: Promise<ReadBundle>[] = []
  let next = 0
  for (;;) {
    while (coming.length < READ_AHEAD && next * TILE_WIDTH < size) {
      const read = readBundle(source, next++, size)
      // Handled when its turn comes; until then a rejection must not end the process.
      read.catch(() => undefined)
      coming.push(read)
    }
    const bundle = coming.shift()
    if (bundle === undefined) return
    yield await bundle
  }
}

async function readBundle(source: LogSource, index: number, size: number): Promise<ReadBundle> {
  const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
  const ref: Bundle = { kind: 'entries', index, width }
  return { bundle: await needTile(source, ref), width }
}

/** What the checkpoint says; nobody vouches for it here. */
async function sizeOf(source: LogSource): Promise<number> {
  const note = parseNote(await readNote(source))
  const head = note.ok ? parseCheckpoint(note.value.body) : note
  if (head.ok) return head.value.size
  throw incomplete(
    `Cannot read checkpoint of ${quote(source.name)}: it is no checkpoint`,
    source.remote ? 'the address ends before `/checkpoint`, for example …/log' : undefined,
  )
}

function requireGoing({ signal }: RunInput): void {
  if (signal.aborted) throw incomplete('Cannot finish backtest: it was interrupted')
}
