/**
 * Publish hooks on the edge: the desk has no memory of its own to rely on, because the next call of a media server may
 * reach another isolate. What counts lies in objects.
 */
import { reset } from 'cloudflare:test'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createEdgeGate } from '../../src/adapters/cloudflare/edge-gate.ts'
import { createEdgeStreamKeys } from '../../src/adapters/cloudflare/edge-stream-keys.ts'
import { subjectObjectName } from '../../src/adapters/cloudflare/names.ts'
import { opened, type SubjectRpc } from '../../src/adapters/cloudflare/rpc.ts'
import { after, systemClock as clock, random } from '../../src/adapters/cloudflare/worker-system.ts'
import { createHooks, type HookPorts, type Hooks } from '../../src/adapters/media/hooks.ts'
import { parseServersFile } from '../../src/adapters/media/servers-file.ts'
import { utf8 } from '../../src/core/encoding.ts'
import { DAY_MS, epochMs } from '../../src/core/time.ts'
import { disclosedRequest } from '../../src/gate/disclosed.ts'
import type { GateEvent } from '../../src/ports.ts'
import { gate, pepper, stubs } from './deployment.ts'

const SECRETS: Readonly<Record<string, string>> = {
  'edge-1': 'aG9vay1zZWNyZXQtb2YtdGhpcy10ZXN0',
  'edge-2': 'YW5vdGhlci1zZWNyZXQtb2YtdGhpcy10ZXN0',
}
const streamKeys = createEdgeStreamKeys({ pepper, directoryOf: stubs.directory })
const events: GateEvent[] = []

/** A desk as a new isolate makes it, of two servers whose secrets are bound to the Worker. */
function aDesk(given: Partial<HookPorts> = {}): Hooks {
  const text = Object.keys(SECRETS).map(
    (id) =>
      `  - { id: ${id}, kind: nginx-rtmp, secret_env: OF_${id.replace('-', '_')}, subject: { from: stream_key }, app: live }`,
  )
  const servers = parseServersFile(utf8(`servers:\n${text.join('\n')}\n`), 'servers.yaml', {
    env: (name) => SECRETS[name.replace('OF_', '').replace('_', '-')],
    file: () => null,
  })
  if (!servers.ok) throw new Error(JSON.stringify(servers.error))
  const observe = (event: GateEvent): void => void events.push(event)
  const ports = {
    gate,
    streamKeys,
    pepper,
    servers: servers.value.servers,
    observe,
    clock,
    random,
    after,
  }
  return createHooks({ ...ports, ...given })
}

interface Call {
  readonly call: 'publish' | 'publish_done'
  readonly name: string
  readonly session?: string
  readonly server?: string
  readonly secret?: string
}

async function called(desk: Hooks, made: Call): Promise<number> {
  const { call, name, session = '41', server = 'edge-1' } = made
  const { secret = SECRETS[server] ?? 'bm8tc2VjcmV0LW9mLWFueWJvZHk' } = made
  const fixed = 'addr=203.0.113.9&type=live&flashver=x&swfurl=&tcurl=rtmp%3A%2F%2Fx%2Flive&pageurl='
  const response = await desk.handle('nginx-rtmp', server, {
    method: 'POST',
    url: `https://gate.example/hooks/nginx-rtmp/${server}`,
    headers: new Headers({
      authorization: `Bearer ${secret}`,
      'content-type': 'application/x-www-form-urlencoded',
    }),
    body: utf8(`call=${call}&app=live&name=${name}&clientid=${session}&${fixed}`),
  })
  return response.status
}

async function running(subject: string): Promise<readonly { readonly session?: string }[]> {
  const object = stubs.subject(subjectObjectName(pepper, subject))
  return (await opened(object.view(subject))).broadcasts
}

let made = 0
/** A subject that may go live, with a key. */
async function aPublisher(): Promise<{ subject: string; key: string; id: string }> {
  const subject = `publisher-${++made}`
  const key = `key-of-publisher-${made}-${'k'.repeat(20)}`
  const id = `sk_${String(made).padStart(22, 'A')}`
  const now = clock.now()
  await gate.putFacts(subject, { created_at: epochMs(now - 400 * DAY_MS) }, now)
  const bound = {
    id,
    subject,
    key_hash: pepper.hash('stream_key', key),
    created_at: now,
    revoked_at: null,
  }
  expect(await streamKeys.bind(bound)).toEqual({ ok: true })
  return { subject, key, id }
}

beforeEach(() => {
  events.length = 0
})
afterAll(reset)

describe('a publisher', () => {
  it('starts and ends, whichever isolate hears of it', async () => {
    const { subject, key } = await aPublisher()
    expect(await called(aDesk(), { call: 'publish', name: key })).toBe(302)
    expect(await running(subject)).toMatchObject([{ server: 'edge-1', session: '41' }])
    expect(await called(aDesk(), { call: 'publish_done', name: key })).toBe(200)
    expect(await running(subject)).toEqual([])
    // Again, as a proxy may: nothing is open, and that is no fault.
    expect(await called(aDesk(), { call: 'publish_done', name: key })).toBe(200)
  })

  it('runs once under one session, however often the server asks', async () => {
    const { subject, key } = await aPublisher()
    for (let i = 0; i < 3; i++)
      expect(await called(aDesk(), { call: 'publish', name: key })).toBe(302)
    expect(await running(subject)).toHaveLength(1)
  })

  it('is not ended by the same session of another server, nor by another session', async () => {
    const { subject, key } = await aPublisher()
    await called(aDesk(), { call: 'publish', name: key })
    await called(aDesk(), { call: 'publish_done', name: key, server: 'edge-2' })
    await called(aDesk(), { call: 'publish_done', name: key, session: '42' })
    expect(await running(subject)).toHaveLength(1)
  })

  it('is refused from the strike on, and admitted again from its reversal on', async () => {
    const { subject, key } = await aPublisher()
    const issued_at = clock.now()
    const strike = { id: `s-${subject}`, subject, category: 'terrorism.link', issued_at } as const
    await gate.strike({ ...strike, severity: 'high' })
    expect(await called(aDesk(), { call: 'publish', name: key })).toBe(403)
    expect(await running(subject)).toEqual([])
    await gate.reverse({ strike: strike.id, reason: 'wrong person' })
    expect(await called(aDesk(), { call: 'publish', name: key })).toBe(302)
  })

  it('is refused from the revocation of the key on', async () => {
    const { key, id } = await aPublisher()
    expect(await streamKeys.revoke(id, clock.now())).toBe(true)
    expect(await called(aDesk(), { call: 'publish', name: key })).toBe(403)
    expect(events).toMatchObject([{ type: 'hook_refused', why: 'revoked_key' }])
  })
})

describe('a publisher who is denied and comes back', () => {
  it('adds nothing to the log, and is told no more than before once the key is revoked', async () => {
    const { subject, key, id } = await aPublisher()
    const strike = { id: `s-${subject}`, subject, category: 'terrorism.link' } as const
    await gate.strike({ ...strike, severity: 'high', issued_at: clock.now() })
    for (let i = 0; i < 5; i++)
      expect(await called(aDesk(), { call: 'publish', name: key, session: `${i}` })).toBe(403)
    const object = stubs.subject(subjectObjectName(pepper, subject))
    // The strike and its denial.
    expect(await opened(object.records([1, 2, 3]))).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'hook_refused')).toEqual([])
    await streamKeys.revoke(id, clock.now())
    expect(await called(aDesk(), { call: 'publish', name: key })).toBe(403)
    expect(events.filter(({ type }) => type === 'hook_refused')).toMatchObject([
      { why: 'revoked_key' },
    ])
    // Whom a reversal would admit, a key that is no more does not.
    await gate.reverse({ strike: strike.id, reason: 'wrong person' })
    expect(await called(aDesk(), { call: 'publish', name: key })).toBe(403)
    expect(await running(subject)).toEqual([])
  })
})

describe('records of one isolate', () => {
  /** Server, instance and number of the records of a subject's chain that have them. */
  async function numbersOf(subject: string): Promise<readonly unknown[]> {
    const object = stubs.subject(subjectObjectName(pepper, subject))
    const records = await opened(object.records([1, 2, 3, 4]))
    return records
      .map((record) => disclosedRequest(record))
      .filter((request) => request?.enf_seq !== undefined)
      .map((request) => [request?.server, request?.enforcer, request?.enf_seq])
  }

  it('are numbered for each server without a gap: an answer that is no new record takes none', async () => {
    const desk = aDesk()
    const [first, second] = [await aPublisher(), await aPublisher()]
    for (let i = 0; i < 2; i++)
      expect(await called(desk, { call: 'publish', name: first.key })).toBe(302)
    expect(await called(desk, { call: 'publish', name: second.key, session: '42' })).toBe(302)
    const elsewhere = { call: 'publish', name: second.key, session: '1', server: 'edge-2' } as const
    expect(await called(desk, elsewhere)).toBe(302)
    const name = expect.stringMatching(/^[A-Za-z0-9_-]{22}$/)
    expect(await numbersOf(first.subject)).toEqual([['edge-1', name, 1]])
    expect(await numbersOf(second.subject)).toEqual([
      ['edge-1', name, 2],
      ['edge-2', name, 1],
    ])
  })
})

describe('whoever is not known', () => {
  it('is refused, and nobody is told more: a key, a server, a secret', async () => {
    const { subject, key } = await aPublisher()
    const wrong: readonly Partial<Call>[] = [
      { name: 'a-key-that-nobody-bound' },
      { server: 'edge-9' },
      { secret: 'c2VjcmV0LW9mLXNvbWVib2R5LWVsc2U' },
    ]
    for (const call of wrong) {
      const status = await called(aDesk(), { call: 'publish', name: key, ...call })
      expect([401, 403]).toContain(status)
    }
    expect(events.map((event) => event.type)).toEqual(wrong.map(() => 'hook_refused'))
    expect(await running(subject)).toEqual([])
  })

  it('is not let in while an object does not answer', async () => {
    const { subject, key } = await aPublisher()
    const gone = (): Promise<never> => Promise.reject(new Error('gone'))
    const lost = createEdgeStreamKeys({
      pepper,
      directoryOf: () => ({
        bindStreamKey: gone,
        unbindStreamKey: gone,
        revokeStreamKey: gone,
        streamKey: gone,
        streamKeysOf: gone,
      }),
    })
    const unheard = createEdgeGate({
      ...{ pepper, after, keep: () => {} },
      stubs: { ...stubs, subject: () => silent },
    })
    const silent = new Proxy({} as SubjectRpc, { get: () => gone })
    for (const given of [{ streamKeys: lost }, { gate: unheard }])
      expect(await called(aDesk(given), { call: 'publish', name: key })).toBe(503)
    expect(await running(subject)).toEqual([])
    expect(await called(aDesk(), { call: 'publish', name: key })).toBe(302)
  })
})
