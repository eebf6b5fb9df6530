/** The subject's row, which says only later what the row of its newest record says at once. */
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { insertWhole } from '../../../src/adapters/cloudflare/chain-store.ts'
import { CONTENTS_GONE, type LateSql } from '../../../src/adapters/cloudflare/late-row.ts'
import { makeSubjectTables, subjectSql } from '../../../src/adapters/cloudflare/subject-schema.ts'
import { type NodeSql, nodeSqlOver } from '../../../src/adapters/node/node-sql.ts'
import { createSubjects, type Subjects } from '../../../src/adapters/sqlite/subjects.ts'
import { toBase64Url } from '../../../src/core/encoding.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { Change, OpenBroadcast } from '../../../src/ports.ts'

const LEASE = epochMs(9_000_000)
const broadcast = (id: string, stream = id): OpenBroadcast => ({
  ...{ id, stream, role: 'host', opened_at: epochMs(1), lease_until: LEASE },
})

/** An object of subject `u`, its memory, and its storage as nobody but the engine sees it. */
function anObject() {
  const raw: NodeSql = nodeSqlOver(new DatabaseSync(':memory:'))
  let seq = 0
  let sql: LateSql
  let subjects: Subjects
  function wake(): void {
    sql = subjectSql(raw)
    makeSubjectTables(sql)
    subjects = createSubjects(sql, 1_000, undefined, sql.carry)
  }
  wake()
  const stored = () => subjects.load('u').state
  function write(given: Partial<Change> & Pick<Change, 'record'>): void {
    const { head, version } = stored()
    const change: Change = {
      ...{ subject: 'u', at: epochMs(seq + 1), expect: { seq: stored().seq, head, version } },
      ...{ pseudonym: 'p', requires: [], bumps_version: false, ...given },
    }
    sql.transaction(() => {
      const leaf = new Uint8Array(32).fill(seq + 1)
      const place = change.record === null ? null : { idx: seq, head: toBase64Url(leaf) }
      if (subjects.advance(change, place) === null) throw new Error('not as expected')
      if (place === null) return
      const values = [
        seq,
        -1,
        0,
        `id_${seq}`,
        'decision',
        1,
        seq + 1,
        change.at,
        null,
        'allow',
      ] as const
      const entry = { leaf, jws: 'a.b.c', openings: { facts: 'x' } }
      insertWhole(sql, [[...values, null, '[]'], entry], null, sql.take())
      seq++
    })
    subjects.committed()
  }
  const record = {
    id: '',
    kind: 'decision' as const,
    jws: '',
    leaf: new Uint8Array(),
    openings: {},
  }
  return {
    raw,
    wake,
    write,
    stored,
    sql: () => sql,
    decide: (given: Partial<Change> = {}) => write({ record, ...given }),
    /** What a plain look at the two rows finds. */
    row: () => raw.get('SELECT seq, head, version, doc FROM subjects'),
    late: () => raw.all('SELECT late_doc FROM records ORDER BY idx').map((row) => row.late_doc),
  }
}

describe('the row of a subject', () => {
  it('is written with the first record, and not with the next ones: they say it', () => {
    const object = anObject()
    object.decide({ opens: broadcast('a') })
    const first = object.row()
    object.decide({ opens: broadcast('b') })
    object.decide({ bumps_version: true })
    expect(object.row()).toEqual(first)
    expect(object.late().map((doc) => doc !== null)).toEqual([false, true, true])
  })

  it('is found as memory had it after that is lost, as often as it is', () => {
    const object = anObject()
    for (const id of ['a', 'b', 'c']) {
      object.decide({ opens: broadcast(id), bumps_version: true })
      const before = object.stored()
      for (let i = 0; i < 2; i++) {
        object.wake()
        expect(object.stored()).toEqual(before)
      }
    }
    expect(object.stored()).toMatchObject({ seq: 3, version: 3, pseudonym: 'p' })
    expect(object.stored().broadcasts.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })

  it('is what whoever reads or changes it finds, and joins find it without', () => {
    for (const statement of [
      'SELECT head FROM subjects',
      "UPDATE subjects SET doc = doc WHERE subject = 'u'",
      'UPDATE records SET jws = jws WHERE idx = 0',
    ]) {
      const object = anObject()
      object.decide()
      object.decide({ opens: broadcast('a') })
      object.sql().all('SELECT s.subject FROM records r JOIN subjects s ON s.rid = r.subject')
      object.sql().run('UPDATE records SET prev_place = 7 WHERE idx = 1')
      expect(object.row()).toMatchObject({ seq: 1 })
      object.sql().all(statement)
      expect(object.row()).toMatchObject({ seq: 2, head: object.stored().head })
      expect(object.row()?.doc).toContain('"id":"a"')
    }
  })

  it('gets what is late together with the place of the newest record', () => {
    const object = anObject()
    object.decide()
    object.decide({ opens: broadcast('a') })
    for (const [place, seq] of [
      [41, 2],
      [42, 2],
    ] as const) {
      object.sql().place(1, place)
      expect(object.raw.get('SELECT placed, place, seq FROM subjects')).toEqual({
        ...{ placed: 1, place, seq },
      })
    }
    expect(object.row()?.doc).toContain('"id":"a"')
  })

  it('never says again what has changed since, with a record or without one', () => {
    const object = anObject()
    object.decide({ opens: broadcast('a') })
    object.decide({ opens: broadcast('b') })
    object.write({ record: null, ends: 'a', bumps_version: true })
    object.wake()
    expect(object.stored().broadcasts.map(({ id }) => id)).toEqual(['b'])
    object.decide({ ends: 'b' })
    object.wake()
    expect(object.stored()).toMatchObject({ seq: 3, version: 1, broadcasts: [] })
  })

  it('has facts and strikes at once; a record’s row never has facts', () => {
    const object = anObject()
    object.decide()
    const facts = { followers: { value: 7, as_of: epochMs(1) } }
    object.write({ record: null, facts, bumps_version: true })
    expect(object.row()?.doc).toContain('followers')
    object.decide({ opens: broadcast('a') })
    expect(object.late().join()).not.toContain('followers')
    object.wake()
    expect(object.stored()).toMatchObject({ seq: 2, version: 1, facts })
    expect(object.stored().broadcasts).toHaveLength(1)
    object.decide({ facts: {} })
    expect(object.row()).toMatchObject({ seq: 3 })
    expect(object.late().at(-1)).toBeNull()
  })

  it('is written at once where it is long', () => {
    const object = anObject()
    object.decide()
    object.decide({ opens: broadcast('a', 's'.repeat(1_000)) })
    expect(object.row()).toMatchObject({ seq: 2 })
    expect(object.late()).toEqual([null, null])
  })

  it('is as before when what wrote it was undone', () => {
    const object = anObject()
    object.decide()
    object.decide({ opens: broadcast('a') })
    const before = object.stored()
    expect(() =>
      object.sql().transaction(() => {
        object.sql().all('SELECT doc FROM subjects')
        object.sql().carry(before, { ...before, version: 9 })
        throw new Error('undo')
      }),
    ).toThrow('undo')
    expect(object.row()).toMatchObject({ seq: 1 })
    expect(object.sql().take()).toEqual([null, null])
    object.wake()
    expect(object.stored()).toEqual(before)
  })

  it('keeps what is late when contents of records go', () => {
    const object = anObject()
    object.decide()
    object.decide({ opens: broadcast('a') })
    const before = object.stored()
    object.sql().run(`UPDATE records SET ${CONTENTS_GONE}`)
    expect(object.late()).toEqual([null, null])
    object.wake()
    expect(object.stored()).toEqual(before)
  })

  it('is not asked for before there is a table', () => {
    const sql = subjectSql(nodeSqlOver(new DatabaseSync(':memory:')))
    expect(() => sql.get('SELECT head FROM subjects')).toThrow(/no such table/)
  })
})
