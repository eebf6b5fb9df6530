/** Which keys a log's own records leave in force: the first index, ends that overlap, what nobody brought into force. */
import { describe, expect, test } from 'vitest'
import { thumbprint } from '../../../src/core/record/jwk.ts'
import {
  type KeyClaims,
  type KeyRecord,
  keyHistory,
  keysInForce,
  vkeyOf,
  vkeysInForce,
} from '../../../src/core/record/key-history.ts'
import { parseVkey } from '../../../src/core/tlog/note-key.ts'
import { LOG, testKey } from './samples.ts'

const [A, B] = [testKey(1).jwk, testKey(2).jwk]

function record(index: number, jwk: typeof A, claims: Partial<KeyClaims> = {}): KeyRecord {
  return { index, iat_s: 100 + index, claims: { jwk, use: 'record', status: 'active', ...claims } }
}

const known = { kid: thumbprint(A), x: A.x, use: 'record', since_s: 100 } as const

const TABLE: readonly (readonly [about: string, KeyRecord[], object[]])[] = [
  [
    'the first key is in force from the first entry, its own',
    [record(0, A)],
    [{ ...known, status: 'active', from: 0, until: null }],
  ],
  [
    'a later key is in force after its record, and both stay in the order they were named in',
    [record(0, A), record(4, B)],
    [
      { x: A.x, from: 0, until: null, since_s: 100 },
      { x: B.x, from: 5, until: null, since_s: 104, status: 'active' },
    ],
  ],
  [
    'a key named a second time is the one it was',
    [record(0, A), record(4, A)],
    [{ ...known, from: 0, until: null }],
  ],
  [
    'a key is in force until after the record that retires it',
    [record(0, A), record(7, A, { status: 'retired' })],
    [{ ...known, status: 'retired', from: 0, until: 8 }],
  ],
  [
    'a compromised key ended where the compromise began',
    [record(0, A), record(7, A, { status: 'revoked', from: 3 })],
    [{ ...known, status: 'revoked', until: 3 }],
  ],
  [
    'no key ends later than its record says it does',
    [record(0, A), record(7, A, { status: 'retired', from: 20 })],
    [{ ...known, until: 8 }],
  ],
  [
    'the earlier of two ends counts, and what was revoked stays so',
    [
      record(0, A),
      record(7, A, { status: 'revoked', from: 3 }),
      record(9, A, { status: 'retired' }),
    ],
    [{ ...known, status: 'revoked', until: 3 }],
  ],
  [
    'a retired key may still be found compromised',
    [
      record(0, A),
      record(7, A, { status: 'retired' }),
      record(9, A, { status: 'revoked', from: 2 }),
    ],
    [{ ...known, status: 'revoked', until: 2 }],
  ],
  ['the end of a key that never was is nothing', [record(3, B, { status: 'retired' })], []],
  [
    'one key in two uses is two keys',
    [record(0, A), record(1, A, { use: 'checkpoint' }), record(2, A, { status: 'retired' })],
    [
      { use: 'record', status: 'retired' },
      { use: 'checkpoint', status: 'active', from: 2, until: null },
    ],
  ],
]

test.each(TABLE)('%s', (_, records, expected) => {
  const history = keyHistory(records)
  expect(history).toHaveLength(expected.length)
  expect(history).toMatchObject(expected)
})

describe('keys in force', () => {
  const history = keyHistory([
    ...[record(0, A), record(1, A, { use: 'checkpoint' }), record(2, B, { use: 'checkpoint' })],
    ...[record(3, B), record(4, A, { status: 'retired' })],
  ])

  test('are those of the use asked for that have not ended, oldest first', () => {
    expect(keysInForce(history, 'record').map(({ x }) => x)).toEqual([B.x])
    expect(keysInForce(history, 'checkpoint').map(({ x }) => x)).toEqual([A.x, B.x])
  })

  test('sign checkpoints under the name of the log', () => {
    const vkeys = vkeysInForce(history, LOG)
    expect(vkeys).toEqual([vkeyOf(A.x, LOG), vkeyOf(B.x, LOG)])
    expect(parseVkey(vkeys[0] ?? '')).toMatchObject({ ok: true, value: { name: LOG, type: 1 } })
  })

  test('are not written for what is no key', () => {
    expect(() => vkeyOf('=', LOG)).toThrow('Cannot write verifier key: `x` is not base64url')
  })
})
