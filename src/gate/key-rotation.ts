/**
 * How one log gets from one key to the next, in steps that may each fail, hang or be cut short.
 *
 *     new key durable → its record in the log, signed by the old → it signs → overlap → the old one's end in the log → it goes
 *
 * The log is the truth: after an append that failed, what it holds is read again, because it may have happened all the
 * same; so a step that is repeated goes on where the last one ended. Records made while both keys are in force verify under
 * either. Where private keys lie is the host's (`KeyHolder`). Spec: docs/spec/record.md, "Keys". Next: signing.ts.
 */
import { LivegateError } from '../core/errors.ts'
import { MAX_PREDECESSOR_KEYS } from '../core/limits.ts'
import {
  type KeyClaims,
  type KeyUse,
  keysInForce,
  type LoggedKey,
} from '../core/record/key-history.ts'
import type { Signing } from './signing.ts'

/** The key a log goes on with. */
export interface NextKey {
  readonly kid: string
  /** Public half, base64url. */
  readonly x: string
}

/** Where a host's private keys are. */
export interface KeyHolder {
  /**
   * The key to come, durable when resolved; the same again until it has taken over. Rejects with `conflict` where somebody
   * has to provide it first.
   */
  prepare(use: KeyUse): Promise<NextKey>
  /** Lets go of private keys that have ended. Any number of times. */
  tidy(use: KeyUse, history: readonly LoggedKey[]): Promise<void>
}

export interface RotationParts {
  readonly holder: KeyHolder
  readonly signing: Pick<Signing, 'kids' | 'refresh'>
  /** Key records durably in the log. */
  readonly history: () => readonly LoggedKey[]
  /** Entries of the log. */
  readonly size: () => number
  /** Appends a key record signed by the key in use. A rejection says nothing about whether it happened. */
  readonly append: (claims: KeyClaims) => Promise<void>
  /** Resolves when what was signed before it was called is in the log or never will be. */
  readonly settle: () => Promise<void>
  /** Seconds since 1970. */
  readonly now_s: () => number
  /** How long a record key that others may still sign with stays in force beside the new one; 0 where none do. */
  readonly least_overlap_s: number
}

/** A wish about the keys of one log. */
export type KeyWish =
  | { readonly step: 'begin' | 'finish'; readonly use: KeyUse }
  | { readonly step: 'revoke'; readonly kid: string; readonly from: number | null }

/** True when the log has changed; false when it was so already. */
export type TakeKeyStep = (wish: KeyWish) => Promise<boolean>

/** One step at a time, in the order in which they are asked for. */
export function createKeyRotation(parts: RotationParts): TakeKeyStep {
  let last: Promise<unknown> = Promise.resolve()
  return (wish) => {
    const work = (): Promise<boolean> => take(parts, wish)
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }
}

async function take(parts: RotationParts, wish: KeyWish): Promise<boolean> {
  if (wish.step === 'revoke') return revoke(parts, wish)
  return wish.step === 'begin' ? begin(parts, wish.use) : finish(parts, wish.use)
}

/** The new key is in the log and signs. */
async function begin(parts: RotationParts, use: KeyUse): Promise<boolean> {
  const { holder, history } = parts
  const next = await holder.prepare(use)
  const known = history().find((key) => key.use === use && key.kid === next.kid)
  if (known !== undefined && known.status !== 'active')
    throw conflict(`key ${next.kid} was ${known.status}`, 'another new key')
  if (known !== undefined) {
    parts.signing.refresh()
    return false
  }
  requireRoom(history(), use)
  await put(parts, { jwk: jwkOf(next.x), use, status: 'active' })
  return true
}

/** Only the newest key that is here goes on. */
async function finish(parts: RotationParts, use: KeyUse): Promise<boolean> {
  const { signing, history, holder } = parts
  signing.refresh()
  const newest = signing.kids(use).at(-1)
  if (newest === undefined) throw conflict(`no ${use} key that is here is in force`)
  const old = keysInForce(history(), use).filter(({ kid }) => kid !== newest)
  if (old.length > 0) requireOverlap(parts, use, newest)
  await parts.settle()
  for (const { x } of old) await put(parts, { jwk: jwkOf(x), use, status: 'retired' })
  await holder.tidy(use, history())
  return old.length > 0
}

/** What the key signed from an index on proves nothing; when it is the only one that signs, another takes over first. */
async function revoke(
  parts: RotationParts,
  { kid, from }: Extract<KeyWish, { readonly step: 'revoke' }>,
): Promise<boolean> {
  const { history, signing, holder } = parts
  const key = history().find((known) => known.kid === kid)
  if (key === undefined)
    throw new LivegateError('not_found', `Cannot revoke key ${kid}: the log does not know it`)
  const { use, x } = key
  if (from !== null && from > parts.size())
    throw conflict(`the log has ${parts.size()} entries`, 'an index of the log as `from`')
  const end = from ?? key.until ?? Number.POSITIVE_INFINITY
  const done = key.status === 'revoked' && (key.until ?? 0) <= end
  if (!done) {
    signing.refresh()
    if (signing.kids(use).every((one) => one === kid)) await begin(parts, use)
    if (signing.kids(use).every((one) => one === kid))
      throw conflict('the key that would take over is the one to revoke', 'another new key')
    const at = from === null ? {} : { from }
    await put(parts, { jwk: jwkOf(x), use, status: 'revoked', ...at })
  }
  await holder.tidy(use, history())
  return !done
}

/** Into the log, unless the attempt that failed did so; then the log's word is taken up. */
async function put(parts: RotationParts, claims: KeyClaims): Promise<void> {
  try {
    await parts.append(claims)
  } catch (error) {
    if (!isIn(parts.history(), claims)) throw error
  }
  parts.signing.refresh()
}

function isIn(history: readonly LoggedKey[], { jwk, use, status, from }: KeyClaims): boolean {
  const key = history.find((known) => known.use === use && known.x === jwk.x)
  if (key?.status !== status) return false
  return from === undefined || (key.until ?? Number.POSITIVE_INFINITY) <= from
}

/** A log that goes on from this one names all its record keys in one record. */
function requireRoom(history: readonly LoggedKey[], use: KeyUse): void {
  const kept = history.filter((key) => key.use === 'record' && key.status !== 'revoked').length
  if (use === 'record' && kept >= MAX_PREDECESSOR_KEYS)
    throw conflict(`the log has had ${kept} record keys`, 'a new log: move the deployment')
}

function requireOverlap(parts: RotationParts, use: KeyUse, newest: string): void {
  const { least_overlap_s, history, now_s } = parts
  const key = history().find((known) => known.use === use && known.kid === newest)
  const left = (key?.since_s ?? 0) + least_overlap_s - now_s()
  if (use !== 'record' || left <= 0) return
  throw new LivegateError(
    'conflict',
    `Cannot finish the rotation: the new key signs for less than ${least_overlap_s} s`,
    {
      retry_after_s: Math.ceil(left),
      hint: 'Records signed by the old key may still be on their way.',
    },
  )
}

function jwkOf(x: string): KeyClaims['jwk'] {
  return { kty: 'OKP', crv: 'Ed25519', x }
}

function conflict(state: string, expected?: string): LivegateError {
  const wish = expected === undefined ? '' : `, expected ${expected}`
  return new LivegateError('conflict', `Cannot change keys: ${state}${wish}`)
}
