/** The age of what is not published, told from a real store. */
import { expect, it } from 'vitest'
import { gaugesOf } from '../../../src/adapters/node/gauges.ts'
import { aNodeGate, START } from '../../support/node-gate.ts'

it('an entry knows when it was made: records to the millisecond, entries of the deployment to the second', async () => {
  const world = await aNodeGate()
  const gauges = gaugesOf(world.store, world.time, {
    ...{ policies: () => null, incidents: () => null, webhooks: () => [], mediaServers: () => [] },
  })
  while (await world.store.publish());
  expect(gauges.lagSeconds()).toBe(0)
  world.time.pass(1_234)
  const request = { subject: 'u', stream: {}, request: {}, supports: [], caller: 'k' }
  const facts = { created_at: START }
  const { receipt } = await world.gate.decide({ ...request, facts })
  world.time.pass(8_000)
  await world.gate.decide({ ...request, subject: 'v', facts })
  expect(world.store.instantOf(receipt.index)).toBe(START + 1_234)
  expect(world.store.instantOf(0)).toBe(START)
  expect(world.store.instantOf(receipt.index + 2)).toBeNull()
  world.time.pass(2_000)
  const { published } = world.store.status()
  const oldest = world.store.instantOf(published)
  const age = oldest === null ? 0 : (world.time.now() - oldest) / 1_000
  expect(gauges.lagSeconds()).toBe(age)
  while (await world.store.publish());
  expect(gauges.lagSeconds()).toBe(0)
  await world.close()
})
