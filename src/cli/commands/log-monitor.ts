/**
 * `livegate log monitor`: looks at logs for as long as it runs, and says when something is not as it should be.
 *
 * One look after the other; what is remembered is on disk before anything is said. A fork ends it, with both notes.
 */
import type { Command } from 'commander'
import {
  judge,
  type Look,
  newWatch,
  type Rules,
  type Verdict,
  type Watch,
} from '../../core/monitor/watch.ts'
import { parseDuration } from '../../core/time.ts'
import type { WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { baseUrl, keyOf } from '../gate-client.ts'
import { type LogKey, vkeysOption } from '../log/head.ts'
import { keysByOrigin } from '../log/named-logs.ts'
import { witnessPolicyOf, witnessPolicyOption } from '../log/witness-policy-file.ts'
import { fetcher } from '../monitor/fetch.ts'
import { lookAt } from '../monitor/look.ts'
import { comparedSites, type Site } from '../monitor/split-view.ts'
import { readWatches, writeWatches } from '../monitor/state.ts'
import { forkText, gistOf, jsonOf, lineOf } from '../monitor/words.ts'
import { jsonText, quote, type Session } from '../session.ts'

interface Options {
  readonly vkey: readonly string[]
  readonly state: string
  readonly interval: string
  readonly once?: boolean
  readonly witnessPolicy?: string
  readonly key?: string
  readonly maxAge: string
  readonly grace: string
  readonly witnessLag: string
  readonly timeout: string
}

export function logMonitor(noun: Command, act: Act): void {
  const command = noun
    .command('monitor')
    .description('watch logs for days: consistency, freshness, heartbeats, witnesses')
    .argument('<address...>', 'addresses before /checkpoint')
  witnessPolicyOption(vkeysOption(command))
    .requiredOption('--state <file>', 'what was seen last; written after each look')
    .option('--interval <duration>', 'time from one look to the next', '60s')
    .option('--once', 'look once and end, for cron')
    .option('--key <key>', 'API key with scope audit, or @FILE, for private entries (LIVEGATE_KEY)')
    .option('--max-age <duration>', 'a log must have grown, and have a heartbeat, within', '75m')
    .option('--grace <duration>', 'say that a log cannot be checked only after this', '15m')
    .option('--witness-lag <duration>', 'how far witnesses may be behind', '5m')
    .option('--timeout <duration>', 'longest time for one look at one log', '20s')
    .addHelpText('after', EXAMPLE)
  act(command, monitor)
}

const EXAMPLE = `
Example:
  livegate log monitor https://gate.example/log --vkey gate.example/log+1a2b3c4d+AQ… --state watch.json

Exit code 4: a log lies; both notes are printed and kept in the state. 3: a log is stale, not witnessed, or could not be
checked for longer than --grace. 1: the last look came to nothing, which says nothing about the log.`

interface Monitor {
  readonly session: Session
  readonly state: string
  readonly rules: Rules
  readonly keys: ReadonlyMap<string, LogKey>
  readonly policy: WitnessPolicy | null
  readonly key: string | null
  readonly timeout_ms: number
  /** By address, in the order of the state; those not watched now are carried along. */
  readonly watches: Map<string, Watch>
  /** What was said last, by address. */
  readonly said: Map<string, string>
}

async function monitor(
  session: Session,
  addresses: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const urls = [...new Set(addresses.map(baseUrl))]
  const interval_ms = ms('--interval', options.interval)
  const made = await setUp(session, urls, options)
  for (;;) {
    const began = session.world.now()
    const exit = await round(made, urls)
    if (exit === EXIT.verification || options.once === true) return exit
    try {
      await session.world.sleep(Math.max(0, interval_ms - (session.world.now() - began)))
    } catch {
      return exit
    }
    if (session.world.signal.aborted) return exit
  }
}

async function setUp(
  session: Session,
  urls: readonly string[],
  options: Options,
): Promise<Monitor> {
  const { world } = session
  const state = session.path(options.state)
  const watches = new Map(await readWatches(state))
  for (const url of urls) if (!watches.has(url)) watches.set(url, newWatch(url, world.now()))
  return {
    ...{ session, state, watches, said: new Map(), keys: keysByOrigin(options.vkey) },
    rules: {
      max_age_ms: ms('--max-age', options.maxAge),
      grace_ms: ms('--grace', options.grace),
      witness_lag_ms: ms('--witness-lag', options.witnessLag),
    },
    policy: await witnessPolicyOf(session, options.witnessPolicy),
    key: await keyOf(session, options.key ?? world.env.LIVEGATE_KEY),
    timeout_ms: ms('--timeout', options.timeout),
  }
}

/** Looks at every log once; remembers, then tells. */
async function round(made: Monitor, urls: readonly string[]): Promise<ExitCode> {
  const { watches, session } = made
  const sites = await Promise.all(urls.map((url) => look(made, url)))
  const looks = await comparedSites(sites)
  const verdicts = sites.map(({ watch }, i) => judgeOne(made, watch, looks[i]))
  // What a look that was cut short came to is nothing.
  if (session.world.signal.aborted) return EXIT.clean
  await writeWatches(made.state, watches.values())
  let worst: ExitCode = EXIT.clean
  for (const [i, url] of urls.entries()) {
    const [watch, verdict] = [watches.get(url), verdicts[i]]
    if (watch === undefined || verdict === undefined) continue
    tell(made, watch, verdict)
    worst = worse(worst, CODES[verdict.level])
  }
  return worst
}

async function look(made: Monitor, url: string): Promise<Site> {
  const { session, watches, keys, policy, key, timeout_ms } = made
  const { world } = session
  const watch = watches.get(url) ?? newWatch(url, world.now())
  const signal = AbortSignal.any([world.signal, AbortSignal.timeout(timeout_ms)])
  const parts = { fetch: fetcher(world, url, signal), keys, policy, key, signal }
  const seen = await lookAt(parts, watch)
  return { parts, look: seen.look, watch: { ...watch, origin: seen.origin } }
}

function judgeOne(made: Monitor, watch: Watch, look: Look | undefined): Verdict {
  const { session, watches, rules } = made
  const judged = judge({
    ...{ watch, look: look ?? { trouble: 'unreachable' }, at: session.world.now(), rules },
  })
  watches.set(watch.url, judged.watch)
  return judged.verdict
}

function tell({ session, said }: Monitor, watch: Watch, verdict: Verdict): void {
  const at = session.world.now()
  if (session.json) {
    session.lines(`${jsonText(jsonOf(watch, verdict, at))}\n`)
    return
  }
  const gist = gistOf(verdict)
  if (said.get(watch.url) === gist) return
  said.set(watch.url, gist)
  const colour = verdict.level === 'lie' ? 'red' : verdict.level === 'fine' ? 'green' : 'yellow'
  const notes = watch.fork === null ? '' : `\n${forkText(watch)}`
  session.result(session.paint(colour, lineOf(watch, verdict, at)) + notes, null)
}

const CODES: Readonly<Record<Verdict['level'], ExitCode>> = {
  fine: EXIT.clean,
  could_not_check: EXIT.incomplete,
  finding: EXIT.findings,
  lie: EXIT.verification,
}

/** A lie before a finding, a finding before a look that came to nothing. */
function worse(a: ExitCode, b: ExitCode): ExitCode {
  return a > b ? a : b
}

function ms(option: string, text: string): number {
  const read = parseDuration(text)
  if (read.ok && read.value > 0) return read.value
  throw usage(`Cannot use ${option} ${quote(text)}: expected a duration such as 90s, 15m or 2h`)
}
