/**
 * The load: a fixed number of keep-alive connections, each asking its next question when the last is answered.
 *
 * Written for benchmarks that share two cores with what they measure: requests are built before the clock starts and
 * answers are only counted, so that it takes a fraction of the processor time of a general client (whose own parsing
 * cost as much as the bare floor). It trusts the servers it is pointed at to answer with a content-length.
 */
import { connect, type Socket } from 'node:net'

export interface Load {
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Bodies, shared out among the connections; each connection asks its own in turn, again and again. */
  readonly bodies: readonly string[]
  /** Further headers of the i-th request. */
  readonly own?: (i: number) => Readonly<Record<string, string>>
  readonly connections: number
  /** Infinity: until every body was sent once. */
  readonly seconds: number
  /** First digit of every answer's status; 2 unless given. */
  readonly expect?: '2' | '4'
  /**
   * Polls without a pause. Waking a neighbour who sleeps on the same machine is charged to the server that answers (40 µs of
   * a virtual machine); clients across a network are woken by their own. For measurements of processor time only.
   */
  readonly awake?: boolean
}

export interface Loaded {
  /** Answers a second. */
  readonly rate: number
  readonly answered: number
  readonly p50_ms: number
  readonly p99_ms: number
}

const HEADER_END = Buffer.from('\r\n\r\n')

/** Loads a server. Rejects when a single answer is not as expected, or a connection ends. */
export async function generateLoad(load: Load): Promise<Loaded> {
  const { url, path, headers, bodies, connections, seconds, expect = '2' } = load
  const { hostname, port, host } = new URL(url)
  const linesOf = (i: number): string =>
    Object.entries({ host, ...headers, ...load.own?.(i) })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
  const requests = bodies.map((body, i) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\n${linesOf(i)}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  )
  const took: number[] = []
  const began = performance.now()
  const until = began + 1000 * seconds
  let asking = true
  const stayAwake = (): void => {
    if (asking) setImmediate(stayAwake)
  }
  if (load.awake === true) stayAwake()
  await Promise.all(
    Array.from({ length: connections }, (_, i) => {
      const mine = requests.filter((_request, n) => n % connections === i)
      const socket = connect(Number(port), hostname)
      return ask({ socket, requests: mine, until, took, expect })
    }),
  )
  asking = false
  const passed_s = (performance.now() - began) / 1000
  took.sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round(10 * (took[Math.floor(share * took.length)] ?? 0)) / 10
  return { rate: took.length / passed_s, answered: took.length, p50_ms: at(0.5), p99_ms: at(0.99) }
}

/** One connection: the next question leaves when the whole answer to the last is there. */
function ask(connection: {
  readonly socket: Socket
  readonly requests: readonly Buffer[]
  readonly until: number
  readonly took: number[]
  readonly expect: string
}): Promise<void> {
  const { socket, requests, until, took, expect } = connection
  const once = until === Number.POSITIVE_INFINITY
  return new Promise((done, failed) => {
    let next = once ? 0 : Math.floor(Math.random() * requests.length)
    let sent = 0
    /** Bytes of the answer still to come; null while its head is. */
    let missing: number | null = null
    let head: Buffer = Buffer.alloc(0)
    const send = (): void => {
      const request = requests[next++ % requests.length]
      sent = performance.now()
      if (request !== undefined) socket.write(request)
    }
    const answered = (): void => {
      const now = performance.now()
      took.push(now - sent)
      missing = null
      if (once ? next < requests.length : now < until) send()
      else {
        socket.end()
        done()
      }
    }
    socket.setNoDelay(true)
    socket.on('connect', send)
    socket.on('error', failed)
    socket.on('close', () => failed(new Error('the server closed a connection')))
    socket.on('data', (chunk: Buffer) => {
      if (missing === null) {
        head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
        const end = head.indexOf(HEADER_END)
        if (end === -1) return
        const text = head.toString('latin1', 0, end)
        if (!text.startsWith(`HTTP/1.1 ${expect}`))
          return failed(new Error(text.split('\r\n', 1)[0]))
        const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
        if (length === undefined) return failed(new Error('an answer has no content-length'))
        missing = Number(length) - (head.length - end - HEADER_END.length)
        head = Buffer.alloc(0)
      } else missing -= chunk.length
      if (missing === 0) answered()
    })
  })
}
