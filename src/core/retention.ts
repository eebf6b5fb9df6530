/**
 * How long what is stored about people is kept, as an operator writes it: `decisions=180d,strikes=730d,strikes.child=forever`.
 *
 * Pure text to data. A name is a kind, for strikes also with a category or the beginning of one; the longest that fits
 * counts. What is not named is kept. Spec: docs/erasure.md, "Retention". Used by gate/retention.ts and the hosts.
 */
import { err, ok, type Result } from './result.ts'

/** Kinds whose openings go when their time is over. */
export const RETAINED_KINDS = ['decisions', 'broadcasts', 'reviews'] as const
export type RetainedKind = (typeof RETAINED_KINDS)[number]

/** Milliseconds, Infinity for ever. */
export interface RetentionRules {
  readonly kinds: Readonly<Partial<Record<RetainedKind, number>>>
  /** By category or beginning of one (`child` is that of `child.csam`); the empty text is any. */
  readonly strikes: ReadonlyMap<string, number>
}

export const KEEP_EVERYTHING: RetentionRules = { kinds: {}, strikes: new Map() }

const DAY_MS = 86_400_000
const UNITS: Readonly<Record<string, number>> = { d: DAY_MS, w: 7 * DAY_MS, y: 365 * DAY_MS }
/** Longer is a slip of the keyboard; `forever` says for ever. */
const MAX_DAYS = 36_500

/** Reads the setting; the error says what is wrong with which part. */
export function parseRetention(text: string): Result<RetentionRules, string> {
  const kinds: Partial<Record<RetainedKind, number>> = {}
  const strikes = new Map<string, number>()
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [name = '', length, ...rest] = part.split('=').map((one) => one.trim())
    const ms = length === undefined || rest.length > 0 ? null : lengthOf(length)
    if (ms === null)
      return err(
        `expected NAME=LENGTH with LENGTH like 180d, 26w, 2y or forever, not \`${shown(part)}\``,
      )
    const kind = RETAINED_KINDS.find((one) => one === name)
    const category = categoryOf(name)
    if (kind === undefined && category === null)
      return err(
        `expected ${RETAINED_KINDS.join(', ')}, strikes or strikes.CATEGORY, not \`${shown(name)}\``,
      )
    if (kind !== undefined ? kinds[kind] !== undefined : strikes.has(category ?? ''))
      return err(`expected each name once, not \`${shown(name)}\` twice`)
    if (kind !== undefined) kinds[kind] = ms
    else strikes.set(category ?? '', ms)
  }
  if (strikes.size === 0 && Object.keys(kinds).length === 0)
    return err('expected NAME=LENGTH, such as decisions=180d')
  return ok({ kinds, strikes })
}

/** How long a strike of a category is kept. */
export function keptFor({ strikes }: RetentionRules, category: string): number {
  for (let name = category; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const ms = strikes.get(name)
    if (ms !== undefined) return ms
  }
  return strikes.get('') ?? Number.POSITIVE_INFINITY
}

/** True when nothing ever goes. */
export function keepsEverything({ kinds, strikes }: RetentionRules): boolean {
  return [...Object.values(kinds), ...strikes.values()].every(
    (ms) => ms === Number.POSITIVE_INFINITY,
  )
}

/** The setting again, for people. */
export function retentionWords(
  rules: RetentionRules,
): readonly { readonly what: string; readonly days: number | null }[] {
  const days = (ms: number): number | null => (Number.isFinite(ms) ? ms / DAY_MS : null)
  return [
    ...RETAINED_KINDS.map((kind) => ({ what: kind, days: days(rules.kinds[kind] ?? Infinity) })),
    { what: 'strikes', days: days(rules.strikes.get('') ?? Infinity) },
    ...[...rules.strikes]
      .filter(([category]) => category !== '')
      .map(([category, ms]) => ({ what: `strikes.${category}`, days: days(ms) })),
  ]
}

function lengthOf(text: string): number | null {
  if (text === 'forever') return Number.POSITIVE_INFINITY
  const [, count, unit] = /^([1-9][0-9]{0,4})([dwy])$/.exec(text) ?? []
  const ms = Number(count) * (UNITS[unit ?? ''] ?? Number.NaN)
  return ms <= MAX_DAYS * DAY_MS ? ms : null
}

function categoryOf(name: string): string | null {
  if (name === 'strikes') return ''
  const [, category] = /^strikes\.([a-z0-9_]+(?:\.[a-z0-9_]+)*)$/.exec(name) ?? []
  return category ?? null
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
