/**
 * Everything stored about a person, for that person: one page of their chain and, with the first, all the rest.
 *
 * Reads what is there and adds what it means now: which restrictions run, what the policy says about them, where to
 * appeal. Works for whoever is banned, because nothing here asks the policy for leave. Contents that were removed are
 * named as removed. Rendering is the adapter's. Meaning: docs/erasure.md, "What is stored about me".
 */
import { textFromBase64Url } from '../core/encoding.ts'
import type {
  Decision,
  Reason,
  Strike,
  SubjectId,
  Suppression,
  Until,
  Would,
} from '../core/model.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import type { Plan } from '../core/policy/plan.ts'
import type { ResultGroup } from '../core/record/groups.ts'
import type { EpochMs } from '../core/time.ts'
import type {
  ChainKind,
  LegalHold,
  OpenBroadcast,
  StoredFacts,
  StoredRecord,
  SubjectState,
} from '../ports.ts'
import { disclosedFacts, disclosedRequest, disclosedResult, disclosedText } from './disclosed.ts'
import type { ErasureContext } from './erasure.ts'
import { decider } from './in-force.ts'
import { factsOf } from './subjects.ts'

/** Records of the chain in one answer: each is replayed, some 10 ms in all. */
export const EXPORT_PAGE = 200

export interface SubjectExport {
  readonly subject: SubjectId
  readonly at: EpochMs
  /** Null on any but the first page. */
  readonly now: StandingNow | null
  /** From the newest. */
  readonly records: readonly ExportedRecord[]
  /** `before` of the next page; null on the last. */
  readonly next: number | null
}

/** What is known and what runs at the instant of the export. */
export interface StandingNow {
  /** How the log names the subject; null before its first record. */
  readonly pseudonym: string | null
  readonly facts: StoredFacts
  readonly strikes: readonly Strike[]
  readonly restrictions: readonly ExportedRestriction[]
  readonly broadcasts: readonly OpenBroadcast[]
  /** Ends of waiting times that began, by stream and rule. */
  readonly holds: SubjectState['holds']
  readonly reviews: SubjectState['reviews']
  /** What people are, or were, asked about; absent when nothing. */
  readonly asked?: SubjectState['review_items']
  readonly legal_hold: Pick<LegalHold, 'until' | 'basis'> | null
}

export interface ExportedRestriction {
  readonly id: string
  readonly rule: string
  readonly from: EpochMs
  readonly until: Until
  readonly strikes: readonly string[]
  /** True for one that outlived an erasure. */
  readonly kept: boolean
  readonly text: Readonly<Record<string, string>>
  readonly clause: string | null
  readonly appeal: Reason['appeal'] | null
}

export interface ExportedRecord {
  readonly id: string
  readonly kind: ChainKind
  readonly seq: number
  readonly at: EpochMs
  /** Place in the log. */
  readonly index: number
  readonly origin: string
  /** False when its contents were removed; then only this much is known. */
  readonly contents: boolean
  /** Who asked or told the gate: an API key, a media server. */
  readonly caller: string | null
  readonly stream: string | null
  /** Of a decision. */
  readonly decision: ExportedDecision | null
  /** What any other record says, as it was signed; null for decisions and where contents were removed. */
  readonly said: unknown
}

export interface ExportedDecision {
  readonly outcome: string
  readonly policy: string
  readonly mode: Decision['mode']
  readonly until: Until | null
  readonly rules: readonly string[]
  /** What would have been decided if everything were enforced; absent where everything was. */
  readonly would?: Would
  /** Told in words where the policy of then still decides; null otherwise: its text is found under `policy`. */
  readonly reasons: readonly Pick<Reason, 'rule' | 'code' | 'strikes' | 'text' | 'appeal'>[] | null
}

/** One page; `before` null is the first. */
export async function exportSubject(
  context: ErasureContext,
  subject: SubjectId,
  before: number | null = null,
): Promise<SubjectExport> {
  const state = await context.ledger.load(subject)
  const { plan, at } = decider(context, state)
  const page = { before_seq: before, limit: EXPORT_PAGE }
  const records = await context.erasures.chain(subject, page)
  const oldest = records.at(-1)
  return {
    subject,
    at,
    now: before === null ? await standingNow(context, { subject, state, plan, at }) : null,
    records: records.map((record) => exportedRecord(record, plan)),
    next: oldest === undefined || oldest.seq <= 1 ? null : oldest.seq,
  }
}

async function standingNow(
  context: ErasureContext,
  given: {
    readonly subject: SubjectId
    readonly state: SubjectState
    readonly plan: Plan
    readonly at: EpochMs
  },
): Promise<StandingNow> {
  const { subject, state, plan, at } = given
  const decision = evaluate(plan, factsOf(context, plan, { subject, state, at }))
  const hold = await context.erasures.legalHold(subject)
  const holding = hold !== null && hold.until > context.clock.now()
  return {
    pseudonym: state.pseudonym,
    facts: state.facts,
    strikes: state.strikes,
    restrictions: restrictionsIn(plan, decision, state.suppressions ?? []),
    broadcasts: state.broadcasts.filter((open) => open.lease_until > at),
    holds: state.holds,
    reviews: state.reviews,
    ...(state.review_items === undefined ? {} : { asked: state.review_items }),
    legal_hold: holding ? { until: hold.until, basis: hold.basis } : null,
  }
}

function restrictionsIn(
  plan: Plan,
  decision: Decision,
  kept: readonly Suppression[],
): readonly ExportedRestriction[] {
  return decision.restrictions.map(({ id, rule, from, until, strikes }) => {
    const reason = decision.reasons.find((one) => one.restriction === id)
    const known = plan.rules.find((one) => one.id === rule)
    return {
      ...{ id, rule, from, until, strikes },
      kept: kept.some((one) => one.id === id),
      text: reason?.text ?? {},
      clause: known?.clause ?? null,
      appeal: reason?.appeal ?? null,
    }
  })
}

function exportedRecord(record: StoredRecord, plan: Plan): ExportedRecord {
  const { id, kind, seq, at, receipt } = record
  const request = disclosedRequest(record)
  const contents = record.openings.facts !== undefined
  return {
    ...{ id, kind, seq, at, index: receipt.index, origin: receipt.origin, contents },
    caller: request?.caller ?? null,
    stream: request?.stream ?? null,
    decision: kind === 'decision' ? exportedDecision(record, plan) : null,
    said: kind === 'decision' ? null : (disclosedText(record, 'facts') ?? null),
  }
}

function exportedDecision(record: StoredRecord, plan: Plan): ExportedDecision {
  const { outcome, policy } = publicClaims(record)
  const result = disclosedResult(record) as ResultGroup | undefined
  return {
    outcome,
    policy,
    mode: result?.mode ?? null,
    until: result?.until ?? null,
    rules: result?.rules ?? [],
    ...(result?.would === undefined ? {} : { would: result.would }),
    reasons: policy === plan.digest ? reasonsOf(record, plan) : null,
  }
}

function reasonsOf(record: StoredRecord, plan: Plan): ExportedDecision['reasons'] {
  const facts = disclosedFacts(record)
  if (facts === null) return null
  // Of the person itself: what is founded on a co-host's history is that person's.
  return evaluate(plan, facts)
    .reasons.filter(({ host }) => host === 0)
    .map(({ rule, code, strikes, text, appeal }) => ({
      ...{ rule, code, strikes, text },
      ...(appeal === undefined ? {} : { appeal }),
    }))
}

function publicClaims({ jws }: StoredRecord): {
  readonly outcome: string
  readonly policy: string
} {
  const text = textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}'
  const { outcome = '', policy = '' } = JSON.parse(text) as {
    readonly outcome?: string
    readonly policy?: string
  }
  return { outcome, policy }
}
