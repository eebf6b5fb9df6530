/** What a decision tells metrics and log lines. */
import type { EpochMs } from '../core/time.ts'
import type { Answer } from '../gate-types.ts'
import type { Context } from './context.ts'
import { wouldOf } from './effects.ts'

export function observeDecided(context: Context, answer: Answer, started: EpochMs): void {
  const { outcome, decision, policy, repeated } = answer
  const { mode, rules } = decision
  context.observe({
    type: 'decided',
    outcome,
    mode,
    rules,
    unknown: decision.unknown.map((entry) => entry.rule),
    policy: policy.digest,
    took_ms: context.clock.now() - started,
    repeated,
    ...wouldOf(decision),
  })
}
