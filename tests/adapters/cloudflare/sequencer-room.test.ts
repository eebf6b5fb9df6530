/** Room of a log: how large its storage is, asked no oftener than it can have changed. */
import { expect, it } from 'vitest'
import { createRoom } from '../../../src/adapters/cloudflare/sequencer-room.ts'

it('asks for the size once a transaction, and knows the size after each that was done or undone', () => {
  let [size, asked] = [10, 0]
  const sql = {
    get databaseSize() {
      asked++
      return size
    },
  }
  const room = createRoom(sql, 20)
  for (let i = 0; i < 100; i++) room.require()
  expect(asked).toBe(1)
  size = 20
  room.committed()
  expect(() => room.require()).toThrow('its storage is full: 20 bytes, expected 20')
  size = 19
  room.aborted()
  expect(room.why()).toBeNull()
  expect(asked).toBe(3)
})
