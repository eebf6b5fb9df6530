/**
 * Stream keys: what an encoder sends, bound to the subject it publishes for.
 *
 * A generated key is in one answer and nowhere else; only its keyed hash is stored. Facts that come with the key are
 * stored first, so that no key is bound whose subject is less known than the caller believes.
 */
import { toBase64Url } from '../../../core/encoding.ts'
import { LivegateError } from '../../../core/errors.ts'
import { formatInstant } from '../../../core/time.ts'
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { json, noContent } from '../reply.ts'
import { STREAM_KEY_BODY } from '../schemas.ts'

/** Bytes of a generated key: 192 bits are 32 characters, far inside nginx-rtmp's 255 bytes for name and arguments. */
const KEY_BYTES = 24
const ID_BYTES = 16
/** A key chosen by somebody should not be guessable: 22 characters of base64url are 128 bits. */
const LONG_ENOUGH = 22
const WARNING = `the key is shorter than ${LONG_ENOUGH} characters and may be guessed, expected a generated one`

/** `POST /v1/stream-keys`, `DELETE /v1/stream-keys/{id}`. */
export function mountStreamKeys(mount: Mount, deps: AppDeps): void {
  mount('POST /v1/stream-keys', (call) => bind(call, deps))
  mount('DELETE /v1/stream-keys/:id', (call) => revoke(call, deps))
}

async function bind(call: Call, deps: AppDeps): Promise<Response> {
  const { gate, clock, random, pepper, streamKeys } = deps
  const { value } = await readJson(call.c.req.raw)
  const { subject, key: chosen, facts } = read(STREAM_KEY_BODY, value, 'bind stream key')
  const key = chosen ?? toBase64Url(random.bytes(KEY_BYTES))
  const key_hash = pepper.hash('stream_key', key)
  if ((await streamKeys.byHash(key_hash)) !== null) throw taken()
  const created_at = clock.now()
  if (facts !== undefined) await gate.patchFacts(subject, facts, created_at)
  const id = `sk_${toBase64Url(random.bytes(ID_BYTES))}`
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

async function revoke(call: Call, { streamKeys, clock }: AppDeps): Promise<Response> {
  const id = call.c.req.param('id') ?? ''
  const known = ID.test(id) && (await streamKeys.revoke(id, clock.now()))
  if (!known)
    throw new LivegateError('not_found', 'Cannot revoke stream key: there is none with this id')
  return noContent(call)
}
