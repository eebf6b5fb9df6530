/**
 * One value has one spelling: decoders accept exactly what encoders write.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  concatBytes,
  equalBytes,
  equalText,
  fromAscii,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  textFromBase64Url,
  textToBase64Url,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '../../src/core/encoding.ts'

test('bytes come back from base64, base64url and hexadecimal, as Node spells them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const node = Buffer.from(bytes)
      expect([toBase64(bytes), toBase64Url(bytes), toHex(bytes)]).toEqual([
        node.toString('base64'),
        node.toString('base64url'),
        node.toString('hex'),
      ])
      expect(fromBase64(toBase64(bytes))).toEqual(bytes)
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
      expect(fromHex(toHex(bytes))).toEqual(bytes)
    }),
  )
})

test('texts come back from UTF-8 and from base64url of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(fromUtf8(utf8(text))).toBe(text)
      expect(textToBase64Url(text)).toBe(Buffer.from(text).toString('base64url'))
      expect(textFromBase64Url(textToBase64Url(text))).toBe(text)
    }),
  )
  expect(textFromBase64Url(toBase64Url(Uint8Array.of(0xc3)))).toBeNull()
  expect(textFromBase64Url(toBase64Url(Uint8Array.of(0xc0, 0x80)))).toBeNull()
})

test.each([4094, 4095, 4096, 8191, 8192])('one letter beyond ASCII at %i is not lost', (at) => {
  for (const letter of ['é', '生', '😀']) {
    const text = `${'a'.repeat(at)}${letter}${'b'.repeat(9000 - at)}`
    expect(textToBase64Url(text)).toBe(Buffer.from(text).toString('base64url'))
    expect(textFromBase64Url(textToBase64Url(text))).toBe(text)
  }
})

test('whatever decodes from base64url is spelt exactly as the encoder spells it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'ABQgwAEZaz09-_+/= \n'), maxLength: 9 }),
      (text) => {
        const bytes = fromBase64Url(text)
        if (bytes !== null) expect(toBase64Url(bytes)).toBe(text)
        const padded = fromBase64(text)
        if (padded !== null) expect(toBase64(padded)).toBe(text)
      },
    ),
    { numRuns: 2000 },
  )
})

test.each(['A', 'AB', 'AAB', 'AA==', 'A A', 'AA\n', 'A+', 'A/', 'ÄA', 'AAAAA'])(
  'base64url `%s` is refused',
  (text) => {
    expect(fromBase64Url(text)).toBeNull()
    expect(textFromBase64Url(text)).toBeNull()
  },
)

test.each(['A', 'AA', 'AB==', 'AA=', 'AA== ', 'A-==', '===='])('base64 `%s` is refused', (text) => {
  expect(fromBase64(text)).toBeNull()
})

test.each(['0', '0G', 'AB', ' 00'])('hexadecimal `%s` is refused', (text) => {
  expect(fromHex(text)).toBeNull()
})

test('large inputs take the same way as small ones', () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) & 0xff)
  expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
  expect(fromAscii(bytes)).toBeNull()
  expect(fromAscii(bytes.map((byte) => byte & 0x7f))?.length).toBe(100_000)
})

test('bytes are joined in order and compared whole', () => {
  expect(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(
    Uint8Array.of(1, 2, 3),
  )
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false)
  expect(equalBytes(new Uint8Array(0), Uint8Array.of(0))).toBe(false)
  expect(equalText('ab', 'ab')).toBe(true)
  expect(equalText('ab', 'ac')).toBe(false)
  expect(equalText('ab', 'a')).toBe(false)
  expect(equalText('', 'a')).toBe(false)
})
