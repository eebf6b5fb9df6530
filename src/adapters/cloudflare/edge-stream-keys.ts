/**
 * The StreamKeys port over directory objects: a key lies under its hash, and its id says under which.
 *
 * The row by hash *is* the key: it alone admits and is revoked. The row by id is written before it, so that no key
 * admits that cannot be revoked by its id; one that a crash left without a key points to nothing and means nothing. A
 * repeated bind writes a new id row and either finds the hash free or `taken`; a repeated revocation ends where it ended.
 */

import { MAX_STREAM_KEYS_LISTED } from '../../core/limits.ts'
import type { Pepper, StreamKey, StreamKeys } from '../../ports.ts'
import { directoryName, slicesOf } from './names.ts'
import { type DirectoryRpc, opened } from './rpc.ts'
import { each } from './subject-elsewhere.ts'

export interface StreamKeyParts {
  readonly pepper: Pepper
  /** The directory object of a name. */
  readonly directoryOf: (
    name: string,
  ) => Pick<
    DirectoryRpc,
    'bindStreamKey' | 'unbindStreamKey' | 'streamKey' | 'revokeStreamKey' | 'streamKeysOf'
  >
}

export function createEdgeStreamKeys({ pepper, directoryOf }: StreamKeyParts): StreamKeys {
  const slice = (name: string): ReturnType<typeof directoryOf> =>
    directoryOf(directoryName(pepper, 'key', name))

  const byHash = (hash: string): Promise<StreamKey | null> =>
    opened(slice(hash).streamKey('hash', hash))

  async function byId(id: string): Promise<StreamKey | null> {
    const pointer = await opened(slice(id).streamKey('id', id))
    const key = pointer === null ? null : await byHash(pointer.key_hash)
    return key?.id === id ? key : null
  }

  return {
    byHash,
    byId,
    async bind(key) {
      const { id, key_hash } = key
      if ((await opened(slice(id).bindStreamKey('id', key))) === 'taken')
        return { ok: false, error: 'taken' }
      if ((await opened(slice(key_hash).bindStreamKey('hash', key))) === 'ok') return { ok: true }
      await opened(slice(id).unbindStreamKey('id', id))
      return { ok: false, error: 'taken' }
    },
    async list(subject) {
      const found = await each(slicesOf('key'), (name) =>
        opened(directoryOf(name).streamKeysOf(subject)),
      )
      return found
        .flat()
        .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
        .slice(0, MAX_STREAM_KEYS_LISTED + 1)
    },
    async revoke(id, at) {
      const key = await byId(id)
      if (key === null) return false
      return opened(slice(key.key_hash).revokeStreamKey('hash', key.key_hash, at))
    },
  }
}
