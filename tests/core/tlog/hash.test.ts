/** Hashing must leave its input alone, also when a host hands in a buffer of its own. */
import { describe, expect, test } from 'vitest'
import { nodeHash, rowRoot } from '../../../src/core/tlog/hash.ts'

describe('rowRoot', () => {
  test('a row in a Node buffer, whose slice is a view, is not overwritten', () => {
    const row = Buffer.alloc(128, 7)
    const pair = nodeHash(new Uint8Array(32).fill(7), new Uint8Array(32).fill(7))
    expect(rowRoot(row)).toEqual(nodeHash(pair, pair))
    expect(row.equals(Buffer.alloc(128, 7))).toBe(true)
  })
})
