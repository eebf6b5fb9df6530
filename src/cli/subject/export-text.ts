/**
 * An export in plain words, for the person it is about: what is known, what runs, what was decided, what they may do.
 *
 * Pure. Every line can be traced to a member of the JSON; nothing is left out but ids of machines.
 */
import type { ExportedLine, ExportedNow, ExportedSubject } from './exported.ts'

export function exportText(whole: ExportedSubject): string {
  const { subject, at, now, records, recipients } = whole
  const nothing = records.length === 0 && (now === undefined || isEmpty(now))
  return [
    `What is stored about ${subject}, as of ${at}`,
    ...(nothing ? ['', 'Nothing is stored.'] : []),
    ...(now === undefined ? [] : nowText(now)),
    ...section('Decisions and other records', records.map(recordText)),
    ...section('Who was told about decisions', recipients),
    ...(now === undefined ? [] : lastWords(now)),
  ].join('\n')
}

function isEmpty({ facts, strikes, restrictions }: ExportedNow): boolean {
  return Object.keys(facts).length + strikes.length + restrictions.length === 0
}

function nowText(now: ExportedNow): readonly string[] {
  return [
    ...section(
      'Facts',
      Object.entries(now.facts).map(
        ([name, { value, as_of }]) =>
          `${name.replaceAll('_', ' ')}: ${words(value)} (as of ${as_of})`,
      ),
    ),
    ...section('Strikes', now.strikes.map(strikeText)),
    ...section('Restrictions that run now', now.restrictions.map(restrictionText)),
    ...section(
      'Broadcasts that run now',
      now.broadcasts.map(({ stream, lease_until }) => `${stream}, allowed until ${lease_until}`),
    ),
    ...section(
      'Legal hold',
      now.legal_hold === undefined
        ? []
        : [`nothing is erased before ${now.legal_hold.until}: ${now.legal_hold.basis}`],
    ),
  ]
}

function lastWords(now: ExportedNow): readonly string[] {
  const kept = now.retention.map(
    ({ what, days }) => `${what}: ${days === null ? 'kept until erased' : `${days} days`}`,
  )
  return [...section('How long it is kept', kept), ...section('Your rights', now.rights)]
}

function strikeText(strike: ExportedNow['strikes'][number]): string {
  const { id, category, severity, issued_at, expires_at, status, source } = strike
  return [
    `${id}: ${category} (${severity}), issued ${issued_at}`,
    ...(source === undefined ? [] : [`found by ${source.system} (${source.kind})`]),
    ...(expires_at === undefined ? [] : [`expires ${expires_at}`]),
    ...(status === 'active' ? [] : [status]),
  ].join(', ')
}

function restrictionText(restriction: ExportedNow['restrictions'][number]): string {
  const { rule, from, until, kept, text, appeal } = restriction
  const end = until === 'forever' ? 'without end' : `until ${until}`
  return [
    `${rule}: from ${from}, ${end}${kept ? ', kept from before an erasure' : ''}`,
    ...indented(sentence(text)),
    ...(appeal === undefined
      ? []
      : indented(
          `Appeal: ${appeal.url}${appeal.until === undefined ? '' : ` until ${appeal.until}`}`,
        )),
  ].join('\n')
}

function recordText(record: ExportedLine): string {
  const { id, kind, at, contents, caller, stream, outcome, until, rules = [], reasons } = record
  const head = [
    `${at} ${kind}${outcome === undefined ? '' : `: ${outcome}`}`,
    ...(until === undefined ? [] : [`until ${until}`]),
    ...(stream === undefined ? [] : [`stream ${stream}`]),
    ...(caller === undefined ? [] : [`asked by ${caller}`]),
    ...(contents === 'stored' ? [] : ['its contents were removed']),
    `record ${id}`,
  ].join(', ')
  const why = reasons?.map(({ rule, text }) => `${rule}: ${sentence(text)}`) ?? rules
  return [head, ...why.flatMap(indented)].join('\n')
}

/** English if there is any, else whatever there is. */
function sentence(text: Readonly<Record<string, string>>): string {
  return text.en ?? Object.values(text)[0] ?? ''
}

function indented(line: string): readonly string[] {
  return line === '' ? [] : [`    ${line}`]
}

function words(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value)
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]
}
