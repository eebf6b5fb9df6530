/**
 * What the host does faster for an audit gives exactly what core gives.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeHasher } from '../../src/cli/log/ed25519.ts'
import { textFromBase64Url, textToBase64Url, utf8 } from '../../src/core/encoding.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'

const nearBase64Url = fc
  .tuple(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.nat(60),
    fc.nat(2),
    fc.constantFrom('', 'A', 'B', '-', '_', '+', '/', '=', '==', ' ', '\n', '.', 'é', '\0', '-_'),
  )
  .map(([text, at, cut, put]) => {
    const encoded = textToBase64Url(text)
    const from = at % (encoded.length + 1)
    return encoded.slice(0, from) + put + encoded.slice(from + cut)
  })

describe('the hasher of the command line', () => {
  test('decodes exactly the texts that core decodes', () => {
    fc.assert(
      fc.property(fc.oneof(nearBase64Url, fc.base64String(), fc.string()), (text) => {
        expect(nodeHasher.textOf?.(text)).toBe(textFromBase64Url(text))
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    '',
    'A',
    'AA',
    'AB',
    'AAA',
    'AAB',
    'AAE',
    'YQ==',
    'YQ=',
    'Y Q',
    'YWJj',
    'YWJj\n',
    'a+/b',
    'a-_b',
    '_w',
    '7aCA',
    '77-_',
    'w6k',
  ])('reads %j as core does', (text) => {
    expect(nodeHasher.textOf?.(text)).toBe(textFromBase64Url(text))
  })

  test('hashes as the portable one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        expect(nodeHasher.digestText(text)).toBe(portableHasher.digestText(text))
        expect([...nodeHasher.digest(utf8(text))]).toEqual([...portableHasher.digest(utf8(text))])
      }),
    )
  })
})
