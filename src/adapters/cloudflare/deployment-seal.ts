/**
 * The object in a deployment's bucket that remembers what may never change (fixed.ts): a keyed hash and a number.
 *
 * Written once, by the log that opens first, and never again. Next stop: sequencer-open.ts.
 */
import { fromUtf8, utf8 } from '../../core/encoding.ts'
import type { Fixed } from './fixed.ts'
import type { Bucket } from './r2-tiles.ts'

export interface Seal {
  /** Name of its object in the bucket. */
  readonly key: string
  readonly fixed: Fixed
}

/** Beside the prefixes of the logs. */
export const SEAL_KEY = 'deployment.json'

/** What the seal says; null when there is none, `unreadable` when it is not one. Rejects when the bucket does. */
export async function readSeal(bucket: Bucket, key: string): Promise<Fixed | null | 'unreadable'> {
  const object = await bucket.get(key)
  if (object === null) return null
  return parsed(fromUtf8(new Uint8Array(await object.arrayBuffer())) ?? '') ?? 'unreadable'
}

/** Writes the seal where there is none; false when somebody else has. */
export async function writeSeal(bucket: Bucket, { key, fixed }: Seal): Promise<boolean> {
  const { shards, pepper } = fixed
  const put = await bucket.put(key, utf8(`${JSON.stringify({ shards, pepper })}\n`), {
    onlyIf: { etagDoesNotMatch: '*' },
    httpMetadata: { contentType: 'application/json' },
  })
  return put !== null
}

function parsed(text: string): Fixed | null {
  try {
    const { shards, pepper } = JSON.parse(text) as Readonly<Record<string, unknown>>
    return typeof shards === 'number' && typeof pepper === 'string' ? { shards, pepper } : null
  } catch {
    return null
  }
}
