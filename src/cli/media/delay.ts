/**
 * Holds bytes back: what comes in goes out so much later, and what is still held when the input ends never does.
 *
 * The time is that of arrival, by a clock that only goes forward; nothing in the bytes can shorten it, whatever
 * timestamps a publisher writes into his stream. Memory is bounded: above the limit it ends rather than let anything out
 * early. Knows nothing of media. From: commands/media-delay.ts. Set-up for people: docs/media/tape.md.
 */
import type { Readable, Writable } from 'node:stream'

export interface DelayPorts {
  readonly input: Readable
  readonly output: Writable
  readonly delay_ms: number
  /** Bytes held at most, what it takes to hold them included. */
  readonly limit: number
  /** Milliseconds from anywhere, never backwards. */
  readonly elapsed: () => number
  readonly after: (delay_ms: number, fire: () => void) => () => void
  /** Ends it as the end of the input does. */
  readonly signal: AbortSignal
}

/** `ended`: the input has, or somebody stopped it. `full`: more came than may be held. `closed`: nobody reads on. */
export type DelayEnd = 'ended' | 'full' | 'closed'

/** What a held piece costs beside its bytes, so that a stream of single bytes is bounded too. */
const OVERHEAD = 512

interface Held {
  readonly due: number
  readonly bytes: Uint8Array
  next: Held | null
}

/** Resolves when it is over; then nothing goes out any more. */
export function delayBytes(ports: DelayPorts): Promise<DelayEnd> {
  const { input, output, delay_ms, limit, elapsed, after, signal } = ports
  return new Promise((resolve) => {
    let [first, last]: [Held | null, Held | null] = [null, null]
    let held = 0
    let blocked = false
    let over = false
    let cancel: (() => void) | null = null

    function end(how: DelayEnd): void {
      if (over) return
      over = true
      cancel?.()
      first = last = null
      input.destroy()
      resolve(how)
    }

    function take(bytes: Uint8Array): void {
      if (over) return
      const piece: Held = { due: elapsed() + delay_ms, bytes, next: null }
      held += bytes.length + OVERHEAD
      if (last === null) first = piece
      else last.next = piece
      last = piece
      if (held > limit) end('full')
      else schedule()
    }

    function schedule(): void {
      if (over || blocked || cancel !== null || first === null) return
      cancel = after(Math.max(1, Math.ceil(first.due - elapsed())), release)
    }

    function release(): void {
      cancel = null
      while (!over && !blocked && first !== null && first.due <= elapsed()) {
        const { bytes, next } = first
        first = next
        if (first === null) last = null
        held -= bytes.length + OVERHEAD
        blocked = !output.write(bytes)
      }
      schedule()
    }

    input.on('data', take)
    input.once('end', () => end('ended'))
    input.once('error', () => end('ended'))
    output.on('drain', () => {
      blocked = false
      release()
    })
    output.once('error', () => end('closed'))
    signal.addEventListener('abort', () => end('ended'), { once: true })
    if (signal.aborted) end('ended')
  })
}
