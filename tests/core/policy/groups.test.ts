/** Groups of strikes where strikes leave in another order than they came, and where a group is a millisecond wide. */
import { addMs, durationMs } from '../../../src/core/time.ts'
import { ago, aLadder, aStrike, d, NOW, STRIKES } from '../../support/plans.ts'
import { counting, table } from '../../support/policy-table.ts'

const grouped = (length: number) => ({ strikes: { ...STRIKES, group_within: durationMs(length) } })
const ladder = aLadder({ 1: '1d', 2: '2d', 3: '3d' })

table('a ladder over groups', [
  {
    name: 'does not number a strike that had left before an earlier one does',
    rules: [counting({}, { ladder })],
    plan: grouped(60_000),
    host: {
      strikes: [
        aStrike({ id: 'a', effective_at: ago('30d') }),
        aStrike({ id: 'b', effective_at: ago('20d'), expires_at: ago('10d') }),
        aStrike({ id: 'c', effective_at: NOW }),
      ],
    },
    expect: { until: addMs(NOW, d('2d')), reasons: [{ strikes: ['a', 'c'] }] as never },
  },
  {
    name: 'passes over several that left, in whatever order',
    rules: [counting({}, { ladder })],
    plan: grouped(60_000),
    host: {
      strikes: [
        aStrike({ id: 'a', effective_at: ago('40d') }),
        aStrike({ id: 'b', effective_at: ago('30d'), expires_at: ago('5d') }),
        aStrike({ id: 'c', effective_at: ago('20d'), expires_at: ago('10d') }),
        aStrike({ id: 'd', effective_at: ago('15d') }),
        aStrike({ id: 'e', effective_at: NOW }),
      ],
    },
    expect: { until: addMs(NOW, d('3d')), reasons: [{ strikes: ['a', 'd', 'e'] }] as never },
  },
])

table('a count of groups', [
  {
    name: 'ends with the first group, though as many strikes as are needed are left',
    rules: [counting({ within: d('30d'), at_least: 2 })],
    plan: grouped(1),
    host: {
      strikes: [
        aStrike({ id: 'a', effective_at: ago('20d') }),
        aStrike({ id: 'b', effective_at: ago('10d') }),
        aStrike({ id: 'c', effective_at: ago('10d', 1) }),
      ],
    },
    expect: { outcome: 'deny', until: addMs(NOW, d('10d')) },
  },
  {
    name: 'takes strikes a millisecond apart for one where groups are a millisecond wide',
    rules: [counting({ at_least: 2 })],
    plan: grouped(1),
    host: {
      strikes: [
        aStrike({ id: 'a', effective_at: ago('1d') }),
        aStrike({ id: 'b', effective_at: ago('1d', 1) }),
      ],
    },
    expect: { outcome: 'allow' },
  },
])
