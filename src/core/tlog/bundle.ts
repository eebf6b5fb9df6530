/**
 * Entry bundles: up to 256 entries in one file, each after its length in two bytes, big-endian.
 *
 * Nothing precedes, separates or follows them; entry i of bundle N is log index 256 * N + i. What an entry means is
 * not known here, and the hashes over entries are hash.ts's. Spec: C2SP tlog-tiles, "Log entries".
 */
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import { TILE_WIDTH } from './tile.ts'

/** Longest entry the format can hold. */
export const MAX_BUNDLE_ENTRY_BYTES = 0xffff

/** Why bytes are not a bundle of the expected width. */
export type BundleFault = 'entry_cut_short' | 'too_few_entries' | 'trailing_bytes'

/** File contents for 1 to 256 entries of at most 65,535 bytes each; anything else throws. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH)
    throw new LivegateError(
      'internal',
      `Cannot bundle ${entries.length} entries: expected 1 to ${TILE_WIDTH}`,
    )
  let total = 0
  for (const entry of entries) {
    if (entry.length > MAX_BUNDLE_ENTRY_BYTES)
      throw new LivegateError(
        'internal',
        `Cannot bundle an entry of ${entry.length} bytes: expected at most ${MAX_BUNDLE_ENTRY_BYTES}`,
      )
    total += 2 + entry.length
  }
  const bytes = new Uint8Array(total)
  let offset = 0
  for (const entry of entries) {
    bytes[offset] = entry.length >> 8
    bytes[offset + 1] = entry.length & 0xff
    bytes.set(entry, offset + 2)
    offset += 2 + entry.length
  }
  return bytes
}

/** The `width` entries of a bundle, as views into `bytes`. Every byte must belong to one of them. */
export function decodeBundle(bytes: Uint8Array, width: number): Result<Uint8Array[], BundleFault> {
  const entries: Uint8Array[] = []
  let offset = 0
  while (entries.length < width) {
    if (offset === bytes.length) return err('too_few_entries')
    const [high, low] = [bytes[offset], bytes[offset + 1]]
    if (high === undefined || low === undefined) return err('entry_cut_short')
    const end = offset + 2 + high * 256 + low
    if (end > bytes.length) return err('entry_cut_short')
    entries.push(bytes.subarray(offset + 2, end))
    offset = end
  }
  return offset === bytes.length ? ok(entries) : err('trailing_bytes')
}
