/** Tape delay at the hook: where a delayed broadcast is sent, and that nothing is shown at once that should be late. */
import { describe, expect, it } from 'vitest'
import type { MediaKind } from '../../../src/adapters/media/dialects.ts'
import { readTapeName } from '../../../src/adapters/media/tape.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { Answer } from '../../../src/gate-types.ts'
import { ALLOW, aDesk, anAnswer, aServer, aStreamKey, hashOf, NOW, publishBody } from './desk.ts'
import { HOOK_KINDS, knock, PUBLIC_NAME, serverOf, startBody } from './knock.ts'

const LEASE = { lease_until: epochMs(NOW + 60_000) }
const DELAYED = { app: 'live', delayed: { app: 'live_delayed', up_to_s: 30 } }
const pepper = { hash: (what: string, text: string) => hashOf(`${what} ${text}`) }

function late(seconds: number | null, changes: Partial<Answer['decision']> = {}): Answer {
  const delay = { outcome: 'delay', mode: 'broadcast', broadcast_delay_s: seconds } as const
  return anAnswer({ ...delay, ...LEASE, ...changes })
}

describe('a server with a delayed application', () => {
  it('says in every question how much later it can show something, and where a cut finds it', async () => {
    const desk = aDesk({ servers: [aServer(DELAYED)] })
    const response = await desk.post(publishBody())
    expect(response.headers.get('location')).toBe(PUBLIC_NAME)
    expect(desk.asked).toMatchObject([
      {
        supports: ['broadcast_delay:30'],
        session: { session: '41', handle: `app=live live_delayed/${PUBLIC_NAME}` },
      },
    ])
  })

  it('renames a delayed broadcast of nginx-rtmp to a name that tells how late, and that nobody can guess', async () => {
    const desk = aDesk({ servers: [aServer(DELAYED)], decide: () => late(20) })
    const response = await desk.post(publishBody())
    expect(response.status).toBe(302)
    const name = response.headers.get('location') ?? ''
    expect(name).toMatch(/^tape_20_A{22}_[A-Za-z0-9_-]{22}$/)
    expect(desk.ended).toEqual(['edge-1/41'])
    const told = { playback_name: PUBLIC_NAME, seconds: 20 }
    expect(readTapeName(pepper, aServer(DELAYED), { name })).toEqual(told)
  })

  it('gives every key, every server and every delay another name, and all connections with a key the same', async () => {
    const servers = [aServer(DELAYED), aServer({ ...DELAYED, id: 'edge-2' })]
    const keys = [aStreamKey('k7f3q9'), aStreamKey('other', { id: `sk_${'B'.repeat(22)}` })]
    const calls = [
      { server: 'edge-1', clientid: '41', name: 'k7f3q9', seconds: 20 },
      { server: 'edge-2', clientid: '41', name: 'k7f3q9', seconds: 20 },
      { server: 'edge-1', clientid: '41', name: 'other', seconds: 20 },
      { server: 'edge-1', clientid: '41', name: 'k7f3q9', seconds: 10 },
      { server: 'edge-1', clientid: '42', name: 'k7f3q9', seconds: 20 },
    ]
    const proofs: (string | undefined)[] = []
    for (const { server, clientid, name, seconds } of calls) {
      const desk = aDesk({ servers, keys, decide: () => late(seconds) })
      const response = await desk.post(publishBody({ clientid, name }), { server })
      proofs.push(response.headers.get('location')?.slice(-22))
    }
    expect(new Set(proofs).size).toBe(4)
    expect(proofs[4]).toBe(proofs[0])
  })

  it('moves a delayed broadcast of OvenMediaEngine, under its public name, and leaves all else as it was', async () => {
    const servers = [serverOf('ovenmediaengine', DELAYED)]
    const desk = aDesk({ servers, decide: () => late(30) })
    const reply = await knock(desk, 'ovenmediaengine', startBody('ovenmediaengine'))
    expect(JSON.parse(reply.body)).toEqual({
      allowed: true,
      new_url: `rtmp://h:1935/live_delayed/${PUBLIC_NAME}?sig=abc`,
    })
    expect(desk.asked).toMatchObject([
      {
        supports: ['broadcast_delay:30'],
        session: { handle: `live/${PUBLIC_NAME} live_delayed/${PUBLIC_NAME}` },
      },
    ])
  })

  it('bounds the life of what it moved as of what it renamed', async () => {
    const servers = [serverOf('ovenmediaengine', { ...DELAYED, lifetime: true })]
    const desk = aDesk({ servers, decide: () => late(30) })
    const reply = await knock(desk, 'ovenmediaengine', startBody('ovenmediaengine'))
    expect(JSON.parse(reply.body)).toMatchObject({ lifetime: 60_000 })
  })
})

describe('never at once', () => {
  const cases: readonly (readonly [string, Answer])[] = [
    ['longer than it can', late(31)],
    ['of no length', late(null)],
    ['that has no lease', late(20, { lease_until: null })],
    ['beside a hold', late(20, { mode: 'hold', not_before: epochMs(NOW + 60_000) })],
    ['beside a denial', late(20, { outcome: 'deny', mode: null })],
  ]
  for (const kind of ['nginx-rtmp', 'ovenmediaengine'] as const)
    for (const [name, answer] of cases)
      it(`${kind}: a delay ${name} is refused, and what it opened is closed`, async () => {
        const desk = aDesk({ servers: [serverOf(kind, DELAYED)], decide: () => answer })
        const reply = await knock(desk, kind, startBody(kind))
        const { status, body } = reply
        expect(kind === 'nginx-rtmp' ? status : JSON.parse(body)).toEqual(
          kind === 'nginx-rtmp' ? 403 : { allowed: false, reason: answer.outcome },
        )
        expect(desk.ended).toHaveLength(answer.decision.lease_until === null ? 1 : 2)
      })

  for (const kind of HOOK_KINDS)
    it(`${kind}: without a delayed application a delay is refused`, async () => {
      const desk = aDesk({ servers: [serverOf(kind)], decide: () => late(1) })
      const refused = await verdict(desk, kind)
      const admitted = await verdict(
        aDesk({ servers: [serverOf(kind)], decide: () => ALLOW }),
        kind,
      )
      expect(refused).not.toEqual(admitted)
      expect(desk.asked).toMatchObject([{ supports: [] }])
    })

  async function verdict(desk: ReturnType<typeof aDesk>, kind: MediaKind): Promise<unknown> {
    const reply = await knock(desk, kind, startBody(kind))
    return [reply.status, reply.body]
  }

  it('who hung up meanwhile is not live, late or not', async () => {
    const gone = new AbortController()
    const decide = () => {
      gone.abort()
      return late(20)
    }
    const desk = aDesk({ servers: [aServer(DELAYED)], decide })
    const response = await desk.post(publishBody(), { signal: gone.signal })
    expect([response.status, await response.text()]).toEqual([403, 'refused gone\n'])
    expect(desk.ended).toEqual(['edge-1/41', 'edge-1/41'])
  })
})

describe('a tape name', () => {
  const server = aServer(DELAYED)
  const desk = aDesk({ servers: [server], decide: () => late(20) })
  const given = async (): Promise<string> =>
    (await desk.post(publishBody())).headers.get('location') ?? ''
  const lies: readonly (readonly [string, (name: string) => { name: string }])[] = [
    ['with other seconds', (name) => ({ name: name.replace('_20_', '_10_') })],
    ['with another key', (name) => ({ name: name.replace('A_', 'B_') })],
    ['with another proof', (name) => ({ name: `${name.slice(0, -22)}${'A'.repeat(22)}` })],
    ['with more behind it', (name) => ({ name: `${name}x` })],
    ['without its proof', (name) => ({ name: name.slice(0, -23) })],
    ['that is a public name', () => ({ name: PUBLIC_NAME })],
  ]
  for (const [name, lie] of lies)
    it(`${name} is none`, async () => {
      const honest = await given()
      expect(readTapeName(pepper, server, { name: honest })).not.toBeNull()
      expect(readTapeName(pepper, server, lie(honest))).toBeNull()
    })

  it('of another server is none', async () => {
    const name = await given()
    expect(readTapeName(pepper, aServer({ ...DELAYED, id: 'edge-2' }), { name })).toBeNull()
  })

  it('means nothing to a server without a delayed application, or whose list does not tell it', async () => {
    const name = await given()
    expect(readTapeName(pepper, aServer(), { name })).toBeNull()
    expect(readTapeName(pepper, server, { name: null })).toBeNull()
  })
})
