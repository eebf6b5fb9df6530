/**
 * A refusal as the broadcaster's own application gets to see it: RFC 9457 problem documents.
 *
 * Told is what the person needs: why, until when, how to appeal. Not told is what is somebody else's: the reasons of a
 * co-host say only that it was a co-host, and neither record nor strike ids travel to a device.
 */
import { inLanguage } from '../../core/languages.ts'
import type { AnswerReason, VerifiedAnswer } from './answer.ts'

type Members = Readonly<Record<string, unknown>>

/** The gate could not be asked, or what it said does not hold. */
export function unavailableProblem(): Response {
  const title = 'Going live cannot be decided right now'
  return problem({ status: 503, code: 'gate_unavailable', title, retry_after: 5 })
}

/** 403: not now, until `until`. */
export function denyProblem(answer: VerifiedAnswer, languages: string | undefined): Response {
  const title = 'Going live is not allowed'
  return problem({ status: 403, code: 'live_denied', title, ...told(answer, languages) })
}

/** 409: later, when `not_before` has come, a person has looked at it, or after `retry_after` seconds. */
export function delayProblem(answer: VerifiedAnswer, languages: string | undefined): Response {
  const title = 'Going live has to wait'
  return problem({ status: 409, code: 'live_delayed', title, ...told(answer, languages) })
}

function told(answer: VerifiedAnswer, languages: string | undefined): Members {
  const { id, mode, until, not_before, review_by, retry_after, reasons } = answer
  const detail = textFor(reasons, languages)
  return {
    ...(detail === null ? {} : { detail }),
    ...{ decision: id, mode, until, not_before, review_by, retry_after },
    reasons: reasons.map(forDevice),
  }
}

function forDevice(reason: AnswerReason): Members {
  if (reason.host !== undefined) return { code: 'cohost', host: reason.host }
  const { rule, code, ground, clause, until, text, appeal } = reason
  return { rule, code, ground, clause, until, text, appeal }
}

/** The first reason of the asking person that has a sentence, in the language they get. */
function textFor(reasons: readonly AnswerReason[], languages: string | undefined): string | null {
  const texts = reasons.flatMap(({ host, text }) => (host === undefined && text ? [text] : []))
  const text = texts.find((candidate) => Object.keys(candidate).length > 0)
  return text === undefined ? null : inLanguage(text, languages)
}

/** Retry-After in seconds, or the instant itself, which no clock between here and there can falsify. */
function retryAfter({ retry_after, not_before }: Members): string | null {
  if (typeof retry_after === 'number') return String(retry_after)
  if (typeof not_before !== 'string') return null
  return new Date(Math.ceil(Date.parse(not_before) / 1000) * 1000).toUTCString()
}

function problem(members: Members & { readonly status: number; readonly code: string }): Response {
  const type = `urn:problem-type:livegate:${members.code}`
  const headers = new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
  const after = retryAfter(members)
  if (after !== null) headers.set('retry-after', after)
  const { status } = members
  return new Response(JSON.stringify({ type, ...members }), { status, headers })
}
