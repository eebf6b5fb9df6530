/** Reasons say all there is to say and no more, in words of the author or in words of our own. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import {
  aLadder,
  always,
  aPlan,
  aRule,
  aStrike,
  d,
  NOW,
  someFacts,
  subjectIs,
} from '../../support/plans.ts'
import { counting } from '../../support/policy-table.ts'

describe('a reason', () => {
  it('has no member for what its rule does not say', () => {
    const plan = aPlan({ rules: [aRule({ id: 'r', when: always(true) })] })
    expect(evaluate(plan, someFacts()).reasons).toEqual([
      { rule: 'r', code: 'condition', host: 0, ground: 'terms', strikes: [], text: {} },
    ])
    expect(Object.keys(evaluate(plan, someFacts()).reasons[0] ?? {}).sort()).toEqual([
      'code',
      'ground',
      'host',
      'rule',
      'strikes',
      'text',
    ])
  })

  it('fills in every word its author used', () => {
    const en = '{clause} {count} {category} {until} {url}'
    const rule = counting(
      {},
      {
        ...{ ladder: aLadder({ 1: '30d' }), clause: 'Art. 1', because: { en } },
        appeal: { within: null, url: 'https://example.org/appeal' },
      },
    )
    const facts = someFacts({ strikes: [aStrike({ id: 's', effective_at: NOW })] })
    const [reason] = evaluate(aPlan({ rules: [rule] }), facts).reasons
    expect(reason?.text).toEqual({
      en: 'Art. 1 1 terrorism.link 2 March 2026, 00:00 UTC https://example.org/appeal',
    })
    expect(reason?.appeal).toEqual({ url: 'https://example.org/appeal' })
  })

  it('of no rule belongs to the first host and stands on the terms', () => {
    const own = { host: 0, ground: 'terms', strikes: [] }
    const plan = aPlan({
      ...{ default: 'deny', languages: ['en', 'de-AT', 'nl'] },
      stale: { max_age: d('1d'), effect: 'deny', from: NOW },
    })
    expect(evaluate(plan, someFacts()).reasons).toEqual([
      {
        ...{ rule: 'default', code: 'default', ...own },
        text: {
          en: 'Going live is not open by default here.',
          'de-AT': 'Live-Übertragungen sind hier nur mit Erlaubnis möglich.',
        },
      },
      {
        ...{ rule: 'default', code: 'policy_stale', ...own },
        text: {
          en: 'The rules for going live are being reviewed. Please try again later.',
          'de-AT':
            'Die Regeln für Live-Übertragungen werden gerade überprüft. Bitte später erneut versuchen.',
        },
      },
    ])
  })

  it('of no rule speaks English where it knows none of the languages', () => {
    const plan = aPlan({ default: 'deny', languages: ['nl'] })
    expect(Object.keys(evaluate(plan, someFacts()).reasons[0]?.text ?? {})).toEqual(['en'])
  })

  const LANGUAGES = ['de', 'en', 'es', 'fr']
  const young = aRule({ id: 'r', when: subjectIs('verified', true) })
  const tape = aRule({ id: 'r', when: always(true), outcome: 'delay', broadcast_delay_s: 5 })
  const stale = { max_age: d('1d'), effect: 'deny', from: NOW } as const
  const BUILTIN: readonly (readonly [code: string, plan: Partial<Plan>, english: string])[] = [
    ['fact_unknown', { rules: [young] }, 'Not everything needed could be checked.'],
    ['unsupported_condition', { rules: [tape] }, 'This app cannot carry out a condition'],
    ['default', { default: 'deny' }, 'Going live is not open by default here.'],
    ['policy_stale', { stale }, 'The rules for going live are being reviewed.'],
  ]
  for (const [code, part, english] of BUILTIN)
    it(`that no author words is a sentence in every language there is: ${code}`, () => {
      const plan = aPlan({ ...part, languages: LANGUAGES })
      const [reason] = evaluate(plan, someFacts({}, { supports: [] })).reasons
      const sentences = Object.values(reason?.text ?? {})
      expect(reason?.code).toBe(code)
      expect(reason?.text.en).toContain(english)
      expect(Object.keys(reason?.text ?? {}).sort()).toEqual(LANGUAGES)
      for (const sentence of sentences) expect(sentence).toMatch(/^.{20,}\.$/)
      expect(new Set(sentences).size).toBe(LANGUAGES.length)
    })
})
