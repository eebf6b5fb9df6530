/**
 * From what a publisher sent to whose broadcast it is. The key itself goes no further than this file.
 *
 * Without a known subject there is no outcome: the call is refused, counted, and not logged. The stream of every
 * decision is the stream key's id, or a keyed hash of an upstream's name, so that holds and refusals follow the
 * stream and not the session.
 */
import type { SubjectId } from '../../core/model.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Pepper, StreamKeys } from '../../ports.ts'
import type { Refusal, StartEvent } from './dialect.ts'
import type { GuessLimit } from './guess-limit.ts'
import type { MediaServer } from './servers-file.ts'

export interface Resolved {
  readonly subject: SubjectId
  readonly stream: string
  /** Null = the stream keeps the name the publisher used. */
  readonly playback_name: string | null
}

export interface Lookup {
  readonly streamKeys: StreamKeys
  readonly pepper: Pepper
  readonly guesses: GuessLimit
}

export async function resolveSubject(
  lookup: Lookup,
  server: MediaServer,
  event: StartEvent,
  now: EpochMs,
): Promise<Result<Resolved, Refusal>> {
  if (server.app !== null && event.app !== server.app) return err('wrong_app')
  if (server.subject_from === 'name') return byName(lookup.pepper, server, event.name)
  const secret = server.playback === 'pair' ? credentialOf(event) : event.name
  if (secret === null) return err('no_key')
  if (lookup.guesses.blocked(server.id, event.client_ip, now)) return err('rate_limited')
  const keyHash = lookup.pepper.hash('stream_key', secret)
  const key = await lookup.streamKeys.byHash(keyHash)
  if (key === null) {
    const guess = { server: server.id, address: event.client_ip, key_hash: keyHash, now }
    lookup.guesses.missed(guess)
    return err('unknown_key')
  }
  if (key.revoked_at !== null && key.revoked_at <= now) return err('revoked_key')
  const playback = playbackName(key.id)
  // Else whoever has a key could take the name of somebody else.
  if (server.playback === 'pair' && event.name !== playback) return err('wrong_name')
  const renamed = server.playback === 'rename' ? playback : null
  return ok({ subject: key.subject, stream: key.id, playback_name: renamed })
}

/** The key beside the name: where the dialect found it, else the argument `key`, which may be there once. */
function credentialOf({ credential, args }: StartEvent): string | null {
  if (credential) return credential
  const [key, ...more] = args.filter(([name]) => name === 'key')
  return more.length > 0 ? null : key?.[1] || null
}

/** What viewers ask for: as stable as the key's id, and plainly no secret. */
export function playbackName(streamKeyId: string): string {
  return `live_${streamKeyId.replace(/^sk_/, '')}`
}

const PUBLIC_NAME = /^live_([A-Za-z0-9_-]{22})$/

/** The stream a public name stands for; null for every other name. */
export function streamOfPlayback(name: string): string | null {
  const id = PUBLIC_NAME.exec(name)?.[1]
  return id === undefined ? null : `sk_${id}`
}

/** `.` and `..` cannot stand in a path of the API: a subject that nobody could ever record a strike for. */
function byName(pepper: Pepper, server: MediaServer, name: string): Result<Resolved, Refusal> {
  if (name === '.' || name === '..') return err('malformed')
  return ok({ subject: name, stream: streamOfName(pepper, server, name), playback_name: null })
}

/** The stream of a name that an upstream has checked. */
export function streamOfName(pepper: Pepper, server: MediaServer, name: string): string {
  return `sn_${pepper.hash('stream_name', JSON.stringify([server.id, name])).slice(0, 22)}`
}
