/** After a decision with co-hosts: each is told, and the answer counts only if none has changed; those of before are let go. */
import type { Answer } from '../gate-types.ts'
import type { SubjectState } from '../ports.ts'
import { type Cohosts, endWithCohosts, type Pending, settleCohosts } from './cohosts.ts'
import type { Context } from './context.ts'
import { type Listener, requireHeard } from './deadline.ts'
import { disclosedCohosts } from './disclosed.ts'

/** A decision that was made, and what it takes the place of. */
export interface Verdict {
  readonly answer: Answer
  readonly replaces: readonly string[]
  /** Those of them that others have open too. */
  readonly left: readonly string[]
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

/** Broadcasts of `state` among `replaces` that others have open too. */
export function joinedAmong(state: SubjectState, replaces: readonly string[]): readonly string[] {
  const joined = state.broadcasts.filter((open) => open.joined && replaces.includes(open.id))
  return joined.map(({ id }) => id)
}

/**
 * What was replaced ends with those who joined it, too. Never rejects: what stays there ends with its lease. Not in a turn.
 */
export async function leaveReplaced(context: Context, left: readonly string[]): Promise<void> {
  for (const id of left)
    await context.lives.run(
      id,
      async () => {
        try {
          const record = await context.directory.record(id)
          if (record !== null) await endWithCohosts(context, disclosedCohosts(record), id)
        } catch {
          context.observe({ type: 'left_to_lease', what: 'cohost' })
        }
      },
      'always',
    )
}
