/** After a crash a broadcast whose answer may never have gone out counts for a minute, not for its whole lease. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NodeStore } from '../../../src/adapters/node/store.ts'
import { textToBase64Url } from '../../../src/core/encoding.ts'
import { DECISION_BUDGET_MS, UNCONFIRMED_BROADCAST_MS } from '../../../src/core/limits.ts'
import type { OpenBroadcast } from '../../../src/ports.ts'
import { aChange, aDecision, aRecord, commitTo, later, newId, T0 } from '../../contract/fixtures.ts'
import { type DataDir, newDataDir, openStore } from '../../contract/node-store.ts'

const LEASE = 4 * 3_600_000
const MINUTE = UNCONFIRMED_BROADCAST_MS

let data: DataDir
let store: NodeStore
let copies: string[]
beforeEach(async () => {
  data = await newDataDir()
  store = await openStore({ dir: data.path })
  copies = []
})
afterEach(async () => {
  await store.close()
  await data.remove()
})

/** The store as it is found after the process that has it open was killed this moment. */
async function crash(): Promise<void> {
  // A copy is not one moment: nothing may be on its way to disk.
  while (store.status().published < store.status().entries) await store.publish()
  const copy = `${data.path}-${copies.length}`
  copies.push(copy)
  const from = copies.at(-2) ?? data.path
  const isLock = (path: string): boolean => path === join(from, 'lock.db')
  await cp(from, copy, { recursive: true, filter: (path) => !isLock(path) })
  await store.close()
  store = await openStore({ dir: copy })
}

/** The store after a clean end. */
async function restart(): Promise<void> {
  await store.close()
  store = await openStore({ dir: copies.at(-1) ?? data.path })
}

interface Opening extends Partial<OpenBroadcast> {
  readonly subject?: string
  readonly cohosts?: readonly string[]
  /** ms after T0. */
  readonly at?: number
}

/** A decision that opens a broadcast with every host. */
async function opens(given: Opening = {}): Promise<string> {
  const { subject = 'u_1', cohosts = [], at = 0, ...rest } = given
  const id = newId(later(at))
  const lease_until = later(at + LEASE)
  const open = { id, stream: id, opened_at: later(at), lease_until, role: 'host', ...rest } as const
  const group = JSON.stringify(['salt', 'subject', { subject, cohosts }])
  const record = aRecord({ id, openings: { chain: 'YQ', subject: textToBase64Url(group) } })
  const change = { record, at: later(at) }
  await commitTo(store.ledger, subject, (s) => aDecision(subject, s, { ...change, opens: open }))
  for (const cohost of cohosts)
    await commitTo(store.ledger, cohost, (s) =>
      aChange(cohost, s, { at: later(at), opens: { ...open, role: 'cohost' } }),
    )
  return id
}

/** A decision of somebody else that opens nothing: the newest of the log. */
async function newest(at: number): Promise<void> {
  const record = aRecord({ id: newId(later(at)) })
  await commitTo(store.ledger, 'u_9', (s) => aDecision('u_9', s, { record, at: later(at) }))
}

/** Lease ends of what a subject has open, ms after T0. */
async function leases(subject = 'u_1'): Promise<readonly number[]> {
  const { broadcasts } = await store.ledger.load(subject)
  return broadcasts.map(({ lease_until }) => lease_until - T0)
}

describe('after a crash a broadcast', () => {
  const cases: readonly {
    readonly name: string
    readonly opening?: Opening
    readonly newest?: number
    readonly lease: number
  }[] = [
    { name: 'of the newest record counts for a minute', lease: MINUTE },
    {
      name: 'opened one budget before the newest record counts for a minute',
      newest: DECISION_BUDGET_MS,
      lease: MINUTE,
    },
    {
      name: 'opened before that keeps its lease',
      newest: DECISION_BUDGET_MS + 1,
      lease: LEASE,
    },
    {
      name: 'of a decision that overtook the newest one counts for a minute',
      newest: -5,
      lease: MINUTE,
    },
    {
      name: 'whose lease ends earlier keeps it',
      opening: { lease_until: later(30_000) },
      lease: 30_000,
    },
    {
      name: 'that was renewed counts as long as the lease it ran under',
      opening: { heard_until: later(3_600_000) },
      lease: 3_600_000,
    },
    {
      name: 'whose earlier lease was about to end counts for a minute',
      opening: { heard_until: later(10) },
      lease: MINUTE,
    },
  ]
  for (const { name, opening, newest: at, lease } of cases)
    it(name, async () => {
      await opens(opening)
      if (at !== undefined) await newest(at)
      await crash()
      expect(await leases()).toEqual([lease])
    })

  it('is shortened with all its hosts', async () => {
    await opens({ cohosts: ['u_2', 'u_3'] })
    await crash()
    for (const subject of ['u_1', 'u_2', 'u_3']) expect(await leases(subject)).toEqual([MINUTE])
  })

  it('is found among others of its subject, which keep theirs', async () => {
    await opens({ at: -10_000 })
    await opens({ at: 0 })
    await crash()
    expect(await leases()).toEqual([LEASE - 10_000, MINUTE])
  })

  it('that has ended stays ended, and one that never opened too', async () => {
    const id = await opens()
    await commitTo(store.ledger, 'u_1', (s) => aChange('u_1', s, { ends: id }))
    await newest(1)
    await crash()
    expect(await leases()).toEqual([])
  })

  it('keeps its lease when the log went on for longer than the budget, if only with a heartbeat', async () => {
    await opens()
    const iat = Math.floor(later(DECISION_BUDGET_MS + 1_000) / 1000)
    await store.log.append([aRecord({ kind: 'heartbeat', claims: { iat }, openings: {} })], [])
    await crash()
    expect(await leases()).toEqual([LEASE])
  })

  it('is shortened durably, once, and stays where it is found', async () => {
    await opens({ server: 'edge', session: '1' })
    await crash()
    await crash()
    await restart()
    expect(await leases()).toEqual([MINUTE])
    const found = await store.directory.broadcastOfSession('edge', '1')
    expect(found?.broadcast.lease_until).toBe(later(MINUTE))
    await opens({ at: 1 })
    expect(await leases()).toEqual([MINUTE, LEASE + 1])
  })

  it('is found behind thousands of refusals of the same moment', async () => {
    await opens()
    const refuse = (i: number): Promise<unknown> =>
      commitTo(store.ledger, `r_${i}`, (s) => aDecision(`r_${i}`, s, { at: later(1) }))
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => refuse(i)))
    await crash()
    expect(await leases()).toEqual([MINUTE])
  })
})

describe('after a clean end a broadcast', () => {
  it('keeps its lease', async () => {
    await opens({ cohosts: ['u_2'] })
    await restart()
    expect([await leases(), await leases('u_2')]).toEqual([[LEASE], [LEASE]])
  })

  it('keeps its lease also when a crash came before it', async () => {
    await crash()
    await opens()
    await restart()
    expect(await leases()).toEqual([LEASE])
  })
})
