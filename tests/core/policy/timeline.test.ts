import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import type { HostFacts } from '../../../src/core/model.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { drawTimeline } from '../../../src/core/policy/timeline.ts'
import { epochMs } from '../../../src/core/time.ts'
import { aHost, aStrike, someFacts, t } from '../../support/plans.ts'

function planOf(rules: string): Plan {
  const compiled = compilePolicy(utf8(`livegate: policy/v1\nname: p\nrules:\n${rules}`), {
    file: 'p.yaml',
  })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value.plan
}

const PLAN =
  planOf(`  - { id: grave, count: { category: terrorism.*, within: 365d }, ladder: { 1: 30d, 2: 90d, 3: forever }, outcome: deny }
  - { id: few, count: { category: spam.*, within: 10d, at_least: 2 }, outcome: deny }
  - { id: young, when: 'now - subject.created_at < duration("24h")', outcome: delay, hold: 15m }`)

const at = (instant: string, part: Partial<HostFacts>) =>
  someFacts({ facts: { created_at: t('2020-01-01') }, ...part }, { at: t(instant) })
const strike = (id: string, instant: string, category = 'terrorism.link') =>
  aStrike({ id, category, effective_at: t(instant) })
const drawn = (facts: ReturnType<typeof at>, options = { ascii: true }) =>
  drawTimeline(PLAN, facts, options)

describe('a timeline', () => {
  const cases: readonly {
    name: string
    facts: ReturnType<typeof at>
    expect: readonly string[]
  }[] = [
    {
      name: 'has marks for strikes with their step, bars for restrictions, and now',
      facts: at('2026-06-01', { strikes: [strike('a', '2026-01-01'), strike('b', '2026-05-01')] }),
      expect: [
        'strikes  *                           *       :                  2 strikes',
        'grave    1======)                    2=====================)    until 2026-07-30',
        'now                                          ^                  2026-06-01',
        '         +-------------+-------------+--------------+---------',
        '         2026-01       2026-03       2026-05        2026-07',
      ],
    },
    {
      name: 'has an arrow where a restriction has no end',
      facts: at('2026-02-01', {
        strikes: ['a', 'b', 'c'].map((id) => strike(id, '2026-01-30')),
      }),
      expect: [
        'strikes  *                                                       :    3 strikes',
        'grave    3=========================================================>  for ever',
        'now                                                              ^    2026-02-01',
        '         +-------------+-------------+-------------+-------------+--',
        '         01-30 00:00   01-30 12:00   01-31 00:00   01-31 12:00',
      ],
    },
    {
      name: 'knows reversed strikes and those still to come',
      facts: at('2026-01-15', {
        strikes: [{ ...strike('a', '2026-01-01'), status: 'reversed' }, strike('b', '2026-01-20')],
      }),
      expect: [
        'strikes  x                                  :           o    1 reversed, 1 later',
        'now                                         ^                2026-01-15',
        '         ---------------+------------------------+---------',
        '                        2026-01-07               2026-01-17',
      ],
    },
    {
      name: 'shows a count without ladder while it matches',
      facts: at('2026-01-15', {
        strikes: [strike('a', '2026-01-01', 'spam.bulk'), strike('b', '2026-01-06', 'spam.bulk')],
      }),
      expect: [
        'strikes  *               *                            :    2 strikes',
        'few                      2===============)            :    over since 2026-01-11',
        'now                                                   ^    2026-01-15',
        '         ---+---------------+---------------+------------',
        '            2026-01-02      2026-01-07      2026-01-12',
      ],
    },
    {
      name: 'shows a hold from the first ask, its usable hour, and where the condition turns',
      facts: at('2026-01-15T12:20:00Z', {
        facts: { created_at: t('2026-01-14T12:45:00Z') },
        holds: [{ rule: 'young', first_asked_at: t('2026-01-15T12:00:00Z') }],
      }),
      expect: [
        'young        =========)....................................    hold over, usable',
        'young: when  <==========================)                      true',
        'now                      ^                                     2026-01-15 12:20',
        '             +-----------------+-----------------+-----------',
        '             01-15 12:00       01-15 12:30       01-15 13:00',
      ],
    },
    {
      name: 'of somebody to whom nothing ever happened is where the condition turned',
      facts: at('2026-01-15', {}),
      expect: [
        'young: when  <                                                   :    false',
        'now                                                              ^    2026-01-15',
        '             -----------------+----------------+-----------------+--',
        '                              2022             2024',
      ],
    },
  ]
  for (const { name, facts, expect: expected } of cases)
    it(name, () => expect(drawn(facts)).toEqual(expected))

  it('has nothing to show of nobody', () =>
    expect(drawn(at('2026-01-15', { facts: {} }))).toEqual([]))

  it('tells co-hosts apart', () => {
    const facts = at('2026-06-01', { strikes: [strike('a', '2026-05-01')] })
    const other = aHost({ subject: 'guest', strikes: [strike('b', '2026-05-20')] })
    const labels = drawTimeline(PLAN, { ...facts, hosts: [facts.hosts[0], other] }).map((line) =>
      line.slice(0, 14),
    )
    expect(labels.map((label) => label.trimEnd())).toEqual([
      'u1: strikes',
      'u1: grave',
      'guest: strikes',
      'guest: grave',
      'now',
      '',
      '',
    ])
  })

  it('is drawn with lines where the terminal can', () => {
    const facts = at('2026-06-01', { strikes: [strike('b', '2026-05-01')] })
    expect(drawTimeline(PLAN, facts)[1]).toBe(
      'grave    1━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊    over since 2026-05-31',
    )
  })
})

describe('every timeline', () => {
  const instant = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 })
  const near = fc.tuple(
    instant,
    fc.array(fc.integer({ min: -5_000_000, max: 5_000_000 }), { maxLength: 6 }),
  )

  it('is as wide as it may be and no wider, whatever the scale', () => {
    fc.assert(
      fc.property(
        fc.oneof(near, fc.tuple(instant, fc.array(instant, { maxLength: 6 }))),
        fc.integer({ min: 40, max: 200 }),
        fc.boolean(),
        ([now, instants], columns, ascii) => {
          const strikes = instants.flatMap((effective, i) => {
            const when = Math.abs(effective) < 5_000_001 ? now + effective : effective
            const [at, ok] = [when, when > -62_135_596_800_000 && when < 253_402_300_799_999]
            return ok ? [aStrike({ id: `s${i}`, effective_at: epochMs(at) })] : []
          })
          const facts = someFacts({ strikes }, { at: epochMs(now) })
          for (const line of drawTimeline(PLAN, facts, { columns, ascii })) {
            if (line.length > columns) throw new Error(`${line.length} > ${columns}: ${line}`)
            if (ascii && !/^[\x20-\x7e]*$/.test(line)) throw new Error(line)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('of 4,096 strikes is drawn while a person waits', { timeout: 2_000 }, () => {
    const strikes = Array.from({ length: 4096 }, (_, i) =>
      aStrike({ id: `s${i}`, effective_at: epochMs(t('2020-01-01') + i * 40_000_000) }),
    )
    const lines = drawTimeline(PLAN, at('2026-01-01', { strikes }), { ascii: true })
    expect(lines[1]).toMatch(/^grave.*for ever$/)
  })
})
