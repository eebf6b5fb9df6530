/**
 * Where one thread has the bundles it works on: reads those of a directory itself, scans them, and keeps each until its
 * signatures are asked for.
 *
 * Bytes are read once, so what is verified is what was hashed. Room is used again: a fresh array for each file costs more
 * than reading it. Judgement lies in bundle-scan.ts and bundle-signatures.ts.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { RangeResult } from '../../core/audit/range.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { type BundlePart, type PackedScan, scanBundle } from './bundle-scan.ts'
import { verifyBundle } from './bundle-signatures.ts'
import { type DisclosureIndex, openIndex } from './disclosure-index.ts'

/** A bundle to look at, and its bytes or the file they are in. */
export interface BundleJob extends BundlePart {
  readonly bundle: Uint8Array | string
}

export interface BundleDesk {
  /** Null when the file cannot be read; nothing is kept then. `keep`: its signatures will be asked for under `id`. */
  scan(id: number, job: BundleJob, keep: boolean): PackedScan | null
  /** Verifies a bundle that was kept, and lets it go. */
  verify(id: number, keys: readonly RecordKey[]): RangeResult
  close(): void
}

interface Kept {
  readonly part: BundlePart
  readonly bytes: Uint8Array
  /** Read here, so that its room may be used again. */
  readonly own: boolean
}

/** One a thread. */
export function createDesk(disclosures: DisclosureIndex | null): BundleDesk {
  const reader = disclosures === null ? null : openIndex(disclosures)
  const kept = new Map<number, Kept>()
  const spare: Uint8Array[] = []

  function letGo({ bytes, own }: Kept): void {
    if (own && spare.length < MAX_SPARE) spare.push(new Uint8Array(bytes.buffer))
  }
  return {
    scan(id, { bundle, ...part }, keep) {
      const own = typeof bundle === 'string'
      const bytes = own ? readInto(spare, bundle) : bundle
      if (bytes === null) return null
      const scan = scanBundle(bytes, part, reader)
      if (keep) kept.set(id, { part, bytes, own })
      else letGo({ part, bytes, own })
      return scan
    },
    verify(id, keys) {
      const bundle = kept.get(id)
      if (bundle === undefined) throw new TypeError(`there is no bundle ${id}`)
      kept.delete(id)
      const result = verifyBundle(bundle.bytes, bundle.part, keys)
      letGo(bundle)
      return result
    },
    close: () => reader?.close(),
  }
}

const MAX_SPARE = 32
const MAX_SPARE_BYTES: number = 4 * 1024 * 1024
/** Bundles differ a little in length: room is a multiple of this, so that it fits the next one too. */
const STEP: number = 64 * 1024

/** Null for whatever is not simply a file with something in it: the caller has the words for it. */
function readInto(spare: Uint8Array[], path: string): Uint8Array | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    const { size } = fstatSync(file)
    if (size === 0 || size > MAX_SPARE_BYTES) return null
    const fits = spare.findIndex((room) => room.length >= size)
    const [room = new Uint8Array(Math.ceil(size / STEP) * STEP)] =
      fits < 0 ? [] : spare.splice(fits, 1)
    let filled = 0
    while (filled < size) {
      const read = readSync(file, room, filled, size - filled, filled)
      if (read === 0) break
      filled += read
    }
    return room.subarray(0, filled)
  } catch {
    return null
  } finally {
    closeSync(file)
  }
}
