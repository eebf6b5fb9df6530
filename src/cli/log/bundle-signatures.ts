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
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const findings: Finding[] = []
  let verified = 0
  for (const [i, entry] of (entries.ok ? entries.value.slice(skip) : []).entries()) {
    const index = first_index + i
    const cut = unreadable.has(i) ? null : cutRecord(all, entry)
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
/** Letters and bytes of a signature. */
const LETTERS = 86
const SIGNATURE = 64

interface Cut {
  readonly kid: string
  readonly signed: Uint8Array
  /** Good until the next record is cut. */
  readonly signature: Uint8Array
}

/** `signed.signature` of a compact JWS that stands in `bytes`, and the key its header names. */
function cutRecord(bytes: Buffer, entry: Uint8Array): Cut | null {
  const start = entry.byteOffset - bytes.byteOffset
  const end = start + entry.length
  const usual = end - LETTERS - 1
  const last = bytes[usual] === DOT ? usual : start + entry.lastIndexOf(DOT)
  const first = bytes.indexOf(DOT, start)
  if (first < 0 || first >= last) return null
  const kid = kidOf(bytes, start, first)
  if (kid === null) return null
  const signature = bytesOf(bytes.toString('latin1', last + 1, end))
  return { kid, signed: entry.subarray(0, last - start), signature }
}

/** A buffer of its own for each costs more than what is written into it. */
const room = Buffer.allocUnsafeSlow(SIGNATURE)

function bytesOf(letters: string): Uint8Array {
  const fits = letters.length === LETTERS && room.write(letters, 'base64url') === SIGNATURE
  return fits ? room : Buffer.from(letters, 'base64url')
}

/** A log has a header per kind and key; hostile ones must not fill the memory. */
const kids = new Map<string, string | null>()
const MAX_KIDS = 1024

/** Most records have the header of the one before them. */
let before: { readonly header: Buffer; readonly kid: string | null } | null = null

function isThere(known: Buffer, bytes: Buffer, from: number, to: number): boolean {
  return bytes.compare(known, 0, known.length, from, to) === 0
}

function kidOf(bytes: Buffer, from: number, to: number): string | null {
  if (before !== null && isThere(before.header, bytes, from, to)) return before.kid
  const header = bytes.toString('latin1', from, to)
  const kid = kidIn(header)
  before = { header: Buffer.from(header, 'latin1'), kid }
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
