/**
 * Reads a record's bytes: everything that can be said without a key.
 *
 * Size, spelling, header, kind, and every public claim against the table. What comes back is *not verified*: the
 * signature, the key's validity and the expected issuer and log are verify.ts's. Spec: docs/spec/record.md,
 * "Verification", steps 1 to 5; RFC 8725 sections 3.1 and 3.11.
 */
import { fromBase64Url, textFromBase64Url } from '../encoding.ts'
import { MAX_ENTRY_BYTES } from '../limits.ts'
import { ok, type Result } from '../result.ts'
import { claimCheck } from './claims.ts'
import { type RecordFault, refuse } from './faults.ts'
import type { PublicClaims } from './groups.ts'
import { parseJson } from './json.ts'
import { kindOfTyp, type RecordKind } from './kinds.ts'
import { learn, readAlike } from './spelling.ts'

interface ReadOf<K extends RecordKind> {
  readonly kind: K
  readonly kid: string
  readonly claims: PublicClaims<K>
  /** `_sd`; empty for kinds without groups. */
  readonly digests: readonly string[]
}

/** What a record says, by kind. */
export type ReadRecord = { readonly [K in RecordKind]: ReadOf<K> }[RecordKind]

interface ParsedOf<K extends RecordKind> extends ReadOf<K> {
  readonly jws: string
  /** `header.payload`: what the signature covers. */
  readonly signed: string
  readonly signature: Uint8Array
}

/** A record as read, by kind. */
export type ParsedRecord = { readonly [K in RecordKind]: ParsedOf<K> }[RecordKind]

/** Reads one compact JWS. */
export function parseRecord(jws: string): Result<ParsedRecord, RecordFault> {
  const read = readRecord(jws)
  if (!read.ok) return read
  const end = jws.lastIndexOf('.')
  const signature = fromBase64Url(jws.slice(end + 1)) ?? new Uint8Array(0)
  return ok({ ...read.value, jws, signed: jws.slice(0, end), signature })
}

/** 64 bytes: the last character leaves four bits zero. */
const SIGNATURE = /^[A-Za-z0-9_-]{85}[AQgw]$/

/** As `parseRecord`, with the same checks, for who needs no signature; `textOf`: exactly `textFromBase64Url`. */
export function readRecord(
  jws: string,
  textOf: (text: string) => string | null = textFromBase64Url,
): Result<ReadRecord, RecordFault> {
  if (jws.length > MAX_ENTRY_BYTES)
    return refuse('too_large', `Cannot read a record: it has more than ${MAX_ENTRY_BYTES} bytes`)
  const first = jws.indexOf('.')
  const last = jws.lastIndexOf('.')
  if (first === last || jws.indexOf('.', first + 1) !== last)
    return refuse('malformed', 'Cannot read a record: expected header.payload.signature')
  const head = readHeader(jws, first)
  if (!head.ok) return head
  if (!SIGNATURE.test(jws.slice(last + 1)))
    return refuse(
      'malformed',
      'Cannot read a record: expected a signature of 64 bytes in base64url',
    )
  const { kind, kid } = head.value
  const claims = readClaims(kind, textOf(jws.slice(first + 1, last)))
  if (!claims.ok) return claims
  const { _sd: digests = [] } = claims.value
  // The check of `kind` has passed, so `claims` are that kind's.
  return ok({ kind, kid, claims: claims.value, digests } as ReadRecord)
}

/** The whole header: three members in this order and spelling, no other. */
const HEADER = /^\{"alg":"Ed25519","typ":"([a-z+-]{1,64})","kid":"([A-Za-z0-9_-]{43})"\}$/

type Header = { readonly kind: RecordKind; readonly kid: string }

/** A log has one header per kind and key, so good ones are remembered; forged ones must not fill the memory. */
const headers = new Map<string, Header>()
const MAX_HEADERS = 256

/** Of the record before: most have the header of that one. */
let before: { readonly part: string; readonly header: Header } | null = null

/** The header that ends before `end`. */
function readHeader(jws: string, end: number): Result<Header, RecordFault> {
  if (before?.part.length === end && jws.startsWith(before.part)) return ok(before.header)
  const part = jws.slice(0, end)
  const known = headers.get(part)
  if (known !== undefined) {
    before = { part, header: known }
    return ok(known)
  }
  const json = textFromBase64Url(part)
  if (json === null)
    return refuse('malformed', 'Cannot read a record: its header is not canonical base64url')
  const [, word, thumb] = HEADER.exec(json) ?? []
  const fits = word === undefined ? undefined : kindOfTyp(word)
  if (fits === undefined || thumb === undefined) return refuseHeader(parseJson(json))
  if (headers.size >= MAX_HEADERS) headers.clear()
  const header = { kind: fits, kid: thumb }
  headers.set(part, header)
  return ok(header)
}

/** Says what is wrong with a header that is not in the one form. */
function refuseHeader(header: unknown): Result<never, RecordFault> {
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    return refuse(
      'json',
      'Cannot read a record: its header is not a JSON object in its one spelling',
    )
  const { alg, typ, kid } = header as Readonly<Record<string, unknown>>
  if (alg !== 'Ed25519')
    return refuse('algorithm', 'Cannot read a record: expected alg Ed25519 and no other')
  if (typeof typ !== 'string' || kindOfTyp(typ) === undefined)
    return refuse('type_unknown', 'Cannot read a record: its typ names no known kind')
  if (typeof kid !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(kid))
    return refuse('header', 'Cannot read a record: its kid is not a thumbprint')
  return refuse('header', 'Cannot read a record: expected exactly alg, typ and kid in its header')
}

type AnyClaims = { readonly _sd?: readonly string[] }

function readClaims(kind: RecordKind, json: string | null): Result<AnyClaims, RecordFault> {
  if (json === null)
    return refuse('malformed', 'Cannot read a record: its payload is not canonical base64url')
  const alike = readAlike(kind, json)
  if (alike !== undefined) return sortedDigests(alike)
  const payload = parseJson(json)
  if (payload === undefined)
    return refuse('json', 'Cannot read a record: its payload is not JSON in its one spelling')
  const fault = claimCheck(kind, 'public')(payload)
  if (fault === null) {
    learn(kind, json, payload as Readonly<Record<string, unknown>>)
    return sortedDigests(payload as AnyClaims)
  }
  const claim = `claim \`${fault.path.slice(0, 128)}\` of a ${kind} record`
  if (fault.problem === 'unknown')
    return refuse('claim_unclassified', `Cannot read ${claim}: it is not classified`)
  if (fault.problem === 'missing') return refuse('claim_missing', `Cannot read ${claim}: missing`)
  return refuse('claim_malformed', `Cannot read ${claim}: malformed, expected ${fault.expected}`)
}

/** Any other order could tell which digest is whose; a repeated digest would let one group stand for two. */
function sortedDigests(claims: AnyClaims): Result<AnyClaims, RecordFault> {
  const digests = claims._sd ?? []
  for (let i = 1; i < digests.length; i++)
    if (!isBefore(digests[i - 1] ?? '', digests[i] ?? ''))
      return refuse('claim_malformed', 'Cannot read claim `_sd`: expected sorted, distinct digests')
  return ok(claims)
}

/** Whole texts that were cut out of another are slow to compare; nearly all differ in their first letter. */
function isBefore(a: string, b: string): boolean {
  const apart = a.charCodeAt(0) - b.charCodeAt(0)
  return apart === 0 ? a < b : apart < 0
}
