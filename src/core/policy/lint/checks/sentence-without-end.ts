/** Sentences that do not say how long, where there is an end. */
import type { At } from '../../shape.ts'
import { marksIn } from '../../template.ts'
import type { LintCheck, LintedRule } from '../check.ts'

export const sentenceWithoutEnd: LintCheck = {
  code: 'sentence-without-end',
  severity: 'info',
  about: 'A sentence does not say until when, although the restriction ends',
  *run({ rules }) {
    for (const rule of rules) {
      if (!hasEnd(rule)) continue
      for (const sentence of sentencesOf(rule))
        if (!marksIn(sentence.value).some(({ name }) => name === 'until'))
          yield {
            at: sentence,
            message: `the sentence of rule \`${rule.plan.id}\` does not say until when`,
            hint: 'use `{until}`',
          }
    }
  },
}

function hasEnd({ plan }: LintedRule): boolean {
  const ends = plan.ladder?.some(({ length }) => typeof length === 'number')
  return plan.outcome === 'deny' && ends === true
}

function sentencesOf({ source }: LintedRule): readonly At<string>[] {
  const { because } = source
  if (because === undefined) return []
  const { value, start, end } = because
  return typeof value === 'string'
    ? [{ value, start, end }]
    : value.map(({ value: sentence }) => sentence)
}
