/**
 * `livegate strike import`: somebody's export of violations into a running gate, or what that would mean (--dry-run).
 */
import type { Command } from 'commander'
import type { Strike } from '../../core/model.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { formatInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { type ExitCode, usage } from '../failure.ts'
import { gateOptions } from '../gate-client.ts'
import { previewDenied } from '../import/preview.ts'
import { type Appendix, concurrencyOf, type ImportOptions, runImport } from '../import/run.ts'
import { STRIKES, type StrikeItem } from '../import/strike-rows.ts'
import type { Survey } from '../import/survey.ts'
import { loadPlan } from '../policy/load.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends ImportOptions {
  readonly policy?: string
}

export function strikeImport(noun: Command, act: Act): void {
  const command = noun
    .command('import')
    .description('record the violations of a CSV or JSON Lines file')
    .argument('<file>', 'file.csv or file.jsonl')
    .requiredOption('--map <mapping.yaml>', 'which column is which member')
    .option('--dry-run', 'send nothing; say what would happen')
    .option('--policy <file>', 'with --dry-run: list who would be denied today under this policy')
    .option('--skip-bad', 'send the good rows even when others are wrong')
    .option('--state <file>', 'how far the import is (default: beside the file)')
    .option('--concurrency <n>', 'requests in flight, 1 to 64', concurrencyOf, 8)
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, importStrikes)
}

const EXAMPLE = `
Example:
  livegate strike import coop.jsonl --map coop.yaml --dry-run --policy policies/default.yaml`

async function importStrikes(session: Session, file: string, options: Options): Promise<ExitCode> {
  if (options.policy === undefined) return runImport(session, STRIKES, file, options)
  if (options.dryRun !== true)
    throw usage('Cannot use --policy: it only shows what a --dry-run would mean')
  const plan = await loadPlan(session, options.policy)
  const strikes = new Map<string, Map<string, Strike>>()
  const onItem = ({ strike }: StrikeItem): void => {
    const own = strikes.get(strike.subject) ?? new Map<string, Strike>()
    strikes.set(strike.subject, own.set(strike.id, strike))
  }
  const appendix = (survey: Survey): Appendix => {
    for (const { identity } of survey.conflicts)
      for (const own of strikes.values()) own.delete(identity)
    return denialsUnder(session, plan, strikes)
  }
  return runImport(session, STRIKES, file, options, { onItem, appendix })
}

const SHOWN = 200

function denialsUnder(
  session: Session,
  plan: Plan,
  strikes: ReadonlyMap<string, ReadonlyMap<string, Strike>>,
): Appendix {
  const own = new Map([...strikes].map(([subject, some]) => [subject, [...some.values()]]))
  const denied = previewDenied(plan, own, session.world.now()).map(({ until, ...rest }) => ({
    ...rest,
    until: until === null || until === 'forever' ? until : formatInstant(until),
  }))
  const lines = denied
    .slice(0, SHOWN)
    .map(
      ({ subject, until, rules }) =>
        `  ${quote(subject)} until ${until ?? 'its strikes leave the window'} (${rules.join(', ')})`,
    )
  if (denied.length > SHOWN) lines.push(`  … and ${denied.length - SHOWN} more`)
  const head = `under policy \`${plan.name}\`, strikes alone deny ${plural(denied.length, 'subject')} of ${strikes.size} today${denied.length > 0 ? ':' : ''}`
  return { text: [head, ...lines].join('\n'), value: { denied_today: denied } }
}
