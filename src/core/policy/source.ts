/**
 * A policy as its author wrote it: each mapping an interface, each member an `At` with its place.
 *
 * What may stand where is syntax.ts's table; what it means is checked in check.ts. Spec: docs/spec/policy-syntax.md.
 * Next: syntax.ts.
 */
import type { DurationMs, EpochMs } from '../time.ts'
import type { Share } from './rollout.ts'
import type { At, CelText } from './shape.ts'
import type { Dictionary } from './shape-object.ts'

export interface PolicySource {
  readonly livegate: At<'policy/v1'>
  readonly name: At<string>
  readonly as_of?: At<EpochMs>
  readonly about?: At<string>
  readonly sources?: At<readonly At<string>[]>
  readonly strikes?: At<StrikesSource>
  readonly rules: At<readonly At<RuleSource>[]>
  readonly exempt?: At<readonly At<ExemptSource>[]>
  readonly on_unknown?: At<OnUnknownSource>
  readonly unsupported?: At<'hold' | 'deny'>
  readonly default?: At<'allow' | 'deny'>
  readonly lease?: At<DurationMs>
  readonly max_age?: At<DurationMs>
  readonly on_stale?: At<'keep' | 'unknown' | 'deny'>
  readonly invariants?: At<readonly At<InvariantSource>[]>
}

export interface StrikesSource {
  readonly expire?: At<DurationMs | 'never' | Dictionary<DurationMs | 'never'>>
  readonly ignore_content_older_than?: At<DurationMs>
  readonly group_within?: At<DurationMs>
}

export interface CountSource {
  readonly category: At<readonly At<string>[]>
  readonly severity?: At<readonly At<string>[]>
  readonly scope?: At<readonly At<string>[]>
  readonly within?: At<DurationMs>
  readonly since?: At<EpochMs>
  readonly at_least?: At<number>
  readonly weight_at_least?: At<number>
}

export interface RuleSource {
  readonly id: At<string>
  readonly ground?: At<'terms' | 'law'>
  readonly clause?: At<string>
  readonly reference?: At<string>
  readonly jurisdiction?: At<string>
  readonly count?: At<CountSource>
  readonly ladder?: At<Dictionary<DurationMs | 'forever' | 'warn'>>
  readonly retroactive?: At<RetroactiveSource>
  readonly when?: At<CelText>
  readonly unless?: At<CelText>
  readonly outcome: At<'deny' | 'delay' | 'allow'>
  readonly hold?: At<DurationMs>
  readonly review?: At<ReviewSource>
  readonly broadcast_delay?: At<DurationMs>
  readonly obligations?: At<readonly At<Dictionary<string | number | boolean>>[]>
  readonly lease?: At<DurationMs>
  readonly because?: At<string | Dictionary<string>>
  readonly appeal?: At<AppealSource>
  readonly enforce?: At<Share>
}

export interface RetroactiveSource {
  readonly why: At<string>
}

export interface ReviewSource {
  readonly queue: At<string>
  readonly within: At<DurationMs>
  readonly at_deadline: At<'deny' | 'allow'>
}

export interface AppealSource {
  readonly within?: At<DurationMs>
  readonly url: At<string>
}

export interface ExemptSource {
  readonly id: At<string>
  readonly rules: At<readonly At<string>[]>
  readonly when: At<CelText>
}

export interface OnUnknownSource {
  readonly retry_after?: At<DurationMs>
  readonly outcome?: At<'deny'>
}

export interface InvariantSource {
  readonly id: At<string>
  readonly never: At<'allow' | 'deny' | 'delay'>
  readonly given: At<GivenSource>
}

export interface GivenSource {
  readonly count?: At<CountSource>
  readonly when?: At<CelText>
}
