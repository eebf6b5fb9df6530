/**
 * `log audit` against the physical limit: one Ed25519 verification a record, on every core.
 *
 * Measures in one run, on one log whose every record has its `chain` group opened: bare verification of this machine (one
 * thread), an audit without signatures, and one with them, each three times, the best counts. An audit begins with
 * starting its threads anew and reading the file of disclosures meanwhile. Budgets: 100,000 records/s without signatures
 * on two cores, 0.7 x cores x bare with them. Run: node bench/audit.ts [records]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { runAudit } from '../src/cli/log/audit-run.ts'
import { readDisclosures } from '../src/cli/log/disclosures.ts'
import { verifyEd25519 } from '../src/cli/log/ed25519.ts'
import { logKeyOf, readHead } from '../src/cli/log/head.ts'
import { directorySource } from '../src/cli/log/source.ts'
import { OutsideRecords } from '../src/cli/log/witnessed-records.ts'
import { utf8 } from '../src/core/encoding.ts'
import type { IssuedRecord } from '../src/core/record/issue.ts'
import { presentation } from '../src/core/record/presentation.ts'
import { keyOf, makeEntries, ORIGIN, publish, VKEY, writeFiles } from '../tests/cli/a-log.ts'

export interface AuditBench {
  readonly records: number
  readonly cores: number
  /** Per second, all of them. */
  readonly bare_verifications: number
  readonly without_signatures: number
  readonly with_signatures: number
  /** `with_signatures / (cores x bare_verifications)`; the budget is 0.7. Only meaningful on an idle machine. */
  readonly share_of_limit: number
  /** Processor time of one verification, and of one record of each audit, microseconds: holds on a busy machine too. */
  readonly cpu_us: { readonly bare: number; readonly without: number; readonly with: number }
}

/** Makes a log of about `records` entries in a temporary directory and audits it. */
export async function benchAudit(records = 100_000): Promise<AuditBench> {
  const dir = await mkdtemp(join(tmpdir(), 'livegate-audit-'))
  try {
    const entries = await makeEntries({ decisions: records, subjects: 1000 })
    await writeFiles(dir, await publish(entries))
    await writeFile(join(dir, CHAINS), entries.map(chainLine).join(''))
    const cores = availableParallelism()
    const bare = await best(bareRate)
    const without = await best(() => audited(dir, false))
    const full = await best(() => audited(dir, true))
    return {
      records: entries.length,
      cores,
      bare_verifications: Math.round(bare.per_second),
      without_signatures: Math.round(without.per_second),
      with_signatures: Math.round(full.per_second),
      share_of_limit: Math.round((100 * full.per_second) / (cores * bare.per_second)) / 100,
      cpu_us: {
        bare: Math.round(bare.cpu_us),
        without: Math.round(without.cpu_us),
        with: Math.round(full.cpu_us),
      },
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const CHAINS = 'chains.jsonl'

function chainLine({ jws, openings }: IssuedRecord): string {
  const groups = openings.chain === undefined ? [] : (['chain'] as const)
  return `${JSON.stringify({ record: presentation(jws, openings, groups) })}\n`
}

/** As rows of the table in bench/main.ts. */
export async function benchAuditRows(): Promise<readonly string[]> {
  const { cores, cpu_us, ...rates } = await benchAudit()
  const bare = `${rates.bare_verifications}/s bare Ed25519 on one core, ${cpu_us.bare} µs`
  return [
    `| audit without signatures, chains opened (budget 100,000 records/s) | ${rates.without_signatures} records/s, ${cpu_us.without} µs of processor a record | ${cores} cores |`,
    `| audit with signatures, chains opened, share of ${cores} cores of bare Ed25519 (budget 0.7) | ${rates.share_of_limit} (${rates.with_signatures} records/s, ${cpu_us.with} µs of processor a record) | ${bare} |`,
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
function bareRate(): Promise<Rate> {
  const key = keyOf(7)
  const message = utf8('m'.repeat(900))
  const signature = key.sign(message)
  return timed(async () => {
    for (let i = 0; i < 5000; i++)
      if (!(await verifyEd25519(key.publicKey, message, signature)))
        throw new Error('the bench signature does not hold')
    return 5000
  })
}

/** One audit; throws unless it is clean. */
async function audited(dir: string, signatures: boolean): Promise<Rate> {
  const source = directorySource(dir, dir)
  const head = await readHead(source, logKeyOf(VKEY))
  return timed(async () => {
    const { report } = await runAudit({
      ...{
        source,
        head,
        signatures,
        replay: false,
        origin: ORIGIN,
        predecessor: null,
        trusted: null,
      },
      ...{ state: null, now_s: null },
      threads: availableParallelism(),
      disclosures: readDisclosures(join(dir, CHAINS)),
      outside: new OutsideRecords(),
      signal: new AbortController().signal,
      onProgress: () => undefined,
    })
    if (!report.clean) throw new Error(`the bench log is not clean: ${report.findings[0]?.message}`)
    if (report.counts.chain_unopened > 0) throw new Error('the bench did not open every chain')
    return report.counts.entries
  })
}

if (import.meta.main)
  console.log(JSON.stringify(await benchAudit(Number(process.argv[2] ?? 100_000)), null, 2))
