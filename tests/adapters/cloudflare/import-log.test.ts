/** A log on the edge that goes on from another: shut while a deployment moves in, and never one that has begun by itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { createLogMoves, type LogMoves } from '../../../src/adapters/cloudflare/import-log.ts'
import { requireRoom } from '../../../src/adapters/cloudflare/import-subject.ts'
import { createChunks } from '../../../src/adapters/cloudflare/sequencer-chunks.ts'
import { SEQUENCER_MIGRATIONS } from '../../../src/adapters/cloudflare/sequencer-schema.ts'
import { searchPlaces } from '../../../src/adapters/cloudflare/sequencer-search.ts'
import { type NodeSql, nodeSqlOver } from '../../../src/adapters/node/node-sql.ts'
import { createEntries, PREDECESSOR } from '../../../src/adapters/sqlite/entries.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { createScribe } from '../../../src/adapters/sqlite/scribe.ts'
import type { MovedRecord, MoveHeader } from '../../../src/core/move/lines.ts'
import { testKey } from '../../core/record/samples.ts'

const NEXT = 'gate.example/log/next'
const [first, ...lines] = readFileSync(
  join(import.meta.dirname, '../../vectors/move/deployment.jsonl'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { header: MoveHeader; record?: MovedRecord })
const header = first?.header as MoveHeader
const record = lines.find((line) => line.record !== undefined)?.record as MovedRecord

function aLog(): { readonly sql: NodeSql; readonly moves: () => LogMoves } {
  const sql = nodeSqlOver(new DatabaseSync(':memory:'))
  migrate(sql, SEQUENCER_MIGRATIONS)
  const entries = createEntries(sql, NEXT)
  const { signer } = testKey(5)
  const scribe = createScribe({
    ...{ issuer: 'https://gate.example', signer, clock: { now: () => 0 as never } },
    random: { bytes: (length) => new Uint8Array(length) },
    log: {
      origin: NEXT,
      append: async (records) => {
        const receipts = sql.transaction(() => records.map(entries.append))
        entries.committed()
        return receipts
      },
    },
  })
  const writer = { write: async <T>(work: () => T): Promise<T> => sql.transaction(work) }
  return {
    sql,
    moves: () => createLogMoves({ sql, writer, entries, scribe, signer }),
  }
}

it('is open until something moves in, and again when all of it has; a lost memory changes nothing', async () => {
  const { moves, sql } = aLog()
  moves().requireOpen()
  expect(await moves().take({ begin: header })).toEqual({ lines: 1, finished: false })
  expect(() => moves().requireOpen()).toThrow(/moving in/)
  expect(moves().underWay()).toBe(true)
  expect(sql.get('SELECT count(*) AS n FROM log_requirements WHERE name = ?', PREDECESSOR)?.n).toBe(
    1,
  )
  expect(await moves().take({ begin: header })).toEqual({ lines: 1, finished: false })
  expect(sql.get('SELECT count(*) AS n FROM entries')?.n).toBe(1)
  const progress = { lines: 9, finished: true }
  expect(await moves().take({ progress })).toEqual(progress)
  // Somebody else who brings the same file and is behind.
  expect(await moves().take({ progress: { lines: 3, finished: false } })).toEqual(progress)
  moves().requireOpen()
  expect(await moves().take({ begin: header })).toEqual(progress)
})

it('is not begun in a log with a chain of its own, which stays open', async () => {
  const { moves, sql } = aLog()
  sql.run("INSERT INTO heads (object, seq, idx) VALUES ('somebody', 1, 0)")
  const mine = moves()
  await expect(mine.take({ begin: header })).rejects.toMatchObject({ code: 'conflict' })
  mine.requireOpen()
  expect(sql.get('SELECT count(*) AS n FROM moves')?.n).toBe(0)
  expect(sql.get('SELECT count(*) AS n FROM entries')?.n).toBe(0)
})

it('knows where moved records were and how far chains are, however often it is told', async () => {
  const { moves, sql } = aLog()
  await moves().take({ begin: header })
  const { id, kind, at, place, decision } = record
  const seed = { ...{ id, kind, at, place, decision }, object: 'o', leaf: new Uint8Array(32) }
  const seeds = [
    { ...seed, seq: 1, place: -3 },
    {
      ...seed,
      seq: 2,
      place: -2,
      id: `${id.slice(0, 10)}${id[10] === 'A' ? 'B' : 'A'}${id.slice(11)}`,
    },
  ]
  for (let i = 0; i < 2; i++) await moves().take({ seeds })
  // An earlier batch that comes again does not lead the chain back.
  await moves().take({ seeds: seeds.slice(0, 1) })
  expect(sql.get('SELECT seq, idx FROM heads')).toMatchObject({ seq: 2, idx: -2 })
  const searched = {
    sql,
    chunks: createChunks(sql, { read: () => Promise.reject(new Error('no segments')) }),
    pause: async () => {},
  }
  const found = await searchPlaces(searched, { limit: 1 })
  expect(found.places).toMatchObject([{ object: 'o', seq: 2, index: -2 }])
  const rest = await searchPlaces(searched, {
    limit: 9,
    ...(found.next === null ? {} : { cursor: found.next }),
  })
  expect(rest).toMatchObject({ places: [{ seq: 1, index: -3 }], next: null })
})

it('a record that fits no row is refused before anything is written', () => {
  requireRoom({ record })
  const openings = { ...record.openings, facts: 'A'.repeat(2_000_000) }
  expect(() => requireRoom({ record: { ...record, openings } })).toThrow(/what fits a row/)
})
