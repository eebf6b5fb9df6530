/**
 * The exchange of a stream key: a new one for the same subject, and an end for the old one.
 *
 * The new key is bound before the old one is given its end, so a crash between the two locks nobody out. Under an
 * Idempotency-Key the new key and its id follow from it by the pepper: asked again, the same key is the answer although no key
 * is stored anywhere, and what was left half done is finished. Spec: docs/spec/api.md, "Stream keys".
 */
import { toBase64Url } from '../core/encoding.ts'
import { LivegateError } from '../core/errors.ts'
import { type EpochMs, epochMs } from '../core/time.ts'
import type { Clock, Pepper, Random, StreamKey, StreamKeys } from '../ports.ts'

/** Bytes of a generated key: 192 bits are 32 characters, far inside nginx-rtmp's 255 bytes for name and arguments. */
const KEY_BYTES = 24
const ID_BYTES = 16
const KEY_CHARS = 32
const ID_CHARS = 22

export interface RotationPorts {
  readonly clock: Clock
  readonly random: Random
  readonly pepper: Pepper
  readonly streamKeys: StreamKeys
}

export interface StreamKeyRotation {
  /** Of the key that goes. */
  readonly id: string
  /** How long it stays valid beside the new one. */
  readonly overlap_ms: number
  readonly caller: string
  /** The Idempotency-Key. */
  readonly idempotency_key?: string
}

export interface RotatedStreamKey {
  /** The only place the secret is shown. */
  readonly secret: string
  readonly key: StreamKey
  /** When the old one ends, or has ended. */
  readonly old_until: EpochMs
  /** True when it was made before, under the same Idempotency-Key. */
  readonly repeated: boolean
}

/** A generated key. */
export function newStreamKey(random: Random): { readonly id: string; readonly secret: string } {
  const secret = toBase64Url(random.bytes(KEY_BYTES))
  return { id: `sk_${toBase64Url(random.bytes(ID_BYTES))}`, secret }
}

/**
 * @throws LivegateError `not_found`; `conflict` for a key that is revoked or has been exchanged; `idempotency_mismatch` when the
 * Idempotency-Key was used with another overlap.
 */
export async function rotateStreamKey(
  ports: RotationPorts,
  request: StreamKeyRotation,
): Promise<RotatedStreamKey> {
  const { streamKeys, pepper, clock } = ports
  const old = await streamKeys.byId(request.id)
  if (old === null)
    throw new LivegateError('not_found', 'Cannot rotate stream key: there is none with this id')
  const { id, secret } = drawn(ports, request)
  const key_hash = pepper.hash('stream_key', secret)
  const made = await madeBefore(ports, request, { id, key_hash })
  const created_at = clock.now()
  const fresh = { id, subject: old.subject, key_hash, created_at, revoked_at: null }
  if (made === null) await bind(ports, request, { old, fresh })
  const key = made ?? (await streamKeys.byId(id)) ?? fresh
  const until = epochMs(key.created_at + request.overlap_ms)
  await streamKeys.revoke(old.id, until)
  const ended = (await streamKeys.byId(old.id))?.revoked_at ?? until
  return { secret, key, old_until: ended, repeated: made !== null }
}

function drawn(
  { random, pepper }: RotationPorts,
  { id, caller, overlap_ms, idempotency_key }: StreamKeyRotation,
): ReturnType<typeof newStreamKey> {
  if (idempotency_key === undefined) return newStreamKey(random)
  const asked = [caller, id, idempotency_key]
  return {
    id: `sk_${pepper.hash('rotated_key_id', JSON.stringify(asked)).slice(0, ID_CHARS)}`,
    secret: pepper.hash('rotated_key', JSON.stringify([...asked, overlap_ms])).slice(0, KEY_CHARS),
  }
}

async function madeBefore(
  { streamKeys, clock }: RotationPorts,
  { idempotency_key }: StreamKeyRotation,
  { id, key_hash }: { readonly id: string; readonly key_hash: string },
): Promise<StreamKey | null> {
  const made = idempotency_key === undefined ? null : await streamKeys.byId(id)
  if (made === null) return null
  if (made.key_hash !== key_hash)
    throw new LivegateError(
      'idempotency_mismatch',
      'Cannot use this Idempotency-Key: it was used with another overlap',
      { hint: 'use a new key for a new question' },
    )
  if (made.revoked_at !== null && made.revoked_at <= clock.now())
    throw new LivegateError('conflict', 'Cannot rotate stream key: the new one is revoked already')
  return made
}

async function bind(
  ports: RotationPorts,
  request: StreamKeyRotation,
  { old, fresh }: { readonly old: StreamKey; readonly fresh: StreamKey },
): Promise<void> {
  if (old.revoked_at !== null)
    throw new LivegateError('conflict', 'Cannot rotate stream key: it has an end already', {
      hint: 'list the keys of the subject; rotate one without `revoked_at`, or bind a new one',
    })
  if ((await ports.streamKeys.bind(fresh)).ok) return
  // Twins under one Idempotency-Key: the other one was first.
  if ((await madeBefore(ports, request, fresh)) !== null) return
  throw new LivegateError('conflict', 'Cannot rotate stream key: the new one is bound already')
}
