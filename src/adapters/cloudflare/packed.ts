/**
 * A reply as one text on its way between two objects: half of what the platform's own form of a nested answer costs, which
 * with every object it brings also brings means to dispose of it.
 *
 * Only for replies that are plain JSON, and for calls made with every decision. Packed by the object that answers
 * (subject-object.ts), opened by the stub it is asked through (stubs.ts); nobody in between sees it.
 */
import type { Reply } from './rpc.ts'

/** The reply for the wire; what its type says is what `unpacked` makes of it. */
export async function packed<T>(reply: Promise<Reply<T>>): Promise<Reply<T>> {
  const text: unknown = JSON.stringify(await reply)
  return text as Reply<T>
}

/** What came over the wire, whichever form it has: no reply is a text by itself. */
export function unpacked(reply: unknown): unknown {
  return typeof reply === 'string' ? JSON.parse(reply) : reply
}
