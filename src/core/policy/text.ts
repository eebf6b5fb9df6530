/**
 * The sentence a person reads: an author's template with its placeholders filled.
 *
 * Dates are written by the tables below and nothing else, because a decision must be the same bit for bit on every
 * machine and a runtime's own locale data is not. An end is rounded up to the minute, so a text never promises too
 * early. Spec: docs/spec/policy.md, "Reasons".
 */
import type { Until } from '../model.ts'
import type { EpochMs } from '../time.ts'
import { renderTemplate } from './template.ts'

export interface TextValues {
  /** Null: no end is known. */
  readonly until: Until | null
  readonly not_before: EpochMs | null
  /** Category id of the opening strike. */
  readonly category: string | null
  readonly clause: string | null
  /** How many strikes were counted. */
  readonly count: number | null
  /** Where to appeal. */
  readonly url: string | null
}

/** Fills every template of a rule, languages sorted. What has no value becomes an empty text. */
export function fillTemplates(
  templates: Readonly<Record<string, string>>,
  values: TextValues,
): Record<string, string> {
  const text: Record<string, string> = {}
  for (const language of Object.keys(templates).sort()) {
    const template = templates[language] ?? ''
    text[language] = template.includes('{') ? fill(template, language, values) : template
  }
  return text
}

function fill(template: string, language: string, values: TextValues): string {
  return renderTemplate(template, {
    until: formatUntil(values.until, language),
    not_before: values.not_before === null ? '' : formatUntil(values.not_before, language),
    category: values.category ?? '',
    clause: values.clause ?? '',
    count: values.count === null ? '' : String(values.count),
    url: values.url ?? '',
  })
}

/** `20 December 2026, 00:00 UTC` in the language of the tag; unknown languages get `2026-12-20 00:00 UTC`. */
export function formatUntil(until: Until | null, language: string): string {
  const words = WORDS[language.toLowerCase().split('-')[0] ?? ''] ?? PLAIN
  if (until === null) return words.open
  return until === 'forever' ? words.forever : formatDate(until, words)
}

const MINUTE = 60_000
/** 9999-12-31T23:59Z: there is no later minute to round up to. */
const LAST_MINUTE = 253_402_300_740_000

function formatDate(at: EpochMs, words: Words): string {
  const date = new Date(Math.min(Math.ceil(at / MINUTE) * MINUTE, LAST_MINUTE))
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())} UTC`
  const name = words.months[month]
  if (name === undefined)
    return `${String(year).padStart(4, '0')}-${two(month + 1)}-${two(day)} ${time}`
  return words.date.replace('D', String(day)).replace('M', name).replace('Y', String(year)) + time
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

interface Words {
  /** January to December; empty = digits. */
  readonly months: readonly string[]
  /** D, M and Y are replaced in this order. */
  readonly date: string
  readonly open: string
  readonly forever: string
}

const PLAIN: Words = {
  months: [],
  date: '',
  open: 'further notice',
  forever: 'further notice (no end date)',
}

function words(months: string, date: string, open: string, forever: string): Words {
  return { months: months.split(' '), date, open, forever: `${open} (${forever})` }
}

const WORDS: Readonly<Record<string, Words>> = {
  en: words(
    'January February March April May June July August September October November December',
    'D M Y, ',
    'further notice',
    'no end date',
  ),
  fr: words(
    'janvier février mars avril mai juin juillet août septembre octobre novembre décembre',
    'D M Y, ',
    'nouvel ordre',
    'sans date de fin',
  ),
  de: words(
    'Januar Februar März April Mai Juni Juli August September Oktober November Dezember',
    'D. M Y, ',
    'auf Weiteres',
    'ohne Enddatum',
  ),
  es: words(
    'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre',
    'D de M de Y, ',
    'nuevo aviso',
    'sin fecha de fin',
  ),
  it: words(
    'gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre',
    'D M Y, ',
    'nuovo avviso',
    'senza data di fine',
  ),
  pt: words(
    'janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro',
    'D de M de Y, ',
    'novo aviso',
    'sem data de término',
  ),
  nl: words(
    'januari februari maart april mei juni juli augustus september oktober november december',
    'D M Y, ',
    'nader order',
    'zonder einddatum',
  ),
  pl: words(
    'stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia',
    'D M Y, ',
    'odwołania',
    'bez daty końcowej',
  ),
  ja: words(
    '1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月',
    'Y年MD日 ',
    '追って通知があるまで',
    '期限なし',
  ),
}
