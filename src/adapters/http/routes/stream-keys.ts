/**
 * Stream keys: what an encoder sends, bound to the subject it publishes for.
 *
 * A generated key is in one answer and nowhere else; only its keyed hash is stored. Facts that come with the key are
 * stored first, so that no key is bound whose subject is less known than the caller believes.
 */
import { LivegateError } from '../../../core/errors.ts'
import { MAX_STREAM_KEYS_LISTED } from '../../../core/limits.ts'
import { formatInstant } from '../../../core/time.ts'
import { newStreamKey, rotateStreamKey } from '../../../gate/stream-key-rotation.ts'
import type { StreamKey } from '../../../ports.ts'
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import { idempotencyOf } from '../idempotency.ts'
import type { Call, Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { json, noContent } from '../reply.ts'
import { NO_QUERY, STREAM_KEY_BODY } from '../schemas.ts'
import { STREAM_KEY_ROTATION, STREAM_KEYS_QUERY } from '../stream-key-schemas.ts'

/** A key chosen by somebody should not be guessable: 22 characters of base64url are 128 bits. */
const LONG_ENOUGH = 22
const WARNING = `the key is shorter than ${LONG_ENOUGH} characters and may be guessed, expected a generated one`

/** `/v1/stream-keys` and below. */
export function mountStreamKeys(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/stream-keys', (call) => list(call, deps))
  mount('POST /v1/stream-keys/:id/rotation', (call) => rotate(call, deps))
  mount('POST /v1/stream-keys', (call) => bind(call, deps))
  mount('DELETE /v1/stream-keys/:id', (call) => revoke(call, deps))
}

async function bind(call: Call, deps: AppDeps): Promise<Response> {
  const { gate, clock, random, pepper, streamKeys } = deps
  const { value } = await readJson(call.c.req.raw)
  const { subject, key: chosen, facts } = read(STREAM_KEY_BODY, value, 'bind stream key')
  const { id, secret } = newStreamKey(random)
  const key = chosen ?? secret
  const key_hash = pepper.hash('stream_key', key)
  if ((await streamKeys.byHash(key_hash)) !== null) throw taken()
  const created_at = clock.now()
  if (facts !== undefined) await gate.patchFacts(subject, facts, created_at)
  const bound = await streamKeys.bind({ id, subject, key_hash, created_at, revoked_at: null })
  if (!bound.ok) throw taken()
  return json(
    call,
    {
      id,
      subject,
      created_at: formatInstant(created_at),
      ...(chosen === undefined ? { key } : {}),
      ...(key.length < LONG_ENOUGH ? { warning: WARNING } : {}),
    },
    201,
  )
}

function taken(): LivegateError {
  return new LivegateError('conflict', 'Cannot bind stream key: it is bound already', {
    hint: 'leave out `key` and a new one is generated',
  })
}

const ID = /^sk_[A-Za-z0-9_-]{22}$/

async function list(call: Call, { streamKeys }: AppDeps): Promise<Response> {
  const { subject } = readQuery(call.c, STREAM_KEYS_QUERY, 'list stream keys')
  const found = await streamKeys.list(subject)
  const more = found.length > MAX_STREAM_KEYS_LISTED
  const stream_keys = found.slice(0, MAX_STREAM_KEYS_LISTED).map(render)
  return json(call, { stream_keys, ...(more ? { more } : {}) })
}

function render({ id, subject, created_at, revoked_at }: StreamKey): object {
  return {
    ...{ id, subject, created_at: formatInstant(created_at) },
    ...(revoked_at === null ? {} : { revoked_at: formatInstant(revoked_at) }),
  }
}

async function rotate(call: Call, deps: AppDeps): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'rotate stream key')
  const { headers } = call.c.req.raw
  const { value, bytes } = await readJson(call.c.req.raw)
  const { overlap_s = 0 } = read(STREAM_KEY_ROTATION, value, 'rotate stream key')
  const idempotency = idempotencyOf(headers.get('idempotency-key'), bytes)
  const old = call.c.req.param('id') ?? ''
  const made = await rotateStreamKey(deps, {
    ...{ id: old, overlap_ms: overlap_s * 1000, caller: call.caller.id },
    ...(idempotency === undefined ? {} : { idempotency_key: idempotency.key }),
  })
  const { id, subject, created_at } = made.key
  const replaces = { id: old, revoked_at: formatInstant(made.old_until) }
  const body = { id, subject, created_at: formatInstant(created_at), key: made.secret, replaces }
  return json(call, body, made.repeated ? 200 : 201)
}

async function revoke(call: Call, { streamKeys, clock }: AppDeps): Promise<Response> {
  const id = call.c.req.param('id') ?? ''
  const known = ID.test(id) && (await streamKeys.revoke(id, clock.now()))
  if (!known)
    throw new LivegateError('not_found', 'Cannot revoke stream key: there is none with this id')
  return noContent(call)
}
