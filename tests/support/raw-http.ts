/**
 * Bytes onto a socket and whatever comes back, for requests no HTTP client would send.
 */
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Bytes = string | Uint8Array

/** Longest a server may take to answer and close. */
const PATIENCE_MS = 20_000

/** Sends `bytes` and resolves with all that came back once the server closed. Rejects when it never does. */
export function exchange(url: string, bytes: Bytes): Promise<readonly RawAnswer[]> {
  return talk(url, (socket) => void socket.write(bytes))
}

/** The same with a script of its own; a connection that is reset ends the exchange like a close. */
export function talk(url: string, script: (socket: Socket) => void): Promise<readonly RawAnswer[]> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    const received: Buffer[] = []
    const patience = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the server kept the connection for ${PATIENCE_MS} ms`))
    }, PATIENCE_MS)
    socket.on('data', (chunk) => received.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(patience)
      resolve(answersIn(Buffer.concat(received)))
    })
    socket.on('connect', () => script(socket))
  })
}

/** The answers in a stream of bytes; 100 Continue is none. A last one may be cut off. */
export function answersIn(bytes: Buffer): readonly RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end === -1) break
    const [start = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    )
    const status = Number(start.split(' ')[1])
    const length = Number(headers['content-length'] ?? 0)
    if (status !== 100)
      answers.push({ status, headers, body: bytes.toString('utf8', end + 4, end + 4 + length) })
    at = end + 4 + length
  }
  return answers
}
