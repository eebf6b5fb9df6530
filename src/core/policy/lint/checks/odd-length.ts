/** Lengths that have a meaning and hardly the one the author had in mind. */

import type { DurationMs } from '../../../time.ts'
import { DAY_MS, formatDuration, HOUR_MS, MINUTE_MS } from '../../../time.ts'
import type { At } from '../../shape.ts'
import type { Finding, LintCheck } from '../check.ts'

const YEAR_MS: number = 365 * DAY_MS

interface Sense {
  readonly min?: number
  readonly max?: number
  /** What a length outside does. */
  readonly but: string
}

/** Where sense ends. A row is a member; what lies outside is meant seldom enough to ask for a reason. */
const SENSE: Readonly<Record<string, Sense>> = {
  hold: { max: 7 * DAY_MS, but: 'whoever is not back within one hour of its end begins anew' },
  review: { max: 3 * DAY_MS, but: 'nobody waits that long to go live' },
  broadcast_delay: { max: HOUR_MS, but: 'few media servers keep that much' },
  lease: {
    min: MINUTE_MS,
    max: DAY_MS,
    but: 'it is how late a strike cuts at worst, and how often every broadcast asks again',
  },
  retry_after: {
    max: HOUR_MS,
    but: 'a fact that is lacking for a moment closes the gate that long',
  },
  max_age: { min: DAY_MS, but: 'the policy grows stale before anybody can replace it' },
  group_within: { max: 7 * DAY_MS, but: 'strikes that are unrelated count once' },
  step: { max: 10 * YEAR_MS, but: '`forever` says it' },
}

export const oddLength: LintCheck = {
  code: 'odd-length',
  severity: 'warning',
  about: 'A length is beyond what its member is good for',
  *run({ source, rules }) {
    yield* judge('group_within', source.strikes?.value.group_within)
    yield* judge('retry_after', source.on_unknown?.value.retry_after)
    yield* judge('lease', source.lease)
    yield* judge('max_age', source.max_age)
    for (const { source: rule } of rules) {
      yield* judge('hold', rule.hold)
      yield* judge('review', rule.review?.value.within)
      yield* judge('broadcast_delay', rule.broadcast_delay)
      yield* judge('lease', rule.lease)
      for (const { value } of rule.ladder?.value ?? [])
        if (typeof value.value === 'number') yield* judge('step', value as At<DurationMs>)
    }
  },
}

function* judge(what: string, length: At<DurationMs> | undefined): Iterable<Finding> {
  const sense = SENSE[what]
  if (length === undefined || sense === undefined) return
  const { min = 0, max = Infinity, but } = sense
  if (length.value >= min && length.value <= max) return
  const [word, bound] = length.value < min ? ['least', min] : ['most', max]
  const name = what === 'step' ? 'a step' : `\`${what}\``
  yield {
    at: length,
    message: `${name} of ${formatDuration(length.value)} is odd: ${but}`,
    hint: `at ${word} ${formatDuration(bound as DurationMs)} makes sense`,
  }
}
