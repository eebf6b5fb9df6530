/**
 * Issues records: checks a draft against the claims table, commits to its groups, signs once.
 *
 * The bytes made here are the log entry and are never re-serialised; they must not leave the process before they are
 * durable in the log (G1). Signer and randomness are injected: core has neither keys nor entropy. This is the hot
 * path: one JSON.stringify per group, header text prepared per kind, one buffer for the bytes.
 * From: drafts.ts. Next: parse.ts and verify.ts, the way back.
 */
import { textToBase64Url, toBase64Url } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { MAX_ENTRY_BYTES, MMD_S } from '../limits.ts'
import { claimCheck } from './claims.ts'
import { discloseAll, SALT_BYTES } from './disclosure.ts'
import type { RecordDraft } from './drafts.ts'
import type { GroupValues, Openings } from './groups.ts'
import { type Hasher, leafInput, portableHasher } from './hashing.ts'
import {
  GROUP_NAMES,
  type GroupName,
  isChainKind,
  RECORD_KINDS,
  type RecordKind,
  typOf,
} from './kinds.ts'

/**
 * A private Ed25519 key somewhere. `kid` is the RFC 7638 thumbprint of its public key (jwk.ts). It may become another key
 * between two records: `kid` is read in the same turn of the event loop in which `sign` is called.
 */
export interface RecordSigner {
  readonly kid: string
  /** Ed25519 signature over `bytes`: 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface IssuerOptions {
  /** `iss` of every record. */
  readonly issuer: string
  /** Version of the semantics; `ENGINE` of the policy engine in use. */
  readonly engine: string
  /** Origin of the log the records go to. */
  readonly log: string
  readonly signer: RecordSigner
  /** Cryptographically strong random bytes, `count` of them. */
  readonly random: (count: number) => Uint8Array
  /** A faster SHA-256 of the host; the portable one unless given. */
  readonly hasher?: Hasher
}

/** A signed record, not yet in any log. */
export interface IssuedRecord {
  readonly kind: RecordKind
  /** The key that signed it. */
  readonly kid: string
  /** Id of the record; of a decision: the decision's id. */
  readonly jti: string
  readonly iat: number
  /** Compact JWS. */
  readonly jws: string
  /** The ASCII bytes of `jws`: the log's entry. */
  readonly bytes: Uint8Array
  /** Leaf hash of `bytes`, 32 bytes. */
  readonly leaf: Uint8Array
  /** Disclosure texts by group; empty for kinds outside the chains. */
  readonly openings: Openings
}

/** Time, and an id where the caller needs to know it beforehand (22 characters of base64url, 128 random bits). */
export interface IssueTime {
  /** Whole seconds since 1970. */
  readonly iat_s: number
  readonly jti?: string
}

/**
 * Signs a draft. Throws LivegateError (`internal`) when the draft does not fit the claims table: a bug, never input.
 * Throws `conflict` when the record would exceed 7,168 bytes.
 */
export type Issue = (draft: RecordDraft, time: IssueTime) => Promise<IssuedRecord>

const encoder = new TextEncoder()
/** The dot, and 64 bytes in base64url. */
const SIGNATURE_CHARS = 87

/** Makes the function that issues the records of one log under one key. */
export function createIssuer(options: IssuerOptions): Issue {
  const { issuer, engine, log, signer, random, hasher = portableHasher } = options
  let headers: Headers | null = null

  return async function issue(draft, time) {
    const { kind, claims, groups } = draft
    checkGroups(kind, groups)
    const openings = groups === null ? {} : discloseAll(groups, random(SALT_BYTES * 5))
    const jti = time.jti ?? toBase64Url(random(SALT_BYTES))
    const iat = time.iat_s
    const payload = {
      iss: issuer,
      jti,
      iat,
      ...claims,
      engine,
      log,
      mmd: MMD_S,
      ...(groups === null ? {} : commitments(openings, hasher)),
    }
    require(kind, 'public', payload)
    const { kid } = signer
    if (headers?.kid !== kid) headers = headersOf(kid)
    const signed = `${headers.of.get(kind)}.${textToBase64Url(JSON.stringify(payload))}`
    requireSize(kind, signed.length + SIGNATURE_CHARS)
    // One buffer for what is signed, logged and hashed.
    const input = leafInput(signed, SIGNATURE_CHARS)
    const signature = await signer.sign(input.subarray(1, 1 + signed.length))
    const end = `.${toBase64Url(signature)}`
    encoder.encodeInto(end, input.subarray(1 + signed.length))
    const jws = signed + end
    const bytes = input.subarray(1)
    return { kind, kid, jti, iat, jws, bytes, leaf: hasher.digest(input), openings }
  }
}

interface Headers {
  readonly kid: string
  readonly of: ReadonlyMap<RecordKind, string>
}

function headersOf(kid: string): Headers {
  return { kid, of: new Map(RECORD_KINDS.map((kind) => [kind, headerText(kind, kid)])) }
}

function headerText(kind: RecordKind, kid: string): string {
  return textToBase64Url(JSON.stringify({ alg: 'Ed25519', typ: typOf(kind), kid }))
}

/** `_sd` is sorted, so that the place of a digest says nothing about its group. */
function commitments(openings: Openings, hasher: Hasher): object {
  const digests = Object.values(openings).map((text) => hasher.digestText(text))
  return { _sd: digests.sort(), _sd_alg: 'sha-256' }
}

function checkGroups(kind: RecordKind, groups: GroupValues | null): void {
  if (isChainKind(kind) !== (groups !== null))
    throw new LivegateError(
      'internal',
      `Cannot issue a ${kind} record: ${groups === null ? 'its groups are missing' : 'it has no groups'}`,
    )
  if (groups !== null) for (const name of GROUP_NAMES) require(kind, name, groups[name])
}

function require(kind: RecordKind, where: 'public' | GroupName, value: object): void {
  const fault = claimCheck(kind, where)(value)
  if (fault === null) return
  const state =
    fault.problem === 'unknown'
      ? 'is not classified'
      : fault.problem === 'missing'
        ? 'is missing'
        : `is malformed, expected ${fault.expected}`
  throw new LivegateError(
    'internal',
    `Cannot issue a ${kind} record: claim \`${fault.path.slice(0, 128)}\` (${where}) ${state}`,
  )
}

function requireSize(kind: RecordKind, length: number): void {
  if (length > MAX_ENTRY_BYTES)
    throw new LivegateError(
      'conflict',
      `Cannot issue a ${kind} record: it has ${length} bytes, expected at most ${MAX_ENTRY_BYTES}`,
    )
}
