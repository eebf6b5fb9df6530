/**
 * What strikes, reversals and their removal do to what is remembered of a chain; and what of it a log takes over from the
 * one before.
 *
 * Pure. A finding is about the record that says it. From: chain-replay.ts.
 */
import type { Findings } from '../findings.ts'
import { type ChainMemory, NOTHING_KNOWN, ONLY_EVALUATED } from './replay-state.ts'
import type { Logged } from './strikes.ts'
import { HASH_CHARS } from './trace.ts'

/** Where a record stands, with the beginning of its leaf. */
export interface PlacedLeaf extends Logged {
  readonly index: number
  readonly leaf: string
}

/** What goes without saying of a chain that nothing is remembered of; `before`: instant of its record before. */
export function unremembered(before: number | null): ChainMemory {
  return before === null ? NOTHING_KNOWN : ONLY_EVALUATED
}

/** `row`: the strike, as trace.ts writes it. */
export function withStrike(
  memory: ChainMemory,
  row: string,
  place: PlacedLeaf,
  findings: Findings,
): ChainMemory {
  const id = row.slice(0, HASH_CHARS)
  const said = row.slice(HASH_CHARS, 2 * HASH_CHARS)
  const before = memory.strikes.find((strike) => strike.id === id)
  if (before !== undefined && !before.gone)
    findings.add('strike_altered', place.index, 'A strike of this id was recorded before')
  if (!row.endsWith('a'))
    findings.add('strike_altered', place.index, 'A strike is recorded as reversed already')
  const strike = { ...place, id, said, reversal: null, gone: false }
  const others = memory.strikes.filter((one) => one !== before)
  return { ...memory, strikes: [...others, strike] }
}

/** `id`: of the strike that is reversed. */
export function withReversal(
  memory: ChainMemory,
  id: string,
  { leaf: _leaf, ...reversal }: PlacedLeaf,
  findings: Findings,
): ChainMemory {
  const found = memory.strikes.find((strike) => strike.id === id)
  if (found === undefined || found.reversal !== null) {
    const why = found === undefined ? 'that its chain does not hold' : 'that was reversed before'
    if (!memory.blind || found !== undefined)
      findings.add('reversal_invented', reversal.index, `A strike is reversed ${why}`)
    return memory
  }
  const strikes = memory.strikes.map((one) => (one === found ? { ...one, reversal } : one))
  return { ...memory, strikes }
}

/** Contents of the strikes with these leaves are gone. */
export function withRemoved(memory: ChainMemory, leaves: readonly string[]): ChainMemory {
  const gone = new Set(leaves.map((leaf) => leaf.slice(0, HASH_CHARS)))
  const placed = memory.strikes.filter(({ leaf }) => gone.has(leaf)).length
  // One that was not opened when it was recorded may be any of those known from facts alone.
  if (placed < gone.size) gone.add('')
  const strikes = memory.strikes.map((strike) =>
    gone.has(strike.leaf) ? { ...strike, gone: true } : strike,
  )
  return { ...memory, strikes }
}

/** Into the next log: places are in the one before, and what only holds for a while is let go. */
export function moved({ strikes, reviews, kept, blind, partial }: ChainMemory): ChainMemory {
  const before = <T extends Logged>(event: T): T => ({ ...event, index: null, logged: 0 })
  return {
    strikes: strikes.map((strike) => {
      const { reversal } = strike
      return { ...before(strike), reversal: reversal === null ? null : before(reversal) }
    }),
    ...{ reviews, kept, blind, partial, holds: [] },
  }
}
