/**
 * `log audit` against the physical limit: one Ed25519 verification a record, on every core.
 *
 * Measures in one run, on one log: bare verification of this machine (one thread), an audit without signatures and one with
 * them, every record's `chain` group opened, and both again with every group opened and each decision replayed; each three
 * times, the best counts. What is measured is the built program. An audit begins with starting its threads anew and reading the file of disclosures meanwhile.
 * Budgets: 100,000 records/s without signatures on two cores, 0.7 x cores x bare with them, replay included.
 * Run: node bench/audit.ts [records]; 200,000 take 1.5 GB of memory to make.
 */
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../src/core/encoding.ts'
import type { IssuedRecord } from '../src/core/record/issue.ts'
import { GROUP_NAMES, type GroupName } from '../src/core/record/kinds.ts'
import { presentation } from '../src/core/record/presentation.ts'
import { keyOf, makeEntries, ORIGIN, publish, VKEY, writeFiles } from '../tests/cli/a-log.ts'
import { type BuiltAudit, buildAudit } from './built-audit.ts'

export interface AuditBench {
  readonly records: number
  readonly cores: number
  /** Per second, all of them. */
  readonly bare_verifications: number
  readonly without_signatures: number
  readonly with_signatures: number
  /** `with_signatures / (cores x bare_verifications)`; the budget is 0.7. Only meaningful on an idle machine. */
  readonly share_of_limit: number
  readonly replay_without_signatures: number
  readonly replay_with_signatures: number
  /** The same share, every decision replayed; the budget is 0.7 too. */
  readonly replay_share_of_limit: number
  /** Processor time of one verification, and of one record of each audit, microseconds: holds on a busy machine too. */
  readonly cpu_us: {
    readonly bare: number
    readonly without: number
    readonly with: number
    readonly replay_without: number
    readonly replay_with: number
  }
}

/** Makes a log of about `records` entries in a temporary directory and audits it. */
export async function benchAudit(records = 200_000): Promise<AuditBench> {
  const program = await buildAudit()
  const dir = await mkdtemp(join(tmpdir(), 'livegate-audit-'))
  try {
    const entries = await makeEntries({ decisions: records, subjects: 1000 })
    await writeFiles(dir, await publish(entries))
    await writeLines(join(dir, CHAINS), entries, ['chain'])
    await writeLines(join(dir, WHOLE), entries, GROUP_NAMES)
    const cores = availableParallelism()
    const bare = await best(() => bareRate(program))
    const without = await best(() => audited(program, dir, { signatures: false, replay: false }))
    const full = await best(() => audited(program, dir, { signatures: true, replay: false }))
    const derived = await best(() => audited(program, dir, { signatures: false, replay: true }))
    const whole = await best(() => audited(program, dir, { signatures: true, replay: true }))
    const share = ({ per_second }: Rate): number =>
      Math.round((100 * per_second) / (cores * bare.per_second)) / 100
    return {
      records: entries.length,
      cores,
      bare_verifications: Math.round(bare.per_second),
      without_signatures: Math.round(without.per_second),
      with_signatures: Math.round(full.per_second),
      share_of_limit: share(full),
      replay_without_signatures: Math.round(derived.per_second),
      replay_with_signatures: Math.round(whole.per_second),
      replay_share_of_limit: share(whole),
      cpu_us: {
        bare: Math.round(bare.cpu_us),
        without: Math.round(without.cpu_us),
        with: Math.round(full.cpu_us),
        replay_without: Math.round(derived.cpu_us),
        replay_with: Math.round(whole.cpu_us),
      },
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
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
export async function benchAuditRows(): Promise<readonly string[]> {
  const { cores, cpu_us, ...rates } = await benchAudit()
  const bare = `${rates.bare_verifications}/s bare Ed25519 on one core, ${cpu_us.bare} µs`
  return [
    `| audit without signatures, chains opened (budget 100,000 records/s) | ${rates.without_signatures} records/s, ${cpu_us.without} µs of processor a record | ${cores} cores |`,
    `| audit with signatures, chains opened, share of ${cores} cores of bare Ed25519 (budget 0.7) | ${rates.share_of_limit} (${rates.with_signatures} records/s, ${cpu_us.with} µs of processor a record) | ${bare} |`,
    `| audit without signatures, every decision replayed (budget 100,000 records/s) | ${rates.replay_without_signatures} records/s, ${cpu_us.replay_without} µs of processor a record | ${cores} cores |`,
    `| audit with signatures, every decision replayed, share of ${cores} cores of bare Ed25519 (budget 0.7) | ${rates.replay_share_of_limit} (${rates.replay_with_signatures} records/s, ${cpu_us.replay_with} µs of processor a record) | ${bare} |`,
  ]
}

interface Rate {
  readonly per_second: number
  readonly cpu_us: number
}

/** The least disturbed of three: others use this machine too. */
async function best(measure: () => Promise<Rate>): Promise<Rate> {
  const rates = [await measure(), await measure(), await measure()]
  return rates.reduce((a, b) => (a.per_second > b.per_second ? a : b))
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

/** One thread, over messages as long as a record's. */
function bareRate({ ed25519 }: BuiltAudit): Promise<Rate> {
  const key = keyOf(7)
  const message = utf8('m'.repeat(900))
  const signature = key.sign(message)
  return timed(async () => {
    for (let i = 0; i < 5000; i++)
      if (!(await ed25519.verifyEd25519(key.publicKey, message, signature)))
        throw new Error('the bench signature does not hold')
    return 5000
  })
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
  console.log(JSON.stringify(await benchAudit(Number(process.argv[2] ?? 200_000)), null, 2))
