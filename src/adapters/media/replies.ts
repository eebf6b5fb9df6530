/**
 * Pieces answers are made of: exact lengths, never cached, never a key or a reason in them.
 *
 * Which status means what to which server is the dialect's business; only the answer to a stranger is the same for all,
 * so that nobody learns from it which kinds and ids there are.
 */
import { utf8 } from '../../core/encoding.ts'
import type { Refusal, Reply, Verdict } from './dialect.ts'

/** None begins with 2 or 3: a refusal to every server that looks at the status. */
export const REFUSAL_STATUS: Readonly<Record<Refusal, number>> = {
  unauthenticated: 401,
  too_large: 413,
  malformed: 400,
  wrong_app: 403,
  wrong_name: 403,
  no_key: 403,
  unknown_key: 403,
  revoked_key: 403,
  rate_limited: 429,
  session_conflict: 409,
  leaving: 503,
  gone: 403,
  unavailable: 503,
}

/** Who guesses keys must not learn that one was right once. */
export function wordFor(why: Refusal): string {
  return why === 'revoked_key' || why === 'wrong_name' ? 'unknown_key' : why
}

export function textReply(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return reply(status, 'text/plain; charset=utf-8', { body, headers })
}

export function jsonReply(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return reply(status, 'application/json', { body: JSON.stringify(value), headers })
}

/** `Retry-After` in whole seconds, at least one; nothing for null. */
export function retryAfter(seconds: number | null): Record<string, string> {
  return seconds === null ? {} : { 'retry-after': String(Math.max(1, Math.ceil(seconds))) }
}

/** To servers that look at the status alone: 200, 403 for a denial, or what `statusOf` says of a refusal. */
export function statusReply(
  verdict: Verdict,
  statusOf: (why: Refusal) => number = (why) => REFUSAL_STATUS[why],
): Reply {
  switch (verdict.type) {
    case 'admit':
      return textReply(200, 'ok\n', { 'livegate-decision': verdict.decision })
    case 'noted':
      return textReply(200, 'ok\n')
    case 'deny':
      return textReply(403, `${verdict.outcome}\n`, {
        'livegate-decision': verdict.decision,
        ...retryAfter(verdict.retry_after_s),
      })
    case 'refused':
      return textReply(
        statusOf(verdict.why),
        `refused ${wordFor(verdict.why)}\n`,
        retryAfter(verdict.retry_after_s),
      )
  }
}

/** The name itself; throws RangeError for anything that could be more than a name where it is put. */
export function plainName(name: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
    throw new RangeError('Cannot rename a stream: the playback name is not a plain word')
  return name
}

/** To whoever did not prove to be a server, whatever kind was asked for: every server takes it for a refusal. */
export const STRANGER: Reply = textReply(
  REFUSAL_STATUS.unauthenticated,
  `refused ${wordFor('unauthenticated')}\n`,
)

function reply(
  status: number,
  type: string,
  { body, headers }: Pick<Reply, 'body' | 'headers'>,
): Reply {
  return {
    status,
    headers: {
      'content-type': type,
      'content-length': String(utf8(body).length),
      'cache-control': 'no-store',
      ...headers,
    },
    body,
  }
}
