/** Somebody imports into a deployment that decides already: nothing may stop because of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { createEdgeImporter } from '../../../src/adapters/cloudflare/import.ts'
import { createLogMoves, type LogMoves } from '../../../src/adapters/cloudflare/import-log.ts'
import { originOfShard } from '../../../src/adapters/cloudflare/names.ts'
import { carried, type SequencerRpc, type Stubs } from '../../../src/adapters/cloudflare/rpc.ts'
import { SEQUENCER_MIGRATIONS } from '../../../src/adapters/cloudflare/sequencer-schema.ts'
import { nodeSqlOver } from '../../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../../src/adapters/sqlite/entries.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import type { Sql } from '../../../src/adapters/sqlite/sql.ts'
import type { MoveHeader } from '../../../src/core/move/lines.ts'

const SHARDS = 3
const ORIGIN = 'gate.example/log/next'
const vector = readFileSync(
  join(import.meta.dirname, '../../vectors/move/deployment.jsonl'),
  'utf8',
)
const { header: given } = JSON.parse(vector.slice(0, vector.indexOf('\n'))) as {
  header: MoveHeader
}
const origins = Array.from({ length: SHARDS }, (_, i) => originOfShard(ORIGIN, i, SHARDS))
const header: MoveHeader = { ...given, successors: origins }

interface Shard {
  readonly sql: Sql
  readonly moves: LogMoves
}

function aShard(origin: string): Shard {
  const sql = nodeSqlOver(new DatabaseSync(':memory:'))
  migrate(sql, SEQUENCER_MIGRATIONS)
  const writer = { write: async <T>(work: () => T): Promise<T> => sql.transaction(work) }
  const scribe = { append: async () => {} }
  const entries = createEntries(sql, origin)
  return {
    sql,
    moves: createLogMoves({ sql, writer, entries, scribe: scribe as never, signer: { kid: 'k' } }),
  }
}

for (const busy of [0, 1, 2])
  it(`is refused where log ${busy} of three has a history, and leaves all three open`, async () => {
    const shards = origins.map(aShard)
    shards[busy]?.sql.run("INSERT INTO heads (object, seq, idx) VALUES ('somebody', 1, 0)")
    const sequencer = (shard: number): Pick<SequencerRpc, 'move'> => ({
      move: (step) =>
        carried(
          () => (shards[shard] as Shard).moves.take(step),
          (error) => expect.unreachable(String(error)),
        ),
    })
    const importer = createEdgeImporter({
      stubs: { sequencer } as Stubs,
      pepper: { hash: () => header.pepper_probe },
      streamKeys: { bind: async () => ({ ok: true }) },
      origin: ORIGIN,
      shards: SHARDS,
    })
    await expect(importer.begin(header)).rejects.toMatchObject({ code: 'conflict' })
    for (const { moves, sql } of shards) {
      expect(moves.underWay()).toBe(false)
      expect(sql.all('SELECT * FROM moves')).toEqual([])
    }
  })
