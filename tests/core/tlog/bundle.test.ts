/** Entry bundles: what is written reads back, and nothing else does. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBundle, encodeBundle } from '../../../src/core/tlog/bundle.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

test('any entries read back from their bundle', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(entries, (list) => {
      expect(decodeBundle(encodeBundle(list), list.length)).toEqual({ ok: true, value: list })
    }),
  )
})

test('any bytes that read as a bundle are what encoding writes', () => {
  const small = fc.uint8Array({ max: 3, maxLength: 16 })
  fc.assert(
    fc.property(small, fc.integer({ min: 1, max: 5 }), (text, width) => {
      const read = decodeBundle(text, width)
      if (read.ok) expect(encodeBundle(read.value)).toEqual(text)
    }),
    { numRuns: 2000 },
  )
})

test('the longest entry is 65,535 bytes and the widest bundle 256 entries', () => {
  const longest = new Uint8Array(65_535).fill(7)
  expect(decodeBundle(encodeBundle([longest]), 1)).toEqual({ ok: true, value: [longest] })
  expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow('expected at most 65535')
  expect(encodeBundle(Array(256).fill(bytes()))).toEqual(new Uint8Array(512))
  expect(() => encodeBundle(Array(257).fill(bytes()))).toThrow('expected 1 to 256')
  expect(() => encodeBundle([])).toThrow('expected 1 to 256')
})

test.each<[string, Uint8Array, number, string]>([
  ['nothing', bytes(), 1, 'too_few_entries'],
  ['one entry where two should be', bytes(0, 1, 9), 2, 'too_few_entries'],
  ['two entries where one should be', bytes(0, 0, 0, 0), 1, 'trailing_bytes'],
  ['half a length', bytes(0), 1, 'entry_cut_short'],
  ['an entry shorter than its length', bytes(0, 2, 9), 1, 'entry_cut_short'],
  ['a length read little-endian', bytes(1, 0, 9), 1, 'entry_cut_short'],
  ['a byte after the last entry', bytes(0, 1, 9, 0), 1, 'trailing_bytes'],
])('%s is refused', (_, text, width, error) => {
  expect(decodeBundle(text, width)).toEqual({ ok: false, error })
})
