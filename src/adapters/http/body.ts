/**
 * Reads request bodies strictly: one body has one meaning, and no body can hurt.
 *
 * The size is bounded while the bytes arrive, UTF-8 must be well-formed, a byte order mark is refused, nesting is
 * bounded before parsing, and a member named twice is refused (JSON.parse would silently keep the last, a proxy in
 * front perhaps the first). What the members mean is schemas.ts's. Spec: docs/spec/api.md, "Bodies".
 */
import { fromUtf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { MAX_BODY_BYTES, MAX_JSON_DEPTH } from '../../core/limits.ts'

export interface JsonBody {
  /** Exactly what was sent; the fingerprint of an Idempotency-Key is over these. */
  readonly bytes: Uint8Array
  readonly value: unknown
}

/** The JSON body of a request. Throws LivegateError `unsupported_media_type`, `body_too_large` or `invalid_request`. */
export async function readJson(
  request: Request,
  limit: number = MAX_BODY_BYTES,
): Promise<JsonBody> {
  requireJsonType(request.headers.get('content-type'))
  requireNoEncoding(request.headers)
  const bytes = await readBytes(request, limit)
  return { bytes, value: parseJson(bytes) }
}

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i

function requireJsonType(type: string | null): void {
  if (type === 'application/json' || (type !== null && JSON_TYPE.test(type))) return
  throw new LivegateError(
    'unsupported_media_type',
    'Cannot read body: its Content-Type is something else, expected application/json in UTF-8',
  )
}

/** Bodies come as they are. */
export function requireNoEncoding(headers: Headers): void {
  const encoding = headers.get('content-encoding')
  if (encoding === null || encoding === 'identity') return
  throw new LivegateError(
    'unsupported_media_type',
    'Cannot read body: it has a Content-Encoding, expected none',
  )
}

/** At most `limit` bytes of a body; throws `body_too_large` as soon as it is known to be longer. */
export async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const length = request.headers.get('content-length')
  if (length === null) return readStream(request, limit)
  // A declared length bounds what an HTTP server hands over, so the whole body can be taken in one read.
  if (!/^\d{1,15}$/.test(length) || Number(length) > limit) throw tooLarge(limit)
  const bytes = new Uint8Array(await arrived(request.arrayBuffer()))
  if (bytes.length > limit) throw tooLarge(limit)
  return bytes
}

async function readStream(request: Request, limit: number): Promise<Uint8Array> {
  const { body } = request
  if (body === null) return new Uint8Array(0)
  const reader = body.getReader()
  const bytes = new Uint8Array(limit)
  let length = 0
  for (;;) {
    const { done, value } = await arrived(reader.read())
    if (done) return bytes.slice(0, length)
    if (length + value.length > limit) {
      await reader.cancel().catch(() => undefined)
      throw tooLarge(limit)
    }
    bytes.set(value, length)
    length += value.length
  }
}

/** A caller who hangs up halfway is no failure of the server, and must not fill its log. */
async function arrived<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch {
    throw invalid('it ended early')
  }
}

function tooLarge(limit: number): LivegateError {
  return new LivegateError('body_too_large', `Cannot read body: it has more than ${limit} bytes`)
}

/** The value of strict JSON text. Throws `invalid_request`; messages never quote the text. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw invalid('it is empty, expected JSON')
  const text = fromUtf8(bytes)
  if (text === null) throw invalid('it is not well-formed UTF-8')
  if (text.charCodeAt(0) === 0xfeff) throw invalid('it starts with a byte order mark')
  const { depth, members } = measure(bytes)
  if (depth > MAX_JSON_DEPTH) throw invalid(`it is nested deeper than ${MAX_JSON_DEPTH} levels`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid('it is not JSON')
  }
  if (countMembers(value) !== members) throw invalid('an object names a member twice')
  return value
}

function invalid(state: string): LivegateError {
  return new LivegateError('invalid_request', `Cannot read body: ${state}`)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** Nesting and number of members, from the bytes outside strings; exact for text that is JSON. */
function measure(bytes: Uint8Array): { readonly depth: number; readonly members: number } {
  let depth = 0
  let level = 0
  let members = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) i = endOfString(bytes, i)
    else if (byte === COLON) members++
    else if (byte === 0x7b || byte === 0x5b) {
      level++
      if (level > depth) depth = level
    } else if (byte === 0x7d || byte === 0x5d) level--
  }
  return { depth, members }
}

function endOfString(bytes: Uint8Array, start: number): number {
  let i = start + 1
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
  return i
}

/** Members that survived parsing: fewer than the text has when one was named twice. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) {
    let sum = 0
    for (const item of value) sum += countMembers(item)
    return sum
  }
  let sum = 0
  for (const member of Object.values(value)) sum += 1 + countMembers(member)
  return sum
}
