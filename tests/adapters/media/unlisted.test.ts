/** What runs behind a front door is renewed, and not for ever; what is being cut is left to the cut. */
import { expect, test } from 'vitest'
import { lookAtUnlisted, MAX_UNSEEN_MS } from '../../../src/adapters/media/unlisted.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { BroadcastView } from '../../../src/ports.ts'

const NOW = epochMs(1_790_000_000_000)
const HOUR = 3_600_000

const view = (given: Partial<BroadcastView>): BroadcastView => ({
  ...{ id: 'd_1', subject: 'u_1', stream: 'sk_1', server: 'door-1', session: 'a', handle: '/s/1' },
  ...{ opened_at: epochMs(NOW - HOUR), lease_until: epochMs(NOW + HOUR), cutting: null },
  ...given,
})

const cases: readonly [string, Partial<BroadcastView>, readonly string[]][] = [
  ['runs under its lease', {}, ['renew d_1']],
  ['is being cut', { cutting: { since: NOW, until: NOW, order: 'o', cause: 'strike' } }, []],
  ['has outlived its lease', { lease_until: NOW }, ['end d_1 lease', 'drop a']],
  [
    'has been there for a day',
    { opened_at: epochMs(NOW - MAX_UNSEEN_MS) },
    ['end d_1 lease', 'drop a'],
  ],
]

test.each(cases)('a broadcast that %s', async (_name, given, expected) => {
  const done: string[] = []
  const ports = {
    gate: {
      end: async ({ broadcast, reason }: { broadcast: string; reason?: string }) => {
        done.push(`end ${broadcast} ${reason}`)
        return true
      },
    },
    renew: async ({ id }: BroadcastView) => void done.push(`renew ${id}`),
    drop: ({ session }: BroadcastView) => void done.push(`drop ${session}`),
    caller: 'hook:door-1',
  }
  await lookAtUnlisted(ports, view(given), NOW)
  expect(done).toEqual(expected)
})

test('a lease whose end could not be recorded leaves the session running', async () => {
  let dropped = 0
  const ports = {
    gate: { end: () => Promise.reject(new Error('full disk')) },
    renew: async () => {},
    drop: () => void dropped++,
    caller: 'hook:door-1',
  }
  await expect(lookAtUnlisted(ports, view({ lease_until: NOW }), NOW)).rejects.toThrow('full disk')
  expect(dropped).toBe(0)
})
