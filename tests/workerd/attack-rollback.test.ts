/** An object or a log that was set back: nothing goes on over the contradiction, and nobody else is withheld for it. */
import { expect, it } from 'vitest'
import { ask } from '../support/gate.ts'
import { aWorld } from './subject-world.ts'

it('records the log contradicts are left out of a page, those it has are given', async () => {
  const world = aWorld()
  const decide = (stream: string) =>
    world.ask('u_1', (host) => host.decide(ask('u_1', { stream: { id: stream } })))
  const first = await decide('a')
  await decide('b')
  world.log.forget(1)
  await expect(decide('c')).rejects.toMatchObject({ code: 'halted' })
  world.wake('u_1')
  const records = await world.ask('u_1', (host) => host.records([1, 2, 3]))
  expect(records[0]?.id).toBe(first.id)
  expect(records.map(({ seq }) => seq)).not.toContain(3)
})

it('records the log may have are not left out while it is away', async () => {
  const world = aWorld()
  await world.ask('u_1', (host) => host.decide(ask('u_1')))
  world.wake('u_1')
  world.around = async (step, call) => {
    if (step !== 'append') return call()
    throw new Error('Network connection lost.')
  }
  await expect(world.ask('u_1', (host) => host.records([1]))).rejects.toMatchObject({
    code: 'log_unavailable',
  })
})
