/**
 * Verifies the signatures of a bundle whose records have been scanned: the physical limit of an audit.
 *
 * The scan has parsed every record strictly and reports whatever is wrong with its form; so here a record is only cut at
 * its dots. An entry that the scan could not read, names no known key or one that is not in force is passed over: the audit
 * has a finding for each of these.
 */
import type { Finding } from '../../core/audit/findings.ts'
import type { RangeResult } from '../../core/audit/range.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import type { BundlePart } from './bundle-scan.ts'
import { ed25519Key, verifyWith } from './ed25519.ts'

/** `keys`: `audit.keys()` after the audit has seen these entries; `unreadable`: places of those the scan refused. */
export function verifyBundle(
  bytes: Uint8Array,
  { first_index, width, skip }: BundlePart,
  { keys, unreadable }: Asked,
): RangeResult {
  const entries = decodeBundle(bytes, width)
  const ring = new Map(
    keys.map((key) => [key.kid, { ...key, host: ed25519Key(key.public_key) }] as const),
  )
  const findings: Finding[] = []
  let verified = 0
  for (const [i, entry] of (entries.ok ? entries.value.slice(skip) : []).entries()) {
    const index = first_index + i
    const cut = unreadable.has(i) ? null : cutRecord(entry)
    const key = cut === null ? undefined : ring.get(cut.kid)
    if (cut === null || key === undefined || !isInForce(key, index)) continue
    if (verifyWith(key.host, cut.signed, cut.signature)) verified++
    else
      findings.push({
        code: 'signature',
        index,
        message: `The signature of this record is not by key ${key.kid} over its bytes`,
      })
  }
  return { first_index, verified, findings }
}

interface Asked {
  readonly keys: readonly RecordKey[]
  readonly unreadable: ReadonlySet<number>
}

function isInForce(key: RecordKey, index: number): boolean {
  return index >= key.from && (key.until === null || index < key.until)
}

const DOT = 0x2e

/** `signed.signature` of a compact JWS, and the key its header names. */
function cutRecord(
  entry: Uint8Array,
): { readonly kid: string; readonly signed: Uint8Array; readonly signature: Uint8Array } | null {
  const first = entry.indexOf(DOT)
  const last = entry.lastIndexOf(DOT)
  if (first < 0 || first === last) return null
  const kid = kidOf(viewOf(entry, 0, first))
  if (kid === null) return null
  const signature = Buffer.from(
    viewOf(entry, last + 1, entry.length).toString('latin1'),
    'base64url',
  )
  return { kid, signed: entry.subarray(0, last), signature }
}

function viewOf(bytes: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
}

/** A log has a header per kind and key; hostile ones must not fill the memory. */
const kids = new Map<string, string | null>()
const MAX_KIDS = 1024

/** Most records have the header of the one before them. */
let before: { readonly header: Buffer; readonly kid: string | null } | null = null

function kidOf(header: Buffer): string | null {
  if (before?.header.equals(header)) return before.kid
  const kid = kidIn(header.toString('latin1'))
  before = { header: Buffer.from(header), kid }
  return kid
}

function kidIn(header: string): string | null {
  const known = kids.get(header)
  if (known !== undefined) return known
  let kid: string | null = null
  try {
    const value = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid?: unknown }
    kid = typeof value?.kid === 'string' ? value.kid : null
  } catch {
    kid = null
  }
  if (kids.size >= MAX_KIDS) kids.clear()
  kids.set(header, kid)
  return kid
}
