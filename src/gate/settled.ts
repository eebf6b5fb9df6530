/** After a decision with co-hosts: each is told, and the answer counts only if none has changed. */
import type { Answer } from '../gate-types.ts'
import { type Cohosts, type Pending, settleCohosts } from './cohosts.ts'
import type { Context } from './context.ts'
import { type Listener, requireHeard } from './deadline.ts'

/** A decision that was made, and what it takes the place of. */
export interface Verdict {
  readonly answer: Answer
  readonly replaces: readonly string[]
}

/** Tells the co-hosts; false when one changed meanwhile. Throws when nobody listens any more. */
export async function settled(
  context: Context,
  input: {
    readonly cohosts: Cohosts
    readonly pending: Pending
    readonly verdict: Verdict
    readonly listener: Listener
  },
): Promise<boolean> {
  const { cohosts, pending, verdict, listener } = input
  const unchanged = await settleCohosts(context, cohosts, { pending, ...verdict })
  requireHeard(listener, 'decide')
  return unchanged
}
