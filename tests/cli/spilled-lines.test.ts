/**
 * Lines on disk are found like lines in memory: all of a key, in the order they came in, and no other.
 */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createLineFinder,
  type LineColumns,
  LineSpill,
  type SpilledLines,
} from '../../src/cli/log/spilled-lines.ts'

interface Row {
  readonly key: number
  readonly offset: number
}

function columnsOf(rows: readonly Row[]): LineColumns {
  return {
    keys: Uint32Array.from(rows, ({ key }) => key),
    offsets: Float64Array.from(rows, ({ offset }) => offset),
    lengths: Uint32Array.from(rows, ({ offset }) => offset % 1000),
  }
}

/** Sorted on disk, `run` rows at a time. */
function spilled(rows: readonly Row[], run: number): SpilledLines {
  const spill = new LineSpill()
  for (let i = 0; i < rows.length; i += run) {
    const some = rows.slice(i, i + run)
    spill.add(columnsOf(some), some.length)
  }
  return spill.sorted()
}

function found(lines: SpilledLines, key: number): readonly number[] {
  const offsets: number[] = []
  createLineFinder(lines)(key, (offset, length) => {
    expect(length).toBe(offset % 1000)
    offsets.push(offset)
  })
  return offsets
}

test('every key has its rows in their order, whatever the runs', () => {
  // Few keys, so that some fill blocks of their own; and those at the ends of what a key can be.
  const key = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(2 ** 32 - 1, 2 ** 31, 7e8))
  fc.assert(
    fc.property(
      fc.array(key, { maxLength: 1500 }),
      fc.integer({ min: 1, max: 600 }),
      (keys, run) => {
        const rows = keys.map((one, i) => ({ key: one, offset: 2 ** 40 + 3 * i }))
        const lines = spilled(rows, run)
        expect(lines.count).toBe(rows.length)
        for (const one of new Set([...keys, 6, 2 ** 32 - 2]))
          expect(found(lines, one)).toEqual(
            rows.filter((row) => row.key === one).map(({ offset }) => offset),
          )
      },
    ),
    { numRuns: 30 },
  )
})

test('a hundred thousand rows of their own keys are found one by one, none between them', () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => ({
    key: (Math.imul(i, 0x9e3779b1) & ~1) >>> 0,
    offset: i,
  }))
  const lines = spilled(rows, 30_000)
  for (const { key, offset } of rows.filter((_, i) => i % 997 === 0)) {
    expect(found(lines, key)).toContain(offset)
    expect(found(lines, key + 1)).toEqual([])
  }
})

test('what is on disk has no name', () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('livegate-lines-'))
  const lines = spilled([{ key: 1, offset: 2 }], 1)
  expect(found(lines, 1)).toEqual([2])
  const after = readdirSync(tmpdir()).filter((name) => name.startsWith('livegate-lines-'))
  expect(after.filter((name) => !before.includes(name))).toEqual([])
})
