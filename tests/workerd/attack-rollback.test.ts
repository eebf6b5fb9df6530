/** An object or a log that was set back: nothing goes on over the contradiction, and nobody else is withheld for it. */
import { expect, it } from 'vitest'
import type { DecideRequest } from '../../src/gate-types.ts'
import { aStrike, ask, policyOf, STRIKE_RULE } from '../support/gate.ts'
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

const together: DecideRequest = ask('u_1', {
  stream: { id: 'b_1', hosts: [{ subject: 'u_2', facts: ask('u_2').facts }] },
})

it('a co-host whose object was set back lets nobody through: its strikes are gone, and its log knows', async () => {
  const world = aWorld(policyOf(STRIKE_RULE))
  const decide = () => world.ask('u_1', (host) => host.decide(together))
  await world.ask('u_2', (host) => host.decide(ask('u_2')))
  await world.ask('u_2', (host) => host.strike(aStrike('s_1', 'u_2')))
  expect((await decide()).outcome).toBe('deny')
  // As it was before anything happened; the instant it wakes nobody remembers.
  await world.storage('u_2', (storage) => storage.deleteAll())
  world.wake('u_2')
  const later = { ...together, stream: { ...together.stream, id: 'b_2' } }
  const halted = { code: 'halted', message: expect.stringContaining('0 records') }
  await expect(world.ask('u_1', (host) => host.decide(later))).rejects.toMatchObject(halted)
  await expect(world.ask('u_1', (host) => host.explain(later))).rejects.toMatchObject(halted)
  expect(world.events).toContainEqual(expect.objectContaining({ type: 'halted' }))
})

it('a co-host asks its log once a life, and not at all while it only decides for itself', async () => {
  const world = aWorld()
  await world.ask('u_2', (host) => host.decide(ask('u_2')))
  expect(world.calls.get('head')).toBeUndefined()
  for (let i = 0; i < 3; i++) await world.ask('u_1', (host) => host.decide(together))
  expect(world.calls.get('head')).toBe(1)
  world.wake('u_2')
  world.around = (step, call) =>
    step === 'head' ? Promise.reject(new Error('Network connection lost.')) : call()
  await expect(world.ask('u_1', (host) => host.decide(together))).rejects.toMatchObject({
    code: 'log_unavailable',
  })
})

it('a page is given whole although a log takes nothing any more: it said itself where the records are', async () => {
  const world = aWorld()
  const first = await world.ask('u_1', (host) => host.decide(ask('u_1')))
  world.wake('u_1')
  world.around = async (step, call) => {
    if (step !== 'append') return call()
    throw new Error('Network connection lost.')
  }
  const { index, leaf } = first.receipt
  const at = (more: { readonly index?: number; readonly leaf?: string } = {}) =>
    world.ask('u_1', (host) => host.records([1], [{ object: 'o', seq: 1, index, leaf, ...more }]))
  expect(await at()).toMatchObject([{ id: first.id, jws: first.jws, receipt: first.receipt }])
  // What stands there is another record: this one is not the log's.
  expect(await at({ leaf: 'another' })).toEqual([])
})

it('an object that was set back shows nobody what was, and says why', async () => {
  const world = aWorld(policyOf(STRIKE_RULE))
  await world.ask('u_1', (host) => host.decide(ask('u_1')))
  await world.ask('u_1', (host) => host.strike(aStrike('s_1', 'u_1')))
  expect((await world.ask('u_1', (host) => host.view('u_1'))).strikes).toHaveLength(1)
  await world.storage('u_1', (storage) => storage.deleteAll())
  world.wake('u_1')
  const halted = { code: 'halted', message: expect.stringContaining('0 records') }
  await expect(world.ask('u_1', (host) => host.view('u_1'))).rejects.toMatchObject(halted)
  await expect(world.ask('u_1', (host) => host.explain(ask('u_1')))).rejects.toMatchObject(halted)
})
