/** When the alarms of many objects go off again after an incident that met all of them at the same instant. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ChainStore } from '../../../src/adapters/cloudflare/chain-store.ts'
import { RETRY_AFTER_MS } from '../../../src/adapters/cloudflare/edge-ledger.ts'
import type { SparseSql } from '../../../src/adapters/cloudflare/sparse-sql.ts'
import type { Alarm } from '../../../src/adapters/cloudflare/subject-alarm.ts'
import { createTending } from '../../../src/adapters/cloudflare/subject-tending.ts'
import type { Writer } from '../../../src/adapters/sqlite/sql.ts'
import type { ProblemCode } from '../../../src/core/errors.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { HOUR_MS } from '../../../src/core/time.ts'
import { T0 } from '../../contract/fixtures.ts'

const OBJECTS = 400

/** The instants at which objects come back when their log fails `times` times, from T0 on. */
async function back(code: ProblemCode, times: number): Promise<readonly number[]> {
  const due: number[] = []
  for (let object = 0; object < OBJECTS; object++) {
    const places = { written: () => 0, known: () => 0 }
    const drain = () => Promise.reject(new LivegateError(code, 'for the test'))
    const set: number[] = []
    const tend = createTending({
      sql: { get: () => undefined } as unknown as SparseSql,
      storage: { deleteAll: async () => {} },
      erasing: { carryOn: async () => {} },
      retention: { due: () => null, sweep: async () => {} },
      writer: {} as Writer,
      store: {
        peek: () => ({
          ...{ places, outbox: { drain } },
          subjects: { load: () => ({ state: { broadcasts: [] } }) },
        }),
      } as unknown as ChainStore,
      alarm: { fired() {}, arm: async (at: number) => void set.push(at) } as unknown as Alarm,
      clock: { now: () => T0 },
      random: {
        bytes: (length) =>
          new Uint8Array(createHash('sha256').update(`${object}`).digest()).slice(0, length),
      },
      subject: 'u',
      idle: () => true,
      endLease: async () => {},
      recheck: async () => [],
      cutAgain: async () => {},
    })
    for (let i = 0; i < times; i++) await tend()
    due.push((set.at(-1) ?? 0) - T0)
  }
  return due.toSorted((a, b) => a - b)
}

describe('objects whose log failed at the same instant', () => {
  it.each([
    ['once', 'log_unavailable', 1, RETRY_AFTER_MS],
    ['four times', 'log_unavailable', 4, 8 * RETRY_AFTER_MS],
    ['for good', 'halted', 1, HOUR_MS],
  ] as const)(
    'come back spread over half the time they wait: %s',
    async (_, code, times, wait_ms) => {
      const due = await back(code, times)
      expect(due[0]).toBeGreaterThanOrEqual(0.75 * wait_ms)
      expect(due.at(-1)).toBeLessThanOrEqual(1.25 * wait_ms)
      // No tenth of the span has more than three times its share.
      const tenths = Array.from({ length: 10 }, () => 0)
      for (const at of due) {
        const tenth = Math.min(9, Math.floor((10 * (at - 0.75 * wait_ms)) / (0.5 * wait_ms)))
        tenths[tenth] = (tenths[tenth] ?? 0) + 1
      }
      expect(Math.max(...tenths)).toBeLessThan((3 * OBJECTS) / 10)
      expect(Math.min(...tenths)).toBeGreaterThan(0)
    },
  )
})
