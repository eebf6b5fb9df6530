/**
 * What the replay remembers of a chain, and how that is stored between two audits: short lists without names.
 */
import type { KnownHold, KnownReview } from './holds.ts'
import type { Kept } from './kept.ts'
import type { KnownStrike, Logged } from './strikes.ts'

export interface ChainMemory {
  /** In the order of the chain. */
  readonly strikes: readonly KnownStrike[]
  readonly holds: readonly KnownHold[]
  readonly reviews: readonly KnownReview[]
  /** Restrictions it began with, after an erasure; null while no evaluation of it was opened. */
  readonly kept: readonly Kept[] | null
  /** Something was not opened since facts were seen last. */
  readonly blind: boolean
  /** Something was not opened at any time. */
  readonly partial: boolean
}

export const NOTHING_KNOWN: ChainMemory = {
  strikes: [],
  holds: [],
  reviews: [],
  kept: null,
  blind: false,
  partial: false,
}

type PackedLogged = readonly [index: number | null, at: number, logged: number]

export type PackedMemory = readonly [
  /** 1: blind, 2: partial. */
  flags: number,
  strikes: readonly (readonly [text: string, gone: 0 | 1, PackedLogged, PackedLogged | null])[],
  holds: readonly KnownHold[],
  reviews: readonly KnownReview[],
  kept: readonly Kept[] | null,
]

/** A chain of which everything so far was opened, and nothing is remembered: an evaluation of it listed nothing kept. */
export const ONLY_EVALUATED: ChainMemory = { ...NOTHING_KNOWN, kept: [] }

/** As stored between two audits, or handed from a log that ended to the one that goes on. */
export interface ChainReplayState {
  /** Of chains with something to remember. */
  readonly chains: Readonly<Record<string, PackedMemory>>
  /** Some chains were not replayed from their beginning, those in `chains` apart. */
  readonly strangers?: true
}

export function packMemory(memory: ChainMemory): PackedMemory {
  const { strikes, holds, reviews, kept, blind, partial } = memory
  return [
    (blind ? 1 : 0) + (partial ? 2 : 0),
    strikes.map((strike) => [
      `${strike.id}.${strike.said}.${strike.leaf}`,
      strike.gone ? 1 : 0,
      packLogged(strike),
      strike.reversal === null ? null : packLogged(strike.reversal),
    ]),
    holds,
    reviews,
    kept,
  ]
}

export function memoryOf([flags, strikes, holds, reviews, kept]: PackedMemory): ChainMemory {
  return {
    strikes: strikes.map(([text, gone, place, reversal]) => {
      const [id = '', said = '', leaf = ''] = text.split('.')
      const back = reversal === null ? null : loggedOf(reversal)
      return { id, said, leaf, gone: gone === 1, ...loggedOf(place), reversal: back }
    }),
    holds,
    reviews,
    kept,
    blind: (flags & 1) !== 0,
    partial: (flags & 2) !== 0,
  }
}

function packLogged({ index, at, logged }: Logged): PackedLogged {
  return [index, at, logged]
}

function loggedOf([index, at, logged]: PackedLogged): Logged {
  return { index, at, logged }
}
