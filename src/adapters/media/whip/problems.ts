/**
 * Refusals at the door, as problem documents (RFC 9457): the only publishers who can be told why.
 *
 * Told is what the person needs: why, until when, how to appeal. A co-host's reasons are that one's own, so only that it was a
 * co-host is said; neither strikes nor record travel to a device.
 */
import { inLanguage } from '../../../core/languages.ts'
import type { Reason, Until } from '../../../core/model.ts'
import { formatInstant } from '../../../core/time.ts'
import type { Answer } from '../../../gate-types.ts'
import type { Refusal } from '../dialect.ts'
import { REFUSAL_STATUS, retryAfter, wordFor } from '../replies.ts'
import type { BackendFault } from './backend.ts'
import { CORS } from './cors.ts'

const TITLES: Readonly<Partial<Record<Refusal, string>>> = {
  unauthenticated: 'A stream key is needed: send it as a bearer',
  unknown_key: 'This stream key is not known',
  too_large: 'The offer is too large',
  malformed: 'This is no SDP offer',
  rate_limited: 'Too many keys were tried',
  leaving: 'This media server takes no more broadcasts',
}

/** Without an outcome: nothing was decided. */
export function refusalProblem(why: Refusal, retry_after_s: number | null = null): Response {
  const code = wordFor(why) as Refusal
  const status = code === 'unknown_key' ? 401 : REFUSAL_STATUS[code]
  const title = TITLES[code] ?? 'Going live cannot be decided right now'
  return problem(
    status,
    { code, title },
    {
      ...retryAfter(retry_after_s),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
  )
}

/** 403 for a deny, 503 with Retry-After for what waiting or asking again may end, 403 for a delay that only a person ends. */
export function decisionProblem(
  { id, outcome, decision }: Answer,
  given: { readonly languages: string | undefined; readonly retry_after_s: number | null },
): Response {
  const { reasons, until, not_before, mode } = decision
  const own = reasons.filter(({ host }) => host === 0)
  const texts = own.map(({ text }) => text).find((text) => Object.keys(text).length > 0)
  const detail = texts === undefined ? null : inLanguage(texts, given.languages)
  const members = {
    code: outcome === 'deny' ? 'live_denied' : 'live_delayed',
    title: outcome === 'deny' ? 'Going live is not allowed' : 'Going live has to wait',
    ...(detail === null ? {} : { detail }),
    decision: id,
    ...(mode === null ? {} : { mode }),
    ...(until === null ? {} : { until: instant(until) }),
    ...(not_before === null ? {} : { not_before: formatInstant(not_before) }),
    reasons: reasons.map(forDevice),
  }
  const waits = outcome === 'delay' && given.retry_after_s !== null
  return problem(waits ? 503 : 403, members, retryAfter(waits ? given.retry_after_s : null))
}

/** The server behind the door could not take what was allowed. */
export function backendProblem(fault: BackendFault): Response {
  const status = fault === 'timeout' ? 504 : 502
  const title = 'The media server cannot take the broadcast'
  return problem(
    status,
    { code: `media_${fault}`, title },
    retryAfter(fault === 'refused' ? null : 5),
  )
}

export function notFoundProblem(): Response {
  return problem(404, { code: 'not_found', title: 'There is no such session' }, {})
}

export function conflictProblem(title: string, status: number): Response {
  return problem(status, { code: 'invalid_request', title }, {})
}

function forDevice({ host, rule, code, ground, clause, until, text, appeal }: Reason): object {
  if (host !== 0) return { code: 'cohost', host }
  return {
    ...{ rule, code, ground, text },
    ...(clause === undefined ? {} : { clause }),
    ...(until === undefined ? {} : { until: instant(until) }),
    ...(appeal === undefined ? {} : { appeal: appealOf(appeal) }),
  }
}

function appealOf({ url, until }: NonNullable<Reason['appeal']>): object {
  return until === undefined ? { url } : { url, until: formatInstant(until) }
}

function instant(until: Until): string {
  return until === 'forever' ? until : formatInstant(until)
}

function problem(
  status: number,
  members: { readonly code: string; readonly title: string },
  headers: Readonly<Record<string, string>>,
): Response {
  const type = `urn:problem-type:livegate:${members.code}`
  return new Response(JSON.stringify({ type, status, ...members }), {
    status,
    headers: {
      ...{ 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      ...CORS,
      ...headers,
    },
  })
}
