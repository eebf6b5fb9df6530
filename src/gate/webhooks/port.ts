/**
 * What sending webhooks asks of the world: a log to read, a place to remember, a way to post.
 *
 * The log is the queue: an endpoint has a place in it, and what is before that place was sent or lies aside as a letter.
 * A letter names an entry and holds nothing of it, so that an erasure has nothing to find here. Next stop: dispatcher.ts.
 */
import type { EpochMs } from '../../core/time.ts'

export const WEBHOOK_TYPES = [
  'broadcast.cut',
  'decision.made',
  'strike.recorded',
  'strike.reversed',
  'policy.activated',
] as const
export type WebhookType = (typeof WEBHOOK_TYPES)[number]

/** A log entry with what can be opened of it. */
export interface OpenEntry {
  readonly index: number
  readonly jws: string
  /** Disclosures by group; empty for kinds without, and where they were erased. */
  readonly openings: Readonly<Record<string, string>>
}

/** An entry that may say something and cannot be opened now: who holds its openings does not answer. */
export interface ShutEntry {
  readonly index: number
  readonly shut: true
}

/** Some of a log, in its order. */
export interface Stretch {
  readonly entries: readonly (OpenEntry | ShutEntry)[]
  /** Everything before it was looked at; where the stretch began when there is nothing more. */
  readonly next: number
}

/** What is sent. */
export interface WebhookMessage {
  /** `msg_` and the record's id: the same however often it is sent. */
  readonly id: string
  readonly type: WebhookType
  /** The whole body, JSON. */
  readonly body: string
}

/** One receiver, as configured. */
export interface WebhookEndpoint {
  readonly id: string
  readonly url: string
  readonly types: ReadonlySet<WebhookType>
  /** True: it may lie in a private network, and be reached without TLS. */
  readonly private: boolean
  /** Values of `webhook-signature`; several while secrets are exchanged. */
  sign(id: string, timestamp_s: number, body: string): string | Promise<string>
}

/** Where an endpoint stands. */
export interface WebhookPlace {
  /** First entry that was neither sent nor laid aside. */
  readonly next: number
  /** It said 410 Gone; null while it is sent to. */
  readonly disabled_at: EpochMs | null
}

/** An entry laid aside for one endpoint. */
export interface Letter {
  readonly index: number
  readonly attempts: number
  /** When it is tried again; null when nobody tries it any more: a dead letter. */
  readonly due_at: EpochMs | null
  readonly failed_at: EpochMs
  /** Status or fault of the last attempt, for people. */
  readonly error: string
}

/** The log, as far as it may be told of. */
export interface WebhookLog {
  /** Entries that may be read so far. */
  size(): number
  /** Entries from an index on that may say anything of `types`, at most `limit` of them; others may be left out. */
  read(from: number, limit: number, types: ReadonlySet<WebhookType>): Stretch | Promise<Stretch>
  /** One entry; null when nothing of it can be told any more, or ever. */
  entry(index: number): OpenEntry | ShutEntry | null | Promise<OpenEntry | ShutEntry | null>
}

/** Where endpoints stand. Durable when resolved. */
export interface WebhookPlaces {
  /** Null for an endpoint never seen. */
  place(endpoint: string): WebhookPlace | null
  /** Puts an endpoint that was never seen at an index; does nothing for another. */
  begin(endpoint: string, next: number): Promise<void>
  /** Moves on and lays entries aside, in one transaction. */
  advance(endpoint: string, next: number, letters: readonly Letter[]): Promise<void>
  disable(endpoint: string, at: EpochMs | null): Promise<void>
  /** Letters to be tried at `now`, the longest due first. */
  due(endpoint: string, now: EpochMs, limit: number): readonly Letter[]
  /** When the next letter is due; null for none. */
  nextDue(endpoint: string): EpochMs | null
  counts(endpoint: string): { readonly waiting: number; readonly dead: number }
  /** Dead letters by index, from one on. */
  dead(endpoint: string, from: number, limit: number): readonly Letter[]
  /** Null: it was sent. A letter that is not there any more, because what it was about was erased, is not laid again. */
  settle(endpoint: string, index: number, letter: Letter | null): Promise<void>
  /** Makes dead letters due at `at` as if never tried: those given, or all. How many. */
  revive(endpoint: string, indexes: readonly number[] | null, at: EpochMs): Promise<number>
}

export interface WebhookOutbox extends WebhookLog, WebhookPlaces {}

/** `unopened`: nothing was sent, for who holds the entry's openings did not answer. */
export type PostFault =
  | 'unreachable'
  | 'timeout'
  | 'blocked'
  | 'redirect'
  | 'unreadable'
  | 'unopened'

/** What came of one attempt. */
export type Posted =
  | { readonly status: number; readonly retry_after_s: number | null }
  | { readonly fault: PostFault }

/** Sends a body once, within its time. Follows nothing, reads little, never rejects. */
export type Post = (request: {
  readonly url: string
  readonly private: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeout_ms: number
}) => Promise<Posted>
