/** The tables of one subject: made when a row needs them, and where each record stands in the log, however it was learnt. */
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import {
  AT_ONCE_MS,
  createAnswering,
  WHEN_BUSY_MS,
} from '../../../src/adapters/cloudflare/answering.ts'
import { insertWhole } from '../../../src/adapters/cloudflare/chain-store.ts'
import type { LateSql } from '../../../src/adapters/cloudflare/late-row.ts'
import { createPlaces, type Places } from '../../../src/adapters/cloudflare/places.ts'
import { makeSequencerTables } from '../../../src/adapters/cloudflare/sequencer-schema.ts'
import type { SparseSql } from '../../../src/adapters/cloudflare/sparse-sql.ts'
import {
  hasSubjectTables,
  makeSubjectTables,
  subjectSql,
} from '../../../src/adapters/cloudflare/subject-schema.ts'
import { type NodeSql, nodeSqlOver } from '../../../src/adapters/node/node-sql.ts'
import { epochMs } from '../../../src/core/time.ts'

function aDatabase(): LateSql {
  const sql = subjectSql(nodeSqlOver(new DatabaseSync(':memory:')))
  makeSubjectTables(sql)
  return sql
}
const tablesOf = (sql: SparseSql): readonly unknown[] =>
  sql.all("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").map(({ name }) => name)

describe('the tables of a subject', () => {
  it('are two and a view at first, without an index', () => {
    expect(tablesOf(aDatabase())).toEqual(['subjects', 'records', 'entries'])
  })

  it('a missing one has no rows, whatever is asked, and is made by the first that is inserted', () => {
    const sql = aDatabase()
    expect(sql.get('SELECT min(expires_at) AS next FROM idempotency')).toBeUndefined()
    expect(sql.all('SELECT status, doc FROM strikes WHERE subject = ?', 1)).toEqual([])
    sql.run('DELETE FROM sessions WHERE server = ?', 'edge-1')
    expect(tablesOf(sql)).toHaveLength(3)
    const rely = 'INSERT INTO reliance (strike, idx) SELECT DISTINCT value, ? FROM json_each(?)'
    sql.run(rely, 0, '["s_1"]')
    expect(tablesOf(sql)).toContain('reliance')
    expect(sql.all('SELECT strike FROM reliance x')).toEqual([{ strike: 's_1' }])
  })

  it('one that was made in vain is made again', () => {
    const sql = aDatabase()
    const insert =
      "INSERT INTO sessions (server, session, subject, broadcast) VALUES ('a', 'b', 1, 'c')"
    const undone = (): void =>
      sql.transaction(() => {
        sql.run(insert)
        throw new Error('undo')
      })
    expect(undone).toThrow('undo')
    sql.run(insert)
    expect(sql.all('SELECT session FROM sessions')).toEqual([{ session: 'b' }])
  })
})

describe('tables of a version that was never released', () => {
  const old = (...tables: readonly string[]): NodeSql => {
    const sql = nodeSqlOver(new DatabaseSync(':memory:'))
    for (const table of tables) sql.run(`CREATE TABLE ${table} (version INTEGER)`)
    sql.run('INSERT INTO schema (version) VALUES (2)')
    return sql
  }

  it('are told from those of a subject, whether it is read or written', () => {
    const sql = subjectSql(old('schema', 'subjects', 'records', 'entries', 'places'))
    for (const work of [hasSubjectTables, makeSubjectTables])
      expect(() => work(sql)).toThrow(/tables of a version that was never released/)
  })

  it('are told from those of a log; these are made once', () => {
    expect(() => makeSequencerTables(old('schema', 'heads', 'records'))).toThrow(
      /tables of a version that was never released/,
    )
    const sql = nodeSqlOver(new DatabaseSync(':memory:'))
    for (let i = 0; i < 2; i++) makeSequencerTables(sql)
    expect(sql.all('SELECT first FROM packs')).toEqual([])
  })
})

/** A chain whose records are rows and nothing else. */
function aChain(): { sql: LateSql; add(places?: Places): void; wake(): Places } {
  const sql = aDatabase()
  sql.run(
    "INSERT INTO subjects (rid, subject, seq, version, strikes, doc) VALUES (1, 'u', 0, 0, 0, '{}')",
  )
  let size = 0
  return {
    sql,
    wake: () => createPlaces(sql),
    add(places) {
      const idx = size++
      const values = [idx, -1, 0, `id_${idx}`, 'decision', 1, idx + 1, 0, null, 'allow', null, '[]']
      const entry = { leaf: new Uint8Array(32), jws: 'a.b.c', openings: {} }
      insertWhole(sql, [values, entry], places?.carry(idx) ?? null)
      places?.committed()
    },
  }
}
function committed(places: Places): Places {
  places.write()
  places.committed()
  return places
}

describe('places in the log', () => {
  it('of each record lie in the row behind it, and the newest with the subject', () => {
    const chain = aChain()
    const places = chain.wake()
    for (const index of [10, 20, 30]) {
      chain.add(places)
      places.note([index])
    }
    expect(chain.wake().known()).toBe(2)
    const woken = chain.wake()
    woken.note([30])
    committed(woken)
    const again = chain.wake()
    expect([0, 1, 2, 3].map((idx) => again.of(idx))).toEqual([10, 20, 30, null])
    expect(again.written()).toBe(3)
  })

  it('of several that were told at once are all written, also when more have come meanwhile', () => {
    for (const later of [0, 1, 3]) {
      const chain = aChain()
      for (let i = 0; i < 4; i++) chain.add()
      const places = chain.wake()
      expect(places.known()).toBe(0)
      places.note([5, 6, 9, 12])
      for (let i = 0; i < later; i++) chain.add()
      committed(places)
      const woken = chain.wake()
      expect([woken.known(), ...[0, 1, 2, 3, 4].map((idx) => woken.of(idx))]).toEqual([
        ...[4, 5, 6, 9, 12, null],
      ])
      expect(() => woken.note([12])).toThrow('expected a later one')
    }
  })

  it('that a transaction wrote in vain are still known', () => {
    const chain = aChain()
    const places = chain.wake()
    chain.add(places)
    places.note([7])
    const undone = (): void =>
      chain.sql.transaction(() => {
        places.write()
        throw new Error('undo')
      })
    expect(undone).toThrow('undo')
    places.aborted()
    expect([places.written(), places.known(), places.of(0)]).toEqual([0, 1, 7])
    expect(committed(places).written()).toBe(1)
  })
})

describe('answers that have left', () => {
  function aDesk() {
    let now = 0
    let written = 0
    let known = 0
    const timers: { readonly at: number; readonly fire: () => void }[] = []
    const places = {
      written: () => written,
      known: () => known,
      write() {
        written = known
      },
    }
    const answering = createAnswering({
      writer: { write: async <T>(work: () => T): Promise<T> => work() } as never,
      store: { peek: () => ({ places }) as never },
      clock: { now: () => epochMs(now) },
      after: (delay_ms, fire) => {
        timers.push({ at: now + delay_ms, fire })
        return () => {}
      },
    })
    const logged = async (): Promise<void> => void known++
    return {
      answering,
      logged,
      ask: () => answering(logged),
      unwritten: () => known - written,
      step(ms: number) {
        now += ms
      },
      /** Timers do not follow the clock when it steps. */
      fire: () => {
        for (const timer of timers.splice(0)) timer.fire()
      },
      pass(ms: number) {
        for (const until = now + ms; now < until; now++)
          for (const timer of timers.splice(0))
            if (timer.at <= now) timer.fire()
            else timers.push(timer)
      },
    }
  }

  it('are written down at once in an object that was quiet, and once it is quiet in one that is busy', async () => {
    const desk = aDesk()
    await desk.ask()
    expect(desk.unwritten()).toBe(1)
    desk.pass(2 * AT_ONCE_MS)
    expect(desk.unwritten()).toBe(0)
    for (let i = 1; i < 20; i++) {
      await desk.ask()
      desk.pass(1_000)
      expect(desk.unwritten()).toBe(i)
    }
    desk.pass(WHEN_BUSY_MS)
    expect(desk.unwritten()).toBe(0)
  })

  it('are written down soon when the clock steps back by a day', async () => {
    const desk = aDesk()
    desk.step(86_400_000)
    await desk.ask()
    desk.pass(1)
    await desk.ask()
    desk.step(-86_400_000)
    desk.fire()
    desk.pass(WHEN_BUSY_MS + 1)
    expect(desk.unwritten()).toBe(0)
  })

  it('are not written down while another question is under way', async () => {
    const desk = aDesk()
    let answer = (): void => {}
    const slow = desk.answering(() => new Promise<void>((done) => (answer = done)))
    await desk.ask()
    desk.pass(2 * WHEN_BUSY_MS)
    expect(desk.unwritten()).toBe(1)
    answer()
    await slow
    desk.pass(2 * WHEN_BUSY_MS)
    expect(desk.unwritten()).toBe(0)
  })
})
