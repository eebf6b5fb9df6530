/**
 * What the replay needs of a record comes out of a thread as it went in, usual or not.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readReplays, writeReplays } from '../../src/cli/log/replay-rows.ts'
import type { Trace } from '../../src/core/audit/replay/trace.ts'
import type { ReplayPart } from '../../src/core/audit/scan.ts'
import { epochMs } from '../../src/core/time.ts'

const word = fc.string({ maxLength: 5 })
const rule = word
const at = fc.nat().map((n) => epochMs(n))
const few = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(one, { maxLength: 2 }))
const KEPT = fc.tuple(word, fc.option(at))
const AGAIN = fc.record(
  {
    event: fc.constantFrom('renewed' as const, 'revoked' as const),
    ...{ broadcast: word, jti: word, since: fc.option(at), runs: fc.option(fc.boolean()) },
    ...{ door: word, asked: word },
  },
  { requiredKeys: ['event', 'broadcast', 'jti', 'since', 'runs'] },
)
const often = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: usual }, other)
const mostly = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  often(fc.constant(usual), other)

const evaluated = fc
  .record(
    {
      is: fc.constant('evaluated' as const),
      ...{ strikes: word, stream: word, open: fc.nat(), revision: fc.option(fc.nat()) },
      holds: few(fc.record({ rule, at })),
      reviews: few(fc.record({ rule, result: fc.constant('released' as const), at })),
      cohosts: few(fc.record({ sub: word, strikes: word })),
      began: few(fc.record({ host: fc.nat(), rule })),
      opens: fc.option(
        fc.record(
          { id: word, lease_until: at, asked: word, door: word },
          { requiredKeys: ['id', 'lease_until', 'asked'] },
        ),
      ),
      place: mostly(
        { session: null, supersedes: null },
        fc.option(fc.record({ session: fc.option(word), supersedes: fc.option(word) })),
      ),
      incident: mostly(
        { active: false },
        fc.record({ active: fc.boolean(), id: word, scope: word }, { requiredKeys: ['active'] }),
      ),
      kept: fc.array(KEPT, { minLength: 1, maxLength: 2 }),
      again: AGAIN,
    },
    {
      requiredKeys: [
        ...([
          'is',
          'strikes',
          'stream',
          'open',
          'revision',
          'holds',
          'reviews',
          'cohosts',
        ] as const),
        ...(['began', 'opens', 'place', 'incident'] as const),
      ],
    },
  )
  .map((trace) => ({ ...trace, renews: trace.again !== undefined }))
const others: fc.Arbitrary<Trace | null> = fc.oneof(
  fc.constant(null),
  fc.record({ is: fc.constant('late' as const), id: word }),
  fc.record({
    ...{ is: fc.constant('cut' as const), id: word, ordered: fc.option(word) },
    took_ms: fc.option(fc.nat()),
  }),
  fc.record({ is: fc.constant('strike' as const), row: word }),
  fc.record({ is: fc.constant('ended' as const), id: word }),
)
const part: fc.Arbitrary<ReplayPart> = fc.record(
  {
    trace: often<Trace | null>(evaluated, others),
    instant: mostly<string | null>(null, word),
    lacks: word,
  },
  { requiredKeys: ['trace', 'instant'] },
)

test('rows are read as the parts they were written of', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), (parts) => {
      expect(readReplays(writeReplays(parts) ?? '')).toEqual(parts)
    }),
    { numRuns: 500 },
  )
  expect(readReplays(writeReplays([]))).toEqual([])
})
