/**
 * Signs records on a thread of its own when several wait, and here when one does.
 *
 * A signature costs the thread it runs on about 30 µs; handing over a batch costs each of its members a tenth of that, a
 * single one more than it saves. Signatures are the same wherever they are made, so a thread that dies loses nothing.
 * Its other half: signing-thread.ts.
 */
import type { KeyObject } from 'node:crypto'
import { concatBytes } from '../../core/encoding.ts'
import type { RecordSigner } from '../../ports.ts'
import { createHelperThread } from './helper-thread.ts'

/** Texts to sign, end to end. */
export interface SigningBatch {
  readonly lengths: readonly number[]
  readonly bytes: Uint8Array
}

/** Bytes of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64
/** From this many on a batch is worth handing over. */
const MIN_BATCH = 3
/** This many are handed over before the turn of the event loop ends. */
const EAGER_BATCH = 6
const SOURCE = import.meta.url.endsWith('.ts') ? './signing-thread.ts' : './signing-thread.js'

export interface Signing {
  readonly signer: RecordSigner
  stop(): Promise<void>
}

interface Job {
  readonly bytes: Uint8Array
  readonly resolve: (signature: Uint8Array) => void
}

/** `signer` signs here; `key` is its key. */
export function createSigning(parts: {
  readonly signer: { readonly kid: string; sign(bytes: Uint8Array): Uint8Array }
  readonly key: KeyObject
  readonly onError: (error: unknown) => void
}): Signing {
  const { signer, key, onError } = parts
  let queue: Job[] = []
  let away: readonly Job[] = []
  let due = false
  const thread = createHelperThread<SigningBatch, Uint8Array>({
    url: new URL(SOURCE, import.meta.url),
    data: key,
    onReply,
    onGone: signHere,
    onError,
  })

  function onReply(signatures: Uint8Array): void {
    const done = away
    away = []
    if (queue.length > 0) send()
    for (const [i, job] of done.entries())
      job.resolve(signatures.subarray(i * SIGNATURE_BYTES, (i + 1) * SIGNATURE_BYTES))
  }

  function signHere(): void {
    const jobs = [...away, ...queue]
    away = []
    queue = []
    for (const job of jobs) job.resolve(signer.sign(job.bytes))
  }

  function send(): void {
    if (queue.length < MIN_BATCH || !thread.ready()) {
      signHere()
      return
    }
    away = queue
    queue = []
    const lengths = away.map((job) => job.bytes.length)
    const batch: SigningBatch = { lengths, bytes: concatBytes(...away.map((job) => job.bytes)) }
    thread.ask(batch)
  }

  function endOfTurn(): void {
    due = false
    if (away.length === 0 && queue.length > 0) send()
  }

  return {
    signer: {
      kid: signer.kid,
      sign(bytes) {
        return new Promise((resolve) => {
          queue.push({ bytes, resolve })
          if (away.length > 0) return
          if (queue.length >= EAGER_BATCH) send()
          else if (!due) {
            due = true
            setImmediate(endOfTurn)
          }
        })
      },
    },
    stop: thread.stop,
  }
}
