import { expect, it } from 'vitest'
import {
  createGuessLimit,
  MAX_GUESSES_PER_ADDRESS,
  MAX_GUESSES_PER_SERVER,
} from '../../../src/adapters/media/guess-limit.ts'

function guessing(limit: ReturnType<typeof createGuessLimit>, address: string, count: number) {
  for (let i = 0; i < count; i++)
    limit.missed({ server: 'edge-1', address, key_hash: `${address} ${i}`, now: 1_000 })
}

it('blocks an address at its limit and only there', () => {
  const limit = createGuessLimit()
  guessing(limit, 'a', MAX_GUESSES_PER_ADDRESS - 1)
  expect(limit.blocked('edge-1', 'a', 1_000)).toBe(false)
  limit.missed({ server: 'edge-1', address: 'a', key_hash: 'last', now: 1_000 })
  expect(limit.blocked('edge-1', 'a', 1_000)).toBe(true)
  expect(limit.blocked('edge-1', 'b', 1_000)).toBe(false)
  expect(limit.blocked('edge-2', 'a', 1_000)).toBe(false)
})

it('past the limit of the server blocks whoever has guessed at all, and nobody else', () => {
  const limit = createGuessLimit()
  for (let i = 0; i < MAX_GUESSES_PER_SERVER; i++) guessing(limit, `address-${i}`, 1)
  expect(limit.blocked('edge-1', 'address-3', 1_000)).toBe(true)
  expect(limit.blocked('edge-1', 'innocent', 1_000)).toBe(false)
})

it('begins anew a minute after the first guess, also when the clock steps back', () => {
  for (const now of [61_000, 1_000 - 60_000]) {
    const limit = createGuessLimit()
    guessing(limit, 'a', MAX_GUESSES_PER_ADDRESS)
    expect(limit.blocked('edge-1', 'a', 60_999)).toBe(true)
    expect(limit.blocked('edge-1', 'a', now)).toBe(false)
  }
})
