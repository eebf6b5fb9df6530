/**
 * A log's own records in Node: the scribe every host has (sqlite/scribe.ts), with OpenSSL's SHA-256.
 */
import {
  createScribe as createAnyScribe,
  firstDrafts,
  type Scribe,
  type ScribeParts,
} from '../sqlite/scribe.ts'
import { nodeHasher } from './hasher.ts'

export { logPolicy, type Scribe } from '../sqlite/scribe.ts'

/** Issues records of one log under one key. */
export function createScribe(parts: Omit<ScribeParts, 'hasher'>): Scribe {
  return createAnyScribe({ ...parts, hasher: nodeHasher })
}

/** The first entries of a log: its record key, then the key its checkpoints are signed with. */
export function writeFirstEntries(
  scribe: Scribe,
  keys: { readonly recordKey: string; readonly vkey: string },
): Promise<void> {
  return scribe.append(firstDrafts(keys), [])
}
