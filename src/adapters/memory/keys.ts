/**
 * The StreamKeys, ApiKeys and Policies ports in maps.
 */
import { LivegateError } from '../../core/errors.ts'
import { MAX_STREAM_KEYS_LISTED } from '../../core/limits.ts'
import { epochMs } from '../../core/time.ts'
import type { ActivePolicy, ApiKey, ApiKeys, Policies, StreamKey, StreamKeys } from '../../ports.ts'
import { type Fates, fated } from './contract.ts'
import type { OwnedKeys } from './erasures.ts'

export function createMemoryStreamKeys(fates: Fates): StreamKeys & { readonly owned: OwnedKeys } {
  const keys = new Map<string, StreamKey>()
  const find = (hash: string): StreamKey | undefined =>
    [...keys.values()].find((key) => key.key_hash === hash)
  const ofSubject = (subject: string): StreamKey[] =>
    [...keys.values()].filter((key) => key.subject === subject)
  return {
    owned: {
      count: (subject) => ofSubject(subject).length,
      drop: (subject) => {
        for (const { id } of ofSubject(subject)) keys.delete(id)
      },
    },
    bind: (key) =>
      fated(fates, 'stream_keys.bind', () => {
        if (keys.has(key.id) || find(key.key_hash) !== undefined)
          return { ok: false, error: 'taken' }
        keys.set(key.id, key)
        return { ok: true }
      }),
    byHash: (hash) => find(hash) ?? null,
    byId: (id) => keys.get(id) ?? null,
    list: (subject) =>
      ofSubject(subject)
        .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
        .slice(0, MAX_STREAM_KEYS_LISTED + 1),
    revoke: (id, at) =>
      fated(fates, 'stream_keys.revoke', () => {
        const key = keys.get(id)
        if (key !== undefined)
          keys.set(id, { ...key, revoked_at: epochMs(Math.min(key.revoked_at ?? at, at)) })
        return key !== undefined
      }),
  }
}

/** `create` rejects with `conflict` when the id is there already. */
export function createMemoryApiKeys(fates: Fates): ApiKeys {
  const keys = new Map<string, ApiKey>()
  return {
    create: (key) =>
      fated(fates, 'api_keys.create', () => {
        if (keys.has(key.id))
          throw new LivegateError('conflict', 'Cannot create API key: its id is taken')
        keys.set(key.id, key)
      }),
    byId: (id) => keys.get(id) ?? null,
    list: async () =>
      [...keys.values()].sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1)),
    revoke: (id, at) =>
      fated(fates, 'api_keys.revoke', () => {
        const key = keys.get(id)
        if (key !== undefined) keys.set(id, { ...key, revoked_at: key.revoked_at ?? at })
        return key !== undefined
      }),
  }
}

/** A policy that is active until another is set; its text must be in the log before. */
export function createMemoryPolicies(
  first: ActivePolicy,
): Policies & { activate(next: ActivePolicy): void } {
  let current = first
  return {
    active: () => current,
    activate: (next) => {
      current = next
    },
  }
}
