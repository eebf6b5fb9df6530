/**
 * Whether the log has the key and the policy everything here is signed and decided under.
 *
 * Asked once an isolate, not once an object: most objects answer one question and sleep again. What is remembered never
 * becomes false: what a log has it keeps. Next stop: sequencer-object.ts, `ready`.
 */
import { LivegateError } from '../../core/errors.ts'
import type { ActivePolicy } from '../../ports.ts'
import { opened, type SequencerRpc } from './rpc.ts'

/** What is known of logs, by `<log object> <policy digest>`. */
export type KnownReady = Set<string>

/**
 * Resolves when a log has key and policy, asking it at most once. One function for each object: promises are not shared
 * between objects, what came of them is.
 */
export function createReady(parts: {
  readonly known: KnownReady
  /** Name of the log's object, and of the log. */
  readonly object: string
  readonly origin: string
  readonly policy: ActivePolicy
  readonly log: Pick<SequencerRpc, 'ready'>
}): () => Promise<void> {
  const { known, object, origin, policy, log } = parts
  const { digest } = policy.plan
  const name = `${object} ${digest}`
  let asking: Promise<void> | null = null

  async function ask(): Promise<void> {
    const found = await opened(log.ready({ digest, bytes: policy.bytes }))
    if (found !== origin)
      throw new LivegateError(
        'halted',
        `Cannot log: the log is named \`${found}\`, expected \`${origin}\``,
      )
    known.add(name)
  }

  return async () => {
    if (known.has(name)) return
    asking ??= ask().finally(() => {
      asking = null
    })
    await asking
  }
}
