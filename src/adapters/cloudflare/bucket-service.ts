/**
 * A bucket for those who serve the edge host with plain `workerd`: one Durable Object that answers what workerd's
 * R2 binding asks (`r2Bucket = "bucket"`), its objects rows of the object's own SQLite.
 *
 * Rows rather than files, because workerd's disk service renames without fsync, while an object's write is on disk
 * before its answer leaves, and conditions hold because each request is one synchronous turn. Only what the log asks is
 * answered: head, get, put with etags, list, delete; anything else is 501. Plain workerd has no cron triggers either: once
 * somebody has asked, the object rings every minute and lets each log write the heartbeat that is due.
 * Never part of the deployed Worker. Spec: docs/hosts/workerd.md, "The bucket".
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers'
import type { SequencerRpc } from './rpc.ts'

interface BucketEnv {
  readonly BUCKET: DurableObjectNamespace<BucketObject>
  readonly SEQUENCERS: DurableObjectNamespace<Rpc.DurableObjectBranded & Beating>
  readonly LIVEGATE_SHARDS: string | null
  /** Milliseconds between heartbeats' alarms; a minute unless bound. */
  readonly BEAT_EVERY_MS?: string
}
type Beating = Pick<SequencerRpc, 'heartbeat'>

/** What an R2 binding sends in its header (reads) or before the value (writes). */
interface Asked {
  readonly method: string
  readonly object?: string
  readonly objects?: readonly string[]
  readonly prefix?: string
  readonly startAfter?: string
  readonly cursor?: string
  readonly limit?: number
  readonly range?: object
  readonly onlyIf?: {
    readonly etagMatches?: readonly Tag[]
    readonly etagDoesNotMatch?: readonly Tag[]
    readonly uploadedBefore?: unknown
    readonly uploadedAfter?: unknown
  }
  readonly httpFields?: Readonly<Record<string, string>>
}
interface Tag {
  readonly type: 'strong' | 'weak' | 'wildcard'
  readonly value?: string
}
interface Stored {
  readonly key: string
  readonly etag: string
  readonly uploaded: number
  readonly http: string
  readonly size: number
}

const MOST_LISTED = 1_000
const MINUTE_MS = 60_000
const SCHEMA = `CREATE TABLE IF NOT EXISTS objects (
  key TEXT PRIMARY KEY,
  etag TEXT NOT NULL,
  uploaded INTEGER NOT NULL,
  http TEXT NOT NULL,
  value BLOB NOT NULL
) STRICT`
const COLUMNS = 'key, etag, uploaded, http, length(value) AS size'

/** What the binding's requests reach. */
export class Bucket extends WorkerEntrypoint<BucketEnv> {
  override fetch(request: Request): Promise<Response> {
    const { BUCKET } = this.env
    return BUCKET.get(BUCKET.idFromName('bucket')).fetch(request)
  }
}

/** The objects. */
export class BucketObject extends DurableObject<BucketEnv> {
  readonly #sql: SqlStorage
  #ringing = false

  constructor(context: DurableObjectState, env: BucketEnv) {
    super(context, env)
    this.#sql = context.storage.sql
    this.#sql.exec(SCHEMA)
  }

  /** A log that cannot be reached is asked again the next time. */
  override async alarm(): Promise<void> {
    this.#ring()
    const shards = Number(this.env.LIVEGATE_SHARDS ?? '1')
    const { SEQUENCERS } = this.env
    const beats = Array.from({ length: shards }, (_, shard) =>
      SEQUENCERS.getByName(`log-${shard}`).heartbeat(),
    )
    await Promise.allSettled(beats)
  }

  #ring(): void {
    this.#ringing = true
    const every = Number(this.env.BEAT_EVERY_MS ?? MINUTE_MS)
    void this.ctx.storage.setAlarm(Date.now() + every)
  }

  override async fetch(request: Request): Promise<Response> {
    if (!this.#ringing) this.#ring()
    if (request.method === 'GET')
      return this.#read(JSON.parse(request.headers.get('cf-r2-request') ?? '{}') as Asked)
    const body = new Uint8Array(await request.arrayBuffer())
    const split = Number(request.headers.get('cf-r2-metadata-size') ?? '0')
    const asked = JSON.parse(new TextDecoder().decode(body.subarray(0, split))) as Asked
    if (asked.method === 'put') return this.#put(asked, body.slice(split))
    return asked.method === 'delete' ? this.#delete(asked) : refused(501, 10_001, asked.method)
  }

  #read(asked: Asked): Response {
    if (asked.method === 'list') return this.#list(asked)
    const found = this.#stored(asked.object ?? '')
    if (found === undefined) return refused(404, 10_007, 'The specified key does not exist.')
    if (asked.method === 'head') return described(found)
    if (asked.method !== 'get' || asked.range !== undefined)
      return refused(501, 10_001, asked.method)
    if (!holds(asked.onlyIf, found)) return refused(412, 10_031, 'precondition', found)
    const { value } = this.#sql
      .exec<{ value: ArrayBuffer }>('SELECT value FROM objects WHERE key = ?', found.key)
      .one()
    return described(found, new Uint8Array(value))
  }

  #put(asked: Asked, value: Uint8Array): Response {
    const key = asked.object ?? ''
    const found = this.#stored(key)
    if (!holds(asked.onlyIf, found)) return refused(412, 10_031, 'precondition', found)
    const etag = crypto.randomUUID().replaceAll('-', '')
    const http = JSON.stringify(asked.httpFields ?? {})
    this.#sql.exec(
      'INSERT OR REPLACE INTO objects (key, etag, uploaded, http, value) VALUES (?, ?, ?, ?, ?)',
      key,
      etag,
      Date.now(),
      http,
      value,
    )
    const stored = this.#stored(key)
    return stored === undefined ? refused(500, 10_001, 'not stored') : described(stored)
  }

  #delete(asked: Asked): Response {
    const keys = asked.objects ?? [asked.object ?? '']
    for (const key of keys) this.#sql.exec('DELETE FROM objects WHERE key = ?', key)
    return new Response()
  }

  #list(asked: Asked): Response {
    const prefix = asked.prefix ?? ''
    const after = asked.cursor ?? asked.startAfter ?? ''
    const limit = Math.min(asked.limit ?? MOST_LISTED, MOST_LISTED)
    const rows = this.#sql
      .exec<Stored & Record<string, SqlStorageValue>>(
        `SELECT ${COLUMNS} FROM objects WHERE key > ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT ?`,
        after,
        prefix.length,
        prefix,
        limit + 1,
      )
      .toArray()
    const objects = rows.slice(0, limit)
    const truncated = rows.length > limit
    const cursor = truncated ? objects.at(-1)?.key : undefined
    const head = { truncated, cursor, delimitedPrefixes: [], objects: objects.map(wireOf) }
    return answer(head, 200)
  }

  #stored(key: string): Stored | undefined {
    return this.#sql
      .exec<Stored & Record<string, SqlStorageValue>>(
        `SELECT ${COLUMNS} FROM objects WHERE key = ?`,
        key,
      )
      .toArray()[0]
  }
}

/** Etag conditions; a date condition never holds, because nothing here asks for one. */
function holds(onlyIf: Asked['onlyIf'], found: Stored | undefined): boolean {
  if (onlyIf === undefined) return true
  if (onlyIf.uploadedBefore !== undefined || onlyIf.uploadedAfter !== undefined) return false
  const names = (tags: readonly Tag[]): boolean =>
    found !== undefined &&
    tags.some(({ type, value }) => type === 'wildcard' || value === found.etag)
  if (onlyIf.etagMatches !== undefined && !names(onlyIf.etagMatches)) return false
  return onlyIf.etagDoesNotMatch === undefined || !names(onlyIf.etagDoesNotMatch)
}

function wireOf({ key, etag, uploaded, http, size }: Stored): object {
  return {
    name: key,
    version: etag,
    size,
    etag,
    uploaded,
    httpFields: JSON.parse(http) as object,
    customFields: [],
    checksums: {},
  }
}

function described(stored: Stored, value?: Uint8Array): Response {
  return answer(wireOf(stored), 200, {}, value)
}

function refused(status: number, v4code: number, message: string, stored?: Stored): Response {
  const error = { 'cf-r2-error': JSON.stringify({ message, version: 1, v4code }) }
  if (stored !== undefined) return answer(wireOf(stored), status, error)
  return new Response(null, { status, headers: error })
}

/** The form the binding reads: JSON, its length in a header, then the value. */
function answer(
  head: object,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  value: Uint8Array = new Uint8Array(0),
): Response {
  const json = new TextEncoder().encode(JSON.stringify(head))
  const body = new Uint8Array(json.length + value.length)
  body.set(json)
  body.set(value, json.length)
  return new Response(body, {
    status,
    headers: { ...headers, 'cf-r2-metadata-size': String(json.length) },
  })
}
