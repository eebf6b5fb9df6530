/**
 * `livegate strike add`: one confirmed violation into a running gate. Adding the same again changes nothing.
 */
import { type Command, Option } from 'commander'
import { SEVERITIES, type Severity } from '../../core/model.ts'
import { formatInstant, parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import {
  type GateOptions,
  gateClient,
  gateOptions,
  problemFailure,
  readJson,
} from '../gate-client.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly id: string
  readonly category: string
  readonly severity: Severity
  readonly issuedAt?: string
  readonly expiresAt?: string
  readonly weight?: number
  readonly scope?: string
  readonly context?: string
}

export function strikeAdd(noun: Command, act: Act): void {
  const command = noun
    .command('add')
    .description('record a violation')
    .argument('<subject>', 'the account')
    .requiredOption('--id <id>', 'id of the strike, unique in the deployment')
    .requiredOption('--category <category>', 'dotted id such as terrorism.link')
    .addOption(
      new Option('--severity <severity>', 'how grave').choices(SEVERITIES).makeOptionMandatory(),
    )
    .option('--issued-at <instant>', 'RFC 3339; now unless given')
    .option('--expires-at <instant>', 'overrides the expiry of the policy')
    .option('--weight <n>', '1 to 1000', weightOf)
    .option('--scope <scope>', 'live, chat, post, …')
    .option('--context <context>', 'news, research, counter_speech, …')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, add)
}

const EXAMPLE = `
Example:
  livegate strike add u_81f --id s_1 --category terrorism.link --severity high`

async function add(session: Session, subject: string, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const { id, category, severity, weight, scope, context } = options
  const issued = options.issuedAt ?? formatInstant(session.world.now())
  const body = {
    id,
    category,
    severity,
    issued_at: instantOf(issued, '--issued-at'),
    ...(options.expiresAt === undefined
      ? {}
      : { expires_at: instantOf(options.expiresAt, '--expires-at') }),
    ...(weight === undefined ? {} : { weight }),
    ...(scope === undefined ? {} : { scope }),
    ...(context === undefined ? {} : { context }),
  }
  const path = `/v1/subjects/${encodeURIComponent(subject)}/strikes`
  const answer = await client.send({ method: 'POST', path, body })
  if (answer.status !== 200 && answer.status !== 201) throw problemFailure(answer, 'add strike')
  const value = readJson(answer, 'add strike') as Added
  const created = answer.status === 201
  session.result(textOf(value, id, created), { created, ...value })
  return EXIT.clean
}

interface Added {
  readonly known_category?: boolean
  readonly restrictions?: readonly { readonly rule: string; readonly until: string }[]
  readonly receipt?: { readonly index: number }
}

function textOf(value: Added, id: string, created: boolean): string {
  const index = value.receipt === undefined ? '' : ` at index ${value.receipt.index}`
  const lines = [
    created ? `strike ${quote(id)} recorded${index}` : `strike ${quote(id)} was there already`,
  ]
  if (value.known_category === false) lines.push('its category is not a known one')
  const restrictions = value.restrictions ?? []
  lines.push(`${plural(restrictions.length, 'restriction')} running`)
  for (const { rule, until } of restrictions) lines.push(`  ${rule} until ${until}`)
  return lines.join('\n')
}

function instantOf(text: string, option: string): string {
  const instant = parseInstant(text)
  if (!instant.ok) throw usage(`Cannot use ${option} ${quote(text)}: ${instant.error}`)
  return formatInstant(instant.value)
}

function weightOf(text: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text))
    throw usage(`Cannot use --weight ${quote(text)}: expected 1 to 1000`)
  return Number(text)
}
