/**
 * Memory and SQLite answer any sequence of changes alike: two independent readings of one contract.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/adapters/memory/store.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../src/adapters/sqlite/entries.ts'
import { applyChange } from '../../src/adapters/sqlite/ledger.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { createSubjects } from '../../src/adapters/sqlite/subjects.ts'
import type { Change, SubjectState } from '../../src/ports.ts'
import {
  aChange,
  aDecision,
  aRecord,
  aStrike,
  aStrikeChange,
  later,
  noteKey,
  ORIGIN,
} from './fixtures.ts'

const subject = fc.constantFrom('u_1', 'u_2', 'ü 3')
const small = fc.nat({ max: 3 })
const step = fc.record({
  subject,
  kind: fc.constantFrom(
    'decide',
    'open',
    'end',
    'strike',
    'reverse',
    'facts',
    'hold',
    'refuse',
    'stale',
  ),
  which: small,
  ms: fc.nat({ max: 40 }),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** The change a step makes of a state; ids are few, so that they meet again. */
function changeOf({ subject, kind, which, ms }: Step, state: SubjectState, clock: number): Change {
  const at = later(clock)
  const lease_until = later(clock + ms + 1)
  const pseudonym = state.pseudonym ?? 'P'.repeat(22)
  const given = { at, pseudonym, record: aRecord({ openings: { chain: 'YQ' } }) }
  const base = aDecision(subject, state, given)
  const standing = { ...given, decision: undefined, bumps_version: true }
  const { decision: _none, ...plain } = base
  switch (kind) {
    case 'decide':
      return base
    case 'open':
      return {
        ...base,
        opens: {
          id: `b${which}`,
          stream: `s${which}`,
          opened_at: at,
          lease_until,
          role: 'host',
          server: 'e',
          session: `${which % 2}`,
        },
      }
    case 'end':
      return { ...plain, ends: `b${which}` }
    case 'strike':
      return { ...aStrikeChange(subject, state, aStrike(subject, { id: `k${which}` })), ...given }
    case 'reverse':
      return { ...plain, bumps_version: standing.bumps_version, reverses: `k${which}` }
    case 'facts':
      return aChange(subject, state, {
        at,
        facts: { followers: { value: ms, as_of: at } },
        bumps_version: true,
      })
    case 'hold':
      return { ...base, holds: [{ stream: `s${which}`, rule: 'r', first_asked_at: at }] }
    case 'refuse':
      return {
        ...base,
        refusal: { stream: `s${which}`, decision: base.record?.id ?? '', fingerprint: 'f', at },
      }
    case 'stale':
      return { ...base, expect: { ...base.expect, seq: base.expect.seq + which } }
  }
}

describe('memory and SQLite', () => {
  it('give the same results and the same states for any sequence of changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, cold) => {
        const memory = createMemoryStore({ origin: ORIGIN, checkpointSigner: noteKey().signer })
        const sql = openNodeSql(':memory:')
        migrate(sql)
        const unused = (): Promise<never> => Promise.reject(new Error('unused'))
        const writer = { write: unused, writeLater: unused, follow: () => {} }
        const [entries, subjects] = [createEntries(sql, ORIGIN), createSubjects(sql)]
        const parts = { sql, writer, entries, subjects }
        let clock = 0
        for (const next of steps) {
          clock += next.ms
          const change = changeOf(next, await memory.ledger.load(next.subject), clock)
          const result = sql.transaction(() => applyChange(parts, change))
          expect(result).toEqual(await memory.ledger.commit(change))
          entries.committed()
          subjects.committed()
          // A cold cache must tell the same story as a warm one.
          if (cold) subjects.aborted()
          expect(subjects.read(next.subject).state).toEqual(await memory.ledger.load(next.subject))
        }
        sql.close()
      }),
      { numRuns: 60 },
    )
  })
})
