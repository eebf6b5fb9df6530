/**
 * What of a deployment may never change, and the object in its bucket that remembers it.
 *
 * With another pepper or number of shards every subject would be looked for in an object that is empty, and an empty history
 * opens the gate: so each log compares, when it is opened, what it is configured with with what the first of them wrote, and
 * halts. What is written is a keyed hash and a number. Who compares: sequencer-open.ts; the same at each question
 * whether a log is ready, because objects do not all change to a new configuration at once: subject-ready.ts.
 */
import { fromUtf8, utf8 } from '../../core/encoding.ts'
import type { Pepper } from '../../ports.ts'
import type { Bucket } from './r2-tiles.ts'

/** What everybody who takes part in a deployment must agree on. */
export interface Fixed {
  readonly shards: number
  /** A keyed hash of nothing but these words: known by whoever has the pepper. */
  readonly pepper: string
}

export interface Seal {
  /** Name of its object in the bucket. */
  readonly key: string
  readonly fixed: Fixed
}

/** Beside the prefixes of the logs. */
export const SEAL_KEY = 'deployment.json'

export function fixedOf(pepper: Pepper, shards: number): Fixed {
  return { shards, pepper: pepper.hash('livegate deployment') }
}

/** The name of the variable that differs; null when none does. */
export function changedIn(known: Fixed, given: Fixed): string | null {
  if (known.pepper !== given.pepper) return 'LIVEGATE_PEPPER'
  return known.shards === given.shards ? null : 'LIVEGATE_SHARDS'
}

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
