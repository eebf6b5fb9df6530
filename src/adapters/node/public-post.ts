/**
 * Posts a webhook from Node: once, in bounded time, to an address that belongs to the outside world.
 *
 * A name may lead anywhere, also after it was checked, so the very addresses a connection is made to are looked at: one in a
 * private, local or reserved range is refused unless the endpoint may be private. Redirects are not followed, of an answer
 * only status and Retry-After are read. Never rejects. Port: gate/webhooks/port.ts.
 */
import { lookup as dnsLookup } from 'node:dns'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Post, Posted } from '../../gate/webhooks/port.ts'
import { retryAfterIn } from '../../gate/webhooks/schedule.ts'
import { addressIn, isPublic } from '../../public-address.ts'

class Blocked extends Error {}

/** `lookup` resolves names; the system's unless given. */
export function createPublicPost(lookup: typeof dnsLookup = dnsLookup): Post {
  return ({ url, private: mayBePrivate, headers, body, timeout_ms }) =>
    new Promise<Posted>((resolve) => {
      const { protocol, hostname } = new URL(url)
      const address = addressIn(hostname)
      if (!mayBePrivate && address !== null && !isPublic(address))
        return resolve({ fault: 'blocked' })
      const open = protocol === 'https:' ? httpsRequest : httpRequest
      const request = open(url, {
        method: 'POST',
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        // One connection a message: an endpoint that moves is found, and no address outlives its check.
        agent: false,
        ...(mayBePrivate ? {} : { lookup: guarded(lookup) }),
      })
      const timer = setTimeout(() => end({ fault: 'timeout' }), timeout_ms)
      function end(posted: Posted): void {
        clearTimeout(timer)
        request.destroy()
        resolve(posted)
      }
      request.on('error', (error) =>
        end({ fault: error instanceof Blocked ? 'blocked' : faultOf(error) }),
      )
      request.on('response', (response) => end(postedOf(response)))
      request.end(body)
    })
}

/** A lookup that gives only public addresses, and fails when there is none. */
function guarded(lookup: typeof dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0)
      const [first, ...rest] = found.filter(({ address }) => isPublic(address))
      if (first === undefined) return callback(new Blocked(), '', 0)
      if (options.all === true) return callback(null, [first, ...rest])
      callback(null, first.address, first.family)
    })
  }
}

function postedOf(response: IncomingMessage): Posted {
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400) return { fault: 'redirect' }
  return { status, retry_after_s: retryAfterIn(response.headers['retry-after'] ?? '', Date.now()) }
}

function faultOf(error: NodeJS.ErrnoException): 'unreachable' | 'unreadable' {
  return error.code?.startsWith('HPE_') ? 'unreadable' : 'unreachable'
}
