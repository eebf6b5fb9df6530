/** A handle told after the decision is kept with what runs under the session, and with nothing else. */
import { expect, test } from 'vitest'
import { MAX_HANDLE_CHARS } from '../../src/core/limits.ts'
import { aGate, aStrike, ask } from '../support/gate.ts'

const SESSION = { server: 'door-1', session: 'a' }

test('a handle is kept with the broadcast of its session, and nothing is logged for it', async () => {
  const world = await aGate()
  const { gate, store } = world
  const { id } = await gate.decide(ask('u_1', { session: SESSION }))
  const size = store.log.size()
  expect(await gate.setHandle('door-1', 'a', '/whip/sessions/1')).toBe(true)
  expect(await gate.broadcast(id)).toMatchObject({ ...SESSION, handle: '/whip/sessions/1' })
  expect(await gate.setHandle('door-1', 'a', '/whip/sessions/2')).toBe(true)
  expect(await gate.broadcast(id)).toMatchObject({ handle: '/whip/sessions/2' })
  expect(store.log.size()).toBe(size)
  expect((await gate.decide(ask('u_1', { session: { ...SESSION, session: 'b' } }))).outcome).toBe(
    'allow',
  )
  await world.verify()
})

test('a broadcast that is being cut gets its handle too, so that it can be', async () => {
  const { gate, store } = await aGate()
  const { id } = await gate.decide(ask('u_1', { session: SESSION }))
  await gate.strike(aStrike('s_1', 'u_1'))
  await gate.setHandle('door-1', 'a', 'late')
  const { broadcasts } = await store.ledger.load('u_1')
  expect(broadcasts).toMatchObject([{ id, handle: 'late', cutting: { cause: 'strike' } }])
})

test.each([
  ['a session nobody opened', 'door-1', 'b', 'x'],
  ['another server', 'door-2', 'a', 'x'],
  ['a handle that is too long', 'door-1', 'a', 'x'.repeat(MAX_HANDLE_CHARS + 1)],
])('%s keeps nothing', async (_name, server, session, handle) => {
  const { gate } = await aGate()
  const { id } = await gate.decide(ask('u_1', { session: SESSION }))
  expect(await gate.setHandle(server, session, handle)).toBe(false)
  expect((await gate.broadcast(id))?.handle).toBeUndefined()
})
