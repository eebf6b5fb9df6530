/**
 * Compares an answer with the record it carries: whatever was not signed, or was signed about something else, refuses it.
 *
 * Checked: the signature under a key of the gate; that the record is a decision about this subject, stream and these
 * co-hosts; that outcome, times, obligations, policy and receipt say what was signed; that an allow's lease runs. Not
 * checked: that the record is in the log (ask for the proof, or audit), and the wording of reasons.
 */
import { toBase64Url, utf8 } from '../../core/encoding.ts'
import { type OpenedGroups, openDisclosures } from '../../core/record/disclosure.ts'
import type { PublicClaims, ResultGroup } from '../../core/record/groups.ts'
import { leafOf, portableHasher } from '../../core/record/hashing.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { type Presentation, parsePresentation } from '../../core/record/presentation.ts'
import { type VerifiedRecord, verifyRecord } from '../../core/record/verify.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { parseInstant } from '../../core/time.ts'
import type { AnswerWould, DecisionQuestion, VerifiedAnswer } from './answer.ts'
import type { Keys } from './keys.ts'

export interface Verifier {
  readonly keys: Keys
  readonly now: () => number
  /** Origin of the log every record must name, or of each where a gate has several; any when absent. */
  readonly log?: string | readonly string[]
  /** `iss` of every record; any when absent. */
  readonly issuer?: string
}

/** `keys` = could not be checked now; `answer` = checked and wrong. */
export interface VerifyFault {
  readonly at: 'keys' | 'answer'
  readonly cause: string
}

/** An allow whose lease ended this long ago is an old one given again; clocks differ by less. */
const CLOCK_SLACK_MS = 60_000

type Claims = PublicClaims<'decision'>

/** The answer, if all of it holds. Takes anything a server may send. */
export async function verifyAnswer(
  question: DecisionQuestion,
  given: unknown,
  verifier: Verifier,
  signal: AbortSignal,
): Promise<Result<VerifiedAnswer, VerifyFault>> {
  const answer = given as VerifiedAnswer
  if (typeof answer?.record !== 'string') return wrong('the answer carries no record')
  const presented = parsePresentation(answer.record)
  if (!presented.ok) return wrong(presented.error.message)
  const record = await signedRecord(presented.value, verifier, signal)
  if (!record.ok) return record
  if (record.value.kind !== 'decision') return wrong('the record is not a decision')
  const { kind, claims } = record.value
  const commitment = { kind, digests: claims._sd ?? [] }
  const opened = openDisclosures(commitment, presented.value.disclosures)
  if (!opened.ok) return wrong(opened.error.message)
  if (!isAbout(question, opened.value))
    return wrong('the record is about another subject, stream or co-host')
  if (!saysTheSame(answer, claims, opened.value) || !receiptFits(answer, claims, presented.value))
    return wrong('the answer says something else than its record')
  const { lease_until = null } = opened.value.result ?? {}
  if (lease_until !== null && lease_until + CLOCK_SLACK_MS <= verifier.now())
    return wrong('the lease of the answer is over')
  return ok(answer)
}

function wrong(cause: string): Result<never, VerifyFault> {
  return err({ at: 'answer', cause })
}

async function signedRecord(
  { jws }: Presentation,
  { keys, log, issuer }: Verifier,
  signal: AbortSignal,
): Promise<Result<VerifiedRecord, VerifyFault>> {
  const parsed = parseRecord(jws)
  if (!parsed.ok) return wrong(parsed.error.message)
  const named = expectedLog(log, parsed.value.claims.log)
  const expected = {
    ...(named === undefined ? {} : { log: named }),
    ...(issuer === undefined ? {} : { issuer }),
  }
  const ring = await keys.ring(signal, parsed.value.kid)
  if (!ring.ok) return err({ at: 'keys', cause: ring.error })
  const record = await verifyRecord(jws, ring.value, expected)
  return record.ok ? record : wrong(record.error.message)
}

/** Of several logs the one the record names, or any other than that when it is none of them. */
function expectedLog(log: Verifier['log'], named: string): string | undefined {
  if (log === undefined || typeof log === 'string') return log
  return log.includes(named) ? named : (log[0] ?? '')
}

function isAbout(question: DecisionQuestion, { subject, request }: OpenedGroups): boolean {
  if (subject === undefined || request === undefined) return false
  const cohosts = new Set((question.stream?.hosts ?? []).map((host) => host.subject))
  cohosts.delete(question.subject)
  return (
    subject.subject === question.subject &&
    same([...cohosts], subject.cohosts) &&
    (question.stream?.id ?? null) === (request.stream ?? null)
  )
}

function saysOfWould(said: AnswerWould | undefined, signed: ResultGroup['would']): boolean {
  if (said === undefined || signed === undefined) return said === signed
  const rules = signed.rules.map(({ rule, host }) => (host === 0 ? { rule } : { rule, host }))
  return (
    said.outcome === signed.outcome &&
    (said.mode ?? null) === signed.mode &&
    untilOf(said.until) === signed.until &&
    same(said.rules, rules)
  )
}

function saysTheSame(answer: VerifiedAnswer, claims: Claims, opened: OpenedGroups): boolean {
  const { chain, request } = opened
  const result = opened.result as ResultGroup | undefined
  if (chain === undefined || request === undefined || result === undefined) return false
  const { review } = result
  return (
    answer.id === claims.jti &&
    answer.outcome === claims.outcome &&
    answer.enforced === claims.enforced &&
    saysOfWould(answer.would, result.would) &&
    answer.policy?.digest === claims.policy &&
    answer.policy?.revision === claims.revision &&
    instantOf(answer.decided_at) === chain.at &&
    (answer.supersedes ?? null) === (request.supersedes ?? null) &&
    (answer.mode ?? null) === result.mode &&
    untilOf(answer.until) === result.until &&
    instantOf(answer.not_before) === result.not_before &&
    instantOf(answer.review_by) === (review?.by ?? null) &&
    (answer.queue ?? null) === (review?.queue ?? null) &&
    (answer.retry_after ?? null) === result.retry_after_s &&
    (answer.broadcast_delay_s ?? null) === result.broadcast_delay_s &&
    instantOf(answer.lease_until) === result.lease_until &&
    same(answer.obligations, result.obligations) &&
    same(answer.unknown, result.unknown.map(unknownOf)) &&
    Array.isArray(answer.reasons)
  )
}

function receiptFits(answer: VerifiedAnswer, claims: Claims, { jws }: Presentation): boolean {
  const { receipt } = answer
  return (
    receipt?.origin === claims.log &&
    Number.isSafeInteger(receipt.index) &&
    receipt.index >= 0 &&
    receipt.leaf === toBase64Url(leafOf(utf8(jws), portableHasher))
  )
}

/** NaN, which equals nothing, for anything but an instant. */
function instantOf(text: unknown): number | null {
  if (text === undefined) return null
  const instant = typeof text === 'string' ? parseInstant(text) : null
  return instant?.ok ? instant.value : Number.NaN
}

function untilOf(text: string | undefined): number | 'forever' | null {
  return text === 'forever' ? text : instantOf(text)
}

/** As JSON spells it: `host` only for a co-host. */
function unknownOf({ host, ...rest }: ResultGroup['unknown'][number]): object {
  return host === 0 ? rest : { ...rest, host }
}

/** Equal as JSON, whatever the order of members. */
function same(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b)
}

function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
