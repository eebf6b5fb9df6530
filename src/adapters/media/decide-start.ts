/**
 * Asks the gate about one start, and waits out a hold that is about to end when the server can be kept waiting.
 *
 * A media server at its hook knows only yes and no. `delay` becomes: wait and ask again (a hold ending within the
 * server's patience), else no. Every ask is a decision of its own with its own record; waiting opens nothing by
 * itself. Which delays exist: docs/spec/policy.md. From: hooks.ts.
 */
import type { EpochMs } from '../../core/time.ts'
import type { Enforcement } from '../../gate/enforcement.ts'
import type { Answer, DecideRequest, Gate } from '../../gate-types.ts'
import type { Clock } from '../../ports.ts'
import type { MediaDialect, StartEvent } from './dialect.ts'
import { digestOf } from './digest.ts'
import type { Resolved } from './resolve-subject.ts'
import type { MediaServer } from './servers-file.ts'
import type { Start } from './starts.ts'
import { supportsOf } from './tape.ts'

/** Runs `fire` once after `delay_ms` unless cancelled. */
export type After = (delay_ms: number, fire: () => void) => () => void

export interface DecideStart {
  readonly gate: Pick<Gate, 'decide'>
  readonly clock: Clock
  readonly after: After
  readonly server: MediaServer
  readonly dialect: MediaDialect
  readonly event: StartEvent
  readonly resolved: Resolved
  /** Makes the question idempotent; null where a repeated call is known by what runs. */
  readonly start: Pick<Start, 'nonce'> | null
  /** Aborted when there is nobody left to wait for; asked for only when there is something to wait for. */
  readonly over: () => AbortSignal
  /** Numbers the records of this server. */
  readonly enforcement: Enforcement | undefined
}

/** A hold may be asked about this often; the clock of the gate may lag behind a timer. */
const MAX_ASKS = 3

/** The gate's last word, or null when the publisher went away while waiting. */
export async function decideStart(input: DecideStart): Promise<Answer | null> {
  const { clock, server, dialect } = input
  const patience = Math.min(server.hold_max_ms, dialect.capabilities.hold_max_ms)
  const deadline = clock.now() + patience
  for (let ask = 1; ; ask++) {
    const answer = await input.gate.decide(requestFor(input, ask))
    const wait = ask < MAX_ASKS ? waitFor(answer, clock.now(), deadline) : null
    if (wait === null) return answer
    const over = input.over()
    await pause(input.after, wait, over)
    if (over.aborted) return null
  }
}

/** Milliseconds until asking again may help, or null when the answer stands. Pure. */
export function waitFor(answer: Answer, now: EpochMs, deadline: number): number | null {
  const { outcome, mode, not_before } = answer.decision
  if (outcome !== 'delay' || mode !== 'hold' || not_before === null) return null
  return not_before <= deadline ? Math.max(1, not_before - now) : null
}

function requestFor(input: DecideStart, ask: number): DecideRequest {
  const { server, dialect, event, resolved, enforcement } = input
  const { territory } = server
  return {
    subject: resolved.subject,
    stream: { id: resolved.stream },
    request: {
      ingest: event.ingest ?? dialect.ingest,
      ...(territory === null ? {} : { territory }),
    },
    facts: {},
    terse: true,
    supports: supportsOf(input),
    caller: `hook:${server.id}`,
    session: {
      server: server.id,
      session: event.session,
      ...handleOf(input),
    },
    ...(server.enforce === undefined ? {} : { enforce: server.enforce }),
    ...(enforcement === undefined ? {} : { enforcement }),
    ...idempotencyOf(input, ask),
  }
}

function idempotencyOf(
  { server, event, resolved, start }: DecideStart,
  ask: number,
): Pick<DecideRequest, 'idempotency'> {
  if (start === null) return {}
  const question = [server.id, event.session, start.nonce, resolved.stream, ask]
  const fingerprint = digestOf(question)
  return { idempotency: { key: `${event.session}.${start.nonce}.${ask}`, fingerprint } }
}

/** How the control interface finds it again; nothing where the session alone is enough. */
function handleOf({ server, dialect, event, resolved }: DecideStart): {
  readonly handle?: string
} {
  const { playback_name } = resolved
  const handle = dialect.handleOf?.(event, playback_name, server.delayed?.app) ?? ''
  return handle === '' ? {} : { handle }
}

/** Resolves after `delayMs`, or as soon as `signal` is aborted. */
function pause(after: After, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const cancel = after(delayMs, resolve)
    const hurry = (): void => {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', hurry, { once: true })
  })
}
