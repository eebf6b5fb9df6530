/**
 * A compiled policy: frozen data that `evaluate` runs over, produced once per revision by `compile`.
 *
 * Nothing in a plan refers to text positions; those stay in diagnostics. The order of `rules` is the order of their
 * ids, so the source order cannot matter. Meaning of each member: docs/spec/policy.md.
 * From: core/policy/compile.ts. Next: core/policy/evaluate.ts.
 */
import type {
  IncidentFacts,
  Obligation,
  PlatformFacts,
  RequestFacts,
  Severity,
  StreamFacts,
  Strike,
  SubjectFacts,
} from '../model.ts'
import type { DurationMs, EpochMs } from '../time.ts'
import type { Share } from './rollout.ts'
import type { Trivalent } from './trivalent.ts'

/** Version of the semantics and of the CEL profile, written into every record as `engine`. */
export const ENGINE = 'livegate-policy/1 livegate-cel/1'

export interface Plan {
  readonly name: string
  /** `sha256-` + base64url over the exact bytes of the file. */
  readonly digest: string
  /** Number of the activation this plan was made for by inherit.ts; null for a policy that was only compiled. */
  readonly revision: number | null
  readonly about: string | null
  readonly as_of: EpochMs | null
  readonly sources: readonly string[]
  /** Language tags any `because` uses, sorted. */
  readonly languages: readonly string[]
  readonly strikes: StrikesPlan
  readonly rules: readonly RulePlan[]
  readonly exemptions: readonly ExemptionPlan[]
  readonly on_unknown: OnUnknown
  readonly unsupported: 'hold' | 'deny'
  readonly default: 'allow' | 'deny'
  readonly lease_ms: DurationMs
  /** Null: the policy never grows too old. */
  readonly stale: StalePlan | null
  readonly invariants: readonly InvariantPlan[]
}

/** How long a revision is good for once it is active, and what then. */
export interface StalePlan {
  readonly max_age: DurationMs
  readonly effect: 'keep' | 'unknown' | 'deny'
  /** First instant of it, known once the revision is activated (in-force.ts); null for a policy that was only compiled. */
  readonly from: EpochMs | null
}

/** How history becomes standing. */
export interface StrikesPlan {
  readonly expire_default: DurationMs | 'never'
  /** By exact category id. */
  readonly expire_exact: ReadonlyMap<string, DurationMs | 'never'>
  /** By prefix (`terrorism.` for `terrorism.*`), longest first. */
  readonly expire_prefix: readonly (readonly [prefix: string, expire: DurationMs | 'never'])[]
  readonly ignore_content_older_than: DurationMs | null
  /** 0 = every strike counts by itself. */
  readonly group_within: DurationMs
}

export interface RulePlan {
  readonly id: string
  readonly ground: 'terms' | 'law'
  readonly clause: string | null
  readonly reference: string | null
  readonly jurisdiction: string | null
  /** At least one of `count` and `when`; with both, both must hold. */
  readonly count: CountPlan | null
  readonly when: Condition | null
  /** Increasing `at`, starting at 1. Only with `count`. */
  readonly ladder: readonly LadderStep[] | null
  /** Why this revision may lengthen what earlier strikes cost; only with `ladder`. */
  readonly retroactive: { readonly why: string } | null
  /** What earlier revisions promised for strikes of their time; null when there is nothing to keep. Only with `ladder`. */
  readonly inherited: Inherited | null
  readonly outcome: 'deny' | 'delay' | 'allow'
  readonly hold: DurationMs | null
  readonly review: ReviewPlan | null
  readonly broadcast_delay_s: number | null
  readonly obligations: readonly Obligation[]
  /** Shortens the lease of an allow; null = the policy's. */
  readonly lease_ms: DurationMs | null
  /** Template by language tag; placeholders checked at compile time. */
  readonly because: Readonly<Record<string, string>>
  readonly appeal: { readonly within: DurationMs | null; readonly url: string } | null
  /** Of a hundred people, how many it is enforced for: 100 is `on`, 0 is `off`. */
  readonly share: Share
}

export interface CountPlan {
  readonly categories: CategorySelector
  readonly severities: ReadonlySet<Severity>
  /** Null = any scope; a strike with scope `any` is always selected. */
  readonly scopes: ReadonlySet<string> | null
  /** Null = ever. The window is `(at - within, at]`. */
  readonly within: DurationMs | null
  readonly since: EpochMs | null
  /** `Number.MAX_SAFE_INTEGER` (never reached) when only `weight_at_least` is given. */
  readonly at_least: number
  readonly weight_at_least: number | null
  /** Lifts a strike only when true. */
  readonly unless: StrikeCondition | null
}

export interface CategorySelector {
  readonly all: boolean
  readonly exact: ReadonlySet<string>
  /** `terrorism.` for `terrorism.*`. */
  readonly prefixes: readonly string[]
}

export interface LadderStep {
  readonly at: number
  readonly length: DurationMs | 'forever' | 'warn'
}

/** What a rule with a ladder keeps of earlier revisions, made by inherit.ts. Only strikes before an `until` are concerned. */
export interface Inherited {
  /** Until then some revision had no such ladder: strikes before open nothing. */
  readonly absent: { readonly revision: number; readonly until: EpochMs } | null
  /** By falling `until`. A strike before it opens no more than the form gives it. */
  readonly forms: readonly EarlierForm[]
  /** This plan of the rule is for strikes in `[from, before)`; infinite where nothing bounds it. */
  readonly from: number
  readonly before: number
  /** The rule for strikes of a time in which it asked for less than now (a delay, and now it denies), by `before`. */
  readonly milder: readonly MilderForm[]
}

export interface MilderForm {
  readonly revision: number
  /** The rule with what it asked for then, counting as now. */
  readonly rule: RulePlan
}

/** How long restrictions were under earlier revisions. */
export interface EarlierForm {
  /** The last revision with this form, and when the next took its place. */
  readonly revision: number
  readonly until: EpochMs
  readonly steps: readonly LadderStep[]
  /** How strikes were counted; null: as the rule counts now. */
  readonly counting: Counting | null
}

export interface Counting {
  readonly strikes: StrikesPlan
  readonly count: CountPlan
}

export interface ReviewPlan {
  readonly queue: string
  readonly within: DurationMs
  readonly at_deadline: 'deny' | 'allow'
}

export interface ExemptionPlan {
  readonly id: string
  /** Rule ids, sorted. */
  readonly rules: readonly string[]
  readonly when: Condition
}

export type OnUnknown =
  | { readonly outcome: 'delay'; readonly retry_after_s: number }
  | { readonly outcome: 'deny' }

export interface InvariantPlan {
  readonly id: string
  readonly never: 'allow' | 'deny' | 'delay'
  readonly given: { readonly count: CountPlan | null; readonly when: Condition | null }
}

/** What a condition may read; the keys are the variables of the CEL profile. */
export interface ConditionScope {
  readonly now: EpochMs
  readonly subject: SubjectFacts
  readonly stream: StreamFacts & { readonly hosts: number }
  readonly request: RequestFacts
  readonly incident: IncidentFacts
  readonly platform: PlatformFacts
  /** `subject.open_broadcasts`. */
  readonly open_broadcasts: number
  /** `strikes(pattern, within)`: unexpired strikes of the subject in `(now - within, now]`, 0 when none. */
  readonly countStrikes: (pattern: string, within: DurationMs | null) => number
}

/** One type-checked CEL expression of type bool. */
export interface Condition {
  readonly source: string
  /** Every fact path the expression reads, sorted: `subject.created_at`, `incident.active`. */
  readonly facts: readonly string[]
  /**
   * Comparisons of the instant with a fact: the truth of the expression can change at
   * `value of path + offset` (`now - subject.created_at < duration("24h")` gives path, 24 h), or, with path null,
   * at the instant `offset` itself; with `<=`, `>`, `==` and `!=` also one millisecond later. Used by `eligible_at`.
   */
  readonly edges: readonly { readonly path: string | null; readonly offset_ms: number }[]
  /** Calls of `strikes(...)`, so that window exits are edges too. */
  readonly counts: readonly { readonly pattern: string; readonly within: DurationMs | null }[]
  /** Total: a missing fact, a wrong type or any error inside CEL is `unknown`, never an exception. */
  evaluate(scope: ConditionScope): Trivalent
  /**
   * Paths of `facts` that are absent or of the wrong type in `scope`, sorted; `evaluation_error` alone when all are
   * there and the condition is unknown nevertheless.
   */
  missing(scope: ConditionScope): readonly string[]
}

/** An `unless`: reads `strike.*` beside everything a condition may read. */
export interface StrikeCondition {
  readonly source: string
  readonly facts: readonly string[]
  /** True when only `strike.*` is read, so that equal strikes give equal answers. */
  readonly strike_only: boolean
  /** As in `Condition`; a path may be `strike.issued_at`. */
  readonly edges: Condition['edges']
  evaluate(scope: ConditionScope, strike: Strike): Trivalent
  missing(scope: ConditionScope, strike: Strike): readonly string[]
}
