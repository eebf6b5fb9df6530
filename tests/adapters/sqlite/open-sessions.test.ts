/** Who may be running is never forgotten, and who is not is mostly known: whatever is undone, and in whatever order. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../../src/adapters/node/group-commit.ts'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createSqlDirectory } from '../../../src/adapters/sqlite/directory.ts'
import { createEntries } from '../../../src/adapters/sqlite/entries.ts'
import { createHalt } from '../../../src/adapters/sqlite/halt.ts'
import { createSqlLedger } from '../../../src/adapters/sqlite/ledger.ts'
import { insertLogState } from '../../../src/adapters/sqlite/log-state.ts'
import { createOpenSessions } from '../../../src/adapters/sqlite/open-sessions.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { createSubjects } from '../../../src/adapters/sqlite/subjects.ts'
import type { Ledger, OpenBroadcast } from '../../../src/ports.ts'
import { aChange, aDecision, commitTo, later, newId, T0 } from '../../contract/fixtures.ts'

const ORIGIN = 'gate.example/log/sessions'

let sql: NodeSql
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
})
afterEach(() => sql.close())

function write(session: string): void {
  sql.run(
    'INSERT OR REPLACE INTO sessions (server, session, subject, broadcast) VALUES (?, ?, ?, ?)',
    'edge-1',
    session,
    1,
    'b',
  )
}

type Step =
  | { readonly do: 'open' | 'close'; readonly session: string }
  | { readonly do: 'seal' | 'commit' | 'abort' }

const session = fc.integer({ min: 0, max: 5 }).map(String)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('open' as const, 'close' as const), session }),
  fc.record({ do: fc.constantFrom('seal' as const, 'commit' as const, 'abort' as const) }),
)

/** Sessions as transactions have them: durable ones, and as each batch on its way, and the running one, leave them. */
function follow(steps: readonly Step[]): void {
  const sessions = createOpenSessions(sql)
  let durable = new Set<string>()
  let sealed: Set<string>[] = []
  let running = new Set<string>()
  const newest = (): Set<string> => new Set(sealed.at(-1) ?? durable)
  for (const one of steps) {
    if (one.do === 'open' && !running.has(one.session)) {
      sessions.opened('edge-1', one.session)
      running.add(one.session)
    } else if (one.do === 'close' && running.delete(one.session))
      sessions.closed('edge-1', one.session)
    else if (one.do === 'seal') {
      sealed.push(new Set(running))
      sessions.sealed?.()
    } else if (one.do === 'commit') {
      const oldest = sealed.shift()
      durable = oldest ?? new Set(running)
      sessions.committed()
    } else if (one.do === 'abort') {
      sealed = []
      running = newest()
      sessions.aborted()
    }
    for (const open of [...durable, ...sealed.flatMap((batch) => [...batch]), ...running])
      expect(sessions.mayBeOpen('edge-1', open)).toBe(true)
  }
  if (steps.some((one) => one.do === 'abort')) return
  while (sealed.shift() !== undefined) sessions.committed()
  sessions.committed()
  for (let i = 0; i <= 5; i++)
    expect(sessions.mayBeOpen('edge-1', String(i))).toBe(running.has(String(i)))
}

describe('a session', () => {
  it('that may be open is never called closed; without anything undone the two are told apart', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => follow(steps)),
      { numRuns: 500 },
    )
  })

  it('of the table is known from the start, however many there are', () => {
    sql.transaction(() => {
      for (let i = 0; i < 25_000; i++) write(`s${i}`)
    })
    const sessions = createOpenSessions(sql)
    for (let i = 0; i < 25_000; i++) expect(sessions.mayBeOpen('edge-1', `s${i}`)).toBe(true)
    const others = Array.from({ length: 25_000 }, (_, i) => `t${i}`)
    const met = others.filter((one) => sessions.mayBeOpen('edge-1', one)).length
    expect(met).toBeLessThan(25_000 * 0.05)
  })

  it('is no other server, and no other cut of the same letters', () => {
    const sessions = createOpenSessions(sql)
    sessions.opened('edge-1', '77')
    expect(sessions.mayBeOpen('edge-1', '77')).toBe(true)
    expect(sessions.mayBeOpen('edge-2', '77')).toBe(false)
    expect(sessions.mayBeOpen('edge-17', '7')).toBe(false)
  })
})

describe('the directory', () => {
  it('looks into the table only for a session that may be open', async () => {
    const sessions = createOpenSessions(sql)
    const asked: string[] = []
    const get: NodeSql['get'] = (text, ...values) => {
      if (text.includes('FROM sessions')) asked.push(String(values[1]))
      return sql.get(text, ...values)
    }
    const parts = { sql: { ...sql, get }, subjects: createSubjects(sql), origin: ORIGIN }
    const directory = createSqlDirectory({ ...parts, sessions })
    sessions.opened('edge-1', '77')
    for (const session of ['77', '78'])
      expect(await directory.broadcastOfSession('edge-1', session)).toBeNull()
    expect(asked).toEqual(['77'])
  })
})

describe('the ledger', () => {
  const opens: OpenBroadcast = {
    ...{ id: newId(), stream: 'main', opened_at: T0, lease_until: later(60_000) },
    ...{ server: 'edge-1', session: '77', role: 'host' },
  }

  it('says when a session opens, is renewed and ends', async () => {
    const sessions = createOpenSessions(sql)
    const ledger = ledgerOver(sessions)
    const isOpen = (): boolean => sessions.mayBeOpen('edge-1', '77')
    expect(isOpen()).toBe(false)
    await commitTo(ledger, 'u', (s) => aDecision('u', s, { opens }))
    expect(isOpen()).toBe(true)
    await commitTo(ledger, 'u', (s) =>
      aChange('u', s, { opens: { ...opens, lease_until: later(120_000) } }),
    )
    expect(isOpen()).toBe(true)
    await commitTo(ledger, 'u', (s) => aDecision('u', s, { ends: opens.id }))
    expect(isOpen()).toBe(false)
  })

  function ledgerOver(sessions: ReturnType<typeof createOpenSessions>): Ledger {
    sql.transaction(() => insertLogState(sql, ORIGIN))
    const writer = createGroupCommit({ sql, halt: createHalt(() => {}), die: fail })
    const entries = createEntries(sql, ORIGIN)
    const subjects = createSubjects(sql)
    for (const mirror of [entries, subjects, sessions]) writer.follow(mirror)
    return createSqlLedger({ sql, writer, entries, subjects, sessions })
  }
})

function fail(error: unknown): never {
  throw error
}
