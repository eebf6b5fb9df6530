/** The sweep of a Node host: openings past their time go in steps, what a hold keeps comes later, and it can stop anywhere. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRetention, type RetentionSweep } from '../../../src/adapters/node/retention.ts'
import type { NodeStore } from '../../../src/adapters/node/store.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { parseRetention } from '../../../src/core/retention.ts'
import { type EpochMs, epochMs } from '../../../src/core/time.ts'
import type { GateEvent } from '../../../src/ports.ts'
import { aChange, aDecision, aRecord, commitTo, T0 } from '../../contract/fixtures.ts'
import { type DataDir, newDataDir, openStore } from '../../contract/node-store.ts'

const DAY = 86_400_000

let dir: DataDir
let store: NodeStore
let now: EpochMs
let events: GateEvent[]
let asked: string[]
beforeEach(async () => {
  dir = await newDataDir()
  store = await openStore({ dir: dir.path })
  now = T0
  events = []
  asked = []
})
afterEach(async () => {
  await store.close()
  await dir.remove()
})

function sweepOf(setting: string): RetentionSweep {
  const rules = parseRetention(setting)
  if (!rules.ok) throw new Error(rules.error)
  return createRetention({
    ...{ rules: rules.value, retention: store.retention, clock: { now: () => now } },
    desk: {
      retain: async (subject) => {
        asked.push(subject)
        return { strikes: 0, more: false }
      },
    },
    after,
    elapsed: () => performance.now(),
    observe: (event) => events.push(event),
    onError: (error) => {
      throw error
    },
  })
}

async function decide(subject: string, day: number, kind: 'decision' | 'broadcast' = 'decision') {
  const record = aRecord({ kind })
  const at = epochMs(T0 + day * DAY)
  await commitTo(store.ledger, subject, (state) =>
    kind === 'decision'
      ? aDecision(subject, state, { record, at })
      : aChange(subject, state, { record, at }),
  )
  return record.id
}

async function opened(...ids: readonly string[]): Promise<readonly boolean[]> {
  const records = await Promise.all(ids.map((id) => store.directory.record(id)))
  return records.map((record) => record?.openings.facts !== undefined)
}

describe('a sweep', () => {
  it('takes the openings of what is past its time, of the kinds that are named, and leaves the records', async () => {
    const ids = [
      await decide('u_1', 0),
      await decide('u_1', 5, 'broadcast'),
      await decide('u_2', 20),
    ]
    now = epochMs(T0 + 40 * DAY)
    await sweepOf('decisions=30d').sweep()
    expect(await opened(...ids)).toEqual([false, true, true])
    expect(events).toMatchObject([
      { type: 'retained', what: 'decisions', count: 1 },
      { type: 'retention_swept' },
    ])
    now = epochMs(T0 + 60 * DAY)
    await sweepOf('decisions=30d,broadcasts=30d').sweep()
    expect(await opened(...ids)).toEqual([false, false, false])
    expect((await store.directory.searchDecisions({ limit: 9 })).records).toHaveLength(2)
  })

  it('goes through more than one step, and is stopped between two', async () => {
    const ids: string[] = []
    for (let i = 0; i < 600; i++) ids.push(await decide(`u_${i % 7}`, 0))
    now = epochMs(T0 + 40 * DAY)
    const first = sweepOf('decisions=30d')
    const under = first.sweep()
    await first.stop()
    await under
    const done = (await opened(...ids)).filter((is) => !is).length
    expect(done).toBeLessThan(600)
    await sweepOf('decisions=30d').sweep()
    expect((await opened(...ids)).filter((is) => is)).toEqual([])
  })

  it('passes by what a legal hold keeps, and comes back when it is over', async () => {
    const [held, free] = [await decide('u_held', 0), await decide('u_free', 0)]
    now = epochMs(T0 + 40 * DAY)
    const until = epochMs(now + DAY)
    await store.erasures.hold({ subject: 'u_held', until, basis: 'order', by: 'k', set_at: T0 })
    await sweepOf('decisions=30d').sweep()
    expect(await opened(held, free)).toEqual([true, false])
    now = until
    await sweepOf('decisions=30d').sweep()
    expect(await opened(held, free)).toEqual([false, false])
  })

  it('asks the gate about everybody with strikes, only where strikes go', async () => {
    await decide('u_1', 0)
    await sweepOf('decisions=30d').sweep()
    expect(asked).toEqual([])
  })

  it('drops what outlived an erasure a week after its end, so that a clock ahead lifts no ban', async () => {
    await decide('u_1', 0)
    const { seq, head, version } = await store.ledger.load('u_1')
    const until = epochMs(T0 + DAY)
    await store.erasures.begin({
      ...{ subject: 'u_1', at: T0, expect: { seq, head, version }, scope: 'subject' },
      ...{ record: aRecord({ kind: 'erasure', openings: {} }), requires: [], counts: {} },
      suppressions: [{ rule: 'struck', from: T0, until, id: 'r_1' }],
    })
    await sweepOf('strikes=forever').sweep()
    expect(events).toMatchObject([{ type: 'retention_swept' }])
    now = epochMs(until + 7 * DAY - 1)
    await sweepOf('strikes=forever').sweep()
    expect((await store.ledger.load('u_1')).suppressions).toHaveLength(1)
    now = epochMs(until + 7 * DAY)
    await sweepOf('strikes=forever').sweep()
    expect(events).toMatchObject([{}, {}, { what: 'suppressions', count: 1 }, {}])
  })
})
