/**
 * What a monitor says about a look: one line for people when something has changed, one JSON object a look with --json.
 */
import type {
  Finding,
  KeyNews,
  Trouble,
  Verdict,
  Watch,
  WitnessedTrouble,
} from '../../core/monitor/watch.ts'
import { durationMs, type EpochMs, formatDuration, formatInstant } from '../../core/time.ts'

const TROUBLE: Readonly<Record<Trouble | WitnessedTrouble, string>> = {
  unreachable: 'there is no connection',
  timed_out: 'it does not answer in time',
  redirected: 'it leads elsewhere, which is not followed',
  too_large: 'it answers with more than there can be',
  refused: 'it refuses to answer',
  no_checkpoint: 'there is no checkpoint at this address',
  not_a_checkpoint: 'what it answers is no checkpoint',
  not_signed:
    'its checkpoint is not signed with a key of the log known here; if the log has exchanged its key, give both with --vkey',
  other_log: 'its checkpoint is of another log',
  tiles_missing: 'hash tiles are missing that its checkpoint covers',
  tiles_wrong: 'its hash tiles do not lead to the root it has signed',
  older: 'it shows an older checkpoint than before, of the same tree',
  quorum_missed: 'its witnessed checkpoint has no quorum',
  cosignature_bad: 'a cosignature on its witnessed checkpoint does not hold',
}

/** The look at one log as a line; `at` is now. */
export function lineOf(watch: Watch, verdict: Verdict, at: EpochMs): string {
  return `${formatInstant(at)} ${watch.origin ?? watch.url}: ${stateOf(watch, verdict, at)}`
}

function stateOf(watch: Watch, verdict: Verdict, at: number): string {
  const { trouble, findings, witnessed, key } = verdict
  if (watch.fork !== null)
    return `THE LOG LIES: it has signed two trees that contradict each other${watch.fork.elsewhere === undefined ? '' : ', and shows one here and one elsewhere'}`
  const parts = findings.map((finding) => wordsOf(finding, watch, at))
  if (trouble !== null && !findings.includes('unchecked'))
    parts.push(`could not check: ${TROUBLE[trouble]}`)
  if (witnessed !== null) parts.push(`not witnessed: ${TROUBLE[witnessed]}`)
  const size = watch.trusted === null ? 'nothing seen yet' : `${watch.trusted.size} entries`
  const news = key === null ? '' : `; ${newsOf(key)}`
  return `${parts.length === 0 ? `fine, ${size}` : `${parts.join('; ')} (${size})`}${news}`
}

function wordsOf(finding: Finding, watch: Watch, at: number): string {
  const since = (from: number | null): string => ago(at - (from ?? at))
  switch (finding) {
    case 'stale':
      return `stale: it has not grown for ${since(watch.grown_at)}`
    case 'heartbeat_late':
      return `its last heartbeat is ${since((watch.heartbeat?.at_s ?? 0) * 1000)} old`
    case 'heartbeat_early':
      return `its last heartbeat is dated ${ago((watch.heartbeat?.at_s ?? 0) * 1000 - at)} later than the clock here`
    case 'not_witnessed':
      return `no quorum of witnesses for ${since(watch.unwitnessed_since)}`
    case 'unchecked': {
      const why = watch.last_trouble === null ? '' : `: ${TROUBLE[watch.last_trouble]}`
      return `could not be checked for ${since(watch.failing_since)}, ${watch.failures} times${why}`
    }
  }
}

/** What is to be done, while there is time to do it. */
function newsOf(key: KeyNews): string {
  const also = 'its checkpoint is also signed with a key not given here'
  switch (key.is) {
    case 'learned':
      return `its checkpoint key is being exchanged; learned from the log: ${key.vkeys.join(', ')}`
    case 'following':
      return `${also}; looking for its record in the log`
    case 'unreadable':
      return `${also}, and its entries cannot be read: give both keys with --vkey, or an API key with --key`
  }
}

/** Whole minutes; seconds below one. */
function ago(ms: number): string {
  const unit = ms < 60_000 ? 1_000 : 60_000
  return formatDuration(durationMs(Math.max(0, Math.floor(ms / unit) * unit)))
}

/** Both notes of a lie, for people. */
export function forkText({ url, fork }: Watch): string {
  if (fork === null) return ''
  const { trusted, seen, elsewhere } = fork
  if (elsewhere !== undefined) return `at ${url}:\n${trusted}\nat ${elsewhere}:\n${seen}`
  return `trusted before:\n${trusted}\nseen since:\n${seen}`
}

/** The look at one log for --json. */
export function jsonOf(watch: Watch, verdict: Verdict, at: EpochMs): object {
  const { level, trouble, findings, witnessed, key } = verdict
  const { trusted, seen, elsewhere } = watch.fork ?? {}
  return {
    ...{ at: formatInstant(at), log: watch.origin, url: watch.url, level, trouble, findings },
    ...{ size: watch.trusted?.size ?? null, failures: watch.failures },
    ...(witnessed === null ? {} : { witnessed }),
    ...(key === null ? {} : { key }),
    ...(watch.fork === null
      ? {}
      : { fork: { trusted, seen, ...(elsewhere === undefined ? {} : { elsewhere }) } }),
  }
}

/** What must change for another line to be said. */
export function gistOf({ level, trouble, findings, witnessed, key }: Verdict): string {
  return [level, trouble, ...findings, witnessed, key?.is].join(' ')
}
