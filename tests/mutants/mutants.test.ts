/** What makes mutants, and that nothing is excused that no longer exists. The scores themselves: `npm run mutants`. */
import { describe, expect, it } from 'vitest'
import { CODE_EQUIVALENT } from '../../scripts/mutants/code-equivalent.ts'
import { codeMutants } from '../../scripts/mutants/code-mutants.ts'
import { mutantsOf as allOf, sampleOf } from '../../scripts/mutants/code-score.ts'
import { EVALUATOR, RECORD, TLOG } from '../../scripts/mutants/code-targets.ts'
import { LOG_EQUIVALENT } from '../../scripts/mutants/log-equivalent.ts'
import { isEnough, ratio, scoreText } from '../../scripts/mutants/score.ts'

const EVERY = [EVALUATOR, TLOG, RECORD].flatMap((target) => allOf(target))

/** `changed` for each mutant of one statement, in the order of its source. */
const mutantsOf = (source: string): string[] => codeMutants('a.ts', source).map(({ text }) => text)

describe('a mutant of a source', () => {
  const TABLE: readonly (readonly [about: string, source: string, mutants: readonly string[]])[] = [
    [
      'moves a comparison to its neighbour and turns it round',
      'a = b < c',
      ['{}', 'a = b <= c', 'a = b >= c'],
    ],
    ['takes the other connective', 'return1(a && b)', ['{}', 'return1(a || b)']],
    [
      'decides a question beforehand',
      'const a = b ? c : d',
      ['const a = true ? c : d', 'const a = false ? c : d'],
    ],
    ['forgets to negate', 'const a = !b', ['const a = b']],
    [
      'counts one more, and the other way',
      'const a = b + 1',
      ['const a = b - 1', 'const a = b + 2'],
    ],
    [
      'says the opposite, or nothing',
      "const a = [true, 'b']",
      ['const a = []', "const a = [false, 'b']", "const a = [true, '']"],
    ],
    [
      'takes the other end, or leaves the order as it is',
      'const a = Math.min(b, ...c.sort())',
      ['const a = Math.max(b, ...c.sort())', 'const a = Math.min(b, ...c)'],
    ],
    [
      'leaves types, names of members and imports alone',
      "import a from 'b'\nconst c: 'd' | 1 = e as 'f'",
      [],
    ],
    ['finds the operator behind brackets', 'const a = (b) * (c)', ['const a = (b) / (c)']],
    ['knows no method that merely every object has', 'const a = b.toString()', []],
  ]
  for (const [about, source, mutants] of TABLE)
    it(about, () => expect(mutantsOf(source).sort()).toEqual([...mutants].sort()))

  it('is known by its line and its change, so that lines above it may come and go', () => {
    const [one] = codeMutants('a.ts', '\n\n  a = b < c')
    expect(one).toMatchObject({ id: 'a.ts: a = b < c | a = b < c -> {}', line: 3, column: 3 })
  })

  it('has a name of its own, also beside another like it', () => {
    const ids = EVERY.map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(4000)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('a sample', () => {
  const all = allOf(EVALUATOR, ['holds', 'join'])

  it('is the same for the same seed, another for another, and in order', () => {
    const sample = sampleOf(all, 20, '1')
    expect(sample).toHaveLength(20)
    expect(sampleOf(all.toReversed(), 20, '1').toReversed()).toEqual(sample)
    expect(sampleOf(all, 20, '2')).not.toEqual(sample)
    expect(sample.map((one) => all.indexOf(one))).toEqual(
      sample.map((one) => all.indexOf(one)).sort((a, b) => a - b),
    )
  })

  it('is everything when as much is asked for', () =>
    expect(sampleOf(all, all.length, '1')).toBe(all))
})

describe('tests', () => {
  const near = (file: string): readonly string[] => TLOG.stagesFor(file)[0] ?? []

  it('that import a module are asked first, slow ones last, and each once', () => {
    expect(near('src/core/tlog/bundle.ts')).toContain('tests/core/tlog/bundle.test.ts')
    expect(near('src/core/tlog/bundle.ts')).not.toContain('tests/core/tlog/note.test.ts')
    const stages = TLOG.stagesFor('src/core/tlog/grow.ts')
    expect(stages[0]).toContain('tests/core/tlog/tile.test.ts')
    expect(stages.at(-1)).toContain('tests/core/tlog/grow.test.ts')
    expect(stages.flat().sort()).toEqual(TLOG.stages.flat().sort())
    expect(new Set(stages.flat()).size).toBe(stages.flat().length)
  })
})

describe('a score', () => {
  const score = {
    of: 'x',
    all: 40,
    tried: 22,
    killed: 18,
    equivalent: 2,
    survivors: [],
    unused: [],
  }

  it('is of the mutants that differ', () => {
    expect(ratio(score)).toBe(0.9)
    expect(isEnough(score)).toBe(true)
    expect(isEnough({ ...score, killed: 17 })).toBe(false)
  })

  it('says what lived and what it is a sample of', () => {
    const survivors = [{ id: 'a', told: 'x.ts:1:2 < -> <=' }]
    expect(scoreText({ ...score, survivors })).toBe(
      'x: 90.0 % (18 of 20 killed, 2 equivalent, a sample of 40)\n  lived: x.ts:1:2 < -> <=',
    )
  })
})

describe('an excuse', () => {
  it('is of a mutant that exists, once, with a reason', () => {
    const ids = new Set(EVERY.map(({ id }) => id))
    const excuses = [...CODE_EQUIVALENT, ...LOG_EQUIVALENT]
    expect(excuses.filter(([id]) => !ids.has(id))).toEqual([])
    expect(new Set(excuses.map(([id]) => id)).size).toBe(excuses.length)
    for (const [id, why] of excuses) expect(why, id).toMatch(/^.{10,160}$/)
  })
})
