/**
 * What the person affected is told: the author's sentences, the end in plain words, and where to appeal.
 *
 * Speaks to the subject that asks and of nobody else: what is founded on a co-host's history gives one neutral sentence
 * without rule, category or end, and no end is told that such a history has a part in. Where no rule has a sentence a
 * neutral one stands. Spec: docs/spec/policy.md, "The sentence for the person". Used by explain.ts.
 */
import type { Decision, Reason } from '../model.ts'
import type { Eligibility } from './eligible.ts'
import type { Plan } from './plan.ts'
import { formatUntil } from './text.ts'

/** By language: those of the policy; English when it has none. */
export function sentenceFor(
  plan: Plan,
  decision: Decision,
  eligible: Eligibility,
): Record<string, string> {
  const languages = plan.languages.length === 0 ? ['en'] : plan.languages
  const own = decision.reasons.filter(({ host }) => host === 0)
  const alone = decision.reasons.every(({ host, code }) => host === 0 || code === 'warning')
  const told: Told = { decision, eligible, own, alone }
  return Object.fromEntries(languages.map((language) => [language, inLanguage(told, language)]))
}

interface Told {
  readonly decision: Decision
  readonly eligible: Eligibility
  /** Reasons of the subject itself. */
  readonly own: readonly Reason[]
  /** True when no co-host has any but warnings. */
  readonly alone: boolean
}

function inLanguage(told: Told, language: string): string {
  const words = wordsFor(language)
  const { decision, own, alone } = told
  const starts = decision.lease_until !== null
  const spoken = own.filter(({ text }) => (text[language] ?? '') !== '')
  const because = spoken.map(({ text }) => text[language] ?? '')
  // A warning says nothing of what stands in the way.
  const explained = spoken.some(({ code }) => code !== 'warning')
  const parts = [
    ...(starts && because.length === 0 ? [words.allowed] : []),
    ...because,
    ...(starts || explained ? [] : [neutral(told, words)]),
    ...(starts || alone ? [] : [words.others]),
  ]
  const text = [...new Set(parts)].filter((part) => part !== '').join(' ')
  const rest = [endOf(told, language, text), ...appeals(told, language)]
  return [text, ...rest].filter((part) => part !== '').join(' ')
}

/** Where no rule has words for the person. */
function neutral({ decision, own, alone }: Told, words: Words): string {
  if (!alone && own.every(({ code }) => code === 'warning')) return ''
  if (decision.mode === 'review') return words.review
  return decision.mode === 'retry' ? words.retry : words.denied
}

/** When going live is possible again; nothing where the text says so already, and where others have a part in it. */
function endOf({ decision, eligible, alone }: Told, language: string, said: string): string {
  if (decision.lease_until !== null || !alone) return ''
  const words = wordsFor(language)
  if (eligible.at !== null) {
    const date = formatUntil(eligible.at, language)
    return said.includes(date) ? '' : words.again.replace('{until}', date)
  }
  if (decision.until !== 'forever') return ''
  return said.includes(formatUntil('forever', language)) ? '' : words.endless
}

function appeals({ own }: Told, language: string): string[] {
  const words = wordsFor(language)
  const found = new Map<string, string>()
  for (const { appeal } of own) {
    if (appeal === undefined) continue
    const { url, until } = appeal
    const text = until === undefined ? words.appeal : words.appeal_until
    const date = until === undefined ? '' : formatUntil(until, language)
    found.set(
      `${url} ${date}`,
      text.replace('{url}', () => url).replace('{until}', () => date),
    )
  }
  return [...found.values()]
}

interface Words {
  readonly allowed: string
  readonly denied: string
  readonly review: string
  readonly retry: string
  /** Somebody else of this broadcast has reasons; nothing more is said. */
  readonly others: string
  readonly again: string
  readonly endless: string
  readonly appeal: string
  readonly appeal_until: string
}

/** Where a language has no words of ours: an author's own sentence with signs for the end and the appeal, else English. */
function wordsFor(language: string): Words {
  return WORDS[language.toLowerCase().split('-')[0] ?? ''] ?? SIGNS
}

const EN: Words = {
  allowed: 'You can go live now.',
  denied: 'You cannot go live right now.',
  review: 'A person looks at this before you can go live.',
  retry: 'Not everything needed could be checked. Please try again later.',
  others: 'This broadcast cannot start with these hosts right now.',
  again: 'You can go live again from {until}.',
  endless: 'No end date is set.',
  appeal: 'You can appeal at {url}.',
  appeal_until: 'You can appeal at {url} until {until}.',
}

const SIGNS: Words = {
  ...EN,
  again: '\u2192 {until}',
  endless: '\u2192 \u221e',
  appeal: '\u2192 {url}',
  appeal_until: '\u2192 {url} ({until})',
}

const WORDS: Readonly<Record<string, Words>> = {
  en: EN,
  de: {
    allowed: 'Sie können jetzt live gehen.',
    denied: 'Sie können im Moment nicht live gehen.',
    review: 'Bevor Sie live gehen können, sieht sich ein Mensch dies an.',
    retry: 'Nicht alles Nötige konnte geprüft werden. Bitte später erneut versuchen.',
    others: 'Diese Übertragung kann mit diesen Beteiligten im Moment nicht beginnen.',
    again: 'Sie können ab {until} wieder live gehen.',
    endless: 'Ein Enddatum ist nicht festgelegt.',
    appeal: 'Sie können hier Einspruch einlegen: {url}',
    appeal_until: 'Sie können bis {until} hier Einspruch einlegen: {url}',
  },
  es: {
    allowed: 'Ya puede emitir en directo.',
    denied: 'No puede emitir en directo en este momento.',
    review: 'Una persona lo revisará antes de que pueda emitir en directo.',
    retry: 'No se pudo comprobar todo lo necesario. Inténtelo de nuevo más tarde.',
    others: 'Esta emisión no puede empezar con estos participantes en este momento.',
    again: 'Podrá volver a emitir en directo a partir del {until}.',
    endless: 'No hay fecha de fin.',
    appeal: 'Puede recurrir en {url}.',
    appeal_until: 'Puede recurrir en {url} hasta el {until}.',
  },
  fr: {
    allowed: 'Vous pouvez passer en direct maintenant.',
    denied: 'Vous ne pouvez pas passer en direct pour le moment.',
    review: 'Une personne doit examiner votre demande avant que vous passiez en direct.',
    retry: "Tout n'a pas pu être vérifié. Veuillez réessayer plus tard.",
    others: 'Cette diffusion ne peut pas commencer avec ces participants pour le moment.',
    again: 'Vous pourrez de nouveau passer en direct à partir du {until}.',
    endless: "Aucune date de fin n'est fixée.",
    appeal: 'Vous pouvez faire appel sur {url}.',
    appeal_until: "Vous pouvez faire appel sur {url} jusqu'au {until}.",
  },
}
