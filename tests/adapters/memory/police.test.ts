/** The memory adapters break when a caller breaks the contract, and lose writes when told to. */
import { describe, expect, it } from 'vitest'
import { AssertionError, type Fate } from '../../../src/adapters/memory/contract.ts'
import { createMemoryStore, type MemoryStore } from '../../../src/adapters/memory/store.ts'
import type { Change } from '../../../src/ports.ts'
import {
  aChange,
  aDecision,
  aRecord,
  aStrike,
  aStrikeChange,
  commitTo,
  later,
  noteKey,
  ORIGIN,
  T0,
} from '../../contract/fixtures.ts'

function create(fate: (what: string) => Fate = () => 'done'): MemoryStore {
  return createMemoryStore({ origin: ORIGIN, checkpointSigner: noteKey().signer, fates: fate })
}

const first = (given: Partial<Change>) => async (store: MemoryStore) =>
  commitTo(store.ledger, 'u_1', (state) => aDecision('u_1', state, given))

const breaches: readonly {
  readonly name: string
  readonly duty: string
  readonly act: (store: MemoryStore) => Promise<unknown>
}[] = [
  {
    name: 'a commit without a load',
    duty: 'a commit follows a load',
    act: async (store) => {
      const state = await store.ledger.load('u_2')
      return store.ledger.commit(aDecision('u_1', state))
    },
  },
  {
    name: 'an instant before the newest record',
    duty: 'the instant never falls',
    act: async (store) => {
      await first({ at: later(1) })(store)
      return first({ at: T0 })(store)
    },
  },
  {
    name: 'a change that changes nothing',
    duty: 'a change changes something',
    act: (store) => commitTo(store.ledger, 'u_1', (state) => aChange('u_1', state)),
  },
  {
    name: 'a leaf that is not the hash of its record',
    duty: 'a leaf is the hash of its record',
    act: first({ record: aRecord({ leaf: new Uint8Array(32) }) }),
  },
  {
    name: 'an entry that is too large',
    duty: 'an entry has at most 7168 bytes',
    act: first({ record: aRecord({ jws: 'x'.repeat(7169) }) }),
  },
  {
    name: 'a strike that is not logged',
    duty: 'a change of standing is logged',
    act: (store) =>
      commitTo(store.ledger, 'u_1', (state) =>
        aChange('u_1', state, { strike: aStrike('u_1'), bumps_version: true }),
      ),
  },
  {
    name: "another subject's strike",
    duty: 'a strike is of its subject',
    act: (store) =>
      commitTo(store.ledger, 'u_1', (state) => aStrikeChange('u_1', state, aStrike('u_2'))),
  },
  {
    name: 'a pseudonym that changes',
    duty: 'a pseudonym never changes',
    act: async (store) => {
      await first({})(store)
      return first({ pseudonym: 'Q'.repeat(22) })(store)
    },
  },
  {
    name: 'a decision without openings',
    duty: 'a record of a chain has openings',
    act: first({ record: aRecord({ openings: {} }) }),
  },
]

describe('the memory ledger', () => {
  for (const { name, duty, act } of breaches)
    it(`throws at ${name}`, async () => {
      const store = create()
      const size = await act(store).then(
        () => null,
        (error: unknown) => error,
      )
      expect(size).toBeInstanceOf(AssertionError)
      expect((size as Error).message).toContain(duty)
    })

  const fates: readonly { readonly fate: Fate; readonly seq: number; readonly told: string }[] = [
    { fate: 'done', seq: 1, told: 'ok' },
    { fate: 'before', seq: 0, told: 'log_unavailable' },
    { fate: 'after', seq: 1, told: 'log_unavailable' },
  ]
  for (const { fate, seq, told } of fates)
    it(`stores ${seq} and tells ${told} when the fate of a commit is ${fate}`, async () => {
      const store = create((what) => (what === 'ledger.commit' ? fate : 'done'))
      const result = await first({})(store).then(
        () => 'ok',
        (error: { code: string }) => error.code,
      )
      expect(result).toBe(told)
      expect((await store.ledger.load('u_1')).seq).toBe(seq)
      expect(store.entries()).toHaveLength(seq)
    })
})
