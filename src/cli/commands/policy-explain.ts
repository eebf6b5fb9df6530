/**
 * `livegate policy explain`: what a policy says about a history and why, rule by rule; when going live is possible, what
 * single change would change the answer, and what to tell the person.
 *
 * Offline with --policy and --history; or asks a running gate about a subject it knows, without effect and record.
 */
import type { Command } from 'commander'
import { renderExplanation } from '../../adapters/http/render-explanation.ts'
import type { Facts } from '../../core/model.ts'
import { explain } from '../../core/policy/explain.ts'
import { drawTimeline } from '../../core/policy/timeline.ts'
import { type EpochMs, parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { type Explained, explainLines } from '../policy/explain-text.ts'
import { MAX_HISTORY_BYTES, parseHistory } from '../policy/history.ts'
import { loadPlan, refused } from '../policy/load.ts'
import { quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly policy?: string
  readonly history?: string
  readonly subject?: string
  readonly at?: string
  readonly person?: boolean
}

export function policyExplain(noun: Command, act: Act): void {
  const command = noun
    .command('explain')
    .description('say what a policy decides about a history, and why')
    .option('--policy <file>', 'policy file')
    .option('--history <file>', 'facts and strikes of a subject, YAML or JSON')
    .option('--at <instant>', 'RFC 3339; now unless given')
    .option('--subject <id>', 'instead: ask a running gate about this subject')
    .option('--person', 'only what to tell the person affected, in each language')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Example:
  livegate policy explain --policy policies/default.yaml --history struck.yaml --at 2026-01-31T00:00:00Z`

async function run(session: Session, options: Options): Promise<ExitCode> {
  const { value, timeline } =
    options.subject === undefined
      ? await offline(session, options)
      : { value: await online(session, options, options.subject), timeline: [] }
  session.result(
    options.person === true ? personText(value) : textOf(session, value, timeline),
    value,
  )
  return EXIT.clean
}

/** Only what the person is told, a language a line. */
function personText({ sentence = {} }: Explained): string {
  return Object.entries(sentence)
    .map(([language, text]) => `${language}: ${text}`)
    .join('\n')
}

function textOf(session: Session, value: Explained, timeline: readonly string[]): string {
  const [first = '', ...lines] = explainLines(value)
  const answer = first.replace(/^[^ ]+/, (outcome) => session.paint('bold', outcome))
  const drawn = timeline.length === 0 ? [] : ['', ...timeline]
  return [answer, ...lines, ...drawn].join('\n')
}

/** Nobody else waits for this answer: some seconds at most. */
const WORK = 300_000_000

async function offline(
  session: Session,
  options: Options,
): Promise<{ readonly value: Explained; readonly timeline: readonly string[] }> {
  const { policy, history, at } = options
  if (policy === undefined || history === undefined)
    throw usage('Cannot explain: expected --policy and --history, or --subject of a running gate')
  const instant =
    at === undefined ? { ok: true as const, value: session.world.now() } : parseInstant(at)
  if (!instant.ok) throw usage(`Cannot use --at ${quote(at ?? '')}: ${instant.error}`)
  const plan = await loadPlan(session, policy)
  const facts = await historyFrom(session, history, instant.value)
  const value: Explained = renderExplanation(explain(plan, facts, WORK))
  return { value, timeline: session.json ? [] : drawTimeline(plan, facts) }
}

async function historyFrom(session: Session, file: string, at: EpochMs): Promise<Facts> {
  // One byte too many is the reader's to say.
  const bytes = await readBounded(session.path(file), 4 * MAX_HISTORY_BYTES)
  const parsed = parseHistory(bytes, { file, at })
  if (parsed.ok) return parsed.value
  const text = new TextDecoder().decode(bytes)
  throw refused(session, { what: 'read history', file, text, diagnostics: parsed.error })
}

async function online(session: Session, options: Options, subject: string): Promise<Explained> {
  if (options.policy !== undefined || options.history !== undefined || options.at !== undefined)
    throw usage('Cannot explain: --subject asks a running gate, which has its own policy and clock')
  const client = await gateClient(session, options)
  const request = { method: 'POST', path: '/v1/explanations', body: { subject } } as const
  return (await client.json(request, 'explain')) as Explained
}
