/**
 * Where one thread replays decisions: opens those of a bundle or of a stretch of a database, and has them judged.
 *
 * Reads nothing but what a job names; a database is opened read-only, once. From: backtest-pool.ts, backtest-worker.ts.
 */
import type { Activation } from '../../core/model.ts'
import {
  type Backtest,
  type BacktestOptions,
  type BacktestPart,
  createBacktest,
} from '../../core/policy/compare/backtest.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { incomplete } from '../failure.ts'
import { type DisclosureIndex, type DisclosureReader, openIndex } from '../log/disclosure-index.ts'
import { openReadOnly, type RecordedRow, type RecordedRows } from './backtest-database.ts'
import { type Groups, openDecision, pickGroups } from './backtest-read.ts'

/** Everything a desk needs to know before its first job; survives being sent to a thread. */
export interface DeskParts extends Omit<BacktestOptions, 'candidate'> {
  /** Text of the candidate, which compiles. */
  readonly candidate: Uint8Array
  /** Path of the database; null for a log. */
  readonly database: string | null
}

/** Texts of policies and activations, before the jobs that rely on them. */
export interface Lesson {
  readonly texts: readonly { readonly digest: string; readonly bytes: Uint8Array }[]
  readonly activations: readonly Activation[]
}

export type ReplayJob =
  | { readonly bundle: Uint8Array; readonly width: number }
  /** Indexes, the last one excluded. */
  | { readonly first: number; readonly end: number }

export interface ReplayDesk {
  /** What is disclosed of a log, null for nothing; before its first bundle. */
  disclose(disclosures: DisclosureIndex | null): void
  learn(lesson: Lesson): void
  replay(job: ReplayJob): BacktestPart
  close(): void
}

export function createReplayDesk(parts: DeskParts): ReplayDesk {
  const { candidate, database, ...options } = parts
  const backtest = createBacktest({ ...options, candidate: compiled(candidate) })
  let reader: DisclosureReader | null = null
  const rows = database === null ? null : openReadOnly(database)

  function replayBundle(bundle: Uint8Array, width: number): void {
    const decoded = decodeBundle(bundle, width)
    if (!decoded.ok)
      throw incomplete('Cannot read the log: a bundle is not what its checkpoint says')
    for (const entry of decoded.value) {
      const groups = (): Groups => pickGroups(reader?.of(entry) ?? [])
      tell(backtest, Buffer.from(entry.buffer, entry.byteOffset, entry.length), groups)
    }
  }

  return {
    disclose(disclosures) {
      reader?.close()
      reader = disclosures === null ? null : openIndex(disclosures)
    },
    learn({ texts, activations }) {
      for (const { digest, bytes } of texts) backtest.learnText(digest, planOf(bytes))
      for (const activation of activations) backtest.learnActivation(activation)
    },
    replay(job) {
      if ('bundle' in job) replayBundle(job.bundle, job.width)
      else replayRows(backtest, rows, job)
      return backtest.take()
    },
    close() {
      reader?.close()
      rows?.close()
    },
  }
}

function tell(backtest: Backtest, entry: Buffer, groups: () => Groups): void {
  const opened = openDecision(entry.toString('latin1'), groups, true)
  if (opened === null) return
  if (typeof opened === 'string') backtest.leaveOut(opened)
  else backtest.judge(opened)
}

function replayRows(
  backtest: Backtest,
  rows: RecordedRows | null,
  { first, end }: { readonly first: number; readonly end: number },
): void {
  for (const row of rows?.between(first, end) ?? []) {
    // Whoever is erased has no openings any more; the record stays.
    if (row.openings === null) backtest.leaveOut('erased')
    else replayRow(backtest, row.jws, row.openings)
  }
}

function replayRow(backtest: Backtest, jws: string, openings: string): void {
  const opened = openDecision(jws, () => groupsIn(openings), false)
  if (opened === null) return
  if (typeof opened === 'string') backtest.leaveOut(opened)
  else backtest.judge(opened)
}

function groupsIn(openings: RecordedRow['openings']): Groups {
  try {
    const { facts, result } = JSON.parse(openings ?? '{}') as Partial<Record<string, string>>
    return { facts, result }
  } catch {
    return { facts: undefined, result: undefined }
  }
}

function compiled(bytes: Uint8Array): Plan {
  const plan = planOf(bytes)
  if (plan === null) throw new TypeError('the candidate does not compile')
  return plan
}

function planOf(bytes: Uint8Array): Plan | null {
  const made = compilePolicy(bytes, { file: 'policy.yaml' })
  return made.ok ? made.value.plan : null
}
