/** What an auditor has: the keys a host serves, and a verifier that every runtime brings. */
import { expect } from 'vitest'
import { type KeyRing, keyRing, parseJwks } from '../../src/core/record/jwk.ts'
import type { VerifyEd25519 } from '../../src/core/record/verify.ts'
import { type OpenedCheckpoint, openCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { ed25519Verifier, type NoteVerifier } from '../../src/core/tlog/note.ts'
import { type Host, send } from './host.ts'

/** Ed25519 of the runtime. */
export const verifyEd25519: VerifyEd25519 = async (publicKey, message, signature) => {
  const name = 'Ed25519'
  const raw = new Uint8Array(publicKey)
  const key = await crypto.subtle.importKey('raw', raw, name, false, ['verify'])
  return crypto.subtle.verify(name, key, new Uint8Array(signature), new Uint8Array(message))
}

/** The record keys as served. */
export async function servedKeys(host: Host): Promise<KeyRing> {
  const { status, json, headers } = await send(host, { path: '/.well-known/jwks.json', as: null })
  expect([status, headers.get('content-type')]).toEqual([200, 'application/jwk-set+json'])
  const keys = parseJwks(json)
  if (!keys.ok) throw new Error(keys.error)
  return keyRing(keys.value)
}

/** One log of a host. */
export interface LogSeen {
  readonly shard: number
  readonly origin: string
  /** `/log` or `/log/<shard>`. */
  readonly path: string
}

export function logsOf({ origin, shards }: Host): readonly LogSeen[] {
  if (shards === 1) return [{ shard: 0, origin, path: '/log' }]
  return Array.from({ length: shards }, (_, shard) => ({
    ...{ shard, origin: `${origin}/${shard}` },
    path: `/log/${shard}`,
  }))
}

/** The log a receipt names. */
export function logNamed(host: Host, origin: string): LogSeen {
  const log = logsOf(host).find((one) => one.origin === origin)
  if (log === undefined) throw new Error(`a receipt names the log ${origin}`)
  return log
}

export async function servedVerifier(host: Host, { path }: LogSeen): Promise<NoteVerifier> {
  const { status, text } = await send(host, { path: `${path}/vkey`, as: null })
  expect([status, text.endsWith('\n')]).toEqual([200, true])
  const verifier = ed25519Verifier(text.slice(0, -1), verifyEd25519)
  if (!verifier.ok) throw new Error(verifier.error)
  return verifier.value
}

/** The newest checkpoint, its signature verified. */
export async function servedHead(
  host: Host,
  log: LogSeen,
): Promise<OpenedCheckpoint & { readonly note: string }> {
  const {
    status,
    text: note,
    headers,
  } = await send(host, { path: `${log.path}/checkpoint`, as: null })
  expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=1'])
  const verifiers = [await servedVerifier(host, log)]
  const head = await openCheckpoint({ note, origin: log.origin, verifiers })
  if (!head.ok) throw new Error(head.error)
  return { ...head.value, note }
}
