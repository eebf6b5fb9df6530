/**
 * `livegate policy explain`: what a policy says about a history and why, rule by rule, and when going live is possible.
 *
 * Offline with --policy and --history; or asks a running gate about a subject it knows, without effect and record.
 */
import type { Command } from 'commander'
import { renderExplanation } from '../../adapters/http/render-explanation.ts'
import { explain, type RuleTrace } from '../../core/policy/explain.ts'
import { parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { parseHistory } from '../policy/history.ts'
import { loadPlan } from '../policy/load.ts'
import { quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly policy?: string
  readonly history?: string
  readonly subject?: string
  readonly at?: string
}

export function policyExplain(noun: Command, act: Act): void {
  const command = noun
    .command('explain')
    .description('say what a policy decides about a history, and why')
    .option('--policy <file>', 'policy file')
    .option('--history <file>', 'facts and strikes of a subject, YAML or JSON')
    .option('--at <instant>', 'RFC 3339; now unless given')
    .option('--subject <id>', 'instead: ask a running gate about this subject')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Example:
  livegate policy explain --policy policies/default.yaml --history struck.yaml --at 2026-01-31T00:00:00Z`

/** What both ways give, as the gate writes it. */
interface Explained {
  readonly outcome?: string
  readonly mode?: string
  readonly until?: string
  readonly not_before?: string
  readonly reasons?: readonly { readonly rule: string; readonly code: string }[]
  readonly unknown?: readonly { readonly rule: string; readonly facts: readonly string[] }[]
  readonly trace?: readonly RuleTrace[]
  readonly eligible_at?: string | null
  readonly eligible_reason?: string
}

async function run(session: Session, options: Options): Promise<ExitCode> {
  const value =
    options.subject === undefined
      ? await offline(session, options)
      : await online(session, options, options.subject)
  session.result(textOf(session, value), value)
  return EXIT.clean
}

const MAX_HISTORY_BYTES: number = 8 * 1024 * 1024

async function offline(session: Session, options: Options): Promise<Explained> {
  const { policy, history, at } = options
  if (policy === undefined || history === undefined)
    throw usage('Cannot explain: expected --policy and --history, or --subject of a running gate')
  const instant =
    at === undefined ? { ok: true as const, value: session.world.now() } : parseInstant(at)
  if (!instant.ok) throw usage(`Cannot use --at ${quote(at ?? '')}: ${instant.error}`)
  const plan = await loadPlan(session, policy)
  const text = new TextDecoder().decode(await readBounded(session.path(history), MAX_HISTORY_BYTES))
  return renderExplanation(explain(plan, parseHistory(text, history, instant.value)))
}

async function online(session: Session, options: Options, subject: string): Promise<Explained> {
  if (options.policy !== undefined || options.history !== undefined || options.at !== undefined)
    throw usage('Cannot explain: --subject asks a running gate, which has its own policy and clock')
  const client = await gateClient(session, options)
  const request = { method: 'POST', path: '/v1/explanations', body: { subject } } as const
  return (await client.json(request, 'explain')) as Explained
}

function textOf(session: Session, value: Explained): string {
  const { outcome = '?', mode, until, not_before, reasons = [], trace = [] } = value
  const when = [mode, until && `until ${until}`, not_before && `not before ${not_before}`]
  const lines = [
    [session.paint('bold', outcome), ...when.filter((part) => part)].join(' '),
    ...reasons.map(({ rule, code }) => `  because of ${rule}: ${code}`),
    ...(value.unknown ?? []).map(({ rule, facts }) => `  unknown for ${rule}: ${facts.join(', ')}`),
    `may go live: ${value.eligible_at ?? `never by waiting (${value.eligible_reason ?? 'no reason given'})`}`,
    'rules:',
    ...trace.map((rule) => `  ${traceLine(rule)}`),
  ]
  return lines.join('\n')
}

function traceLine({ rule, state, when, count, exemptions, missing }: RuleTrace): string {
  const parts = [`${rule}: ${state.replace('_', ' ')}`]
  if (count !== null) parts.push(`counted ${count.n} (${count.strikes.join(', ') || 'no strikes'})`)
  if (when !== null) parts.push(`when ${String(when.truth)}`)
  if (exemptions.length > 0) parts.push(`lifted by ${exemptions.join(', ')}`)
  if (missing.length > 0) parts.push(`lacking ${missing.join(', ')}`)
  return parts.join('; ')
}
