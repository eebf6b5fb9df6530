/**
 * Who asks: the secret a server shows, or its signature, before a byte of the body is read for what it says.
 *
 * An id nobody configured takes as long as a wrong secret. A signature counts once: what was seen is remembered for as
 * long as its instant would be accepted, in this process only (docs/media/README.md, "The hook").
 */
import { LRUCache } from 'lru-cache'
import { fromBase64, fromUtf8 } from '../../core/encoding.ts'
import type { Hasher } from '../../core/record/hashing.ts'
import type { EpochMs } from '../../core/time.ts'
import type { MediaDialect, SignedCall } from './dialect.ts'
import { splitForm, unescapeStrictly } from './form.ts'
import { bearerOf, ServerSecret } from './server-secret.ts'

export interface Proofs {
  /** True when the call comes from whoever has `secret`; null = there is no such server. */
  check(
    dialect: MediaDialect | null,
    call: SignedCall,
    whom: { readonly secret: ServerSecret | null; readonly now: EpochMs },
  ): boolean
}

/** At about 150 bytes each, 8 MB; a server that signs more than that in a minute is refused its oldest replays less. */
const MAX_SEEN = 50_000

/** Compared with when there is no such server, so that ids cannot be told by time. */
const NOBODY = new ServerSecret('')

export function createProofs(hasher: Pick<Hasher, 'digestText'>): Proofs {
  // It reserves its room at once, and most deployments have no server that signs.
  let signatures: LRUCache<string, EpochMs> | null = null
  return {
    check(dialect, call, { secret, now }) {
      const judge = secret ?? NOBODY
      if (dialect?.authenticate === undefined)
        return judge.matches(presented(dialect, call), hasher) && secret !== null
      const proof = dialect.authenticate(call, judge, now)
      if (!proof.ok || secret === null) return false
      if (proof.once === null) return true
      signatures ??= new LRUCache({ max: MAX_SEEN })
      const seen = signatures
      const id = `${dialect.kind} ${proof.once.id}`
      const until = seen.get(id)
      if (until !== undefined && now <= until) return false
      seen.set(id, proof.once.until)
      return true
    },
  }
}

/**
 * A bearer; from servers that can set no header also what their hook address holds: a password, which HTTP clients turn
 * into a Basic header, or the argument `secret`. Empty when there is none.
 */
function presented(dialect: MediaDialect | null, call: SignedCall): string {
  const authorization = call.header('authorization')
  const bearer = bearerOf(authorization)
  if (bearer !== '' || dialect?.capabilities.proof !== 'url') return bearer
  if (authorization !== null) return passwordOf(authorization)
  const [given, ...more] = splitForm(call.query).filter((field) => field.name === 'secret')
  return given === undefined || more.length > 0 ? '' : (unescapeStrictly(given.raw) ?? '')
}

function passwordOf(authorization: string): string {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]{1,700}={0,2})$/i.exec(authorization) ?? []
  const bytes = encoded === undefined ? null : fromBase64(encoded)
  const pair = bytes === null ? null : fromUtf8(bytes)
  return pair?.includes(':') ? pair.slice(pair.indexOf(':') + 1) : ''
}
