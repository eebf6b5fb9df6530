/**
 * Lingering: an answer that comes before the whole request was read still arrives.
 *
 * A connection closed with bytes nobody read is reset, and a client that is still writing then loses the answer that
 * was on its way. So only the write side ends; what comes is thrown away until the client ends its side, too, or for
 * LINGER_MS. Nothing is kept of it, and no second request is taken (RFC 9112 section 9.6).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Time for an answer to arrive and be read, and for what was sent meanwhile. */
export const LINGER_MS = 1_000

/** Sockets that only throw away what comes. */
const lingering = new WeakSet<Socket>()

/** Closes as above once the answer is written, if the server closes before the request was read. Call it first of all. */
export function lingerAfter(incoming: IncomingMessage, outgoing: ServerResponse): void {
  // Before the server's own listener, which closes the connection.
  outgoing.prependListener('finish', () => {
    const { socket } = incoming
    if (!incoming.complete) socket.destroySoon = () => linger(socket)
  })
}

/** Ends the write side, and the connection a little later. Again: nothing. */
export function linger(socket: Socket): void {
  if (lingering.has(socket)) return
  lingering.add(socket)
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(cut))
  socket.end()
  socket.resume()
}

/** True for one that only throws away what comes: nothing can be said on it any more. */
export function isLingering(socket: Socket): boolean {
  return lingering.has(socket)
}
