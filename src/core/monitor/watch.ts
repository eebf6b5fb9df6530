/**
 * What a monitor knows of one log between two looks, and what it concludes from the next look.
 *
 * Four levels that are never confused: fine; a finding (signed and true, but not as it should be); could not check
 * (says nothing about the log, until it lasts); a lie, which two signed notes prove. Pure: looking, waiting and telling
 * are cli/monitor's. Spec: docs/cli.md, "Watching logs".
 */

import type { KeyState } from '../audit/keys.ts'

/** A signed checkpoint, verified under a key of the log. */
export interface SeenHead {
  readonly size: number
  readonly note: string
}

/** Why a look ended before anything followed from it. */
export const TROUBLES = [
  'unreachable',
  'timed_out',
  'redirected',
  'too_large',
  /** Neither 200 nor 404. */
  'refused',
  /** There is no checkpoint at this address. */
  'no_checkpoint',
  /** A page for people, or other text. */
  'not_a_checkpoint',
  /** A checkpoint without a good signature of the log's key. */
  'not_signed',
  /** A checkpoint of a log this monitor was given no key for, or of another one than before. */
  'other_log',
  /** Hash tiles the checkpoint covers are not there. */
  'tiles_missing',
  /** Hash tiles do not lead to the signed root: damaged, or another log's. */
  'tiles_wrong',
  /** A signed checkpoint of fewer entries than one seen before, of the same tree: a stale cache, or a log set back. */
  'older',
] as const

export type Trouble = (typeof TROUBLES)[number]

/** Two notes the log has signed that contradict each other. */
export interface Fork {
  readonly trusted: string
  readonly seen: string
  /** Address `seen` was served at, when it was at another one at the same time. */
  readonly elsewhere?: string
}

/** What the log's key records say, up to a place in it. */
export interface FollowedKeys {
  /** Entries read. */
  readonly size: number
  readonly keys: readonly KeyState[]
  readonly checkpoint_keys: readonly KeyState[]
}

/** A key nobody gave to the monitor has signed the checkpoint too. */
export type KeyNews =
  /** The log names it; it is known from here on. */
  | { readonly is: 'learned'; readonly vkeys: readonly string[] }
  /** Its record has not been come to yet. */
  | { readonly is: 'following' }
  /** Entries may not be read: it can only be given. */
  | { readonly is: 'unreadable' }

/** What one look found; everything in it is verified. */
export type Look =
  | { readonly trouble: Trouble }
  | { readonly fork: Fork }
  | {
      readonly head: SeenHead
      /** Entries of the newest checkpoint with the quorum, 0 when there is none; absent when nobody asked. */
      readonly witnessed?: number | { readonly trouble: WitnessedTrouble }
      /** The newest heartbeat among what is new; `unknown` where entries were not read. Absent when nothing is new. */
      readonly heartbeat?: Heartbeat | 'none' | 'unknown'
      /** Absent when nothing was read for it. */
      readonly followed?: FollowedKeys
      readonly key?: KeyNews
    }

/** Why `checkpoint.witnessed` proves nothing. */
export type WitnessedTrouble = Trouble | 'quorum_missed' | 'cosignature_bad'

export interface Heartbeat {
  readonly index: number
  /** Its `iat`. */
  readonly at_s: number
}

/** Everything remembered of a log; bounded. */
export interface Watch {
  /** Address, as given. */
  readonly url: string
  /** Null before the first good look. */
  readonly origin: string | null
  readonly trusted: SeenHead | null
  /** When this size was first seen. */
  readonly grown_at: number
  /** Last good look. */
  readonly checked_at: number | null
  /** First of the looks in a row that came to nothing. */
  readonly failing_since: number | null
  readonly failures: number
  readonly last_trouble: Trouble | null
  /** Since when there has been no quorum over the newest checkpoint. */
  readonly unwitnessed_since: number | null
  readonly heartbeat: Heartbeat | null
  /** Null while nobody but the keys given has signed. */
  readonly followed: FollowedKeys | null
  /** Two notes that prove that the log lies; kept until somebody takes them away. */
  readonly fork: (Fork & { readonly at: number }) | null
}

export interface Rules {
  /** A log that writes a heartbeat an hour has grown, and has one, within this. */
  readonly max_age_ms: number
  /** For so long nobody is bothered with looks that came to nothing. */
  readonly grace_ms: number
  /** How far the quorum may be behind. */
  readonly witness_lag_ms: number
}

export const FINDINGS = [
  /** Has not grown for longer than its heartbeats allow. */
  'stale',
  /** Its newest heartbeat is too old. */
  'heartbeat_late',
  /** Its newest heartbeat is of a time to come: it will never be late, and proves no life. */
  'heartbeat_early',
  /** No quorum over the newest checkpoint, for longer than witnesses may take. */
  'not_witnessed',
  /** Could not be checked for longer than the grace. */
  'unchecked',
] as const

export type Finding = (typeof FINDINGS)[number]

export interface Verdict {
  readonly level: 'fine' | 'could_not_check' | 'finding' | 'lie'
  /** The trouble of this look, if that is what it came to. */
  readonly trouble: Trouble | null
  readonly findings: readonly Finding[]
  /** Why `checkpoint.witnessed` proves nothing now. */
  readonly witnessed: WitnessedTrouble | null
  readonly key: KeyNews | null
}

export function newWatch(url: string, at: number): Watch {
  return {
    ...{ url, origin: null, trusted: null, grown_at: at, checked_at: null },
    ...{ failing_since: null, failures: 0, last_trouble: null, unwitnessed_since: null },
    ...{ heartbeat: null, followed: null, fork: null },
  }
}

/** What is known after a look at `at`, and what there is to say. A lie once seen stays one. */
export function judge(request: {
  readonly watch: Watch
  readonly look: Look
  readonly at: number
  readonly rules: Rules
}): { readonly watch: Watch; readonly verdict: Verdict } {
  const { look, at, rules } = request
  const watch = after(request)
  const trouble = 'trouble' in look ? look.trouble : null
  const findings = findingsOf(watch, at, rules)
  const witnessed =
    'head' in look && typeof look.witnessed === 'object' ? look.witnessed.trouble : null
  const key = 'head' in look ? (look.key ?? null) : null
  const level =
    watch.fork !== null
      ? 'lie'
      : findings.length > 0
        ? 'finding'
        : trouble !== null
          ? 'could_not_check'
          : 'fine'
  return { watch, verdict: { level, trouble, findings, witnessed, key } }
}

function after({ watch, look, at }: Parameters<typeof judge>[0]): Watch {
  if ('fork' in look) return { ...watch, fork: watch.fork ?? { ...look.fork, at } }
  if ('trouble' in look)
    return {
      ...watch,
      failing_since: watch.failing_since ?? at,
      failures: watch.failures + 1,
      last_trouble: look.trouble,
    }
  const { head, witnessed, heartbeat, followed = watch.followed } = look
  const grew = watch.trusted === null || head.size > watch.trusted.size
  return {
    ...watch,
    ...{ trusted: head, grown_at: grew ? at : watch.grown_at, checked_at: at },
    ...{ failing_since: null, failures: 0, last_trouble: null },
    unwitnessed_since:
      witnessed === undefined || (typeof witnessed === 'number' && witnessed >= head.size)
        ? null
        : (watch.unwitnessed_since ?? at),
    heartbeat: heartbeatAfter(watch.heartbeat, heartbeat ?? 'none'),
    followed,
  }
}

function heartbeatAfter(
  known: Heartbeat | null,
  seen: Heartbeat | 'none' | 'unknown',
): Heartbeat | null {
  if (seen === 'unknown') return null
  return seen === 'none' ? known : seen
}

/** By how much clocks may differ. */
const CLOCK_SLACK_MS = 600_000

function findingsOf(watch: Watch, at: number, rules: Rules): readonly Finding[] {
  const over = (since: number | null, limit: number): boolean =>
    since !== null && at - since > limit
  const { failing_since, trusted, grown_at, heartbeat, unwitnessed_since } = watch
  if (failing_since !== null) return over(failing_since, rules.grace_ms) ? ['unchecked'] : []
  const found: Finding[] = []
  if (trusted !== null && over(grown_at, rules.max_age_ms)) found.push('stale')
  if (heartbeat !== null && over(heartbeat.at_s * 1000, rules.max_age_ms))
    found.push('heartbeat_late')
  if (heartbeat !== null && heartbeat.at_s * 1000 > at + CLOCK_SLACK_MS)
    found.push('heartbeat_early')
  if (over(unwitnessed_since, rules.witness_lag_ms)) found.push('not_witnessed')
  return found
}
