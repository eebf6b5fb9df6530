/**
 * A log that goes on from another: shut for chains until everything is here, then seeded with where everybody was.
 *
 * While it is shut every append of a chain and every question whether it is ready is refused, so nobody is decided about
 * with half a history. Records of the old log get narrow rows below 0: found by id, by time and by the strikes they
 * rely on, like its own. Next stop: import.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { MoveProgress } from '../../core/move/importer.ts'
import type { MoveHeader } from '../../core/move/lines.ts'
import { predecessorOf, refusal, requireSameFile } from '../../core/move/receive.ts'
import type { RecordSigner } from '../../ports.ts'
import { loggedActivations, ownRevisions, restateIn } from '../sqlite/activations.ts'
import { type Entries, PREDECESSOR } from '../sqlite/entries.ts'
import { advanceMove, beginMove, moveProgress } from '../sqlite/move-in.ts'
import { secondOf } from '../sqlite/records.ts'
import { logPolicy, type Scribe } from '../sqlite/scribe.ts'
import type { Sql, Writer } from '../sqlite/sql.ts'
import type { LogMove, LogProgress, Seed } from './import-steps.ts'
import { advanceHead, headOf, insertHead, nextChain } from './sequencer-heads.ts'
import { insertRelying } from './sequencer-relying.ts'

export interface LogMoveParts {
  readonly sql: Sql
  readonly writer: Pick<Writer, 'write'>
  readonly entries: Entries
  readonly scribe: Scribe
  readonly signer: Pick<RecordSigner, 'kid'>
}

export interface LogMoves {
  /** Takes a step, durably; how far the move has got after it. */
  take(step: LogMove): Promise<LogProgress>
  /** Throws `log_unavailable` while a deployment is moving in. */
  requireOpen(): void
  /** True while it is. */
  underWay(): boolean
}

export function createLogMoves(parts: LogMoveParts): LogMoves {
  const { sql, writer } = parts
  let shut = moveProgress(sql)?.finished === false

  async function take(step: Exclude<LogMove, { check: MoveHeader }>): Promise<MoveProgress> {
    if ('begin' in step) await begin(parts, step.begin)
    else if ('policy' in step) await keepPolicy(parts, step.policy)
    else if ('activation' in step)
      await restateIn(loggedActivations(sql), parts.signer, parts.scribe, step.activation)
    else if ('seeds' in step)
      await writer.write(() => plant(sql, step.seeds), 512 * step.seeds.length)
    else await writer.write(() => advanceMove(sql, step.progress.lines, step.progress.finished))
    const { lines, finished } = moveProgress(sql) ?? { lines: 0, finished: false }
    shut = !finished
    return { lines, finished }
  }

  return {
    take: (step) => {
      if ('check' in step) return mayBegin(sql, step.check)
      // From the first question on; a begin that fails reads again what is true.
      shut = true
      return take(step).catch((error: unknown) => {
        shut = moveProgress(sql)?.finished === false
        throw error
      })
    },
    underWay: () => shut,
    requireOpen() {
      if (!shut) return
      throw new LivegateError('log_unavailable', 'Cannot log: a deployment is moving in', {
        retry_after_s: 30,
        hint: 'Run `livegate import` again until it is done.',
      })
    },
  }
}

const HISTORY = 'SELECT seq FROM heads LIMIT 1'

/** Asked of every log before the first is shut: one that must not be would leave the others shut for good. */
async function mayBegin(sql: Sql, header: MoveHeader): Promise<LogProgress> {
  const known = moveProgress(sql)
  if (known !== null) requireSameFile(known, header)
  else if (sql.get(HISTORY) !== undefined) throw hasHistory()
  const { lines = 0, finished = false } = known ?? {}
  return { lines, finished, own_revisions: ownRevisions(sql) }
}

function hasHistory(): LivegateError {
  return refusal('subjects have a history here already', 'a fresh log')
}

async function begin(
  { sql, writer, entries, scribe, signer }: LogMoveParts,
  header: MoveHeader,
): Promise<void> {
  const known = moveProgress(sql)
  if (known !== null) requireSameFile(known, header)
  else {
    const begun = await writer.write(() => {
      if (sql.get(HISTORY) !== undefined) return false
      beginMove(sql, header)
      return true
    })
    if (!begun) throw hasHistory()
  }
  if (!entries.has(PREDECESSOR)) await scribe.append([predecessorOf(header)], [signer.kid])
}

async function keepPolicy(
  { entries, scribe, signer }: LogMoveParts,
  { bytes }: { readonly bytes: Uint8Array },
): Promise<void> {
  await logPolicy(scribe, entries, signer, bytes)
}

const RECORD = `INSERT INTO moved (idx, second, id, kind, at, outcome, mode, rules, chain, seq, leaf)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (idx) DO NOTHING`

/** Inside a transaction only. */
function plant(sql: Sql, seeds: readonly Seed[]): void {
  for (const { object, seq, place, id, kind, at, leaf, decision } of seeds) {
    if (place >= 0) throw new TypeError('a seed without a place')
    const chain = plantHead(sql, object, { seq, idx: place })
    const rules = decision === null ? null : JSON.stringify(decision.rules)
    const what = [decision?.outcome ?? null, decision?.mode ?? null, rules] as const
    sql.run(RECORD, place, secondOf(id), id, kind, at, ...what, chain, seq, leaf)
    if (decision === null) continue
    const { outcome, strikes } = decision
    insertRelying(sql, place, { id, outcome, at, strikes })
  }
}

function plantHead(
  sql: Sql,
  object: string,
  { seq, idx }: { readonly seq: number; readonly idx: number },
): number {
  const { chain } = headOf(sql, object)
  if (chain !== null) {
    advanceHead(sql, { chain, seq, idx })
    return chain
  }
  const next = nextChain(sql)
  insertHead(sql, object, { chain: next, seq, idx })
  return next
}
