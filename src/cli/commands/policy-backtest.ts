/**
 * `livegate policy backtest`: what a candidate would have answered to decisions that were made, before it touches anyone.
 */
import type { Command } from 'commander'
import type { BacktestReport } from '../../core/policy/compare/backtest.ts'
import { type EpochMs, parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { readDisclosures } from '../log/disclosures.ts'
import { openSource } from '../log/source.ts'
import { databaseIn } from '../policy/backtest-database.ts'
import { type RunInput, runBacktest } from '../policy/backtest-run.ts'
import { backtestJson, backtestText, notCompared } from '../policy/backtest-text.ts'
import { loadPlan } from '../policy/load.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options {
  readonly log?: readonly string[]
  readonly disclosures?: string
  readonly data?: string
  readonly key?: string
  readonly from?: string
  readonly to?: string
  readonly rule?: string
  readonly activatedAt?: string
  readonly countLacking?: boolean
  readonly failOn?: string
}

export function policyBacktest(noun: Command, act: Act): void {
  const command = noun
    .command('backtest')
    .description('replay recorded decisions under a candidate: whose answer would be another')
    .argument('<candidate>', 'policy')
    .option('--log <log...>', 'directories of mirrors, or addresses before /checkpoint')
    .option('--disclosures <file>', 'of those logs, as `livegate log disclosures` writes them')
    .option('--data <dir>', 'data directory of a gate instead, which may be running')
    .option('--key <key>', 'API key with scope audit, or @FILE, for private entries (LIVEGATE_KEY)')
    .option('--from <instant>', 'leave earlier decisions out')
    .option('--to <instant>', 'leave later decisions out')
    .option('--rule <id>', 'only decisions in which this rule has a say, before or after')
    .option(
      '--activated-at <instant>',
      'as if activated then, keeping what was promised before; else as if in force all along',
    )
    .option('--count-lacking', 'count also what the candidate answers for want of a fact')
    .option('--fail-on <change>', 'stricter, milder or any: exit 3 when a decision changes so')
    .addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Examples:
  livegate policy backtest candidate.yaml --data /var/lib/livegate
  livegate policy backtest candidate.yaml --log ./mirror --disclosures d.jsonl --fail-on stricter`

async function run(session: Session, file: string, options: Options): Promise<ExitCode> {
  const fails = failOn(options.failOn)
  const range = rangeOf(options)
  requireSource(options)
  await loadPlan(session, file)
  const candidate = await readBounded(session.path(file), MAX_CANDIDATE_BYTES)
  const recorded = await recordedIn(session, options)
  const report = await withBar(session, (onStart) =>
    runBacktest({
      ...{ candidate, recorded, onStart, ...range, signal: session.world.signal },
      rule: options.rule ?? null,
      count_lacking: options.countLacking === true,
    }),
  )
  requireCompared(report)
  session.result(
    backtestText(session, file, report),
    backtestJson(file, report, { from_log: options.log !== undefined }),
  )
  return fails(report) ? EXIT.findings : EXIT.clean
}

const MAX_CANDIDATE_BYTES: number = 1024 * 1024

function failOn(word: string | undefined): (report: BacktestReport) => boolean {
  if (word === undefined) return () => false
  if (word === 'any') return ({ compared }) => compared.unchanged < compared.decisions
  if (word === 'stricter' || word === 'milder')
    return ({ compared: { directions } }) => directions[word] + directions.other > 0
  throw usage(`Cannot use --fail-on ${quote(word)}: expected stricter, milder or any`)
}

function rangeOf(options: Options): Pick<RunInput, 'from' | 'to' | 'activated_at'> {
  const from = instantOf('--from', options.from)
  const to = instantOf('--to', options.to)
  if (from !== null && to !== null && to < from)
    throw usage('Cannot use --to: it is before --from, expected a later instant')
  return { from, to, activated_at: instantOf('--activated-at', options.activatedAt) }
}

function instantOf(option: string, written: string | undefined): EpochMs | null {
  if (written === undefined) return null
  const at = parseInstant(written)
  if (at.ok) return at.value
  throw usage(
    `Cannot use ${option} ${quote(written)}: expected an instant like 2026-11-20T12:00:00Z`,
  )
}

function requireSource({ log, data, disclosures }: Options): void {
  if ((log === undefined) === (data === undefined))
    throw usage('Cannot backtest: expected decisions, from --log or from --data')
  if (log !== undefined && disclosures === undefined)
    throw usage(
      'Cannot backtest a log: its records say neither facts nor reasons, expected --disclosures',
      'a key with scope audit exports them: livegate log disclosures > disclosures.jsonl',
    )
  if (data !== undefined && disclosures !== undefined)
    throw usage('Cannot use --disclosures with --data: a data directory has them')
}

async function recordedIn(
  session: Session,
  { log, data, disclosures, key }: Options,
): Promise<RunInput['recorded']> {
  if (data !== undefined) return { database: databaseIn(session.path(data), data) }
  const logs = await Promise.all((log ?? []).map((where) => openSource(session, where, key)))
  const path = session.path(disclosures ?? '')
  return { logs, disclosures: () => readDisclosures(path) }
}

/** The bar is drawn once it is known how much there is; entries of other kinds make it end early. */
async function withBar(
  session: Session,
  work: (onStart: RunInput['onStart']) => Promise<BacktestReport>,
): Promise<BacktestReport> {
  let end = (): void => undefined
  try {
    return await work((entries) => {
      const bar = session.progress('replaying', entries)
      end = () => bar.end()
      return (decisions) => bar.update(decisions)
    })
  } finally {
    end()
  }
}

/** Nothing compared proves nothing; that must not look like a candidate without differences. */
function requireCompared(report: BacktestReport): void {
  const { decisions, compared, left_out } = report
  if (compared.decisions > 0) return
  const why = notCompared(report).join(', ')
  const count = left_out.facts_lacking === undefined ? '' : '; --count-lacking counts those too'
  throw incomplete(
    `Cannot backtest: of ${plural(decisions, 'decision')} none could be compared`,
    why === '' ? undefined : `${why}${count}`,
  )
}
