/**
 * `log audit` against the physical limit: one Ed25519 verification a record, on every core.
 *
 * On one log, in three rounds: bare verification of its own records on one core and then on all of them at once, an audit
 * without signatures and one with them, every record's `chain` group opened, and both again with every group opened and each
 * decision replayed. The share of the limit is taken in each round, so that a machine that is slower for a while is so for
 * both. What is measured is the built program. An audit begins with starting its threads anew and reading the file of
 * disclosures meanwhile.
 * Budgets: 100,000 records/s without signatures on two cores, 0.7 x cores x bare with them, replay included. Where cores that
 * are busy together are slower than one alone (shared caches, a shared machine), the share of what all did at once says how
 * much of the difference is the audit's; both are told.
 * Run: node bench/audit.ts [records]; 200,000 take 1.5 GB of memory to make.
 */
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBase64Url, utf8 } from '../src/core/encoding.ts'
import type { IssuedRecord } from '../src/core/record/issue.ts'
import { GROUP_NAMES, type GroupName } from '../src/core/record/kinds.ts'
import { presentation } from '../src/core/record/presentation.ts'
import { makeEntries, ORIGIN, publish, RECORD_X, VKEY, writeFiles } from '../tests/cli/a-log.ts'
import { type Bare as BareThreads, createBare, type Signed } from './bare.ts'
import { BUILT_ED25519, type BuiltAudit, buildAudit } from './built-audit.ts'
import { median, spread } from './figures.ts'

/** What is measured, in the order of a round; all but the first are audits. */
const MODES = {
  without: { signatures: false, replay: false },
  with: { signatures: true, replay: false },
  replay_without: { signatures: false, replay: true },
  replay_with: { signatures: true, replay: true },
} as const
type Mode = keyof typeof MODES

interface Rate {
  readonly per_second: number
  /** Processor time of one, all threads of the process: holds on a busy machine too. */
  readonly cpu_us: number
}

/** Of bare verification: one core alone, and all together. */
type Bare = 'bare' | 'bare_all'

type Round = Readonly<Record<Mode | Bare, Rate>>

export interface AuditBench {
  readonly records: number
  readonly cores: number
  readonly rounds: readonly Round[]
}

const ROUNDS = 3

/** Makes a log of about `records` entries in a temporary directory and audits it. */
export async function benchAudit(records = 200_000): Promise<AuditBench> {
  const program = await buildAudit()
  const dir = await mkdtemp(join(tmpdir(), 'livegate-audit-'))
  let bare: BareThreads | null = null
  try {
    const entries = await makeEntries({ decisions: records, subjects: 1000 })
    await writeFiles(dir, await publish(entries))
    await writeLines(join(dir, CHAINS), entries, ['chain'])
    await writeLines(join(dir, WHOLE), entries, GROUP_NAMES)
    const count = entries.length
    const signed = entries.splice(0).slice(-BARE).map(cut)
    const cores = availableParallelism()
    bare = await startBare(signed, cores)
    const rounds: Round[] = []
    while (rounds.length < ROUNDS) {
      const { verify } = bare
      const round: Partial<Record<Mode | Bare, Rate>> = {
        bare: await timed(() => verify(1)),
        bare_all: await timed(() => verify(cores)),
      }
      for (const mode of Object.keys(MODES) as Mode[])
        round[mode] = await audited(program, dir, MODES[mode])
      rounds.push(round as Round)
    }
    return { records: count, cores, rounds }
  } finally {
    await bare?.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Of as many cores as there are, each verifying as fast as one does alone. */
function share(round: Round, mode: Mode, cores: number): number {
  return round[mode].per_second / (cores * round.bare.per_second)
}

/** Of what all cores verified at once. */
function shareTogether(round: Round, mode: Mode): number {
  return round[mode].per_second / round.bare_all.per_second
}

const CHAINS = 'chains.jsonl'
const WHOLE = 'whole.jsonl'

/** One text of a large log would be longer than texts can be. */
async function writeLines(
  path: string,
  entries: readonly IssuedRecord[],
  groups: readonly GroupName[],
): Promise<void> {
  await writeFile(path, '')
  for (let i = 0; i < entries.length; i += 1000)
    await appendFile(
      path,
      entries
        .slice(i, i + 1000)
        .map((one) => lineOf(one, groups))
        .join(''),
    )
}

function lineOf({ jws, openings }: IssuedRecord, groups: readonly GroupName[]): string {
  const given = openings.chain === undefined ? [] : groups
  return `${JSON.stringify({ record: presentation(jws, openings, given) })}\n`
}

/** As rows of the table in bench/main.ts. */
export async function benchAuditRows(records?: number): Promise<readonly string[]> {
  const { cores, rounds } = await benchAudit(records)
  const rate = (mode: Mode | Bare): string =>
    `${median(rounds.map((round) => round[mode].per_second)).toFixed(0)} records/s, ${median(rounds.map((round) => round[mode].cpu_us)).toFixed(0)} µs of processor a record`
  const bare = `${rate('bare')}: bare Ed25519 of the same records on one core; ${rate('bare_all')}: on ${cores} at once`
  const figure = (all: readonly number[]): string => `${median(all).toFixed(2)} (${spread(all)})`
  const shares = (mode: Mode): string => {
    const together = figure(rounds.map((round) => shareTogether(round, mode)))
    return `${figure(rounds.map((round) => share(round, mode, cores)))}; ${together} of all at once`
  }
  return [
    `| audit without signatures, chains opened (budget 100,000 records/s) | ${rate('without')} | ${cores} cores |`,
    `| audit with signatures, chains opened, share of ${cores} cores of bare Ed25519 (budget 0.7) | ${shares('with')}: ${rate('with')} | ${bare} |`,
    `| audit without signatures, every decision replayed (budget 100,000 records/s) | ${rate('replay_without')} | ${cores} cores |`,
    `| audit with signatures, every decision replayed, share of ${cores} cores of bare Ed25519 (budget 0.7) | ${shares('replay_with')}: ${rate('replay_with')} | ${bare} |`,
  ]
}

/** Wall and processor time of `work`, which returns how many it did; all threads of the process count. */
async function timed(work: () => Promise<number>): Promise<Rate> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const count = await work()
  const took = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  return { per_second: (count * 1000) / took, cpu_us: (user + system) / count }
}

/** How many are verified bare: more than a second's worth. */
const BARE = 20_000

function cut({ jws }: IssuedRecord): Signed {
  const dot = jws.lastIndexOf('.')
  const signature = fromBase64Url(jws.slice(dot + 1))
  if (signature === null) throw new Error('a record of the bench has no signature')
  return { message: utf8(jws.slice(0, dot)), signature }
}

async function startBare(signed: readonly Signed[], threads: number): Promise<BareThreads> {
  const key = fromBase64Url(RECORD_X)
  if (key === null) throw new Error('the key of the bench is none')
  const bare = createBare({ module: BUILT_ED25519, key, signed }, threads)
  // Loading is no part of what is measured, and the first time through is slower.
  await bare.verify(threads)
  return bare
}

/** One audit; throws unless it is clean. */
async function audited(
  { run, disclosures, head: heads, source: sources, outside }: BuiltAudit,
  dir: string,
  { signatures, replay }: { readonly signatures: boolean; readonly replay: boolean },
): Promise<Rate> {
  const source = sources.directorySource(dir, dir)
  const head = await heads.readHead(source, heads.logKeyOf(VKEY))
  return timed(async () => {
    const { report } = await run.runAudit({
      ...{
        source,
        head,
        signatures,
        replay,
        origin: ORIGIN,
        predecessor: null,
        trusted: null,
      },
      ...{ state: null, now_s: null },
      threads: availableParallelism(),
      disclosures: disclosures.readDisclosures(join(dir, replay ? WHOLE : CHAINS)),
      outside: new outside.OutsideRecords(),
      signal: new AbortController().signal,
      onProgress: () => undefined,
    })
    if (!report.clean) throw new Error(`the bench log is not clean: ${report.findings[0]?.message}`)
    if (report.counts.chain_unopened > 0) throw new Error('the bench did not open every chain')
    const { replay: done, by_kind, entries } = report.counts
    if (replay && done?.replayed !== by_kind.decision) throw new Error('not all was replayed')
    return entries
  })
}

if (import.meta.main)
  for (const row of await benchAuditRows(Number(process.argv[2] ?? 200_000))) console.log(row)
