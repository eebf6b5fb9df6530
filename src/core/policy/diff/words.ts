/**
 * A difference in one sentence, in lengths of time: what the first policy says, and the second.
 */
import type { Decision, Facts } from '../../model.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../time.ts'
import type { Relative } from './difference.ts'
import type { Pair } from './pairs.ts'

interface Shown {
  readonly before: Decision
  readonly after: Decision
  readonly facts: Facts
}

/** For example: `1 strike (terrorism.link high), 30d later: deny for 30d -> allow`. */
export function sentenceOf(
  { wordsOnly }: Pair,
  { before, after }: { readonly before: Relative; readonly after: Relative },
  { facts, ...shown }: Shown,
): string {
  const when = situationWords(facts)
  if (wordsOnly) return `${when}: what the person is told`
  const [a, b] = [answerWords(before), answerWords(after)]
  return `${when}: ${a} -> ${a === b ? `${b}, ${changed(before, after, shown)}` : b}`
}

function situationWords({ at, hosts }: Facts): string {
  const [{ strikes, facts }] = hosts
  const known = Object.entries(facts).map(([name, value]) =>
    name.endsWith('_at') && typeof value === 'number'
      ? `${name} ${span(at - value)} ago`
      : `${name} ${JSON.stringify(value)}`,
  )
  const last = strikes.at(-1)
  if (last === undefined) return ['no strike', ...known].join(', ')
  const kinds = [...new Set(strikes.map(({ category, severity }) => `${category} ${severity}`))]
  const count = strikes.length === 1 ? '1 strike' : `${strikes.length} strikes`
  const later = at === last.effective_at ? 'at once' : `${span(at - last.effective_at)} later`
  return [`${count} (${kinds.join(', ')})`, later, ...known].join(', ')
}

/** An answer in lengths: `deny for 30d`, `delay (hold)`, `allow with audience_cap`. */
export function answerWords(answer: Relative): string {
  const { outcome, until, obligations } = answer
  if (outcome === 'deny') {
    if (until === 'forever') return 'deny forever'
    return until === null ? 'deny' : `deny for ${span(until)}`
  }
  const asked = obligations.map(({ type }) => type)
  const base = outcome === 'allow' ? 'allow' : `delay (${outcome}${amount(answer)})`
  return asked.length > 0 ? `${base} with ${asked.join(', ')}` : base
}

function amount({
  outcome,
  not_before,
  retry_after_s,
  broadcast_delay_s,
  review,
}: Relative): string {
  if (outcome === 'hold') return not_before === null ? '' : ` ${span(not_before)}`
  if (outcome === 'retry') return ` ${retry_after_s}s`
  if (outcome === 'broadcast') return ` ${broadcast_delay_s}s`
  return review === null ? '' : ` ${review[0]} ${span(review[1])}, then ${review[2]}`
}

/** What differs where both read alike: an end that is another strike's, or a component that is not told. */
function changed(before: Relative, after: Relative, shown: Omit<Shown, 'facts'>): string {
  const [a, b] = [shown.before.until, shown.after.until]
  if (typeof a === 'number' && typeof b === 'number' && a !== b)
    return `${span(Math.abs(b - a))} ${b > a ? 'later' : 'earlier'}`
  const members = (Object.keys(before) as (keyof Relative)[]).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  return `another ${members.join(', ')}`
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
  ['s', SECOND_MS],
  ['ms', 1],
]

/** A length in days, hours and so on: `30d`, `29d 23h 50m`; just beside a round one `30d - 1ms`. */
export function span(ms: number): string {
  const by = ms > HOUR_MS ? ([0, -1, 1].find((one) => (ms - one) % SECOND_MS === 0) ?? 0) : 0
  let left = ms - by
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  const text = parts.length === 0 ? '0' : parts.join(' ')
  return by === 0 ? text : `${text} ${by < 0 ? '-' : '+'} 1ms`
}
