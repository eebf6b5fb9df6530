/**
 * Which object holds what: names and shards, as pure functions.
 *
 * A subject's object is named by HMAC(pepper, subject): whoever sees names (dashboards, metrics, the sequencer) learns
 * nothing about people. The shard follows from that name, so one subject always has one log and one total order; the
 * number of shards is fixed for the life of a deployment. Spec: docs/spec/storage.md, "The edge host".
 */
import { fromBase64Url } from '../../core/encoding.ts'
import type { SubjectId } from '../../core/model.ts'
import type { Pepper } from '../../ports.ts'

/** Slices of the directory of strikes and stream keys: 64 × some 500 writes a second. */
export const DIRECTORY_SLICES = 64
/** Most logs of one deployment: 64,000 records a second. */
export const MAX_SHARDS = 64

/** 43 characters. */
export function subjectObjectName(pepper: Pepper, subject: SubjectId): string {
  return pepper.hash('subject', subject)
}

/** The shard of a subject's object: from 0. */
export function shardOf(objectName: string, shards: number): number {
  return slice(objectName, shards)
}

export function sequencerName(shard: number): string {
  return `log-${shard}`
}

/** Where the files of a shard's log lie in the bucket. */
export function logPrefix(shard: number): string {
  return `${shard}/`
}

/** Looks after what runs among the subjects of a log. */
export function keeperOfLog(shard: number): string {
  return `log-${shard}`
}

/** Looks after what runs at a media server. */
export function keeperOfServer(server: string): string {
  return `server-${server}`
}

/** Knows which media servers have registered themselves. */
export const REGISTRY = 'registry'

/** `<base>` with one shard, `<base>/<shard>` with more. */
export function originOfShard(base: string, shard: number, shards: number): string {
  return shards === 1 ? base : `${base}/${shard}`
}

/** The slice of the directory that knows an id. */
export function directoryName(pepper: Pepper, kind: 'strike' | 'key', id: string): string {
  return `${kind}-${slice(pepper.hash(kind, id), DIRECTORY_SLICES)}`
}

/** Every slice there is. */
export function slicesOf(kind: 'strike' | 'key'): readonly string[] {
  return Array.from({ length: DIRECTORY_SLICES }, (_, i) => `${kind}-${i}`)
}

/** Slices of the queue of reviews: 16 × some 300 items a second. */
export const REVIEW_SLICES = 16

/** The slice of the queue that lists what is asked about a subject. */
export function reviewsName(pepper: Pepper, subject: SubjectId): string {
  return `reviews-${slice(pepper.hash('subject', subject), REVIEW_SLICES)}`
}

/** Every slice of it. */
export function reviewSlices(): readonly string[] {
  return Array.from({ length: REVIEW_SLICES }, (_, i) => `reviews-${i}`)
}

export function serverName(server: string): string {
  return `server-${server}`
}

/** The object that tells an endpoint of the log of a shard. */
export function webhooksName({
  endpoint,
  shard,
}: {
  readonly endpoint: string
  readonly shard: number
}): string {
  return `${shard}/${endpoint}`
}

/** A keyed hash as a number below `count`: 32 bits of it, so no count up to 64 is uneven by more than 2^-26. */
function slice(hash: string, count: number): number {
  const bytes = fromBase64Url(hash) ?? new Uint8Array(4)
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % count
}
