/**
 * What two objects say to each other with every decision, as one text: half of what the platform's own form of nested
 * values costs, which with every object it brings also brings means to dispose of it.
 *
 * Only for what is plain JSON, and for calls made with every decision: `decide` and `append`, both ways. The stub packs the
 * question and opens the answer (stubs.ts), the object that answers does the reverse (subject-object.ts,
 * sequencer-object.ts); nobody in between sees it. Bytes cross as base64url.
 */
import { fromBase64Url, toBase64Url } from '../../core/encoding.ts'
import type { ChainEntry, Reply } from './rpc.ts'

/** What a stub sends in place of the arguments of a method. */
export const PACKED_CALLS: ReadonlyMap<string | symbol, (given: unknown) => string> = new Map([
  ['decide', (given: unknown) => JSON.stringify(given)],
  ['append', (given: unknown) => packedEntries(given as readonly ChainEntry[])],
])

/** The reply for the wire; what its type says is what `unpacked` makes of it. */
export async function packed<T>(reply: Promise<Reply<T>>): Promise<Reply<T>> {
  const text: unknown = JSON.stringify(await reply)
  return text as Reply<T>
}

/** What came over the wire, whichever form it has: no reply and no argument is a text by itself. */
export function unpacked(given: unknown): unknown {
  return typeof given === 'string' ? JSON.parse(given) : given
}

/** Records on their way into the log. */
export function packedEntries(entries: readonly ChainEntry[]): string {
  return JSON.stringify(
    entries.map(({ record, ...entry }) => ({
      ...entry,
      record: { ...record, leaf: toBase64Url(record.leaf) },
    })),
  )
}

/** As they were before `packedEntries`; whatever was not packed is left alone. */
export function unpackedEntries(given: unknown): readonly ChainEntry[] {
  const entries = unpacked(given) as readonly Sent[]
  return entries.map(({ record, ...entry }) => ({
    ...entry,
    record: { ...record, leaf: bytesOf(record.leaf) },
  }))
}

type Sent = Omit<ChainEntry, 'record'> & {
  readonly record: Omit<ChainEntry['record'], 'leaf'> & { readonly leaf: string | Uint8Array }
}

/** What is malformed hashes to nothing, and is refused as such. */
function bytesOf(leaf: string | Uint8Array): Uint8Array {
  return typeof leaf === 'string' ? (fromBase64Url(leaf) ?? new Uint8Array()) : leaf
}
