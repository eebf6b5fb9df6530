/**
 * The log a log goes on from: which one it is, and its whole audit before the new one's.
 *
 * The verifier key of the old log is the auditor's to know; without one, the key that the new log names is taken, which
 * shows that the two agree, not that the old log is the one everybody saw. Core: core/audit/succession.ts.
 */
import type { PredecessorAudit } from '../../core/audit/succession.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import { fromAscii } from '../../core/encoding.ts'
import type { OwnClaims } from '../../core/record/groups.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { TILE_WIDTH } from '../../core/tlog/tile.ts'
import { incomplete, usage } from '../failure.ts'
import type { Session } from '../session.ts'
import { type AuditInput, type AuditRun, runAudit } from './audit-run.ts'
import { type LogKey, logKeyOf, readHead } from './head.ts'
import { type LogSource, needTile, openSource } from './source.ts'
import { OutsideRecords } from './witnessed-records.ts'

export interface PredecessorOptions {
  readonly predecessor?: string
  readonly predecessorVkey?: string
  readonly key?: string
}

/** The old log's audit, and how it ended. */
export interface AuditedPredecessor {
  readonly run: AuditRun
  readonly audit: PredecessorAudit
  /** True when nobody but the new log vouches for the key. */
  readonly key_from_log: boolean
}

/** What the two audits share. */
type Shared = Pick<
  AuditInput,
  'disclosures' | 'signatures' | 'replay' | 'signal' | 'now_s' | 'clock_s'
>

/** A log whose checkpoint was verified. */
export interface OpenLog {
  readonly source: LogSource
  readonly head: SignedHead
}

interface Request {
  /** Those that go on from it. */
  readonly logs: readonly OpenLog[]
  readonly options: PredecessorOptions
  readonly shared: Shared
  /** How many threads so many entries are worth. */
  readonly threads: (entries: number) => number
}

/** Audits the predecessor that the options name; null when they name none. */
export async function auditPredecessor(
  session: Session,
  request: Request,
): Promise<AuditedPredecessor | null> {
  const { options, shared } = request
  const { predecessor: where, predecessorVkey: given } = options
  if (where === undefined) {
    if (given === undefined) return null
    throw usage('Cannot use --predecessor-vkey: expected --predecessor with the old log')
  }
  const vkey = given ?? (await namedVkey(request))
  const key = logKeyOf(vkey)
  const source = await openSource(session, where, options.key)
  const head = await readHead(source, key)
  const run = await audited(session, request, { key, source, head, shared })
  return { run, audit: run.asPredecessor(vkey.trim()), key_from_log: given === undefined }
}

async function audited(
  session: Session,
  { threads }: Request,
  old: {
    readonly key: LogKey
    readonly source: LogSource
    readonly head: SignedHead
    readonly shared: Shared
  },
): Promise<AuditRun> {
  const { key, source, head, shared } = old
  const progress = session.progress('auditing the predecessor', head.size)
  try {
    return await runAudit({
      ...{ source, head, ...shared, origin: key.origin, outside: new OutsideRecords() },
      ...{ trusted: null, state: null, predecessor: null, threads: threads(head.size) },
      onProgress: (entries) => progress.update(entries),
    })
  } finally {
    progress.end()
  }
}

/** The key the first log that has a predecessor record names; the audits find whether the others agree. */
async function namedVkey({ logs }: Request): Promise<string> {
  for (const log of logs) {
    const named = await vkeyNamedIn(log)
    if (named !== null) return named
  }
  throw incomplete(
    `Cannot audit the predecessor: ${logs.length > 1 ? 'no log names one' : 'the log names none'} in its first entries`,
    'give --predecessor-vkey, if you know the old log by other means',
  )
}

/** Null without a predecessor record among the first entries, where it must be. */
async function vkeyNamedIn({ source, head }: OpenLog): Promise<string | null> {
  const width = Math.min(TILE_WIDTH, head.size)
  if (width === 0) return null
  const bundle = await needTile(source, { kind: 'entries', index: 0, width })
  const entries = decodeBundle(bundle, width)
  for (const entry of entries.ok ? entries.value : []) {
    const record = parseRecord(fromAscii(entry) ?? '')
    if (record.ok && record.value.kind === 'predecessor') return vkeyOf(record.value.claims)
  }
  return null
}

function vkeyOf({ vkey }: OwnClaims['predecessor']): string {
  return vkey
}
