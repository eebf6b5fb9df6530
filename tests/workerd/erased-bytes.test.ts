/**
 * After an erasure is done no row of any object and no object of the bucket says anything of the subject: neither what was stored
 * about it, nor the keyed hash its object is named by, which what the bucket keeps for good would lead to.
 */
import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { sequencerName, shardOf, subjectObjectName } from '../../src/adapters/cloudflare/names.ts'
import { opened } from '../../src/adapters/cloudflare/rpc.ts'
import type { SequencerObject } from '../../src/adapters/cloudflare/sequencer-object.ts'
import { SEGMENT_ENTRIES } from '../../src/adapters/cloudflare/sequencer-segments.ts'
import { fromBase64Url } from '../../src/core/encoding.ts'
import { config, pepper, stubs } from './deployment.ts'
import { chain } from './sequencers.ts'

const WHO = 'mark-subject'
const GUEST = 'mark-guest'
const MARKS = ['subject', 'label', 'strike', 'stream', 'evidence'].map((w) => `mark-${w}`)
const NAME = subjectObjectName(pepper, WHO)
const SHARD = shardOf(NAME, config.shards)

async function call(method: string, path: string, body?: object, headers = {}): Promise<unknown> {
  const request = new Request(`https://gate.example${path}`, {
    method,
    headers: {
      authorization: `Bearer ${env.LIVEGATE_ADMIN_KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const response = await exports.default.fetch(request)
  const text = await response.text()
  expect([path, response.status < 300 ? '' : text]).toEqual([path, ''])
  return text === '' ? null : JSON.parse(text)
}

/** Everything that lies anywhere, by where it lies. */
async function everything(): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>()
  for (const [kind, namespace] of [
    ['subject', env.SUBJECTS],
    ['sequencer', env.SEQUENCERS],
    ['directory', env.DIRECTORIES],
  ] as const)
    for (const id of await listDurableObjectIds(namespace as never)) {
      const stub = (namespace as DurableObjectNamespace).get(id)
      const text = await runInDurableObject(stub as never, (_object, { storage }) => dump(storage))
      all.set(`${kind} ${id}`, text)
    }
  let cursor: string | undefined
  do {
    const page = await env.LOG.list(cursor === undefined ? {} : { cursor })
    for (const { key } of page.objects)
      all.set(`bucket ${key}`, legible(await (await env.LOG.get(key))?.arrayBuffer()))
    cursor = page.truncated ? page.cursor : undefined
  } while (cursor !== undefined)
  return all
}

function dump({ sql }: DurableObjectStorage): string {
  const tables = sql
    .exec<{ name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    .toArray()
    .filter(({ name }) => !name.startsWith('_cf') && !name.startsWith('sqlite_'))
  return tables
    .flatMap(({ name }) => sql.exec(`SELECT * FROM ${name}`).toArray())
    .flatMap((row) => Object.values(row))
    .map((value) => (value instanceof ArrayBuffer ? legible(value) : String(value)))
    .flatMap((text) => [text, ...disclosedIn(text)])
    .join('\n')
}

/** As characters of one byte each: a name and a hash are found alike. */
function legible(bytes: ArrayBuffer | undefined): string {
  return Array.from(new Uint8Array(bytes ?? new ArrayBuffer(0)), (b) =>
    String.fromCharCode(b),
  ).join('')
}

/** Openings are base64url in JSON. */
function disclosedIn(text: string): readonly string[] {
  return (text.match(/[\w-]{24,}/g) ?? []).map((part) =>
    legible(Uint8Array.from(fromBase64Url(part) ?? []).buffer),
  )
}

function placesOf(all: ReadonlyMap<string, string>, what: string): readonly string[] {
  return [...all].filter(([, text]) => text.includes(what)).map(([where]) => where)
}

it('no byte says anything of a subject whose erasure is done', { timeout: 120_000 }, async () => {
  const subject = `/v1/subjects/${WHO}`
  await call('PUT', `${subject}/facts`, { facts: { labels: ['mark-label'] } })
  await call('POST', '/v1/stream-keys', { subject: WHO, key: 'mark-key-0123456789abcdef' })
  const ask = (who: string, stream: object) => ({
    subject: who,
    stream,
    facts: { created_at: '2020-01-01T00:00:00Z' },
  })
  const idempotent = { 'idempotency-key': 'mark-key' }
  await call('POST', '/v1/decisions', ask(WHO, { id: 'mark-stream' }), idempotent)
  await call('POST', '/v1/decisions', ask(WHO, { id: 'duo', hosts: [{ subject: GUEST }] }))
  await call('POST', '/v1/decisions', ask(GUEST, { id: 'trio', hosts: [{ subject: WHO }] }))
  const issued_at = new Date(Date.now() - 60_000).toISOString()
  const strike = { id: 'mark-strike', category: 'terrorism.link', severity: 'high', issued_at }
  await call('POST', `${subject}/strikes`, { ...strike, evidence_hash: 'mark-evidence' })
  await call('POST', '/v1/decisions', ask(WHO, { id: 'mark-stream' }))
  // What it left in the log goes into the bucket, for good.
  for (let first = 1; first <= SEGMENT_ENTRIES + 512; first += 512)
    await opened(stubs.sequencer(SHARD).append(chain('filler', first, 512)))
  const sequencer = env.SEQUENCERS.getByName(sequencerName(SHARD))
  for (let more = true; more; )
    more = await runInDurableObject(sequencer as never, async (object: SequencerObject) =>
      opened(object.publish()),
    )
  const before = await everything()
  for (const mark of MARKS) expect([mark, placesOf(before, mark).length > 0]).toEqual([mark, true])
  const segments = placesOf(before, '{"segment"').filter((where) =>
    where.startsWith('bucket records/'),
  )
  expect(segments.length).toBeGreaterThan(0)

  const basis = { basis: 'Art. 17 GDPR' }
  let state = ''
  while (state !== 'done')
    state = String(((await call('DELETE', subject, basis)) as { state: string }).state)

  const after = await everything()
  for (const mark of MARKS) expect([mark, placesOf(after, mark)]).toEqual([mark, []])
  const own = `subject ${env.SUBJECTS.idFromName(NAME)}`
  const bytes = legible(Uint8Array.from(fromBase64Url(NAME) ?? []).buffer)
  expect(placesOf(before, bytes).some((where) => where.startsWith('sequencer'))).toBe(true)
  for (const name of [NAME, bytes])
    expect(placesOf(after, name).filter((where) => where !== own)).toEqual([])
  // Whoever comes back is known by what goes on, and by nothing else.
  const answer = (await call('POST', '/v1/decisions', ask(WHO, { id: 'back' }))) as {
    readonly outcome: string
    readonly reasons: readonly { readonly code: string }[]
  }
  expect(answer.outcome).toBe('deny')
  expect(answer.reasons.map(({ code }) => code)).toEqual(['restriction_kept'])
})
