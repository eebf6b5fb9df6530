/** Lines of a segment are read a few at a time, in either direction, and by id or index without the rest. */
import { describe, expect, it } from 'vitest'
import {
  lineOf,
  type PlacedRecord,
  placedLines,
  READ_CHARS,
  recordsIn,
} from '../../../src/adapters/cloudflare/placed-record.ts'
import { epochMs } from '../../../src/core/time.ts'

/** Every third entry is none of a chain; one line alone is longer than what is read at a time. */
const RECORDS: readonly PlacedRecord[] = Array.from({ length: 2_000 }, (_, i) => ({
  ...{ index: 10 + 3 * i, second: 7, id: `id-${i}`, kind: 'decision', at: epochMs(i) },
  ...{ outcome: 'allow', mode: null, chain: 7, seq: i + 1, leaf: 'l' },
  rules: i === 500 ? ['x'.repeat(2 * READ_CHARS)] : [`id-${(i + 1) % 2_000}`, '"\n"'],
}))
const LINES = RECORDS.map(lineOf).join('')
const longest = Math.max(...RECORDS.map((record) => lineOf(record).length))

function weigh(blocks: readonly (readonly PlacedRecord[])[]): readonly number[] {
  return blocks.map((block) => block.reduce((sum, record) => sum + lineOf(record).length, 0))
}

describe('lines', () => {
  it('are read from the end, and from any index on, never many at a time', () => {
    const down = [...placedLines(LINES).downwards()]
    expect(down.toReversed().flat()).toEqual(RECORDS)
    const up = [...placedLines(LINES).upwards(0)]
    expect(up.flat()).toEqual(RECORDS)
    for (const chars of [...weigh(down), ...weigh(up)])
      expect(chars).toBeLessThanOrEqual(READ_CHARS + longest)
    expect(Math.min(down.length, up.length)).toBeGreaterThan(2)
  })

  it('are found by index, or not at all between two', () => {
    const lines = placedLines(LINES)
    for (const i of [0, 1, 499, 500, 501, 1_999]) {
      expect(lines.at(10 + 3 * i)).toEqual(RECORDS[i])
      expect(lines.at(11 + 3 * i)).toBeNull()
      expect([...lines.upwards(9 + 3 * i)].flat()).toEqual(RECORDS.slice(i))
    }
    expect([...lines.upwards(10_000)]).toEqual([])
  })

  it('are found by id, also where the id stands in another line first', () => {
    const lines = placedLines(LINES)
    for (const i of [0, 1, 500, 1_999]) expect(lines.find(`id-${i}`)).toEqual(RECORDS[i])
    for (const id of ['id-2000', 'id', 'x', '"', 'decision', 'o']) expect(lines.find(id)).toBeNull()
  })

  it('may be none', () => {
    const none = placedLines('')
    expect([none.find('id'), none.at(0), ...none.upwards(0), ...none.downwards()]).toEqual([
      null,
      null,
    ])
    expect(recordsIn('')).toEqual([])
  })
})
