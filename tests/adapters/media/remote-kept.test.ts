/**
 * A keeper far from the hooks, between a real gate in memory and a real HTTP control server. Each look is asked for; what hooks
 * know is what the test says they do.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createRemoteKept,
  type OpenSession,
  type RemoteKept,
  type SpokenOf,
} from '../../../src/adapters/media/remote-kept.ts'
import type { MediaServer } from '../../../src/adapters/media/servers-file.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import type { BroadcastView, GateEvent } from '../../../src/ports.ts'
import { type ControlServer, startControlServer } from '../../support/control-server.ts'
import { aStrike, HOUR, NOW, opened, policyOf, STRIKE_RULE, useGates } from '../../support/gate.ts'
import { aServer } from './desk.ts'

const gates = useGates()
const AFTER_A_START = 11_000
const WAIT = { timeout: 5_000, interval: 5 }
/** Between two tries to cut: cut-queue.ts. */
const PAUSES_MS: ReadonlySet<number> = new Set([100, 200, 400, 800, 1_600, 3_200, 5_000])
const pepper = {
  hash: (what: string, text: string) => portableHasher.digestText(`pepper ${what} ${text}`),
}

let control: ControlServer
beforeEach(async () => {
  control = await startControlServer()
})
afterEach(() => control.stop())

async function aScene(changes: Partial<MediaServer> = {}) {
  const t = await gates({ policy: policyOf(STRIKE_RULE) })
  const spoken: { busy: string[]; heard: string[]; asked: string[] } = {
    ...{ busy: [], heard: [], asked: [] },
  }
  const events: GateEvent[] = []
  const errors: unknown[] = []
  const waiting = new Set<() => void>()
  let views = 0
  let keys = 0
  const server = aServer({ control: control.url, reconcile_ms: 5_000, app: 'live', ...changes })
  const kept = createRemoteKept({
    ...{ server, gate: t.gate, streamKeys: t.store.streamKeys, pepper, clock: t.clock },
    directory: t.store.directory,
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    fetch: (url, init) => fetch(url, init),
    elapsed: () => t.clock.now() - NOW,
    after(delay_ms, fire) {
      if (PAUSES_MS.has(delay_ms)) {
        waiting.add(fire)
        return () => waiting.delete(fire)
      }
      return after(delay_ms, fire)
    },
    async read() {
      const { items } = await t.store.broadcasts.list(
        { server: server.id, limit: 100 },
        t.clock.now(),
      )
      const open = items.map(({ id, subject, session = '' }): OpenSession => {
        return { session, subject, broadcast: id }
      })
      const said: SpokenOf = structuredClone(spoken)
      return { open, spoken: said }
    },
    view(open): Promise<BroadcastView | null> {
      views++
      return t.gate.broadcast(open.broadcast)
    },
    observe: (event) => void events.push(event),
    onError: (error) => void errors.push(error),
  }) as RemoteKept
  return {
    ...{ t, kept, spoken, events, errors, server },
    views: () => views,
    /** Every pause between two tries to cut is over. */
    again(): void {
      for (const fire of [...waiting]) if (waiting.delete(fire)) fire()
    },
    /** The secret key of a subject, and the name viewers use. */
    async key(subject: string): Promise<{ secret: string; stream: string; name: string }> {
      const secret = `secret-of-${subject}`
      const id = `sk_${String(++keys).padStart(22, 'K')}`
      const key_hash = pepper.hash('stream_key', secret)
      await t.store.streamKeys.bind({ id, subject, key_hash, created_at: NOW, revoked_at: null })
      return { secret, stream: id, name: id.replace('sk_', 'live_') }
    },
    /** Live, as a hook would have it. */
    async live(subject: string, session: string): Promise<string> {
      const { stream, name } = await this.key(subject)
      const answer = await t.gate.decide({
        ...{ subject, stream: { id: stream }, request: { ingest: 'rtmp' }, facts: {} },
        ...{ supports: [], caller: 'hook:edge-1' },
        session: { server: server.id, session, handle: 'app=live' },
      })
      control.publishers.set(session, { app: 'live', name })
      return answer.id
    },
    async looks(count: number, apart_ms = 5_000): Promise<void> {
      for (let i = 0; i < count; i++) {
        t.clock.set(t.clock.now() + apart_ms)
        await kept.look()
      }
    },
    async said(): Promise<readonly string[]> {
      const { records } = await t.store.directory.records({ from: 0, limit: 500 })
      return records.flatMap(({ kind, openings }) => {
        if (kind !== 'broadcast') return []
        const { event, reason, confirmed } = opened(openings, 'facts')
        return [[event, reason, confirmed].filter(Boolean).join(' ')]
      })
    },
  }
}

describe('a keeper that is not where hooks are answered', () => {
  it('is none where nobody can be asked, or nobody is to be', async () => {
    const { t } = await aScene()
    const ports = { gate: t.gate, clock: t.clock } as never as Parameters<
      typeof createRemoteKept
    >[0]
    for (const changes of [{ control: null }, { reconcile_ms: 0 }, { kind: 'generic' as const }]) {
      const server = aServer({ control: control.url, reconcile_ms: 5_000, ...changes })
      expect(createRemoteKept({ ...ports, server })).toBeNull()
    }
  })

  it('decides at the first sight what an nginx-rtmp runs undecided, once, and counts it', async () => {
    const s = await aScene()
    const { secret } = await s.key('u_1')
    control.publishers.set('7', { app: 'live', name: secret })
    await s.looks(1)
    expect(await s.said()).toEqual(['ungated unasked'])
    await s.looks(3)
    expect(await s.said()).toEqual(['ungated unasked'])
    expect(s.kept.counts()).toMatchObject({ ungated: { unasked: 1 }, faults: {} })
    expect(s.kept.counts().covered_s).toBeGreaterThan(0)
    expect(s.errors).toEqual([])
  })

  it('leaves alone what a hook speaks of at this moment', async () => {
    const s = await aScene()
    const { secret } = await s.key('u_1')
    control.publishers.set('7', { app: 'live', name: secret })
    s.spoken.busy = ['7']
    s.spoken.asked = ['7']
    await s.looks(2)
    expect(await s.said()).toEqual([])
    s.spoken.busy = []
    await s.looks(1)
    expect(await s.said()).toEqual(['ungated start_lost'])
  })

  it('believes at the second sight a kind that lists publishers before their start is answered', async () => {
    const s = await aScene({ kind: 'node-media-server' })
    const { secret } = await s.key('u_1')
    const publisher = { id: 'session7', ip: '203.0.113.9:1935' }
    const streams = [{ app: 'live', name: secret, status: 'publishing', publisher }]
    control.manners = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ success: true, data: { streams } }))
    }
    await s.looks(1)
    expect(s.kept.counts().faults).toEqual({})
    expect(await s.said()).toEqual([])
    await s.looks(1)
    expect(await s.said()).toHaveLength(1)
  })

  it('renews at half of the lease what runs, once', async () => {
    const s = await aScene()
    const id = await s.live('u_1', '7')
    await s.looks(1, AFTER_A_START)
    await s.looks(1, 2 * HOUR)
    await s.looks(3)
    expect(await s.said()).toEqual(['renewed lease'])
    const view = await s.t.gate.broadcast(id)
    expect(view?.lease_until).toBeGreaterThan(NOW + 6 * HOUR)
  })

  it('asks for a broadcast when it is new and now and then, not at every look', async () => {
    const s = await aScene()
    await s.live('u_1', '7')
    await s.looks(6)
    expect(s.views()).toBe(1)
    await s.looks(6)
    expect(s.views()).toBeLessThanOrEqual(3)
  })

  it('ends what two lists lack, and not while the server asks about it', async () => {
    const s = await aScene()
    await s.live('u_1', '7')
    await s.looks(3)
    control.publishers.delete('7')
    s.spoken.heard = ['7']
    await s.looks(5)
    expect(await s.said()).toEqual([])
    s.spoken.heard = []
    await s.looks(1)
    expect(await s.said()).toEqual([])
    await s.looks(1)
    expect(await s.said()).toEqual(['ended lost'])
  })

  it('cuts what was revoked elsewhere, and confirms that it is gone', async () => {
    const s = await aScene()
    await s.live('u_1', '7')
    await s.looks(3)
    await s.t.gate.strike(aStrike('s_1', 'u_1', { issued_at: s.t.clock.now() }))
    await s.looks(7)
    expect(control.publishers.size).toBe(0)
    expect((await s.said())[0]).toBe('revoked strike')
    await s.looks(6)
    expect((await s.said()).at(-1)).toMatch(/^cut strike (dropped|absent)$/)
  })

  it('drops nobody who has the session of one whose end was recorded elsewhere', async () => {
    const s = await aScene()
    const id = await s.live('u_1', '7')
    await s.looks(3)
    // Drops nobody, so the order stays.
    control.manners = (request, response, honest) =>
      request.url?.startsWith('/control')
        ? void response.writeHead(200).end('0')
        : honest(request, response)
    await s.t.gate.strike(aStrike('s_1', 'u_1', { issued_at: s.t.clock.now() }))
    await s.looks(7)
    await s.t.gate.cutDone(id, { confirmed: 'dropped', attempts: 1 })
    control.publishers.delete('7')
    await s.looks(2)
    control.manners = null
    const { name, stream } = await s.key('u_2')
    await s.t.gate.decide({
      ...{ subject: 'u_2', stream: { id: stream }, request: { ingest: 'rtmp' }, facts: {} },
      ...{ supports: [], caller: 'hook:edge-1', session: { server: s.server.id, session: '7' } },
    })
    control.publishers.set('7', { app: 'live', name })
    const before = control.calls.length
    s.again()
    await s.looks(3)
    s.again()
    await s.looks(3)
    expect(control.calls.slice(before).filter((one) => one.includes('drop'))).toEqual([])
    expect(control.publishers.has('7')).toBe(true)
  })

  it('counts what a server says that nobody can read, and ends nothing by it', async () => {
    const s = await aScene()
    await s.live('u_1', '7')
    await s.looks(3)
    control.manners = (_request, response) => void response.writeHead(200).end('<h1>busy</h1>')
    await s.looks(4)
    expect(s.kept.counts().faults).toEqual({ unreadable: 4 })
    expect(await s.said()).toEqual([])
  })

  it('calls a server at most eight at once, however many have to stop, and once for each', async () => {
    const s = await aScene()
    let [now, most] = [0, 0]
    const held: (() => void)[] = []
    control.manners = (request, response, honest) => {
      most = Math.max(most, ++now)
      held.push(() => {
        now--
        honest(request, response)
      })
    }
    const sessions = Array.from({ length: 20 }, (_, i) => `${i + 1}`)
    for (const session of sessions)
      control.publishers.set(session, { app: 'live', name: `n${session}` })
    const cuts = [...sessions, ...sessions].map((session) =>
      s.kept.cut({ session, handle: 'app=live' }),
    )
    await vi.waitFor(() => {
      s.t.clock.set(s.t.clock.now() + 100)
      const full = now >= Math.min(8, control.publishers.size)
      if (full) for (const answer of held.splice(0)) answer()
      expect(control.publishers.size).toBe(0)
    }, WAIT)
    expect(await Promise.all(cuts)).toEqual(Array(40).fill(1))
    expect(most).toBeLessThanOrEqual(8)
    expect(control.calls).toHaveLength(20)
  })

  it('calls it no oftener when its own look has strangers to drop at the same time', async () => {
    const s = await aScene()
    let [now, most] = [0, 0]
    const held: (() => void)[] = []
    control.manners = (request, response, honest) => {
      if (!request.url?.includes('drop')) return honest(request, response)
      most = Math.max(most, ++now)
      held.push(() => {
        now--
        honest(request, response)
      })
    }
    const sessions = Array.from({ length: 16 }, (_, i) => `${i + 1}`)
    for (const session of sessions)
      control.publishers.set(session, { app: 'live', name: `n${session}` })
    const ordered = sessions.slice(0, 8)
    const cuts = ordered.map((session) => s.kept.cut({ session, handle: 'app=live' }))
    await vi.waitFor(() => expect(now).toBe(8), WAIT)
    // What the first look has begun has reached the server when it has listed again.
    for (const _ of [1, 2]) await s.kept.look()
    expect(now).toBe(8)
    await vi.waitFor(() => {
      s.t.clock.set(s.t.clock.now() + 100)
      for (const answer of held.splice(0)) answer()
      s.again()
      expect(control.publishers.size).toBe(0)
    }, WAIT)
    await Promise.all(cuts)
    expect(most).toBe(8)
  })

  it('says that nothing is known where nobody answers', async () => {
    const s = await aScene()
    control.manners = (_request, response) => void response.writeHead(500).end('<h1>busy</h1>')
    expect(await s.kept.cut({ session: '1', handle: 'app=live' })).toBe('unknown')
  })
})
