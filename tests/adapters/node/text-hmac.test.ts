import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTextHmac } from '../../../src/adapters/node/text-hmac.ts'

describe('a keyed hash of a text', () => {
  it('is HMAC-SHA-256, whatever the key and the text, one after the other', () => {
    const units = { unit: 'binary' as const }
    const text = fc.oneof(
      fc.string({ ...units, maxLength: 80 }),
      fc.string({ ...units, minLength: 400, maxLength: 700 }),
      // A half of a pair, which UTF-8 has no bytes for.
      fc.constantFrom('', '\ud800', `a${'\udc00'.repeat(512)}`, '\u{10ffff}'.repeat(256)),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(text), (secret, texts) => {
        const hmac = createTextHmac(secret)
        expect(texts.map(hmac)).toEqual(
          texts.map((one) => createHmac('sha256', secret).update(one).digest('base64url')),
        )
      }),
    )
  })

  it('is as RFC 4231 has it', () => {
    const hmac = createTextHmac(new Uint8Array(20).fill(0x0b))
    const expected = 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'
    expect(Buffer.from(hmac('Hi There'), 'base64url').toString('hex')).toBe(expected)
  })

  it('refuses a secret that is not its own key', () => {
    expect(() => createTextHmac(new Uint8Array(65))).toThrow(RangeError)
  })
})
