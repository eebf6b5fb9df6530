/** The runtime's SHA-256, held to the portable one the core is written with. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as portable } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../../src/adapters/cloudflare/native-sha256.ts'

/** As many bytes, none like its neighbour. */
const bytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 197 + length) % 256)
/** It has the members HMAC uses, and not those it does not. */
const native = sha256 as unknown as typeof portable

describe('the native SHA-256', () => {
  it('is the portable one, for every length around its blocks', () => {
    for (let length = 0; length <= 300; length++)
      expect(sha256(bytes(length))).toEqual(portable(bytes(length)))
    expect(sha256(bytes(100_000))).toEqual(portable(bytes(100_000)))
  })

  it('of a view is of what the view shows', () => {
    expect(sha256(bytes(200).subarray(7, 90))).toEqual(portable(bytes(200).slice(7, 90)))
  })

  it('gives a result nobody else writes to', () => {
    const first = sha256(bytes(10))
    const kept = first.slice()
    for (let i = 0; i < 1_000; i++) sha256(bytes(i))
    expect(first).toEqual(kept)
    expect(first.buffer.byteLength).toBe(32)
  })

  it('carries an HMAC, keyed once and cloned for each message', () => {
    for (const length of [1, 32, 64, 65, 200]) {
      const keyed = hmac.create(native, bytes(length))
      for (const message of [bytes(0), bytes(55), bytes(500)])
        expect(keyed.clone().update(message).digest()).toEqual(
          hmac(portable, bytes(length), message),
        )
    }
  })
})
