/** Which of a text's languages a person gets, whatever their program asks for. */
import { expect, test } from 'vitest'
import { inLanguage } from '../../src/core/languages.ts'

const TEXTS = { fr: 'Pas de direct.', en: 'No Live.', 'de-CH': 'Kein Live.' }

const CASES: readonly (readonly [asked: string | undefined, language: keyof typeof TEXTS])[] = [
  [undefined, 'en'],
  ['', 'en'],
  ['fr-CH, en;q=0.5', 'fr'],
  ['en;q=0.4, FR;q=0.5', 'fr'],
  ['fr;Q=0.4, de ; q=0.5', 'de-CH'],
  ['fr;q=0, de;q=0.1', 'de-CH'],
  ['fr;q=nonsense, de', 'de-CH'],
  ['*', 'en'],
  ['ja, zh', 'en'],
  ['__proto__, constructor', 'en'],
  [`${'x,'.repeat(200)}fr`, 'en'],
  [`${' '.repeat(100_000)};${' '.repeat(100_000)}`, 'en'],
]

test.each(CASES)('%j gets %s', (asked, language) => {
  expect(inLanguage(TEXTS, asked)).toBe(TEXTS[language])
})

test('without English any language is better than none, and of no text nothing is said', () => {
  expect(inLanguage({ fr: 'Non.' }, 'ja')).toBe('Non.')
  expect(inLanguage({}, 'ja')).toBeNull()
})
