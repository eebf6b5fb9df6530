/**
 * A real gate process, asked over HTTP in the words of each kind of server that cannot be run here, as its program would.
 *
 * The bytes are those of tests/vectors/media with a key of this gate in them; everything else the test knows it learns over
 * the HTTP API with the admin key.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Asked,
  type Key,
  KINDS,
  SECRET,
  SIGNS,
  signed,
  type Told,
} from '../support/media-kinds.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'

const YEARS_AGO = '2020-01-01T00:00:00Z'
const JSON_TYPE = { 'content-type': 'application/json' }

describe('a gate that is asked by', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-e2e-'))
  const keys: string[] = []
  let gate: ServerProcess

  beforeAll(async () => {
    const servers = join(folder, 'servers.yaml')
    const text = Object.entries(KINDS).map(
      ([kind, { secret }]) =>
        `  - { id: one, kind: ${kind}, secret: "${secret}", subject: { from: stream_key }, app: live }`,
    )
    // Ids are unique in the file.
    const lines = text.map((line, i) => line.replace('id: one', `id: one-${i}`))
    writeFileSync(servers, `servers:\n${lines.join('\n')}\n`)
    gate = await startServer({ data: join(folder, 'data'), servers })
  })
  afterAll(async () => {
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  async function keyFor(subject: string): Promise<Key> {
    const made = await call(gate, 'POST', '/v1/stream-keys', {
      subject,
      facts: { created_at: YEARS_AGO },
    })
    keys.push((made.body as Key).key)
    return made.body as Key
  }

  async function strike(subject: string): Promise<void> {
    const answer = await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, {
      id: `s_${subject}`,
      category: 'terrorism.link',
      severity: 'high',
      issued_at: new Date().toISOString(),
    })
    expect(answer.status).toBe(201)
  }

  const door = (kind: string) => `${gate.url}/hooks/${kind}/one-${Object.keys(KINDS).indexOf(kind)}`

  async function tell(kind: string, { query = '', headers, body }: Asked): Promise<Told> {
    const init = { method: 'POST', redirect: 'manual', headers, body } as const
    const response = await fetch(door(kind) + query, init)
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : {} }
  }

  const nameOf = ({ id }: Key) => `live_${id.slice(3)}`

  for (const [kind, { ask, yes, ingest }] of Object.entries(KINDS)) {
    const subject = `u_${kind.replaceAll('-', '_')}`
    it(`${kind} says yes to a clean key, no after a strike, and puts both on record`, async () => {
      const key = await keyFor(subject)
      expect(yes(await tell(kind, ask(key, nameOf(key))))).toBe(true)
      const list = await call(gate, 'GET', '/v1/decisions?limit=1')
      const [newest] = (list.body as { decisions: { id: string }[] }).decisions
      expect((await call(gate, 'GET', `/v1/decisions/${newest?.id}`)).body).toMatchObject({
        outcome: 'allow',
        disclosed: { subject: { subject }, request: { stream: key.id, ingest } },
      })
      await strike(subject)
      expect(yes(await tell(kind, ask(key, nameOf(key))))).toBe(false)
      const after = await call(gate, 'GET', '/v1/decisions?limit=1')
      expect(after.body).toMatchObject({ decisions: [{ outcome: 'deny' }] })
    })

    it(`${kind} says no to strangers and to unknown keys, and decides nothing`, async () => {
      const key = await keyFor(`${subject}_2`)
      const before = (await call(gate, 'GET', '/v1/decisions?limit=200')).body
      const { body } = ask(key, nameOf(key))
      for (const told of [
        await tell(kind, { headers: JSON_TYPE, body }),
        await tell(kind, { headers: { ...JSON_TYPE, authorization: 'Bearer guess' }, body }),
        await tell(kind, ask({ ...key, key: 'guess' }, nameOf(key))),
      ])
        expect(yes(told)).toBe(false)
      expect((await call(gate, 'GET', '/v1/decisions?limit=200')).body).toEqual(before)
    })
  }

  it('a token opens what it says by the keys the gate publishes, and nothing else', async () => {
    const key = await keyFor('u_token')
    const { body } = await tell('mediamtx-jwt', KINDS['mediamtx-jwt']?.ask(key, '') ?? signed({}))
    const keySet = createRemoteJWKSet(new URL(`${door('mediamtx-jwt')}/jwks.json`))
    const { payload } = await jwtVerify(String(body.token), keySet, {
      issuer: 'livegate',
      audience: 'one-2',
    })
    expect(payload.mediamtx_permissions).toEqual([
      { action: 'publish', path: `live/${nameOf(key)}` },
    ])
    const records = createRemoteJWKSet(new URL(`${gate.url}/.well-known/jwks.json`))
    await expect(jwtVerify(String(body.token), records)).rejects.toThrow()
    expect((await fetch(`${door('srs')}/jwks.json`)).status).toBe(404)
  })

  it('a poll goes on until a strike, then it is 403; an end ends it', async () => {
    const [key, other] = [await keyFor('u_poll'), await keyFor('u_poll_2')]
    const start = (name: string, session: string) =>
      tell('generic', signed({ event: 'start', session, app: 'live', name }))
    const event = (kind: string, session: string) =>
      tell('generic', signed({ event: kind, session }))
    expect((await start(key.key, 'p-1')).status).toBe(200)
    expect((await start(other.key, 'p-2')).status).toBe(200)
    expect((await event('poll', 'p-1')).status).toBe(200)
    await strike('u_poll')
    expect((await event('poll', 'p-1')).status).toBe(403)
    expect((await event('poll', 'p-2')).status).toBe(200)
    expect((await event('end', 'p-2')).status).toBe(200)
    expect((await call(gate, 'GET', '/v1/subjects/u_poll_2')).body).toMatchObject({
      broadcasts: [],
    })
  })

  it('no key and no secret stands in what the gate has written', () => {
    const written = [
      gate.stderr(),
      ...(readdirSync(join(folder, 'data'), { recursive: true }) as string[])
        .map((file) => join(folder, 'data', file))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'latin1')),
    ].join('\n')
    expect(keys.length).toBeGreaterThan(10)
    for (const secret of [...keys, SECRET, SIGNS]) expect(written).not.toContain(secret)
    // Nor where somebody was.
    expect(written).not.toContain('203.0.113.9')
  })
})
