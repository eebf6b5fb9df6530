/**
 * Slows down whoever tries stream keys one after the other.
 *
 * Counts *different* unknown keys per (server, address) and per server in one-minute windows: an encoder that
 * reconnects all day with one wrong key is no guesser and locks nobody out. Past the address's limit every start from
 * that address is refused until the window ends; past the server's limit every address that has guessed at all. An
 * address may be a relay's, so the first limit is far above what a room of people mistypes.
 */
import { LRUCache } from 'lru-cache'
import { MINUTE_MS } from '../../core/time.ts'

/** Per address: 60 a minute is 31 million a year, against 2^128 generated keys or 2^40 for eight chosen letters. */
export const MAX_GUESSES_PER_ADDRESS = 60
export const MAX_GUESSES_PER_SERVER = 600
/** Addresses and keys remembered: at about 150 bytes each, 1.5 MB. */
const REMEMBERED = 10_000

export interface GuessLimit {
  /** True when a start from there may not be looked up now. */
  blocked(server: string, address: string, now: number): boolean
  /** An unknown key was shown; `key_hash` tells repetitions from guesses. */
  missed(guess: {
    readonly server: string
    readonly address: string
    readonly key_hash: string
    readonly now: number
  }): void
}

/** For those who are not guessing: nothing they see tells them whether a key was right. */
export const NO_GUESS_LIMIT: GuessLimit = { blocked: () => false, missed: () => {} }

export function createGuessLimit(): GuessLimit {
  const counts = new LRUCache<string, { from: number; guesses: number }>({ max: REMEMBERED })
  const known = new LRUCache<string, true>({ max: REMEMBERED })
  const guesses = (key: string, now: number): number => {
    const count = counts.get(key)
    return count === undefined || Math.abs(now - count.from) >= MINUTE_MS ? 0 : count.guesses
  }
  const add = (key: string, now: number): void => {
    const before = guesses(key, now)
    const from = before === 0 ? now : (counts.get(key)?.from ?? now)
    counts.set(key, { from, guesses: before + 1 })
  }
  return {
    blocked(server, address, now) {
      const own = guesses(`${server} ${address}`, now)
      if (own >= MAX_GUESSES_PER_ADDRESS) return true
      return own > 0 && guesses(server, now) >= MAX_GUESSES_PER_SERVER
    },
    missed({ server, address, key_hash, now }) {
      const guess = `${server} ${key_hash}`
      if (known.get(guess)) return
      known.set(guess, true)
      add(`${server} ${address}`, now)
      add(server, now)
    },
  }
}
