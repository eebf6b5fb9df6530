/** Room of a log: how large its storage is, asked no oftener than it can have changed by much. */
import { expect, it } from 'vitest'
import { GROUP_WRITER_LIMITS } from '../../../src/adapters/cloudflare/group-writer.ts'
import { createRoom, MAX_LOG_BYTES } from '../../../src/adapters/cloudflare/sequencer-room.ts'

/** What an object holds. */
const OBJECT_BYTES = 10_000_000_000

function sized(): { size: number; asked: number; readonly databaseSize: number } {
  return {
    size: 10,
    asked: 0,
    get databaseSize() {
      this.asked++
      return this.size
    },
  }
}

it('asks for the size once in 64 transactions while there is room', () => {
  const sql = sized()
  const room = createRoom(sql, 20)
  for (let i = 0; i < 63; i++) {
    room.require()
    room.committed()
  }
  expect([room.why(), sql.asked]).toEqual([null, 1])
  sql.size = 20
  room.committed()
  expect(() => room.require()).toThrow('its storage is full: 20 bytes, expected 20')
})

it('what is full has room again with the next transaction that made some', () => {
  const sql = sized()
  const room = createRoom(sql, 10)
  expect(room.why()).not.toBeNull()
  sql.size = 9
  room.committed()
  expect(room.why()).toBeNull()
})

it('asks again after a transaction that was undone', () => {
  const sql = sized()
  const room = createRoom(sql, 20)
  expect(room.why()).toBeNull()
  sql.size = 20
  room.aborted()
  expect(room.why()).not.toBeNull()
})

it('what is written between two questions fits above the bound', () => {
  expect(2 * 64 * GROUP_WRITER_LIMITS.batchBytes).toBeLessThan(OBJECT_BYTES - MAX_LOG_BYTES)
})
