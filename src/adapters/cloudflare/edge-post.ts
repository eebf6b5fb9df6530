/**
 * Posts a webhook from the edge: once, in bounded time, to an address that belongs to the outside world.
 *
 * Here nobody sees which address a name leads to, so that is the platform's to refuse: Cloudflare's network reaches no private
 * one, plain workerd has a network of public addresses for this (`publicly`, scripts/edge/workerd-config.ts). Addresses that
 * are written out are refused here as well. Redirects are not followed, of an answer only status and Retry-After are read.
 * Never rejects. Port: gate/webhooks/port.ts. Node's counterpart: adapters/node/public-post.ts.
 */
import type { After } from '../../gate/context.ts'
import type { Post, Posted } from '../../gate/webhooks/port.ts'
import { retryAfterIn } from '../../gate/webhooks/schedule.ts'
import type { Clock } from '../../ports.ts'
import { addressIn, isPublic } from '../../public-address.ts'

export type Send = (url: string, init: RequestInit) => Promise<Response>

export function createEdgePost(parts: {
  /** Reaches whatever the host can reach: for endpoints that may be private. */
  readonly anywhere: Send
  /** Reaches public addresses only, whatever a name leads to. */
  readonly publicly: Send
  readonly after: After
  readonly clock: Clock
}): Post {
  const { anywhere, publicly, after, clock } = parts
  return async ({ url, private: mayBePrivate, headers, body, timeout_ms }) => {
    if (!mayBePrivate && !mayBePublic(url)) return { fault: 'blocked' }
    const given = new AbortController()
    const cancel = after(timeout_ms, () => given.abort())
    const init = {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: given.signal,
    } as const
    try {
      const response = await orAborted(
        (mayBePrivate ? anywhere : publicly)(url, init),
        given.signal,
      )
      // Nobody reads it, and it holds one of six connections.
      response.body?.cancel().catch(() => {})
      return postedOf(response, clock.now())
    } catch {
      return { fault: given.signal.aborted ? 'timeout' : 'unreachable' }
    } finally {
      cancel()
    }
  }
}

/** A network that does not heed the signal is not waited for either. */
function orAborted<T>(sent: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    sent.then(resolve, reject)
  })
}

/** False for an address that is written out and not public, for this machine's name, and without TLS. */
function mayBePublic(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  const address = addressIn(hostname)
  if (address !== null) return protocol === 'https:' && isPublic(address)
  return protocol === 'https:' && !/(?:^|\.)localhost\.?$/.test(hostname)
}

function postedOf({ status, headers }: Response, now: number): Posted {
  // A browser's way of saying that there was a redirect is a status of 0.
  if (status === 0 || (status >= 300 && status < 400)) return { fault: 'redirect' }
  return { status, retry_after_s: retryAfterIn(headers.get('retry-after') ?? '', now) }
}
