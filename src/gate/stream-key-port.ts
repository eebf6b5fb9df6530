/** Stream keys as the gate asks for them; part of the ports (ports.ts hands it on). */
import type { SubjectId } from '../core/model.ts'
import type { EpochMs } from '../core/time.ts'

/** A secret a publisher's encoder sends, bound to a subject; only its keyed hash is stored. */
export interface StreamKey {
  /** `sk_` + 22 characters; safe to show; the stream id of hook decisions. */
  readonly id: string
  readonly subject: SubjectId
  /** `HMAC-SHA256(pepper, key)`, base64url. */
  readonly key_hash: string
  readonly created_at: EpochMs
  /** From this instant on it admits nobody; may lie ahead. */
  readonly revoked_at: EpochMs | null
}

/** Durable when resolved. `bind` fails with `taken` when another key has the same hash. */
export interface StreamKeys {
  bind(
    key: StreamKey,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly error: 'taken' }>
  byHash(key_hash: string): Promise<StreamKey | null> | StreamKey | null
  byId(id: string): Promise<StreamKey | null> | StreamKey | null
  /** Those of a subject, newest first; at most MAX_STREAM_KEYS_LISTED and one more. */
  list(subject: SubjectId): Promise<readonly StreamKey[]> | readonly StreamKey[]
  /** False when there is no such key. `at` may lie ahead; of two instants the earlier one stays. */
  revoke(id: string, at: EpochMs): Promise<boolean>
}
