/**
 * A media desk for tests: scripted gate, stream keys in a map, a clock and a timer that move only by hand.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { HookRequest, Hooks } from '../../../src/adapters/media/hooks.ts'
import { createHooks } from '../../../src/adapters/media/hooks.ts'
import type { RegisteredServers } from '../../../src/adapters/media/registrations.ts'
import { ServerSecret } from '../../../src/adapters/media/server-secret.ts'
import type { MediaServer } from '../../../src/adapters/media/servers-file.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { toBase64Url, utf8 } from '../../../src/core/encoding.ts'
import type { Decision } from '../../../src/core/model.ts'
import { type EpochMs, epochMs } from '../../../src/core/time.ts'
import type { Answer, DecideRequest } from '../../../src/gate-types.ts'
import type { GateEvent, StreamKey, StreamKeys } from '../../../src/ports.ts'

export const SECRET = 'c2VjcmV0LW9mLWVkZ2UtMQ=='
export const NOW: EpochMs = epochMs(1_790_000_000_000)

export function aServer(changes: Partial<MediaServer> = {}): MediaServer {
  return {
    id: 'edge-1',
    kind: 'nginx-rtmp',
    secret: new ServerSecret(SECRET),
    subject_from: 'stream_key',
    control: null,
    control_auth: null,
    reconcile_ms: 0,
    when_down: 'deny',
    hold_max_ms: 5_000,
    playback: 'rename',
    lifetime: false,
    territory: null,
    app: null,
    delayed: null,
    ...changes,
  }
}

/** A decision with nothing in it but what the case is about. */
export function aDecision(changes: Partial<Decision> = {}): Decision {
  return {
    outcome: 'deny',
    mode: null,
    until: null,
    not_before: null,
    review: null,
    retry_after_s: null,
    broadcast_delay_s: null,
    lease_until: changes.outcome === 'allow' ? epochMs(NOW + 4 * 3_600_000) : null,
    rules: [],
    reasons: [],
    restrictions: [],
    unknown: [],
    obligations: [],
    exemptions: [],
    holds_opened: [],
    ...changes,
  }
}

export function anAnswer(changes: Partial<Decision>, id = 'decision0000000000001'): Answer {
  const decision = aDecision(changes)
  return {
    id,
    decided_at: NOW,
    outcome: decision.outcome,
    decision,
    policy: { name: 'test', digest: 'sha256-test' },
    jws: 'a.b.c',
    openings: {},
    receipt: { origin: 'test', index: 0, leaf: '' },
    supersedes: null,
    repeated: false,
  }
}

export const ALLOW: Answer = anAnswer({ outcome: 'allow' })
export const DENY: Answer = anAnswer({ outcome: 'deny', until: 'forever' })

export function hashOf(text: string): string {
  return toBase64Url(sha256(utf8(`pepper ${text}`)))
}

export function aStreamKey(secret: string, changes: Partial<StreamKey> = {}): StreamKey {
  return {
    id: 'sk_AAAAAAAAAAAAAAAAAAAAAA',
    subject: 'u_81f',
    key_hash: hashOf(`stream_key ${secret}`),
    created_at: NOW,
    revoked_at: null,
    ...changes,
  }
}

/** Look-ups only; the rest throws, because a hook has no business with it. */
function lookUpOnly(keys: readonly StreamKey[]): StreamKeys {
  const refuse = (): never => {
    throw new Error('a hook must not do this')
  }
  return {
    byHash: (hash) => keys.find((key) => key.key_hash === hash) ?? null,
    byId: refuse,
    bind: refuse,
    list: refuse,
    revoke: refuse,
  }
}

export interface DeskSetup {
  readonly servers?: readonly MediaServer[]
  readonly registered?: RegisteredServers
  readonly keys?: readonly StreamKey[]
  readonly decide?: (request: DecideRequest) => Answer | Promise<Answer>
  readonly endSession?: (server: string, session: string) => boolean | Promise<boolean>
  /** Real clock and timers, for tests with real programs. */
  readonly real?: boolean
}

export interface TestDesk {
  readonly hooks: Hooks
  readonly asked: DecideRequest[]
  /** `server/session` of every end the gate was told. */
  readonly ended: string[]
  readonly events: GateEvent[]
  /** Moves the clock and fires what is due. */
  advance(ms: number): Promise<void>
  /** Delays of timers that wait now. */
  timers(): number[]
  post(body: string | Uint8Array, changes?: Partial<PostOptions>): Promise<Response>
}

export interface PostOptions {
  readonly server: string
  readonly kind: string
  readonly secret: string | null
  readonly content_type: string
  readonly signal: AbortSignal
}

export function aDesk(setup: DeskSetup = {}): TestDesk {
  let now = NOW
  const waiting = new Set<{ at: number; fire: () => void }>()
  const asked: DecideRequest[] = []
  const ended: string[] = []
  const events: GateEvent[] = []
  const hooks = createHooks({
    gate: {
      async decide(request) {
        asked.push(request)
        return (setup.decide ?? (() => ALLOW))(request)
      },
      async endSession(server, session) {
        ended.push(`${server}/${session}`)
        return setup.endSession?.(server, session) ?? false
      },
    },
    streamKeys: lookUpOnly(setup.keys ?? [aStreamKey('k7f3q9')]),
    pepper: { hash: (what, text) => hashOf(`${what} ${text}`) },
    servers: setup.servers ?? [aServer()],
    ...(setup.registered === undefined ? {} : { registered: setup.registered }),
    observe: (event) => events.push(event),
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    clock: { now: () => (setup.real ? epochMs(Date.now()) : now) },
    after(delay_ms, fire) {
      if (setup.real) return after(delay_ms, fire)
      const timer = { at: now + delay_ms, fire }
      waiting.add(timer)
      return () => waiting.delete(timer)
    },
  })
  return {
    hooks,
    asked,
    ended,
    events,
    async advance(ms) {
      now = epochMs(now + ms)
      for (const timer of waiting)
        if (timer.at <= now) {
          waiting.delete(timer)
          timer.fire()
        }
      await settle()
    },
    timers: () => [...waiting].map((timer) => timer.at - now),
    post: (body, changes = {}) => hooks.handle(...aCall(body, changes)),
  }
}

/** Lets everything that needs no timer run to its end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

function aCall(
  body: string | Uint8Array,
  changes: Partial<PostOptions>,
): [kind: string, server: string, request: HookRequest] {
  const { kind = 'nginx-rtmp', server = 'edge-1', secret = SECRET, signal } = changes
  const headers = new Headers({
    'content-type': changes.content_type ?? 'application/x-www-form-urlencoded',
  })
  if (secret !== null) headers.set('authorization', `Bearer ${secret}`)
  const request = {
    method: 'POST',
    url: `http://gate.example/hooks/${kind}/${server}`,
    headers,
    body: typeof body === 'string' ? utf8(body) : body,
    ...(signal === undefined ? {} : { hungUp: () => signal }),
  }
  return [kind, server, request]
}

/** The exchange as captured from nginx-rtmp 1.2.2 with ffmpeg 5.1, values replaced. */
export function publishBody(changes: Readonly<Record<string, string>> = {}, args = ''): string {
  const fields = {
    app: 'live',
    flashver: 'FMLE/3.0%20(compatible%3B%20Lavf59.27',
    swfurl: '',
    tcurl: 'rtmp://127.0.0.1:19350/live',
    pageurl: '',
    addr: '203.0.113.9',
    clientid: '41',
    call: 'publish',
    name: 'k7f3q9',
    type: 'live',
    ...changes,
  }
  const form = Object.entries(fields).map(([name, value]) => `${name}=${value}`)
  return form.join('&') + args
}

export function eventBody(call: string, clientid = '41'): string {
  return `app=live&flashver=FMLE/3.0&swfurl=&tcurl=rtmp://127.0.0.1/live&pageurl=&addr=203.0.113.9&clientid=${clientid}&call=${call}&name=k7f3q9`
}
