/** What a monitor concludes from its looks: levels are never confused, and nothing is said too early or forgotten. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareHeads } from '../../../src/core/monitor/compare.ts'
import {
  judge,
  type Look,
  newWatch,
  type Rules,
  TROUBLES,
  type Watch,
} from '../../../src/core/monitor/watch.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import { rootFrom } from '../../../src/core/tlog/tree.ts'
import { readerOver, someEntries } from '../tlog/support.ts'

const MINUTE = 60_000
const RULES: Rules = {
  max_age_ms: 75 * MINUTE,
  grace_ms: 15 * MINUTE,
  witness_lag_ms: 5 * MINUTE,
}
const at = (minute: number): number => minute * MINUTE
const head = (size: number): { head: { size: number; note: string } } => ({
  head: { size, note: `note ${size}` },
})

/** Looks at given minutes, one after the other; what each came to. */
function watching(looks: readonly (readonly [minute: number, look: Look])[]): {
  readonly said: readonly string[]
  readonly watch: Watch
} {
  let watch = newWatch('https://log.example', at(0))
  const said = looks.map(([minute, look]) => {
    const judged = judge({ watch, look, at: at(minute), rules: RULES })
    watch = judged.watch
    const { level, trouble, findings, witnessed } = judged.verdict
    return [level, trouble, ...findings, witnessed].filter((word) => word !== null).join(' ')
  })
  return { said, watch }
}

describe('looks at a log', () => {
  const fork: Look = { fork: { trusted: 'a', seen: 'b' } }
  const beat = (minute: number) => ({ index: minute, at_s: minute * 60 })
  it.each<[string, readonly (readonly [number, Look])[], readonly string[]]>([
    [
      'that grows',
      [
        [0, head(1)],
        [60, head(5)],
        [130, head(6)],
      ],
      ['fine', 'fine', 'fine'],
    ],
    [
      'that has not grown for longer than its heartbeats allow',
      [
        [0, head(5)],
        [75, head(5)],
        [76, head(5)],
        [77, head(6)],
      ],
      ['fine', 'fine', 'finding stale', 'fine'],
    ],
    [
      'that cannot be reached: said only after the grace, forgotten with the next good look',
      [
        [0, head(5)],
        [1, { trouble: 'unreachable' }],
        [16, { trouble: 'timed_out' }],
        [17, { trouble: 'tiles_wrong' }],
        [18, head(6)],
      ],
      [
        'fine',
        'could_not_check unreachable',
        'could_not_check timed_out',
        'finding tiles_wrong unchecked',
        'fine',
      ],
    ],
    [
      'that is stale as soon as it can be looked at again',
      [
        [0, head(5)],
        [1, { trouble: 'unreachable' }],
        [80, head(5)],
      ],
      ['fine', 'could_not_check unreachable', 'finding stale'],
    ],
    [
      'whose heartbeats stop although it grows',
      [
        [0, { ...head(5), heartbeat: beat(0) }],
        [70, { ...head(6), heartbeat: 'none' }],
        [76, { ...head(7), heartbeat: 'none' }],
        [77, { ...head(8), heartbeat: beat(77) }],
      ],
      ['fine', 'fine', 'finding heartbeat_late', 'fine'],
    ],
    [
      'whose entries were not read: nothing is said of its heartbeats',
      [
        [0, { ...head(5), heartbeat: beat(0) }],
        [70, { ...head(6), heartbeat: 'unknown' }],
        [140, { ...head(7), heartbeat: 'none' }],
      ],
      ['fine', 'fine', 'fine'],
    ],
    [
      'whose witnesses are behind for a while, and for too long',
      [
        [0, { ...head(5), witnessed: 5 }],
        [1, { ...head(6), witnessed: 5 }],
        [2, { ...head(7), witnessed: 7 }],
        [3, { ...head(8), witnessed: 7 }],
        [8, { ...head(9), witnessed: { trouble: 'quorum_missed' } }],
        [9, { ...head(10), witnessed: 7 }],
        [10, { ...head(10), witnessed: 11 }],
      ],
      ['fine', 'fine', 'fine', 'fine', 'fine quorum_missed', 'finding not_witnessed', 'fine'],
    ],
    [
      'that lies: whatever it shows afterwards',
      [
        [0, head(5)],
        [1, fork],
        [2, head(5)],
        [3, { trouble: 'unreachable' }],
      ],
      ['fine', 'lie', 'lie', 'lie unreachable'],
    ],
  ])('%s', (_, looks, said) => {
    expect(watching(looks).said).toEqual(said)
  })

  it('keep the first proof of a lie, and the head that was trusted before it', () => {
    const second: Look = { fork: { trusted: 'c', seen: 'd' } }
    const { watch } = watching([
      [0, head(5)],
      [1, fork],
      [2, second],
    ])
    expect(watch.fork).toEqual({ trusted: 'a', seen: 'b', at: at(1) })
    expect(watch.trusted).toEqual({ size: 5, note: 'note 5' })
  })

  it('that come to nothing never change what is trusted, nor accuse anybody', () => {
    const trouble = fc.constantFrom(...TROUBLES)
    fc.assert(
      fc.property(fc.array(trouble, { maxLength: 60 }), (troubles) => {
        const looks = troubles.map((one, i) => [i + 1, { trouble: one }] as const)
        const { said, watch } = watching([[0, head(5)], ...looks])
        expect(watch.trusted).toEqual({ size: 5, note: 'note 5' })
        expect(watch.fork).toBeNull()
        expect(said.some((line) => line.startsWith('lie'))).toBe(false)
      }),
      { numRuns: 50 },
    )
  })
})

describe('two heads of one log', () => {
  const leaves = someEntries(300).map(leafHash)
  const otherLeaves = [...leaves.slice(0, 7), leafHash(new Uint8Array([9])), ...leaves.slice(8)]
  const rootOf = (of: typeof leaves, size: number) => rootFrom(size, readerOver(of.slice(0, size)))
  const read = (of: typeof leaves) => {
    const reader = readerOver(of)
    return async (nodes: Parameters<typeof reader>[0]) => reader(nodes)
  }
  const sizes = [0, 1, 2, 7, 8, 9, 16, 100, 128, 255, 256, 257, 300]

  it('of one tree extend each other, at every pair of sizes', async () => {
    for (const from of sizes)
      for (const to of sizes.filter((size) => size >= from)) {
        const older = { size: from, root: rootOf(leaves, from) }
        const newer = { size: to, root: rootOf(leaves, to) }
        expect(await compareHeads({ older, newer, read: read(leaves) })).toBe(
          from === to ? 'same' : 'extends',
        )
      }
  })

  it('of two trees are a fork as soon as the difference is in both, whatever the sizes', async () => {
    for (const from of sizes.filter((size) => size > 7))
      for (const to of sizes.filter((size) => size >= from)) {
        const older = { size: from, root: rootOf(leaves, from) }
        const newer = { size: to, root: rootOf(otherLeaves, to) }
        expect(await compareHeads({ older, newer, read: read(otherLeaves) }), `${from} ${to}`).toBe(
          'fork',
        )
      }
  })

  it('are a fork when they differ in the very first entry, from the first size on', async () => {
    const first = [leafHash(new Uint8Array([8])), ...leaves.slice(1)]
    for (const from of sizes.filter((size) => size > 0)) {
      const older = { size: from, root: rootOf(leaves, from) }
      const newer = { size: 300, root: rootOf(first, 300) }
      expect(await compareHeads({ older, newer, read: read(first) }), `${from}`).toBe('fork')
    }
  })

  it('are compared the older one first, or not at all', async () => {
    const [older, newer] = [9, 8].map((size) => ({ size, root: rootOf(leaves, size) }))
    if (older === undefined || newer === undefined) throw new Error('two were made')
    await expect(compareHeads({ older, newer, read: read(leaves) })).rejects.toMatchObject({
      code: 'internal',
    })
  })

  it('are never called a fork because tiles are wrong', async () => {
    for (const from of sizes.filter((size) => size > 0))
      for (const to of sizes.filter((size) => size > from && size > 7)) {
        const older = { size: from, root: rootOf(leaves, from) }
        const newer = { size: to, root: rootOf(leaves, to) }
        const result = await compareHeads({ older, newer, read: read(otherLeaves) })
        expect(['tiles_wrong', 'extends'], `${from} ${to}`).toContain(result)
      }
  })
})
