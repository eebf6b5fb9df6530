import { describe, expect, it } from 'vitest'
import { fillTemplates, formatUntil } from '../../../src/core/policy/text.ts'
import { t } from '../../support/plans.ts'

describe('an end in words', () => {
  const at = t('2026-12-20T00:00:00Z')
  const cases = {
    en: '20 December 2026, 00:00 UTC',
    'en-GB': '20 December 2026, 00:00 UTC',
    fr: '20 décembre 2026, 00:00 UTC',
    de: '20. Dezember 2026, 00:00 UTC',
    es: '20 de diciembre de 2026, 00:00 UTC',
    it: '20 dicembre 2026, 00:00 UTC',
    'pt-BR': '20 de dezembro de 2026, 00:00 UTC',
    nl: '20 december 2026, 00:00 UTC',
    pl: '20 grudnia 2026, 00:00 UTC',
    ja: '2026年12月20日 00:00 UTC',
    sw: '2026-12-20 00:00 UTC',
  }
  for (const [language, words] of Object.entries(cases))
    it(`in ${language} is ${words}`, () => expect(formatUntil(at, language)).toBe(words))

  it('is rounded up to the minute, across a year if need be', () =>
    expect(formatUntil(t('2026-12-31T23:59:00.001Z'), 'en')).toBe('1 January 2027, 00:00 UTC'))
  it('of the very last millisecond stays in its year', () =>
    expect(formatUntil(t('9999-12-31T23:59:59.999Z'), 'en')).toBe('31 December 9999, 23:59 UTC'))
  it('that is not known is further notice', () =>
    expect(formatUntil(null, 'de')).toBe('auf Weiteres'))
  it('that never comes says so', () =>
    expect(formatUntil('forever', 'en')).toBe('further notice (no end date)'))
})

describe('a template', () => {
  const values = {
    until: null,
    not_before: t('2026-01-31T10:05:00Z'),
    category: 'terrorism.link',
    clause: null,
    count: 2,
    url: null,
  }
  it('is filled language by language, sorted; what has no value is empty', () =>
    expect(
      fillTemplates(
        { fr: '{not_before}|{clause}', en: '{category} {count}{url} until {until}' },
        values,
      ),
    ).toEqual({
      en: 'terrorism.link 2 until further notice',
      fr: '31 janvier 2026, 10:05 UTC|',
    }))
  it('does not fill what a value brought in', () =>
    expect(fillTemplates({ en: '{category}' }, { ...values, category: '{count}' })).toEqual({
      en: '{count}',
    }))
})
