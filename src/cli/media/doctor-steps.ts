/**
 * What the checks of `media doctor` are made of: who is asked, what is made up, and how it is taken away again.
 *
 * From: doctor.ts, doctor-delay.ts.
 */
import type { TestStream, Viewer } from './ffmpeg.ts'

export interface Check {
  readonly id: string
  readonly result: 'pass' | 'fail' | 'skipped'
  /** What was seen. */
  readonly seen: string
  /** What to change; absent where nothing is to be. */
  readonly hint?: string
}

export interface GateAsked {
  /** JSON of a 2xx answer; throws for any other. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>
}

export interface Patient {
  readonly id: string
  readonly playback: 'rename' | 'keep' | 'pair'
  readonly when_down: 'deny' | 'allow'
  /** Can its running streams be ended? */
  readonly cuts: boolean
  /** Where what is to be shown late is shown, and how late that can be; null where nothing is. */
  readonly delayed: { readonly app: string; readonly up_to_s: number } | null
}

export interface DoctorPorts {
  readonly gate: GateAsked
  /** The same gate, to be asked although a person wants to stop: what was made up is taken away. */
  readonly cleaner: GateAsked
  readonly server: Patient
  /** `rtmp://host/app`, without a slash at its end. */
  readonly publish: string
  /** Where viewers watch; as `publish` unless given. */
  readonly play: string
  readonly send: (url: string, seconds: number) => TestStream
  readonly canPlay: (url: string) => Promise<boolean>
  readonly watch: (url: string, seconds: number) => Viewer
  readonly elapsed: () => number
  readonly now: () => string
  readonly sleep: (ms: number) => Promise<void>
  /** Random, for the account's id. */
  readonly subject: string
  /** Facts the policy wants to know of an account that may go live. */
  readonly facts: object
  /** An account the policy shows late; null where nobody named one. */
  readonly late: {
    readonly facts: object
    /** Where viewers watch what is delayed. */
    readonly play: string
    /** The server holds everything back so long, whatever the rule asks. */
    readonly at_least_s: number
  } | null
  readonly told: (check: Check) => void
}

/** A stream that ends later than this after the strike is a fault, ms: a second is the promise, the rest is ffmpeg's. */
export const CUT_WITHIN_MS = 3_000
const NOTICED_WITHIN_MS = 15_000
export interface Key {
  readonly id: string
  readonly key: string
}

/** A violation that ends whatever runs. */
export async function strike({ gate, subject, now }: DoctorPorts): Promise<void> {
  const violation = { id: `doctor-${subject}`, category: 'terrorism.link', severity: 'critical' }
  const path = `/v1/subjects/${subject}/strikes`
  await gate.ask('POST', path, { ...violation, issued_at: now() })
}

/** Whatever was left; a step that fails leaves the others to do. */
export async function cleanUp({ cleaner: gate, subject }: DoctorPorts, key: Key): Promise<void> {
  const steps: readonly (() => Promise<unknown>)[] = [
    () => gate.ask('POST', `/v1/strikes/doctor-${subject}/reversal`, { reason: 'media doctor' }),
    () => gate.ask('DELETE', `/v1/stream-keys/${key.id}`),
    () => gate.ask('DELETE', `/v1/subjects/${subject}`, { basis: 'media doctor', scope: 'full' }),
  ]
  for (const step of steps) await step().catch(() => undefined)
}

/** Broadcasts of the account at this server, as the gate counts them. */
export async function runningOf({ gate, subject, server }: DoctorPorts): Promise<number> {
  const view = (await gate.ask('GET', `/v1/subjects/${subject}`)) as {
    readonly broadcasts: readonly { readonly server?: string }[]
  }
  return view.broadcasts.filter((open) => open.server === server.id).length
}

/** False when it was not so in time. */
export async function waitFor(
  ports: Pick<DoctorPorts, 'elapsed' | 'sleep'>,
  isSo: () => Promise<boolean>,
  within_ms: number = NOTICED_WITHIN_MS,
): Promise<boolean> {
  const until = ports.elapsed() + within_ms
  while (!(await isSo())) {
    if (ports.elapsed() > until) return false
    await ports.sleep(200)
  }
  return true
}

/** What to change where a strike ends nothing. */
export function cutHint({ server }: Pick<DoctorPorts, 'server'>): string {
  return server.cuts
    ? '`control` of the servers file does not reach the server’s control interface: see livegate_control_faults_total'
    : 'give the server a `control` address: without one a strike waits for the next question or the end of the lease'
}

/** Where an encoder with this key publishes. */
export function publishUrl({ publish, server }: DoctorPorts, key: Key): string {
  return server.playback === 'pair'
    ? `${publish}/${playbackName(key)}?key=${encodeURIComponent(key.key)}`
    : `${publish}/${key.key}`
}

/** The name viewers use. */
export function playbackName({ id }: Key): string {
  return `live_${id.replace(/^sk_/, '')}`
}

export function pass(id: string, seen: string): Check {
  return { id, result: 'pass', seen }
}

export function fail(id: string, seen: string, hint: string): Check {
  return { id, result: 'fail', seen, hint }
}
