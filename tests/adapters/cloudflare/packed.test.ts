/** A packed reply arrives as the reply it was, and anything else as it is. */
import { expect, it } from 'vitest'
import { packed, unpacked } from '../../../src/adapters/cloudflare/packed.ts'
import type { Reply } from '../../../src/adapters/cloudflare/rpc.ts'

it('a reply crosses as one text and arrives whole', async () => {
  const replies: readonly Reply<unknown>[] = [
    {
      ok: true,
      value: { outcome: 'allow', reasons: [{ rule: 'a', at: 1 }], title: '\ud800 “é”', none: null },
    },
    {
      ok: false,
      error: { code: 'halted', message: 'no', hint: null, retry_after_s: 1, faults: [] },
    },
  ]
  for (const reply of replies) {
    const text = await packed(Promise.resolve(reply))
    expect(typeof text).toBe('string')
    expect(unpacked(text)).toEqual(reply)
  }
})

it('what was not packed is left alone', () => {
  const reply = { ok: true, value: new Uint8Array(2) }
  expect(unpacked(reply)).toBe(reply)
  expect(unpacked(undefined)).toBeUndefined()
})
