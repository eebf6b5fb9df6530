/**
 * What is asked and what comes back, as JSON spells it: the vocabulary of client, middleware and applications.
 *
 * Types only. Members as in docs/spec/api.md, "Decisions".
 */
import type { Outcome } from '../../core/model.ts'

/** The JSON body of `POST /v1/decisions`; instants as RFC 3339 text. */
export interface DecisionQuestion {
  readonly subject: string
  readonly stream?: Readonly<Record<string, unknown>> & {
    readonly id?: string
    readonly hosts?: readonly (Readonly<Record<string, unknown>> & { readonly subject: string })[]
  }
  readonly request?: Readonly<Record<string, unknown>>
  readonly facts?: Readonly<Record<string, unknown>>
  readonly supports?: readonly string[]
  /** For whom the policy is enforced here: `on` (unless given), `off` or `canary N%`. */
  readonly enforce?: string
}

/**
 * The gate's answer. From `createClient` every member but `reasons` was compared with the signed record; reasons and
 * their texts follow from policy and facts and can be derived again by an auditor, not by a caller.
 */
export interface VerifiedAnswer {
  readonly id: string
  readonly outcome: Outcome
  readonly mode?: string
  readonly until?: string
  readonly not_before?: string
  readonly review_by?: string
  readonly queue?: string
  /** Seconds. */
  readonly retry_after?: number
  /** Present exactly when the broadcast may start now. */
  readonly lease_until?: string
  readonly broadcast_delay_s?: number
  /** Something applied that is not enforced yet; `would` is the answer with it. */
  readonly enforced?: false
  readonly would?: AnswerWould
  readonly decided_at: string
  readonly reasons: readonly AnswerReason[]
  readonly unknown: readonly unknown[]
  readonly obligations: readonly ({ readonly type: string } & Readonly<Record<string, unknown>>)[]
  readonly policy: { readonly name: string; readonly digest: string; readonly revision?: number }
  readonly supersedes?: string
  /** SD-JWT: the record with the disclosures a caller sees. */
  readonly record: string
  readonly receipt: { readonly origin: string; readonly index: number; readonly leaf: string }
}

/** The answer that was not given. */
export interface AnswerWould {
  readonly outcome: Outcome
  readonly mode?: string
  readonly until?: string
  /** What applied without being enforced; `host` only for a co-host. */
  readonly rules: readonly { readonly rule: string; readonly host?: number }[]
}

/** Why, for one rule; `host` only for a co-host, counted from 1. */
export interface AnswerReason {
  readonly rule: string
  readonly code: string
  readonly host?: number
  /** Sentence for the person affected, by language tag. */
  readonly text: Readonly<Record<string, string>>
  readonly [member: string]: unknown
}

/** `verified: false` = no answer that holds was obtained. `cause` says why, for an operator; it names no subject. */
export type AskResult =
  | { readonly verified: true; readonly answer: VerifiedAnswer }
  | { readonly verified: false; readonly outcome: 'allow' | 'deny'; readonly cause: string }
