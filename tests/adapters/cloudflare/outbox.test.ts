/** What an object makes of the ways a log can refuse its record: which are its chain's affair for good, which pass. */
import { describe, expect, it } from 'vitest'
import { createOutbox, type Outbox } from '../../../src/adapters/cloudflare/outbox.ts'
import type { Places } from '../../../src/adapters/cloudflare/places.ts'
import type { ChainEntry, Reply } from '../../../src/adapters/cloudflare/rpc.ts'
import type { Sql } from '../../../src/adapters/sqlite/sql.ts'
import type { ProblemCode } from '../../../src/core/errors.ts'
import type { GateEvent } from '../../../src/ports.ts'
import { aRecord, T0 } from '../../contract/fixtures.ts'

interface Rig {
  readonly outbox: Outbox
  readonly events: GateEvent[]
  answer: () => Promise<Reply<readonly number[]>>
  asked: number
}

function rig(): Rig {
  const noted: number[] = []
  const { openings: _, ...record } = aRecord()
  const entry: ChainEntry = { object: 'o', seq: 1, at: T0, record, decision: null } as ChainEntry
  const it: Rig = {
    events: [],
    asked: 0,
    answer: async () => ({ ok: true, value: [7] }),
    outbox: createOutbox({
      sql: { all: () => [] } as unknown as Sql,
      object: 'o',
      size: () => 1,
      places: {
        known: () => noted.length,
        note: (indexes: readonly number[]) => void noted.push(...indexes),
      } as unknown as Places,
      log: {
        append: () => {
          it.asked++
          it.outbox.hold(entry)
          return it.answer()
        },
      },
      observe: (event) => void it.events.push(event),
    }),
  }
  it.outbox.hold(entry)
  return it
}

const refused = (code: ProblemCode, message = 'Cannot append: for the test') => ({
  ok: false as const,
  error: { code, message, hint: null, retry_after_s: null, faults: [] },
})

describe('a record the log does not take', () => {
  const PASSING: readonly (readonly [
    what: string,
    answer: () => Promise<Reply<never>>,
    code: ProblemCode,
  ])[] = [
    ['a log that is closed', async () => refused('halted', 'the log is closed'), 'halted'],
    ['a log that halted', async () => refused('halted'), 'halted'],
    [
      'a log without room, or one that moves in',
      async () => refused('log_unavailable'),
      'log_unavailable',
    ],
    ['a log with too much waiting', async () => refused('overloaded'), 'overloaded'],
    ['a failure of the log', async () => refused('internal'), 'log_unavailable'],
    ['a lost call', () => Promise.reject(new Error('Network connection lost.')), 'log_unavailable'],
  ]
  for (const [what, answer, code] of PASSING)
    it(`is sent again after ${what}: nothing says that the chain forked`, async () => {
      const world = rig()
      const { outbox, events } = world
      const works = world.answer
      world.answer = answer
      await expect(outbox.drain()).rejects.toMatchObject({ code })
      expect([outbox.contradicted(), outbox.waiting(), events]).toEqual([false, true, []])
      world.answer = works
      await outbox.drain()
      expect([outbox.waiting(), world.asked]).toEqual([false, 2])
    })

  it('because another stands at its place is told once, and never sent again', async () => {
    const world = rig()
    const { outbox, events } = world
    world.answer = async () => refused('conflict')
    for (let i = 0; i < 2; i++)
      await expect(outbox.drain()).rejects.toMatchObject({ code: 'halted' })
    expect([outbox.contradicted(), world.asked]).toEqual([true, 1])
    expect(events).toMatchObject([{ type: 'halted' }])
  })
})
