/**
 * What the contract suites share: a store under test, and records and changes that keep the callers' duties.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { textToBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import type { Strike } from '../../src/core/model.ts'
import type { Ed25519Jwk } from '../../src/core/record/groups.ts'
import { thumbprint } from '../../src/core/record/jwk.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { ed25519Signer, type NoteSigner, type NoteVerifier } from '../../src/core/tlog/note.ts'
import type {
  ApiKeys,
  Change,
  Directory,
  Erasures,
  Ledger,
  Log,
  OpenBroadcasts,
  SignedRecord,
  StreamKeys,
  SubjectState,
} from '../../src/ports.ts'

/** All ports of one store. */
export interface StoreUnderTest {
  readonly ledger: Ledger
  readonly directory: Directory
  /** Absent where each subject is a place of its own. */
  readonly broadcasts?: OpenBroadcasts
  /** Absent where a host cannot forget yet. */
  readonly erasures?: Erasures
  readonly streamKeys: StreamKeys
  readonly apiKeys: ApiKeys
  readonly log: Log
  /** Resolves when a checkpoint covers everything appended. */
  publish(): Promise<void>
  /** Closes and opens again, with nothing but what is durable; absent where nothing is. */
  reopen?(): Promise<StoreUnderTest>
  close(): Promise<void>
}
/** A store that is empty but for whatever its log begins with. */
export type CreateStore = () => Promise<StoreUnderTest>

export const ORIGIN = 'gate.example/log/contract'
export const T0: EpochMs = epochMs(Date.UTC(2026, 10, 20, 12))

export function later(ms: number): EpochMs {
  return epochMs(T0 + ms)
}

/** An id as the gate makes them: the second, then randomness. */
export function newId(at: EpochMs = T0): string {
  const bytes = new Uint8Array(randomBytes(16))
  new DataView(bytes.buffer).setUint32(0, Math.floor(at / 1000))
  return toBase64Url(bytes)
}

/** A record that is no real JWS but has the shape storage looks at. */
export function aRecord(
  given: Partial<SignedRecord> & { readonly claims?: object } = {},
): SignedRecord {
  const { claims, ...rest } = given
  const id = given.id ?? newId()
  const kind = given.kind ?? 'decision'
  const payload = textToBase64Url(JSON.stringify({ jti: id, ...claims }))
  const jws = given.jws ?? `${textToBase64Url(`{"typ":"livegate-${kind}+jwt"}`)}.${payload}.c2ln`
  const openings = kind === 'key' || kind === 'policy' ? {} : { chain: 'Y2hhaW4', facts: 'ZmFjdHM' }
  return { id, kind, jws, leaf: leafHash(utf8(jws)), openings, ...rest }
}

/** A key record, and the name it can be required by. */
export function aKeyRecord(): {
  readonly record: SignedRecord
  readonly name: string
  readonly jwk: Ed25519Jwk
} {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(randomBytes(32)) } as const
  const claims = { jwk, use: 'record', status: 'active' }
  return { record: aRecord({ kind: 'key', claims }), name: thumbprint(jwk), jwk }
}

/** The records of a policy in `of` parts, and its digest. */
export function aPolicy(of: number): { readonly records: SignedRecord[]; readonly digest: string } {
  const digest = `sha256-${createHash('sha256').update(randomBytes(8)).digest('base64url')}`
  const records = Array.from({ length: of }, (_, i) =>
    aRecord({ kind: 'policy', claims: { digest, part: i + 1, of, text: 'dGV4dA' } }),
  )
  return { records, digest }
}

/** A change that logs one decision and nothing else. */
export function aDecision(
  subject: string,
  state: SubjectState,
  given: Partial<Change> = {},
): Change {
  return {
    ...aChange(subject, state),
    record: aRecord(),
    decision: { outcome: 'allow', mode: null, rules: ['default'] },
    ...given,
  }
}

/** A change without effect: add one. */
export function aChange(subject: string, state: SubjectState, given: Partial<Change> = {}): Change {
  const { seq, head, version, pseudonym } = state
  return {
    subject,
    at: T0,
    expect: { seq, head, version },
    pseudonym: pseudonym ?? toBase64Url(randomBytes(16)),
    record: null,
    requires: [],
    bumps_version: false,
    ...given,
  }
}

export function aStrike(subject: string, given: Partial<Strike> = {}): Strike {
  return {
    id: `s-${randomBytes(6).toString('hex')}`,
    subject,
    category: 'hate.speech',
    severity: 'high',
    weight: 1,
    issued_at: T0,
    effective_at: T0,
    scope: 'any',
    status: 'active',
    ...given,
  }
}

/** A change that records a strike. */
export function aStrikeChange(subject: string, state: SubjectState, strike: Strike): Change {
  const record = aRecord({ kind: 'strike' })
  return aChange(subject, state, { record, strike, bumps_version: true })
}

/** Loads, builds a change on what was loaded, commits. */
export async function commitTo(
  ledger: Ledger,
  subject: string,
  change: (state: SubjectState) => Change,
): ReturnType<Ledger['commit']> {
  return ledger.commit(change(await ledger.load(subject)))
}

/** A fresh checkpoint key for `name`, both halves. */
export function noteKey(name: string = ORIGIN): { signer: NoteSigner; verifier: NoteVerifier } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'))
  const signer = ed25519Signer({
    name,
    publicKey: raw,
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  })
  const verifier: NoteVerifier = { name, keyId: signer.keyId, verify: () => true }
  return { signer, verifier }
}
