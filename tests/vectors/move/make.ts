/**
 * Writes the vector beside it: an exported deployment and the log it came from. Random keys and ids, so every run gives
 * another; run it only when the format changes: `node tests/vectors/move/make.ts`.
 *
 * The pepper is that of tests/workerd/wrangler.toml, the successors are the logs there.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataPaths } from '../../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { readEntries } from '../../../src/adapters/sqlite/entries.ts'
import { fromUtf8 } from '../../../src/core/encoding.ts'
import { activate, anOldHouse, decide, happen, moveOut, openHouse } from '../../support/moving.ts'
import { aTime, POLICY } from '../../support/node-gate.ts'

const PEPPER = Buffer.from('pepper pepper pepper pepper pepp').toString('hex')
const SUCCESSORS = ['gate.example/log/edge/0', 'gate.example/log/edge/1']
const HERE = import.meta.dirname

const root = mkdtempSync(join(tmpdir(), 'livegate-vector-'))
const time = aTime()
const first = await anOldHouse(root, time, PEPPER)
const text = await POLICY
await activate(first, text, time.now())
time.pass(1000)
await activate(first, `${fromUtf8(text) ?? ''}# Another text, and so another revision.\n`, time.now())
await first.close()
time.pass(1000)
const house = await openHouse(first.dir, time)
await happen(house.gate, time, [
  { do: 'facts', subject: 'u_facts', followers: 7 },
  { do: 'decide', subject: 'u_plain', stream: 'b_1' },
  { do: 'decide', subject: 'u_live', stream: 'b_2', cohost: 'u_cohost', session: 'live/2' },
  { do: 'strike', subject: 'u_struck', id: 's_1', category: 'terrorism.content' },
  { do: 'pass', ms: 1500 },
  { do: 'decide', subject: 'u_struck', stream: 'b_1' },
  // Three of them deny for ever: whoever reads this years from now must see the same.
  { do: 'strike', subject: 'u_struck', id: 's_3', category: 'terrorism.content' },
  { do: 'pass', ms: 1500 },
  { do: 'strike', subject: 'u_struck', id: 's_4', category: 'terrorism.content' },
  { do: 'strike', subject: 'u_cohost', id: 's_2', category: 'spam.bulk' },
  { do: 'reverse', id: 's_2' },
])
const denied = await decide(house.gate, { subject: 'u_struck', stream: 'b_3' })
await house.store.streamKeys.bind({
  ...{ id: 'sk_1', subject: 'u_live', key_hash: house.store.pepper.hash('stream_key', 'an encoder’s secret') },
  ...{ created_at: time.now(), revoked_at: null },
})
const subjects = ['u_facts', 'u_plain', 'u_live', 'u_cohost', 'u_struck']
const states = Object.fromEntries(
  await Promise.all(subjects.map(async (id) => [id, await house.store.ledger.load(id)] as const)),
)
const records = (await house.store.directory.records({ from: 0, limit: 500 })).records
const { vkey } = house.store
await moveOut(house, join(root, 'file'), SUCCESSORS)
const sql = openNodeSql(dataPaths(house.dir).database)
const size = Number(sql.get('SELECT count(*) AS size FROM entries')?.size)
const entries = readEntries(sql, { from: 0, to: size }).map(({ bytes }) => fromUtf8(bytes))
sql.close()
writeFileSync(join(HERE, 'deployment.jsonl'), readFileSync(join(root, 'file')))
const checkpoint = readFileSync(dataPaths(house.dir).checkpoint, 'utf8')
const log = { vkey, checkpoint, states, denied: denied.decision, records, entries }
writeFileSync(join(HERE, 'log.json'), `${JSON.stringify(log, null, 1)}\n`)
