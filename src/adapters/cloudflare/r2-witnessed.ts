/**
 * `checkpoint.witnessed` on the edge: an object beside `checkpoint`, replaced only as the one last seen.
 *
 * A write that was given up and arrives late finds another object there and changes nothing. Node's counterpart:
 * adapters/node/witnessed-file.ts.
 */
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { After } from '../../gate/context.ts'
import { checkpointText } from '../sqlite/log.ts'
import { WITNESSED, type WitnessedFile } from '../sqlite/witnesses.ts'
import { patiently } from './patient-tiles.ts'
import type { Bucket } from './r2-tiles.ts'

const METADATA: R2HTTPMetadata = {
  contentType: 'text/plain; charset=utf-8',
  cacheControl: 'max-age=2',
}

/** `prefix` ends with a slash, or is empty. */
export function createR2Witnessed(
  bucket: Pick<Bucket, 'get' | 'put'>,
  prefix: string,
  after: After,
): WitnessedFile {
  const key = `${prefix}${WITNESSED}`
  let seen: string | null = null

  async function get(): Promise<string | null> {
    const object = await bucket.get(key)
    seen = object?.etag ?? null
    return object === null ? null : checkpointText(new Uint8Array(await object.arrayBuffer()))
  }

  async function put(note: string): Promise<void> {
    const onlyIf: R2Conditional = seen === null ? { etagDoesNotMatch: '*' } : { etagMatches: seen }
    const done = await bucket.put(key, utf8(note), { onlyIf, httpMetadata: METADATA })
    if (done !== null) seen = done.etag
    // One that was reported lost may have arrived; anything else is looked at before it is written over.
    else if ((await get()) !== note)
      throw new LivegateError(
        'log_unavailable',
        `Cannot publish ${WITNESSED}: another one is there`,
      )
  }

  return { get: () => patiently(get, after), put: (note) => patiently(() => put(note), after) }
}
