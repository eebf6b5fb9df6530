/** G7: a decision that has asked a co-host, and is written after that co-host was erased, keeps nothing of it. */
import { expect, it } from 'vitest'
import { aGate, aStrike, ask, opened, policyOf, STRIKE_RULE, settle } from '../support/gate.ts'

const together = ask('h', { stream: { id: 'w', hosts: [{ subject: 's' }] } })

it('a record written after the erasure of its co-host names nobody that is gone', async () => {
  const world = await aGate({ policy: policyOf(STRIKE_RULE) })
  const { gate, erasure, store } = world
  await gate.strike(aStrike('s1', 's'))
  let release = (): void => {}
  const until = new Promise<void>((resolve) => {
    release = resolve
  })
  const { commit } = store.ledger
  Object.assign(store.ledger, {
    commit: async (change: Parameters<typeof commit>[0]) => {
      if (change.subject === 'h') await until
      return commit(change)
    },
  })
  const deciding = gate.decide(together)
  await settle()
  await erasure.erase({ subject: 's', scope: 'subject', basis: 'art17' })
  release()
  const { id } = await deciding
  const record = await store.directory.record(id)
  expect(Object.keys(record?.openings ?? {}).sort()).toEqual(['chain', 'request'])
  // Whoever comes back is named as anybody is.
  await gate.strike(aStrike('s2', 's'))
  const again = await gate.decide({ ...together, stream: { id: 'w2', hosts: [{ subject: 's' }] } })
  const known = await store.directory.record(again.id)
  expect(opened(known?.openings ?? {}, 'subject')).toMatchObject({ cohosts: ['s'] })
})
