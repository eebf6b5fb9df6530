/**
 * Turns a match into the reason a person and an auditor read.
 *
 * One reason per thing a rule asks for: a rule that wants both a review and a hold gives two. The author's text
 * speaks of the rule, so it is not used where the rule was not established (`fact_unknown`) or where the caller, not
 * the person, falls short (`unsupported_condition`); those and the default have sentences of their own.
 * Spec: docs/spec/policy.md, "Reasons".
 */
import type { Reason, ReasonCode, Until } from '../model.ts'
import { addMs, type EpochMs } from '../time.ts'
import type { Evidence } from './evaluate-rule.ts'
import type { Plan, RulePlan } from './plan.ts'
import { fillTemplates, formatUntil } from './text.ts'

/** What the reason of one component says beyond its rule. */
export interface ReasonInput {
  readonly code: ReasonCode
  readonly host: number
  readonly evidence: Evidence | null
  /** End of the hold, for `hold_running`. */
  readonly not_before: EpochMs | null
  readonly restriction: string | null
}

/** The reason of `rule` for one host and code. */
export function ruleReason(plan: Plan, rule: RulePlan, input: ReasonInput): Reason {
  const { code, evidence } = input
  const until = code === 'hold_running' ? input.not_before : (evidence?.until ?? null)
  const builtin = code === 'fact_unknown' || code === 'unsupported_condition'
  const kept = code === 'restriction_kept' && !tellsWithoutStrikes(rule)
  return {
    rule: rule.id,
    code,
    host: input.host,
    ground: rule.ground,
    ...(rule.clause === null ? {} : { clause: rule.clause }),
    ...(rule.reference === null ? {} : { reference: rule.reference }),
    ...(rule.jurisdiction === null ? {} : { jurisdiction: rule.jurisdiction }),
    ...(until === null ? {} : { until }),
    ...(input.restriction === null ? {} : { restriction: input.restriction }),
    strikes: evidence?.strikes ?? [],
    text: builtin || kept ? builtinText(code, plan.languages, until) : ruleText(rule, until, input),
    ...(builtin || rule.appeal === null ? {} : { appeal: appealOf(rule.appeal, evidence) }),
  }
}

/** The reason of a policy whose default is deny. It belongs to no host in particular: host 0. */
export function defaultReason(plan: Plan): Reason {
  const text = builtinText('default', plan.languages)
  return { rule: 'default', code: 'default', host: 0, ground: 'terms', strikes: [], text }
}

/** The reason of a policy that has grown too old. Like the default it belongs to no host in particular: host 0. */
export function staleReason(plan: Plan): Reason {
  const text = builtinText('policy_stale', plan.languages)
  return { rule: 'default', code: 'policy_stale', host: 0, ground: 'terms', strikes: [], text }
}

/** By (rule, host, code), by code unit. */
export function compareReasons(a: Reason, b: Reason): number {
  if (a.rule !== b.rule) return a.rule < b.rule ? -1 : 1
  if (a.host !== b.host) return a.host - b.host
  return a.code < b.code ? -1 : a.code > b.code ? 1 : 0
}

/** Whether its sentences can be told where the strikes are erased: they are there, and name neither kind nor number. */
function tellsWithoutStrikes({ because }: RulePlan): boolean {
  const sentences = Object.values(because)
  return sentences.length > 0 && !sentences.some((text) => /\{(category|count)\}/.test(text))
}

function ruleText(rule: RulePlan, until: Until | null, input: ReasonInput): Record<string, string> {
  return fillTemplates(rule.because, {
    until,
    not_before: input.not_before,
    category: input.evidence?.opening?.category ?? null,
    clause: rule.clause,
    count: input.evidence?.count ?? null,
    url: rule.appeal?.url ?? null,
  })
}

/** The time to appeal runs from the notice of the opening strike, or from its issue when no notice is known. */
function appealOf(
  appeal: NonNullable<RulePlan['appeal']>,
  evidence: Evidence | null,
): NonNullable<Reason['appeal']> {
  const opening = evidence?.opening ?? null
  if (appeal.within === null || opening === null) return { url: appeal.url }
  return {
    url: appeal.url,
    until: addMs(opening.notified_at ?? opening.issued_at, appeal.within),
  }
}

type BuiltinCode =
  | 'fact_unknown'
  | 'unsupported_condition'
  | 'default'
  | 'policy_stale'
  | 'restriction_kept'

type Sentences = Readonly<Record<string, string>> & { readonly en: string }

const BUILTIN: Readonly<Record<BuiltinCode, Sentences>> = {
  fact_unknown: {
    de: 'Nicht alles Nötige konnte geprüft werden. Bitte später erneut versuchen.',
    en: 'Not everything needed could be checked. Please try again later.',
    es: 'No se pudo comprobar todo lo necesario. Inténtelo de nuevo más tarde.',
    fr: "Tout n'a pas pu être vérifié. Veuillez réessayer plus tard.",
  },
  unsupported_condition: {
    de: 'Diese App kann eine Bedingung für Live-Übertragungen nicht erfüllen.',
    en: 'This app cannot carry out a condition set for going live.',
    es: 'Esta aplicación no puede cumplir una condición para emitir en directo.',
    fr: 'Cette application ne peut pas appliquer une condition fixée pour le direct.',
  },
  default: {
    de: 'Live-Übertragungen sind hier nur mit Erlaubnis möglich.',
    en: 'Going live is not open by default here.',
    es: 'Emitir en directo no está permitido aquí por defecto.',
    fr: "Le direct n'est pas ouvert par défaut ici.",
  },
  restriction_kept: {
    de: 'Eine frühere Sperre für Live-Übertragungen gilt weiter bis: {until}.',
    en: 'An earlier restriction on going live goes on until {until}.',
    es: 'Una restricción anterior para emitir en directo sigue vigente hasta: {until}.',
    fr: "Une restriction antérieure du direct reste en vigueur jusqu'au : {until}.",
  },
  policy_stale: {
    de: 'Die Regeln für Live-Übertragungen werden gerade überprüft. Bitte später erneut versuchen.',
    en: 'The rules for going live are being reviewed. Please try again later.',
    es: 'Las reglas para emitir en directo se están revisando. Inténtelo de nuevo más tarde.',
    fr: 'Les règles du direct sont en cours de révision. Veuillez réessayer plus tard.',
  },
}

/** The policy's languages as far as there is a sentence; English when there is none. */
function builtinText(
  code: BuiltinCode,
  languages: readonly string[],
  until: Until | null = null,
): Record<string, string> {
  const sentences = BUILTIN[code]
  const text: Record<string, string> = {}
  for (const language of languages) {
    const sentence = sentences[language.toLowerCase().split('-')[0] ?? '']
    if (sentence !== undefined) text[language] = filled(sentence, language, until)
  }
  return Object.keys(text).length === 0 ? { en: filled(sentences.en, 'en', until) } : text
}

function filled(sentence: string, language: string, until: Until | null): string {
  return sentence.replace('{until}', formatUntil(until, language))
}
