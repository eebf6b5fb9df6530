/**
 * The nouns of livegate: what is known about a person who wants to go live, and what a decision says.
 *
 * These shapes are data that cross every edge (SQL, record, HTTP, policy tests), so their members keep one spelling,
 * snake_case, everywhere; only instants change dress (UTC ms here and in records, RFC 3339 text on the wire). All of
 * it is plain JSON, so that a `Facts` value can be disclosed with a record and replayed on an outsider's machine.
 * Meaning: docs/spec/policy.md. Words: docs/glossary.md. Next on the tour: core/policy/evaluate.ts.
 */
import type { EpochMs } from './time.ts'

/** The platform's own id of an account, 1 to 256 characters; personal data, never in a log line or metric. */
export type SubjectId = string

/** From mildest to gravest; the order is used by policies (`severity: high..`). */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

export const SOURCE_KINDS = ['human', 'model', 'authority', 'flagger', 'import'] as const
export type SourceKind = (typeof SOURCE_KINDS)[number]

/** Who found the violation. */
export interface StrikeSource {
  /** Name of the reporting system, for example `coop`; 1 to 64 characters. */
  readonly system: string
  readonly kind: SourceKind
}

/** The counted consequence of one confirmed violation. Ids are unique per deployment, not per subject. */
export interface Strike {
  readonly id: string
  readonly subject: SubjectId
  /** Dotted lower-case id such as `terrorism.link`; unknown ids are kept and flagged. */
  readonly category: string
  readonly severity: Severity
  /** Integer 1 to 1,000; 1 unless given. */
  readonly weight: number
  /** When the platform issued it, as the platform says. */
  readonly issued_at: EpochMs
  /** `min(issued_at, received_at)`: the instant every count and restriction starts from. */
  readonly effective_at: EpochMs
  readonly notified_at?: EpochMs
  /** When the offending content was made; old content may give no strike (`ignore_content_older_than`). */
  readonly content_created_at?: EpochMs
  /** Overrides the policy's expiry for this strike. */
  readonly expires_at?: EpochMs
  /** Feature the strike is limited to, for example `live`, `chat`, `post`; `any` unless given. */
  readonly scope: string
  /** For `unless`: `news`, `research`, `counter_speech` or a word of the platform's own. */
  readonly context?: string
  readonly source?: StrikeSource
  /** Hash of the evidence; the evidence itself stays with the platform. */
  readonly evidence_hash?: string
  readonly status: 'active' | 'reversed'
}

/** What is known about an account. An absent member is unknown, never false. */
export interface SubjectFacts {
  readonly created_at?: EpochMs
  readonly followers?: number
  /** For example `13-15`, `16-17`, `18+`. */
  readonly age_band?: string
  readonly verified?: boolean
  readonly labels?: readonly string[]
  /** Accounts known to be the same person's. */
  readonly linked?: readonly string[]
}

/** Where a fact came from, so that an auditor can tell what the caller claimed from what was stored. */
export interface FactSource {
  readonly from: 'stored' | 'request'
  readonly as_of: EpochMs
}

export interface StreamFacts {
  readonly id?: string
  /** For example `public`, `followers`, `private`. */
  readonly audience?: string
  readonly category?: string
  /** How viewers get in: `open`, `auto`, `selected`. */
  readonly admission?: string
  readonly one_to_many?: boolean
}

export interface RequestFacts {
  /** ISO 3166-1 alpha-2. */
  readonly territory?: string
  /** For example `rtmp`, `whip`, `app`. */
  readonly ingest?: string
}

export interface IncidentFacts {
  readonly active: boolean
  readonly id?: string
  readonly scope?: string
}

/** State of the platform itself, supplied by the deployment. */
export interface PlatformFacts {
  /** True while a moderator is on shift. */
  readonly moderation_available?: boolean
}

/** First time a subject asked while a rule with `hold` matched, per (subject, stream, rule). */
export interface HoldFact {
  readonly rule: string
  readonly first_asked_at: EpochMs
}

/** A reviewer released (or refused) this subject's stream for one rule. */
export interface ReviewFact {
  readonly rule: string
  readonly result: 'released' | 'refused'
  readonly at: EpochMs
}

/**
 * A restriction that ran when its subject was erased, kept until its end so that erasure is no way around it. Says
 * nothing of the strikes behind it; `id` is that of the restriction, by which the person can go on with an appeal.
 */
export interface Suppression {
  readonly rule: string
  readonly from: EpochMs
  readonly until: Until
  readonly id: string
}

/** Everything evaluation sees about one host. */
export interface HostFacts {
  readonly subject: SubjectId
  readonly facts: SubjectFacts
  /** Provenance of each member of `facts`; evaluation does not read it. */
  readonly sources: Readonly<Record<string, FactSource>>
  /** Any order; an id seen twice counts once. */
  readonly strikes: readonly Strike[]
  readonly holds: readonly HoldFact[]
  readonly reviews: readonly ReviewFact[]
  /** Broadcasts of this subject now running under a lease. */
  readonly open_broadcasts: number
  /** Restrictions that outlived an erasure; absent when there are none. Any order; an id seen twice counts once. */
  readonly suppressions?: readonly Suppression[]
  /** 0 to 99, of the chain's pseudonym; only where an answer may depend on it, and of whom has a pseudonym. */
  readonly bucket?: number
}

/**
 * All that evaluation may see. The whole value is disclosed with the record (group `facts`): the same value and the
 * same policy text give the same decision on any machine (G4).
 */
export interface Facts {
  /** The instant of the decision; falls never within one subject's chain. */
  readonly at: EpochMs
  /** Only where a broadcast that runs is looked at again: the instant of the decision that let it start, at most `at`. */
  readonly running_since?: EpochMs
  /** The subject that asks, then its co-hosts in the order asked. Never empty. */
  readonly hosts: readonly [HostFacts, ...HostFacts[]]
  readonly stream: StreamFacts
  readonly request: RequestFacts
  readonly incident: IncidentFacts
  readonly platform: PlatformFacts
  /** Obligation types and delay modes the caller can carry out, for example `broadcast_delay`, `audience_cap`. */
  readonly supports: readonly string[]
  /** For whom the policy is enforced at this door: `off` or `canary N%`; absent: for everybody. */
  readonly enforce?: string
}

export type Outcome = 'allow' | 'deny' | 'delay'
export type DelayMode = 'hold' | 'review' | 'retry' | 'broadcast'
/** End of a restriction; `forever` sorts after every instant. */
export type Until = EpochMs | 'forever'

/** Something the caller must carry out; merged strictest per type. */
export interface Obligation {
  readonly type: string
  readonly [parameter: string]: string | number | boolean
}

/** What a rule imposes on a subject for a time, `[from, until)`. Derived from strikes, or a `Suppression`. */
export interface Restriction {
  /** `r_` + 22 characters: hash of subject, rule id and opening strike; stable across evaluations. */
  readonly id: string
  readonly subject: SubjectId
  readonly rule: string
  readonly from: EpochMs
  readonly until: Until
  /** The strike that opened it; absent for one that outlived an erasure. */
  readonly opened_by?: string
  /** The strikes counted at its opening, ids sorted. */
  readonly strikes: readonly string[]
}

export const REASON_CODES = [
  'restriction_active', // a ladder's restriction runs
  'restriction_kept', // one that outlived an erasure runs
  'strike_count', // a count without ladder matches
  'condition', // `when` is true
  'hold_running',
  'review_required',
  'review_refused',
  'fact_unknown', // the rule could not be evaluated
  'unsupported_condition', // the caller cannot carry out an obligation or tape delay
  'warning', // a `warn` step: no effect
  'default', // the policy's default
  'policy_stale', // the policy has grown older than it says it may
] as const
export type ReasonCode = (typeof REASON_CODES)[number]

/** Why: one per matching rule and host, `warn` steps and the default included. */
export interface Reason {
  readonly rule: string
  readonly code: ReasonCode
  /** Whose rule it was: index into `facts.hosts`. */
  readonly host: number
  readonly ground: 'terms' | 'law'
  readonly clause?: string
  readonly reference?: string
  readonly jurisdiction?: string
  readonly until?: Until
  readonly restriction?: string
  /** Ids of the strikes relied on, sorted. */
  readonly strikes: readonly string[]
  /** Sentence for the person affected, by language tag. */
  readonly text: Readonly<Record<string, string>>
  readonly appeal?: { readonly url: string; readonly until?: EpochMs }
}

/** A rule that could not be evaluated, and every fact it lacked. */
export interface UnknownRule {
  readonly rule: string
  readonly host: number
  /** Fact paths absent or of the wrong type, sorted; `evaluation_error` when CEL itself failed. */
  readonly facts: readonly string[]
}

/** What the policy says about one `Facts` value. Plain data, bit for bit reproducible. */
export interface Decision {
  readonly outcome: Outcome
  /** The most severe delay component; null unless `outcome` is `delay`. */
  readonly mode: DelayMode | null
  /** Latest end of everything that denies; null unless something denies. */
  readonly until: Until | null
  /** Latest end of a hold; null without hold, and when waiting alone does not end one of them. */
  readonly not_before: EpochMs | null
  /** The strictest review asked for (a deny at the deadline first, then the sooner deny or the later allow); null without. */
  readonly review: {
    readonly queue: string
    readonly by: EpochMs
    readonly at_deadline: 'deny' | 'allow'
  } | null
  /** Seconds after which asking again may help; null without `retry`. */
  readonly retry_after_s: number | null
  /** Longest tape delay asked for, whole seconds; null without. */
  readonly broadcast_delay_s: number | null
  /** End of an allow's lease; null unless the broadcast may start now (`allow`, or `delay` with mode `broadcast`). */
  readonly lease_until: EpochMs | null
  /** Ids of all matching rules, exempted ones left out; sorted, no duplicates. */
  readonly rules: readonly string[]
  /** Sorted by (rule, host, code). */
  readonly reasons: readonly Reason[]
  /** Running restrictions behind the outcome, sorted by id. */
  readonly restrictions: readonly Restriction[]
  readonly unknown: readonly UnknownRule[]
  /** Sorted by type. */
  readonly obligations: readonly Obligation[]
  /** Ids of exemptions that lifted a rule, sorted. */
  readonly exemptions: readonly string[]
  /** Holds that began with this very decision; the gate stores them (subject by host index). */
  readonly holds_opened: readonly { readonly host: number; readonly rule: string }[]
  /** What would have been answered if everything were enforced; only where something applied that is not. */
  readonly would?: Would
}

/** The answer that was not given. */
export interface Would {
  readonly outcome: Outcome
  readonly mode: DelayMode | null
  readonly until: Until | null
  /** What applied without being enforced, sorted by (rule, host); `default` for the policy's own default or age. */
  readonly rules: readonly { readonly host: number; readonly rule: string }[]
}

/** Why a revision was activated. */
export const ACTIVATION_CAUSES = ['activation', 'rollback', 'cancellation'] as const
export type ActivationCause = (typeof ACTIVATION_CAUSES)[number]

/** Where its text came from: the watched file, the bundle of a deployment, the API. */
export const ACTIVATION_SOURCES = ['file', 'bundle', 'api'] as const
export type ActivationSource = (typeof ACTIVATION_SOURCES)[number]

/** A policy's text that decides from an instant on, under a number; as its record says it (core/policy/activation.ts). */
export interface Activation {
  /** From 1, without gaps; never given twice in a deployment. */
  readonly revision: number
  /** Of the policy's text. */
  readonly digest: string
  /** What the policy calls itself. */
  readonly name: string
  readonly active_from: EpochMs
  /** True when its author named that instant, false when it was as soon as could be. */
  readonly scheduled: boolean
  /** The revision that decided when this one was made; null for the first. */
  readonly previous: number | null
  readonly cause: ActivationCause
  readonly source: ActivationSource
  /** Id of the API key or token; `livegate` for the gate itself. */
  readonly by: string
  /** At most `MAX_NOTE_CHARS`; public like the record. */
  readonly note: string | null
}
