/**
 * What an import has found and done, as text and as JSON. Text cuts long lists; JSON holds what the survey kept.
 */
import { plural, quote, type Session } from '../session.ts'
import type { ImportNoun, Item } from './noun.ts'
import type { ImportState } from './state.ts'
import type { Survey } from './survey.ts'

const SHOWN = 50

/** The survey for people; `appendix` goes before the last line. */
export function surveyText<T extends Item>(
  session: Session,
  noun: ImportNoun<T>,
  survey: Survey,
  appendix: string,
): string {
  const lines = [...problemLines(session, survey), ...unknownLines(session, survey)]
  if (appendix !== '') lines.push(appendix)
  lines.push(
    `${plural(survey.rows, 'row')}: ${plural(survey.good, noun.one, noun.many)} to send${asides(survey)}`,
  )
  return lines.join('\n')
}

/** The survey as JSON. */
export function surveyValue(survey: Survey): Readonly<Record<string, unknown>> {
  const { unknown_words, ...rest } = survey
  return { ...rest, unknown_categories: Object.fromEntries(unknown_words) }
}

/** The end of an import for people. */
export function sentText<T extends Item>(
  session: Session,
  noun: ImportNoun<T>,
  survey: Survey,
  sent: ImportState,
): string {
  const refused = listed(
    sent.refused.map(({ line, problem }) => `${session.paint('red', `line ${line}`)}: ${problem}`),
  )
  const counts = `${plural(sent.created + sent.known, noun.one, noun.many)} acknowledged (${sent.created} new, ${sent.known} there already), ${sent.refused.length} refused`
  return [
    ...problemLines(session, survey),
    ...unknownLines(session, survey),
    ...refused,
    `${plural(survey.rows, 'row')}: ${counts}${asides(survey)}`,
  ].join('\n')
}

/** The end of an import as JSON. */
export function sentValue(survey: Survey, sent: ImportState): Readonly<Record<string, unknown>> {
  const { created, known, refused, acknowledged } = sent
  return { ...surveyValue(survey), acknowledged, created, known, refused }
}

function problemLines(session: Session, survey: Survey): string[] {
  const wrong = survey.wrong.map(
    ({ line, problem }) => `${session.paint('red', `line ${line}`)}: ${problem}`,
  )
  const conflicts = survey.conflicts.map(
    ({ identity, lines }) =>
      `${session.paint('red', `lines ${lines.join(', ')}`)}: ${quote(identity)} has different contents`,
  )
  return [...listed(wrong, survey.wrong_total), ...listed(conflicts)]
}

function unknownLines(session: Session, survey: Survey): string[] {
  const words = [...survey.unknown_words].sort(([, a], [, b]) => b - a)
  return listed(
    words.map(
      ([word, count]) =>
        `${session.paint('yellow', 'unknown category')} ${quote(word)}: ${plural(count, 'row')}`,
    ),
  )
}

function listed(lines: readonly string[], total: number = lines.length): string[] {
  const rest = total - Math.min(SHOWN, lines.length)
  return rest > 0 ? [...lines.slice(0, SHOWN), `… and ${rest} more`] : [...lines]
}

function asides(survey: Survey): string {
  const parts = [
    [survey.repeats, 'repeated'],
    [survey.historical, 'historical'],
    [survey.reversed, 'reversed'],
    [survey.wrong_total, 'wrong'],
    [survey.conflicts.length, 'conflicting'],
  ] as const
  return parts.map(([count, word]) => (count > 0 ? `, ${count} ${word}` : '')).join('')
}
