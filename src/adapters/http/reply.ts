/**
 * Successful answers: one JSON.stringify, one Response, nothing a cache may keep unless it says so.
 *
 * Headers are a plain record because Hono's Node adapter then writes them without building a Headers object.
 */
import type { Call } from './mount.ts'

/** JSON that belongs to this caller only. */
export function json(call: Call, body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...call.headers,
    },
  })
}

/** Nothing to say. */
export function noContent(call: Call): Response {
  return new Response(null, {
    status: 204,
    headers: { 'cache-control': 'no-store', ...call.headers },
  })
}

/** Text or bytes with their own media type and caching. */
export function raw(
  call: Call,
  body: string | Uint8Array,
  options: { readonly type: string; readonly cache: string },
): Response {
  return new Response(body as BodyInit, {
    status: 200,
    headers: {
      'content-type': options.type,
      'cache-control': options.cache,
      'x-content-type-options': 'nosniff',
      ...call.headers,
    },
  })
}

/** For bytes that never change under their path: one year, and no revalidation. */
export const IMMUTABLE = 'public, max-age=31536000, immutable'
/** The same for bytes that only some may see. */
export const IMMUTABLE_PRIVATE = 'private, max-age=31536000, immutable'

/** The same call, its answer readable by scripts of any web page; only for what everybody may see. */
export function published(call: Call): Call {
  return { ...call, headers: { ...call.headers, 'access-control-allow-origin': '*' } }
}
