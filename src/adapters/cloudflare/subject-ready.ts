/**
 * Whether the log has the key and the policy everything here is signed and decided under.
 *
 * Asked once an isolate, not once an object: most objects answer one question and sleep again. What a log has it keeps, but
 * it may be away, full, closed or halted: after a record it did not take it is asked again, so that while it takes nothing
 * nobody writes what would have to be sent once it does. Next stop: sequencer-object.ts, `ready`.
 */
import { LivegateError } from '../../core/errors.ts'
import type { ActivePolicy } from '../../ports.ts'
import { type Caller, opened, type SequencerRpc } from './rpc.ts'

/** What is known of logs, by `<log object> <policy digest>`. */
export type KnownReady = Set<string>

export interface Ready {
  /** Resolves when the log has key and policy, asking it only when that is not known. */
  known(): Promise<void>
  /** The log did not take a record: it is asked again before the next one is written. */
  doubt(): void
}

/** One for each object: promises are not shared between objects, what came of them is. */
export function createReady(parts: {
  readonly known: KnownReady
  /** Name of the log's object, and of the log. */
  readonly object: string
  readonly origin: string
  readonly policy: ActivePolicy
  readonly log: Pick<SequencerRpc, 'ready'>
  readonly caller: Caller
}): Ready {
  const { known, object, origin, policy, log, caller } = parts
  const { digest } = policy.plan
  const name = `${object} ${digest}`
  let asking: Promise<void> | null = null

  async function ask(): Promise<void> {
    const found = await opened(log.ready({ digest, bytes: policy.bytes }, caller))
    if (found !== origin)
      throw new LivegateError(
        'halted',
        `Cannot log: the log is named \`${found}\`, expected \`${origin}\``,
      )
    known.add(name)
  }

  return {
    async known() {
      if (known.has(name)) return
      asking ??= ask().finally(() => {
        asking = null
      })
      await asking
    },
    doubt: () => void known.delete(name),
  }
}

/** Appending as before, but what fails puts the log's readiness in doubt. */
export function doubting(
  log: Pick<SequencerRpc, 'append'>,
  doubt: () => void,
): Pick<SequencerRpc, 'append'> {
  return {
    async append(entries) {
      try {
        const reply = await log.append(entries)
        // A chain the log contradicts is that chain's affair.
        if (!reply.ok && reply.error.code !== 'conflict') doubt()
        return reply
      } catch (error) {
        doubt()
        throw error
      }
    },
  }
}
