import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LINGER_MS } from '../../../src/adapters/node/linger.ts'
import {
  LISTENER_LIMITS,
  type ListenerLimits,
  listen,
} from '../../../src/adapters/node/listener.ts'
import { exchange, talk } from '../../support/raw-http.ts'

const LARGE = new Uint8Array(32 * 1024 * 1024)

async function listening(limits: Partial<ListenerLimits> = {}): Promise<string> {
  const { url, stop } = await listen({
    fetch: (request) => new Response(request.url.endsWith('/large') ? LARGE : 'ok'),
    unreadable: (fault) => new Response(fault, { status: 400 }),
    host: '127.0.0.1',
    port: 0,
    limits: { ...LISTENER_LIMITS, check_every_ms: 20, ...limits },
  })
  onTestFinished(stop)
  return url
}

describe('a listener', () => {
  it('cuts a reader that never reads, with its answer', async () => {
    const url = await listening({ idle_timeout_ms: 100 })
    const { port, hostname } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    socket.pause()
    socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    setTimeout(() => socket.resume(), 600)
    let received = 0
    socket.on('data', (part) => {
      received += part.length
    })
    socket.pause()
    await closed
    expect(received).toBeLessThan(LARGE.length)
  })

  it('cuts headers and bodies that do not come', async () => {
    const url = await listening({ headers_timeout_ms: 60, request_timeout_ms: 120 })
    const late = await Promise.all([
      talk(url, (socket) => void socket.write('GET / HTTP/1.1\r\nX:')),
      talk(
        url,
        (socket) => void socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n'),
      ),
    ])
    expect(late.map(([answer]) => answer?.status)).toEqual([400, 400])
  })

  it('closes connections beyond its limit and serves the others', async () => {
    const url = await listening({ max_connections: 1 })
    const first = talk(url, (socket) => setTimeout(() => socket.end(), 200))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await exchange(url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toEqual([])
    await first
    const [answer] = await exchange(url, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(answer?.status).toBe(200)
  })

  it('never writes a refusal behind an answer, where it would be misread', async () => {
    const url = await listening()
    const answers = await talk(url, (socket) => {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      socket.once('data', () => socket.write('garbage\r\n\r\n'))
    })
    expect(answers.map(({ status }) => status)).toEqual([200])
  })

  const length = `Connection: close\r\nContent-Length: ${LARGE.length}\r\n\r\n`
  it.each([
    ['an early answer', `POST / HTTP/1.1\r\nHost: x\r\n${length}`, 200],
    ['a refusal', 'GET / HTTP/1.1\r\nX:', 400],
  ])('lets %s be heard by who reads only after all was written', async (_, head, status) => {
    const url = await listening()
    const answers = await talk(url, (socket) => {
      socket.pause()
      socket.write(head)
      socket.write(LARGE, (error) => (error ? socket.destroy() : socket.resume()))
    })
    expect(answers.map((answer) => answer.status)).toEqual([status])
  })

  it('waits only so long for a client that never ends', async () => {
    const url = await listening()
    const started = performance.now()
    await talk(url, (socket) => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n')
      socket.write('Transfer-Encoding: chunked\r\n\r\n')
      const more = setInterval(() => socket.write('1\r\nx\r\n'), 20)
      socket.once('close', () => clearInterval(more))
    })
    expect(performance.now() - started).toBeLessThan(2 * LINGER_MS)
  })
})
