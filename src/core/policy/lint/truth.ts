/**
 * Conditions that are the same whatever the facts are: `false && x`, `true`, a date that has gone by.
 *
 * A condition is evaluated with every fact absent. Kleene's logic is monotonic: what is true or false while everything
 * is unknown stays so whatever becomes known. No solver; `a && !a` is left to `livegate policy prove`.
 */
import type { EpochMs } from '../../time.ts'
import type { Condition, ConditionScope, StrikeCondition } from '../plan.ts'
import type { Trivalent } from '../trivalent.ts'

/** Not a number: read as absent, by the rules of environment.ts. */
const ABSENT: number = Number.NaN

function scopeAt(now: number): ConditionScope {
  return {
    now: now as EpochMs,
    subject: {},
    stream: { hosts: ABSENT },
    request: {},
    // `active` has the wrong type on purpose, which is absent as well.
    incident: { active: ABSENT as unknown as boolean },
    platform: {},
    open_broadcasts: ABSENT,
    countStrikes: uncounted,
  }
}

/** Counting is unknown when it throws. */
function uncounted(): number {
  throw new RangeError('Cannot count: nothing is known')
}

/** What `condition` is at every instant and for all facts, or unknown. */
export function truthAlways(condition: Condition): Trivalent {
  return condition.evaluate(scopeAt(ABSENT))
}

/** What an `unless` is for every strike, or unknown. */
export function truthOfUnless(unless: StrikeCondition): Trivalent {
  // A strike without members: every fact of it is absent.
  return unless.evaluate(scopeAt(ABSENT), {} as Parameters<StrikeCondition['evaluate']>[1])
}

/** What `condition` is from `now` on and for all facts, or unknown: it can only change at edges that need no fact. */
export function truthFrom(condition: Condition, now: EpochMs): Trivalent {
  const edges = condition.edges.flatMap(({ path, offset_ms }) =>
    path === null ? [offset_ms, offset_ms + 1] : [],
  )
  const [first, ...later] = [now, ...edges.filter((edge) => edge > now)].map((at) =>
    condition.evaluate(scopeAt(at)),
  )
  if (first === undefined) return 'unknown'
  return later.every((truth) => truth === first) ? first : 'unknown'
}
