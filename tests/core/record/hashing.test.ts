/** The hashes of records: of bytes, of text, of a leaf, and the room a leaf is made in. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import { leafInput, leafOf, portableHasher } from '../../../src/core/record/hashing.ts'

const sha = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

test('are SHA-256, as another implementation has it', () => {
  expect(Buffer.from(portableHasher.digest(utf8('abc')))).toEqual(sha('abc'))
  expect(portableHasher.digestText('abc')).toBe(sha('abc').toString('base64url'))
})

test('a leaf is the hash of its entry after a zero byte', () => {
  for (const entry of ['', 'a', 'x'.repeat(7168)])
    expect(Buffer.from(leafOf(utf8(entry), portableHasher))).toEqual(sha(Uint8Array.of(0), entry))
})

test('room for a leaf begins with its zero, then the text, then as much more', () => {
  expect(leafInput('ab', 3)).toEqual(Uint8Array.of(0, 97, 98, 0, 0, 0))
})
