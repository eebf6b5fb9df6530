/**
 * Random facts that meet random policies often: time is a few milliseconds around `NOW`, so that strikes fall on window
 * ends, expiries and each other; every fact of the profile is sometimes there and sometimes not.
 */
import fc from 'fast-check'
import type { Facts, HoldFact, HostFacts, Strike, SubjectFacts } from '../../src/core/model.ts'
import { addMs, type EpochMs } from '../../src/core/time.ts'
import { NOW } from './plans.ts'

const near = (min: number, max: number): fc.Arbitrary<EpochMs> =>
  fc.integer({ min, max }).map((n) => addMs(NOW, n))

/** A strike without its id. */
export const aRandomStrike: fc.Arbitrary<Omit<Strike, 'id'>> = fc
  .record(
    {
      effective_at: near(-14, 2),
      category: fc.constantFrom('terrorism.link', 'terrorism.content', 'hate.speech'),
      severity: fc.constantFrom('low', 'medium', 'high', 'critical'),
      weight: fc.integer({ min: 1, max: 4 }),
      scope: fc.constantFrom('any', 'live', 'chat', 'post'),
      context: fc.constantFrom('news', 'research', 'other'),
      source: fc.record({
        system: fc.constantFrom('s', 't'),
        kind: fc.constantFrom('model' as const, 'human' as const),
      }),
      content_created_at: near(-30, -2),
      expires_at: near(-10, 8),
      status: fc.constantFrom('active' as const, 'active' as const, 'reversed' as const),
    },
    { requiredKeys: ['effective_at', 'category', 'severity', 'weight', 'scope', 'status'] },
  )
  .map((strike) => ({ subject: 'u1', issued_at: strike.effective_at, ...strike }))

const subjectFacts: fc.Arbitrary<SubjectFacts> = fc.record(
  {
    created_at: near(-6, 0),
    followers: fc.integer({ min: 0, max: 20 }),
    age_band: fc.constantFrom('13-15', '16-17', '18+'),
    verified: fc.boolean(),
    labels: fc.subarray(['a', 'b']),
    linked: fc.subarray(['u8', 'u9']),
  },
  { requiredKeys: [] },
)
const ruleId = fc.constantFrom('r0', 'r1', 'r2', 'r3')
const hold: fc.Arbitrary<HoldFact> = fc.record({
  rule: ruleId,
  first_asked_at: fc.oneof(near(-6, 1), near(-3_600_006, -3_599_996)),
})

/** One host with a history of its own; the ids of its strikes begin with its own. */
export function aRandomHost(subject: string): fc.Arbitrary<HostFacts> {
  return fc
    .record({
      subject: fc.constant(subject),
      facts: subjectFacts,
      sources: fc.constant({}),
      strikes: fc
        .array(aRandomStrike, { maxLength: 9 })
        .map((strikes) =>
          strikes.map((strike, i) => ({ ...strike, id: `${subject}s${i}`, subject })),
        ),
      holds: fc.array(hold, { maxLength: 2 }),
      reviews: fc.array(
        fc.record({
          rule: ruleId,
          result: fc.constantFrom('released' as const, 'refused' as const),
          at: near(-3, 1),
        }),
        { maxLength: 1 },
      ),
      open_broadcasts: fc.integer({ min: 0, max: 2 }),
      bucket: fc.constantFrom(undefined, undefined, 0, 1, 49, 50, 98, 99),
    })
    .map(({ bucket, ...host }) => (bucket === undefined ? host : { ...host, bucket }))
}

/** What a caller may be able to carry out: every type random policies ask for, and tape delay. */
const SUPPORTS = [
  ...['audience_cap', 'duration_cap', 'recheck', 'latency', 'slow_mode', 'age_floor'],
  ...['no_gifts', 'own', 'broadcast_delay'],
]

export const someRandomFacts: fc.Arbitrary<Facts> = fc.record({
  at: fc.constant(NOW),
  hosts: fc
    .tuple(aRandomHost('u1'), fc.option(aRandomHost('u2'), { nil: undefined, freq: 3 }))
    .map(([first, second]) => (second === undefined ? [first] : [first, second]) as Facts['hosts']),
  stream: fc.record(
    {
      id: fc.constantFrom('b1', 'b2'),
      audience: fc.constantFrom('public', 'private'),
      category: fc.constantFrom('games', 'music'),
      admission: fc.constantFrom('open', 'auto'),
      one_to_many: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  request: fc.record(
    { territory: fc.constantFrom('DE', 'FR'), ingest: fc.constantFrom('rtmp', 'app') },
    { requiredKeys: [] },
  ),
  incident: fc.record(
    {
      active: fc.boolean(),
      id: fc.constantFrom('i1', 'i2'),
      scope: fc.constantFrom('games', 'all'),
    },
    { requiredKeys: ['active'] },
  ),
  platform: fc.record({ moderation_available: fc.boolean() }, { requiredKeys: [] }),
  supports: fc.subarray(SUPPORTS, { minLength: 5 }),
})
