/**
 * Signs a record anew that nobody was ever told of: the same contents under another key, and behind another record if need be.
 *
 * For a host whose log did not take a record before its key ended. Every claim and every disclosure stays as it is, but for the
 * hash of the record before, where that was signed anew as well; its group then gets a fresh salt. Whoever calls this knows
 * that the old bytes are in no log and never will be. From: issue.ts. Spec: docs/spec/record.md, "Keys".
 */
import { textFromBase64Url, textToBase64Url, toBase64Url } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { discloseGroup, SALT_BYTES } from './disclosure.ts'
import type { ChainGroup, Openings } from './groups.ts'
import { type Hasher, leafOf, portableHasher } from './hashing.ts'
import type { RecordSigner } from './issue.ts'
import { parseJson } from './json.ts'

/** A record of ours as it is stored. */
export interface Renewable {
  /** Compact JWS. */
  readonly jws: string
  readonly openings: Openings
}

export interface Renewed extends Renewable {
  readonly leaf: Uint8Array
}

export interface RenewalOptions {
  readonly signer: RecordSigner
  readonly random: (count: number) => Uint8Array
  readonly hasher?: Hasher
}

const encoder = new TextEncoder()

/**
 * `prev`: leaf hash of the record before, where that has another one now; null where it has not. Throws `internal` for what no
 * issuer of ours has made.
 */
export async function renewRecord(
  record: Renewable,
  prev: string | null,
  { signer, random, hasher = portableHasher }: RenewalOptions,
): Promise<Renewed> {
  const [header = '', payload = ''] = record.jws.split('.')
  const moved = prev === null ? null : behind(record, prev, random(SALT_BYTES))
  const claims = moved === null ? payload : recommitted(payload, record, moved, hasher)
  const { kid } = signer
  const signed = `${renamed(header, kid)}.${claims}`
  const signature = await signer.sign(encoder.encode(signed))
  const jws = `${signed}.${toBase64Url(signature)}`
  const openings = moved === null ? record.openings : { ...record.openings, chain: moved }
  return { jws, openings, leaf: leafOf(encoder.encode(jws), hasher) }
}

function renamed(header: string, kid: string): string {
  return textToBase64Url(JSON.stringify({ ...objectIn(textFromBase64Url(header)), kid }))
}

/** The disclosure of its place, behind another record. */
function behind({ openings }: Renewable, prev: string, salt: Uint8Array): string {
  const chain = parseJson(textFromBase64Url(openings.chain ?? '') ?? '')
  if (!Array.isArray(chain) || chain.length !== 3) throw notOurs()
  return discloseGroup('chain', { ...(chain[2] as ChainGroup), prev }, salt)
}

function recommitted(
  payload: string,
  { openings }: Renewable,
  moved: string,
  hasher: Hasher,
): string {
  const claims = objectIn(textFromBase64Url(payload))
  const gone = hasher.digestText(openings.chain ?? '')
  const digests = claims._sd
  if (!Array.isArray(digests) || !digests.includes(gone)) throw notOurs()
  const _sd = [...digests.filter((digest) => digest !== gone), hasher.digestText(moved)].sort()
  return textToBase64Url(JSON.stringify({ ...claims, _sd }))
}

function objectIn(text: string | null): Readonly<Record<string, unknown>> {
  const value = parseJson(text ?? '')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notOurs()
  return value as Readonly<Record<string, unknown>>
}

function notOurs(): LivegateError {
  return new LivegateError(
    'internal',
    'Cannot sign a record anew: its bytes cannot be read, expected a record of this host',
  )
}
