/**
 * Challenges: the picks follow from seed and checkpoint, what was given is judged, and the bound is the exact one.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  challengedIndexes,
  judgeOpening,
  trialsOf,
  upperBound,
} from '../../../src/core/audit/challenge.ts'
import { LogPlans } from '../../../src/core/audit/replay/log-plans.ts'
import { fromBase64, utf8 } from '../../../src/core/encoding.ts'
import type { IssuedRecord } from '../../../src/core/record/issue.ts'
import { epochMs } from '../../../src/core/time.ts'
import { AT } from '../record/samples.ts'
import { beginLog, DIGEST, decided, POLICY, SUB_A } from './small-log.ts'

const SEED = '000102030405060708090a0b0c0d0e0f'
const ROOT = new Uint8Array(32).fill(7)
const headOf = (size: number, root: Uint8Array = ROOT) => ({
  origin: 'gate.example/log',
  size,
  root,
})

interface Vector {
  readonly seed: string
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string }
  readonly count: number
  readonly indexes: readonly number[]
}

describe('the entries that are picked', () => {
  const file = new URL('../../vectors/challenge.json', import.meta.url)
  const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: readonly Vector[] }
  for (const { seed, checkpoint, count, indexes } of vectors)
    it(`are those of the vector: ${count} of ${checkpoint.size}`, () => {
      const root = fromBase64(checkpoint.root)
      if (root === null) throw new Error('the vector is malformed')
      const head = { ...checkpoint, root }
      expect(challengedIndexes({ seed, head, count })).toEqual(indexes)
    })

  it('are those the specification quotes', () => {
    const spec = readFileSync(new URL('../../../docs/spec/log.md', import.meta.url), 'utf8')
    const [{ indexes, seed } = { indexes: [], seed: '' }] = vectors
    expect(spec).toContain(`\n${indexes.join(', ')}.\n`)
    expect(spec).toContain(`seed \`${seed}\``)
  })

  it('are different ones below the size, ascending, as many as were asked for or there are', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 300 }),
        (size, count) => {
          const picked = challengedIndexes({ seed: SEED, head: headOf(size), count })
          expect(picked).toHaveLength(Math.min(count, size))
          expect(picked).toEqual([...new Set(picked)].sort((a, b) => a - b))
          expect(
            picked.every((index) => Number.isInteger(index) && index >= 0 && index < size),
          ).toBe(true)
        },
      ),
    ))

  it('are others for another seed, size, root or origin', () => {
    const other = [
      { seed: SEED.replace('00', '10'), head: headOf(1_000) },
      { seed: SEED, head: headOf(1_001) },
      { seed: SEED, head: headOf(1_000, new Uint8Array(32).fill(8)) },
      { seed: SEED, head: { ...headOf(1_000), origin: 'gate.example/log2' } },
    ]
    const picks = [{ seed: SEED, head: headOf(1_000) }, ...other].map((one) =>
      challengedIndexes({ ...one, count: 20 }).join(),
    )
    expect(new Set(picks).size).toBe(picks.length)
  })

  it('are spread evenly', () => {
    const counts = new Array<number>(10).fill(0)
    for (let n = 0; n < 200; n++) {
      const seed = n.toString(16).padStart(32, '0')
      for (const index of challengedIndexes({ seed, head: headOf(100_000), count: 50 })) {
        const tenth = Math.floor(index / 10_000)
        counts[tenth] = (counts[tenth] ?? 0) + 1
      }
    }
    // 1,000 each expected; six standard deviations are 180.
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(180)
  })

  it('follow from a size as large as a log can be', () => {
    const head = headOf(Number.MAX_SAFE_INTEGER)
    expect(challengedIndexes({ seed: SEED, head, count: 5 })).toHaveLength(5)
  })
})

describe('the bound', () => {
  // Exact one-sided 95 % upper limits, as in tables of Clopper and Pearson (1934) and of tolerance plans (59, 93, 124, 299).
  const KNOWN: readonly (readonly [failures: number, trials: number, bound: number])[] = [
    [0, 1, 0.95],
    [0, 10, 0.2589],
    [0, 20, 0.1391],
    [0, 59, 0.0495],
    [0, 299, 0.00997],
    [0, 3_000, 0.000998],
    [1, 10, 0.3942],
    [1, 93, 0.05],
    [2, 124, 0.0499],
    [5, 10, 0.7776],
    [9, 10, 0.9949],
    [10, 10, 1],
    [0, 0, 1],
  ]
  for (const [failures, trials, bound] of KNOWN)
    it(`of ${failures} failures in ${trials} is ${bound}`, () => {
      expect(upperBound({ failures, trials })).toBeCloseTo(bound, bound < 0.01 ? 5 : 4)
    })

  it('for any numbers is where so few failures have the probability 5 %, summed in another way', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(60), (trials, some) => {
        const failures = Math.min(some, trials - 1)
        const bound = upperBound({ failures, trials })
        expect(binomialAtMost(failures, trials, bound)).toBeCloseTo(0.05, 9)
        expect(bound).toBeGreaterThan(failures / trials)
      }),
    ))

  it('grows with failures and falls with trials, up to the largest challenge', () => {
    const bounds = [0, 1, 10, 5_000, 9_999].map((failures) =>
      upperBound({ failures, trials: 10_000 }),
    )
    expect(bounds).toEqual(bounds.toSorted((a, b) => a - b))
    expect(bounds[0]).toBeCloseTo(1 - 0.05 ** (1 / 10_000), 9)
    expect(bounds[3]).toBeCloseTo(0.5083, 3)
    expect(upperBound({ failures: 1, trials: 100 })).toBeGreaterThan(
      upperBound({ failures: 1, trials: 101 }),
    )
  })

  it('is of what was asked and could fail: neither public nor erased records', () => {
    const tally = { public: 5, opened: 90, erased: 7, refused: 1, unfit: 2, false: 3 }
    expect(trialsOf(tally)).toEqual({ trials: 96, failures: 6 })
  })
})

/** By Pascal's triangle, without logarithms. */
function binomialAtMost(failures: number, trials: number, p: number): number {
  let row = [1]
  for (let n = 0; n < trials; n++)
    row = Array.from(
      { length: row.length + 1 },
      (_, k) => (row[k] ?? 0) * (1 - p) + (row[k - 1] ?? 0) * p,
    )
  return row.slice(0, failures + 1).reduce((sum, term) => sum + term, 0)
}

describe('what is given of a record', () => {
  const plans = new LogPlans({ texts: new Map([[DIGEST, POLICY]]), activations: [] })

  async function aDecision(lie: object = {}): Promise<IssuedRecord> {
    const log = await beginLog()
    const at = epochMs(AT + 5_000)
    return log.add(decided({ sub: SUB_A, seq: 1, prev: null }, at, [], lie))
  }
  const all = ({ openings }: IssuedRecord, ...without: readonly string[]): readonly string[] =>
    Object.entries(openings).flatMap(([group, text]) => (without.includes(group) ? [] : [text]))

  const CASES: readonly {
    readonly name: string
    readonly given: (record: IssuedRecord) => readonly string[]
    readonly lie?: object
    readonly fate: string
  }[] = [
    { name: 'all of it', given: (one) => all(one), fate: 'opened' },
    { name: 'all but the subject', given: (one) => all(one, 'subject'), fate: 'opened' },
    { name: 'all but the facts', given: (one) => all(one, 'facts'), fate: 'refused' },
    { name: 'only the chain', given: ({ openings }) => [openings.chain ?? ''], fate: 'refused' },
    { name: 'nothing', given: () => [], fate: 'erased' },
    { name: 'a group twice', given: (one) => [...all(one), all(one)[0] ?? ''], fate: 'unfit' },
    { name: 'rubbish', given: () => ['rubbish'], fate: 'unfit' },
    { name: 'all of a lie', given: (one) => all(one), lie: { rules: ['none'] }, fate: 'false' },
  ]
  for (const { name, given, lie = {}, fate } of CASES)
    test(`${name} is ${fate}`, async () => {
      const record = await aDecision(lie)
      const judged = judgeOpening({ jws: record.jws, disclosures: given(record) }, plans)
      expect(judged.fate).toBe(fate)
      expect(judged.why).not.toContain('u_81f')
    })

  test('disclosures of another record are unfit, and a lie is only opened when nothing is derived', async () => {
    const [record, lying] = [await aDecision(), await aDecision({ rules: ['none'] })]
    expect(judgeOpening({ jws: record.jws, disclosures: all(lying) }, plans).fate).toBe('unfit')
    expect(judgeOpening({ jws: lying.jws, disclosures: all(lying) }, null).fate).toBe('opened')
    expect(judgeOpening({ jws: 'no.record.here', disclosures: [] }, plans).fate).toBe('unfit')
    expect(utf8(record.jws).length).toBeLessThan(7_169)
  })
})
