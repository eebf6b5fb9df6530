/**
 * What goes wrong between gates and media servers, thirteen ways: each is tried here on every kind it concerns, and `also` names
 * the tests that try it with real programs, crashes and time. A test that is renamed is missed here.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dialectFor, MEDIA_KINDS, type MediaKind } from '../../../src/adapters/media/dialects.ts'
import { DRIVERS } from '../../../src/adapters/media/drivers.ts'
import { TOKEN_LIFE_MS } from '../../../src/adapters/media/media-token.ts'
import { ALLOW, aDesk, aStreamKey, DENY, eventBody, publishBody } from './desk.ts'
import {
  HOOK_KINDS,
  isJsonKind,
  isYes,
  knock,
  proofOf,
  read,
  serverOf,
  startBody,
} from './knock.ts'

interface Pitfall {
  readonly name: string
  check(): void | Promise<void>
  /** File and a piece of a test's name. */
  readonly also: readonly (readonly [file: string, test: string])[]
}

const deskOf = (kind: MediaKind, changes: Parameters<typeof aDesk>[0] = {}) =>
  aDesk({ servers: [serverOf(kind)], ...changes })
const MEDIA = 'tests/adapters/media'

/** Every hook kind is told `body` and must not say yes. */
async function refusedBy(kind: MediaKind, body: string): Promise<void> {
  const desk = deskOf(kind)
  expect([kind, isYes(kind, await knock(desk, kind, body))]).toEqual([kind, false])
  expect(desk.asked).toEqual([])
}

const PITFALLS: readonly Pitfall[] = [
  {
    name: '1. publishers add fields of the server to their own: the first counts, a second is refused',
    async check() {
      await refusedBy('nginx-rtmp', publishBody({}, '&name=FAKE'))
      for (const kind of HOOK_KINDS.filter(isJsonKind)) {
        const [first = ''] = Object.keys(JSON.parse(startBody(kind)) as object)
        await refusedBy(kind, startBody(kind).replace('{', `{"${first}":"FAKE",`))
      }
    },
    also: [
      [`${MEDIA}/nginx-rtmp.test.ts`, 'never changes app, name, session or address'],
      ['tests/e2e/nginx-rtmp.test.ts', 'an injected name cannot change whose broadcast it is'],
    ],
  },
  {
    name: '2. each server has its own bytes for yes; one shared 204 would hang or refuse three of them',
    check() {
      for (const kind of HOOK_KINDS) {
        const { render } = dialectFor(kind)
        expect([kind, isYes(kind, render({ type: 'noted' }))]).toEqual([kind, true])
        for (const verdict of [
          { type: 'noted' },
          { type: 'deny', outcome: 'deny', decision: 'd', retry_after_s: null },
        ] as const)
          expect(render(verdict).body.length).toBeGreaterThan(0)
      }
      const taken = HOOK_KINDS.filter((kind) => isYes(kind, { status: 204, body: '' }))
      expect(taken).toEqual(['nginx-rtmp', 'mediamtx'])
    },
    also: [
      [`${MEDIA}/vectors.test.ts`, 'answers $'],
      ['tests/e2e/node-media-server.test.ts', 'an allowed publisher stays'],
    ],
  },
  {
    name: '3. a redirect of a framework is yes for nginx-rtmp, followed by two, no for SRS: there is none',
    async check() {
      for (const kind of HOOK_KINDS)
        for (const decide of [() => DENY, () => Promise.reject(new Error('x'))]) {
          const reply = await knock(deskOf(kind, { decide }), kind, startBody(kind))
          expect([kind, Math.floor(reply.status / 100)]).not.toEqual([kind, 3])
        }
    },
    also: [
      ['tests/e2e/nginx-rtmp.test.ts', 'no spelling of the hook address'],
      ['tests/adapters/http/problem.test.ts', 'status: 405'],
    ],
  },
  {
    name: '4. an exception has the shape of that server’s no, and so has whatever an edge puts in between',
    async check() {
      const decide = () => Promise.reject(new TypeError('boom'))
      for (const kind of HOOK_KINDS) {
        const reply = await knock(deskOf(kind, { decide }), kind, startBody(kind))
        expect([kind, isYes(kind, reply)]).toEqual([kind, false])
        for (const status of [400, 403, 500, 502, 503])
          expect(isYes(kind, { status, body: '<h1>200 OK</h1>' })).toBe(false)
      }
    },
    also: [
      [`${MEDIA}/real-nginx.test.ts`, 'an HTML page with status'],
      ['tests/adapters/http/hooks.test.ts', 'is an error status when the dialect fails'],
    ],
  },
  {
    name: '5. who asks is in the address and its proof, never in the body; signatures come before parsing and count once',
    async check() {
      for (const kind of HOOK_KINDS) {
        const desk = deskOf(kind)
        const proof = proofOf(kind, startBody(kind))
        expect((await knock(desk, kind, '{{{', { headers: {} })).status).toBe(401)
        expect((await knock(desk, kind, startBody(kind), { headers: proof })).status).not.toBe(401)
        const again = await knock(desk, kind, startBody(kind), { headers: proof })
        const signs = dialectFor(kind).authenticate !== undefined
        expect([kind, again.status === 401]).toEqual([kind, signs])
        expect(desk.asked[0]?.caller).toBe('hook:edge-1')
      }
    },
    also: [
      [`${MEDIA}/dialects.test.ts`, 'a stranger is refused before anything is parsed'],
      [`${MEDIA}/hooks.test.ts`, 'the URL says which server it is'],
    ],
  },
  {
    name: '6. keys come as names, paths and queries: they are in no question, no answer and no event',
    async check() {
      for (const kind of HOOK_KINDS)
        for (const keys of [[aStreamKey('k7f3q9')], []]) {
          const desk = deskOf(kind, { keys })
          const reply = await knock(desk, kind, startBody(kind))
          // OvenMediaEngine is told the whole new address, which has the public name in its place.
          const told = JSON.stringify([reply.body, [...reply.headers], desk.asked, desk.events])
          expect(told).not.toContain('k7f3q9')
        }
    },
    also: [
      [`${MEDIA}/pair.test.ts`, 'the key opens no other name'],
      [
        'tests/e2e/nginx-rtmp.test.ts',
        'no key and no secret stands in what gate and nginx have written',
      ],
      ['tests/e2e/node-media-server.test.ts', 'no key stands in what the gate has written'],
    ],
  },
  {
    name: '7. nothing is held where it stalls a server, and nowhere longer than an encoder waits',
    check() {
      const hold = (kind: MediaKind) => dialectFor(kind).capabilities.hold_max_ms
      for (const kind of ['mediamtx', 'ovenmediaengine', 'node-media-server'] as const)
        expect([kind, hold(kind)]).toEqual([kind, 0])
      for (const kind of MEDIA_KINDS) expect(hold(kind)).toBeLessThanOrEqual(25_000)
      expect(hold('whip')).toBeLessThanOrEqual(6_000)
    },
    also: [
      [`${MEDIA}/dialects.test.ts`, 'holds an answer only where the server can wait'],
      [`${MEDIA}/servers-kinds.test.ts`, 'cannot be told to wait longer than it can'],
    ],
  },
  {
    name: '8. what a gate that is down means is chosen for starts; for what runs it is always "go on"',
    async check() {
      const down = { decide: () => Promise.reject(new Error('down')) }
      const polled = await knock(
        deskOf('nginx-rtmp', down),
        'nginx-rtmp',
        eventBody('update_publish'),
      )
      expect(isYes('nginx-rtmp', polled)).toBe(true)
      const body = '{"event":"poll","session":"s-1"}'
      expect(isYes('generic', await knock(deskOf('generic', down), 'generic', body))).toBe(true)
      expect(serverOf('node-media-server', {}).when_down).toBeDefined()
      expect(dialectFor('node-media-server').capabilities.when_down).toBe('allow')
    },
    also: [
      [`${MEDIA}/real-nginx.test.ts`, 'polls keep a running stream while the gate answers'],
      [`${MEDIA}/keeper.test.ts`, 'that the gate cannot answer goes on'],
      ['tests/e2e/nginx-cuts.test.ts', 'polls cut nothing while the gate is away'],
    ],
  },
  {
    name: '9. starts repeat, ends come early, twice, late or never: a start is one decision, an end ends one session',
    async check() {
      for (const kind of HOOK_KINDS.filter((one) => dialectFor(one).authenticate === undefined)) {
        const desk = deskOf(kind)
        await knock(desk, kind, startBody(kind))
        await knock(desk, kind, startBody(kind))
        const [first, second] = desk.asked.map(({ idempotency }) => idempotency)
        expect([kind, second]).toEqual([kind, first])
      }
      const desk = deskOf('srs')
      const end = startBody('srs', { action: 'on_unpublish' })
      for (let i = 0; i < 3; i++) expect(isYes('srs', await knock(desk, 'srs', end))).toBe(true)
      expect(new Set(desk.ended)).toEqual(new Set(['edge-1/175yx980']))
    },
    also: [
      [
        `${MEDIA}/hooks.test.ts`,
        'ends what a start opens whose end arrives while it is being decided',
      ],
      [`${MEDIA}/reconcile.test.ts`, 'nothing ends that the list shows'],
      ['tests/e2e/nginx-cuts.test.ts', 'what an nginx that crashed can no longer tell is noticed'],
    ],
  },
  {
    name: '10. a cut that nothing forbids is undone by the next reconnect: first the refusal, then the cut, then the proof',
    async check() {
      const answers = [ALLOW, DENY]
      const desk = deskOf('srs', { decide: () => answers.shift() ?? DENY })
      expect(isYes('srs', await knock(desk, 'srs', startBody('srs')))).toBe(true)
      for (const client_id of ['175yx980', 'another1'])
        expect(isYes('srs', await knock(desk, 'srs', startBody('srs', { client_id })))).toBe(false)
    },
    also: [
      [`${MEDIA}/keeper.test.ts`, 'ends what runs: ordered, dropped, confirmed and recorded'],
      [`${MEDIA}/keeper.test.ts`, '"0 dropped" confirms nothing'],
      ['tests/e2e/nginx-cuts.test.ts', 'every attempt to come back is denied'],
      ['tests/e2e/node-media-server.test.ts', 'the encoder that comes back is thrown out again'],
    ],
  },
  {
    name: '11. tokens are not taken back: they are short, and there is a way to cut',
    check() {
      for (const kind of MEDIA_KINDS.filter(
        (one) => dialectFor(one).capabilities.style === 'token',
      ))
        expect([kind, DRIVERS[kind] !== null]).toEqual([kind, true])
      expect(TOKEN_LIFE_MS).toBeLessThanOrEqual(60_000)
      expect(DRIVERS['mediamtx-jwt']?.start_timeout_ms).toBeGreaterThan(TOKEN_LIFE_MS)
    },
    also: [
      [`${MEDIA}/media-token.test.ts`, 'lives a minute'],
      [`${MEDIA}/media-token.test.ts`, 'is cut wherever he is connected'],
    ],
  },
  {
    name: '12. addresses are relays’ or made up: they slow guessers down and decide nothing',
    async check() {
      for (const kind of HOOK_KINDS) {
        const desk = deskOf(kind)
        await knock(desk, kind, startBody(kind))
        expect(JSON.stringify(desk.asked)).not.toMatch(/203\.0\.113\.9|198\.51\.100\.7/)
        const event = read('ovenmediaengine', startBody('ovenmediaengine'))
        expect(event).toMatchObject({ client_ip: '203.0.113.9' })
      }
    },
    also: [[`${MEDIA}/hooks.test.ts`, 'are slowed down when tried one after the other']],
  },
  {
    name: '13. a second publisher of a name: asked before, refused after, stolen from, by kind; each is a session of its own',
    async check() {
      const twins = [
        ['srs', { client_id: 'twin0001' }, { client_id: 'twin0001', action: 'on_unpublish' }],
        ['node-media-server', { id: 'twin0001' }, { id: 'twin0001', action: 'donePublish' }],
      ] as const
      for (const [kind, twin, end] of twins) {
        const desk = deskOf(kind)
        await knock(desk, kind, startBody(kind))
        await knock(desk, kind, startBody(kind, twin))
        expect(new Set(desk.asked.map(({ session }) => session?.session)).size).toBe(2)
        desk.ended.length = 0
        await knock(desk, kind, startBody(kind, end))
        expect(desk.ended).toEqual(['edge-1/twin0001'])
      }
    },
    also: [
      [`${MEDIA}/hooks.test.ts`, 'ends only the twin'],
      [`${MEDIA}/keeper.test.ts`, 'on one of two publishers of a name ends that connection only'],
      ['tests/e2e/nginx-cuts.test.ts', 'of two publishers of one key the second is turned away'],
      ['tests/e2e/node-media-server.test.ts', 'a second publisher on a live name is turned away'],
    ],
  },
]

describe('pitfalls of media servers', () => {
  it('are thirteen', () => {
    expect(PITFALLS.map(({ name }) => Number(name.split('.')[0]))).toEqual(
      Array.from({ length: 13 }, (_, i) => i + 1),
    )
  })

  for (const { name, check, also } of PITFALLS)
    it(name, async () => {
      await check()
      const missing = also.filter(([file, test]) => !tested(file, test))
      expect(missing).toEqual([])
    })
})

function tested(file: string, test: string): boolean {
  const path = new URL(`../../../${file}`, import.meta.url)
  return existsSync(path) && readFileSync(path, 'utf8').includes(test)
}
