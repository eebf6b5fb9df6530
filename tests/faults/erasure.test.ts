/**
 * Every write of an erasure × {fails, done but reported failed, fails in the middle, the process dies after it} × {once,
 * twice in a row}: it is finished all the same, once, and nobody else loses anything. The same for emptying the journal.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../src/adapters/node/group-commit.ts'
import { type NodeSql, openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../src/adapters/sqlite/entries.ts'
import { createEraser, type Eraser } from '../../src/adapters/sqlite/eraser.ts'
import { lastErasedRid } from '../../src/adapters/sqlite/erasure-rows.ts'
import { createSqlErasures } from '../../src/adapters/sqlite/erasures.ts'
import { createHalt } from '../../src/adapters/sqlite/halt.ts'
import { createSqlLedger } from '../../src/adapters/sqlite/ledger.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { createSubjects } from '../../src/adapters/sqlite/subjects.ts'
import { suppressionsUnder } from '../../src/adapters/sqlite/suppressions.ts'
import type { Suppression } from '../../src/core/model.ts'
import type { Erasures, Ledger } from '../../src/ports.ts'
import {
  aDecision,
  aRecord,
  aStrike,
  aStrikeChange,
  commitTo,
  later,
  ORIGIN,
  T0,
} from '../contract/fixtures.ts'

type Moment = 'begin' | 'before-commit' | 'after-commit' | 'crash'
const MOMENTS: readonly Moment[] = ['begin', 'before-commit', 'after-commit', 'crash']
const SUBJECT = 'u_1'
const KEPT: Suppression = { rule: 'struck', from: T0, until: 'forever', id: 'r_1' }
/** Records of the chain: three steps of the eraser. */
const RECORDS = 300

/** Whether to fail at the n-th transaction from now on, and how often in a row. */
interface Plan {
  at: number
  left: number
  readonly moment: Moment
}

interface World {
  readonly ledger: Ledger
  readonly erasures: Erasures
  readonly eraser: Eraser
}

const open: NodeSql[] = []
const running: Eraser[] = []
afterEach(async () => {
  for (const eraser of running.splice(0)) await eraser.stop()
  for (const sql of open.splice(0)) sql.close()
})

/** A process over a database; `writes` counts its transactions, `plan` makes one fail. */
function aWorld(
  sql: NodeSql,
  plan: Plan | null,
  vacate: () => Promise<boolean> = async () => true,
): World & { readonly writes: () => number; readonly dead: () => boolean } {
  let [writes, dead] = [0, false]
  const fail = (moment: Moment): void => {
    if (dead) throw Object.assign(new Error('dead'), { errcode: 5 })
    if (plan === null || plan.moment !== moment || writes < plan.at || plan.left === 0) return
    plan.left--
    if (moment === 'crash') dead = true
    throw Object.assign(new Error('the disk hiccuped'), { errcode: 5 })
  }
  const failing = {
    transaction: <T>(work: () => T): T => {
      writes++
      fail('begin')
      const result = sql.transaction(() => {
        const done = work()
        fail('before-commit')
        return done
      })
      fail('after-commit')
      fail('crash')
      return result
    },
  }
  const die = (error: unknown): never => {
    throw error
  }
  const writer = createGroupCommit({ sql: failing, halt: createHalt(), die })
  const entries = createEntries(sql, ORIGIN)
  const keyOf = (subject: string): string => `key of ${subject}`
  const subjects = createSubjects(sql, undefined, {
    suppressionsOf: (subject) => suppressionsUnder(sql, keyOf(subject)),
    lastRid: () => lastErasedRid(sql),
  })
  writer.follow(entries)
  writer.follow(subjects)
  const after = (delay: number, fire: () => void): (() => void) => {
    const timer = setTimeout(fire, delay === 200 ? 0 : delay)
    return () => clearTimeout(timer)
  }
  const eraser = createEraser({ sql, writer, vacate, after, onError: () => {} })
  running.push(eraser)
  return {
    ledger: createSqlLedger({ sql, writer, entries, subjects }),
    erasures: createSqlErasures({ sql, writer, entries, subjects, eraser, origin: ORIGIN, keyOf }),
    eraser,
    writes: () => writes,
    dead: () => dead,
  }
}

async function aDatabase(): Promise<NodeSql> {
  const sql = openNodeSql(':memory:')
  open.push(sql)
  migrate(sql)
  const { ledger } = aWorld(sql, null)
  const strike = aStrike(SUBJECT)
  await commitTo(ledger, SUBJECT, (state) => aStrikeChange(SUBJECT, state, strike))
  for (let i = 1; i < RECORDS; i++)
    await commitTo(ledger, SUBJECT, (state) =>
      aDecision(SUBJECT, state, {
        idempotency: {
          ...{ caller: 'key_1', key: `k${i}`, fingerprint: 'f', decision: 'd', version: 0 },
          ...{ policy: 'p', incident: 'i', valid_until: null, expires_at: later(9_000) },
        },
      }),
    )
  for (const cohosts of [[SUBJECT], []])
    await commitTo(ledger, 'u_2', (state) => aDecision('u_2', state, { cohosts }))
  return sql
}

/** As the gate asks: what was done is looked up, what was not is begun. */
async function erase(world: World): Promise<void> {
  const state = await world.ledger.load(SUBJECT)
  if ((await world.erasures.inventory(SUBJECT)) === null) return
  const { seq, head, version } = state
  const begun = await world.erasures.begin({
    ...{ subject: SUBJECT, at: T0, expect: { seq, head, version }, scope: 'subject' },
    ...{ record: aRecord({ kind: 'erasure', openings: {} }), requires: [], counts: {} },
    suppressions: [KEPT],
  })
  expect(begun).toMatchObject({ ok: true })
}

function rowsOf(sql: NodeSql): object {
  const count = (what: string): unknown => sql.get(`SELECT count(*) AS n FROM ${what}`)?.n
  return {
    subjects: count('subjects'),
    strikes: count('strikes'),
    records: count('records'),
    opened: count('entries WHERE openings IS NOT NULL'),
    answers: count('idempotency'),
    cohosts: count('cohosts'),
    erasures: sql.all('SELECT state, subject, rid, cursor FROM erasures'),
    entries: count('entries'),
    suppressions: count('suppressions'),
  }
}

const DONE = {
  ...{ subjects: 1, strikes: 0, records: 2, opened: 2, answers: 0, cohosts: 0 },
  erasures: [{ state: 'done', subject: null, rid: null, cursor: null }],
  ...{ entries: RECORDS + 3, suppressions: 1 },
}

async function finished(sql: NodeSql, world: World, plan?: Plan): Promise<void> {
  expect(await world.erasures.finish(SUBJECT, 10_000)).toMatchObject({ state: 'done' })
  if (plan !== undefined) plan.left = 0
  expect(rowsOf(sql)).toEqual(DONE)
  expect(await world.ledger.load(SUBJECT)).toMatchObject({ seq: 0, suppressions: [KEPT] })
  expect(await world.ledger.load('u_2')).toMatchObject({ seq: 2 })
  const next = await commitTo(world.ledger, SUBJECT, (state) => aDecision(SUBJECT, state))
  expect(next).toMatchObject({ ok: true, receipt: { index: RECORDS + 3 } })
}

describe('an erasure whose writes fail', async () => {
  const counted = aWorld(await aDatabase(), null)
  await erase(counted)
  await counted.erasures.finish(SUBJECT, 10_000)
  const writes = counted.writes()

  it('has more than a handful of them to fail at', () => {
    expect(writes).toBeGreaterThanOrEqual(8)
  })

  for (const moment of MOMENTS)
    for (const times of [1, 2])
      it(`at ${moment}, ${times === 1 ? 'once' : 'twice in a row'}, is finished all the same`, async () => {
        for (let at = 1; at <= writes; at++) {
          const sql = await aDatabase()
          const plan: Plan = { at, left: times, moment }
          let world = aWorld(sql, plan)
          for (let tried = 0; tried < 4 && !world.dead(); tried++)
            try {
              await erase(world)
              break
            } catch (error) {
              expect(error).toMatchObject({ code: 'log_unavailable' })
            }
          for (let crashes = 1; moment === 'crash' && crashes <= times; crashes++) {
            for (let wait = 0; wait < 2_000 && !world.dead(); wait++)
              await new Promise((go) => setImmediate(go))
            expect(world.dead()).toBe(crashes === 1 || at < writes)
            // After the last write there is nothing left to end with.
            if (!world.dead()) break
            await world.eraser.stop()
            // The next process ends with the first thing it writes.
            plan.at = 1
            world = aWorld(sql, plan)
            await erase(world).catch(() => {})
            world.eraser.poke()
          }
          await finished(sql, world, plan)
          await world.eraser.stop()
        }
      })
})

describe('a journal that cannot be emptied', () => {
  for (const { name, answers } of [
    { name: 'because somebody reads', answers: [false, false, false] },
    { name: 'because the disk says no', answers: [new Error('disk'), new Error('disk')] },
  ])
    it(`${name} leaves the erasure pending until it can`, async () => {
      const sql = await aDatabase()
      const left: (boolean | Error)[] = [...answers]
      let asked = 0
      const world = aWorld(sql, null, async () => {
        asked++
        const answer = left.shift() ?? true
        if (typeof answer !== 'boolean') throw answer
        if (!answer) expect(await world.erasures.find(SUBJECT)).toMatchObject({ state: 'pending' })
        return answer
      })
      await erase(world)
      await finished(sql, world)
      expect(asked).toBe(answers.length + 1)
    })

  it('for longer than anybody waits is told as pending, and goes on after a restart', async () => {
    const sql = await aDatabase()
    const world = aWorld(sql, null, () => new Promise(() => {}))
    await erase(world)
    expect(await world.erasures.finish(SUBJECT, 300)).toMatchObject({ state: 'pending' })
    const again = aWorld(sql, null)
    again.eraser.poke()
    await finished(sql, again)
    running.splice(running.indexOf(world.eraser), 1)
  })
})
