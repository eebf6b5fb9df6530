/**
 * One real process and everything that should never arrive at it, over real sockets.
 *
 * After each group of attacks it is alive and decides, what it said was documented and repeats nothing that was sent,
 * and the log holds what was acknowledged and nothing else.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toBase64, toBase64Url } from '../../src/core/encoding.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { type Bytes, exchange, type RawAnswer, talk } from '../support/raw-http.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'

/** Stands in everything that must not come back. */
const MARK = 'Zq7Mark'
const HOOK_SECRET = 'hook-secret-Zq7Mark-0123456789'

let server: ServerProcess
let dir: string
let sizeAtStart: number
const acknowledged = new Set<string>()

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'livegate-attack-'))
  const servers = join(dir, 'servers.yaml')
  writeFileSync(
    servers,
    `servers:
  - { id: edge-1, kind: nginx-rtmp, secret: ${HOOK_SECRET}, subject: { from: stream_key }, when_down: deny }
  - { id: edge-2, kind: nginx-rtmp, secret: ${HOOK_SECRET}2, subject: { from: name }, when_down: deny }
`,
  )
  server = await startServer({ data: join(dir, 'data'), servers })
  sizeAtStart = await logSize()
})

afterAll(async () => {
  await server?.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function logSize(): Promise<number> {
  const { body } = await call(server, 'GET', '/metrics')
  return Number(/^livegate_log_size (\d+)$/m.exec(String(body))?.[1])
}

interface Attack {
  readonly name: string
  readonly bytes: Bytes
  /** Status and code of the first answer; an empty list when the connection is just closed. */
  readonly expect: readonly [] | readonly [status: number, code?: string]
}

const AUTH = `Authorization: Bearer ${ADMIN_KEY}\r\n`
const HOST = 'Host: gate\r\nConnection: close\r\n'

function get(path: string, headers: string = AUTH): string {
  return `GET ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`
}

function post(path: string, body: Bytes, headers = '', method = 'POST'): Uint8Array {
  const content = Buffer.from(body as string)
  const head = `${method} ${path} HTTP/1.1\r\n${HOST}${AUTH}Content-Type: application/json\r\nContent-Length: ${content.length}\r\n${headers}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), content])
}

const decide = (body: Bytes, headers = ''): Uint8Array => post('/v1/decisions', body, headers)
const strike = (members: object | string, subject = `u_${MARK}`): Uint8Array =>
  post(
    `/v1/subjects/${subject}/strikes`,
    typeof members === 'string' ? members : JSON.stringify({ ...aStrike(), ...members }),
  )
const aStrike = (): object => ({
  id: `s_${MARK}`,
  category: 'terrorism.link',
  severity: 'high',
  issued_at: '2026-01-01T00:00:00Z',
})
const SUBJECT = `"subject":"u_${MARK}"`

/** Runs one group and checks the process after it. */
function group(title: string, attacks: readonly Attack[]): void {
  describe(title, () => {
    for (const { name, bytes, expect: expected } of attacks)
      it(`${name} is ${expected.length === 0 ? 'cut off' : expected.join(' ')}`, async () => {
        const answers = await exchange(server.url, bytes)
        judge(answers)
        const [first] = answers
        const decision = first?.headers['livegate-decision']
        if (decision !== undefined) await acknowledge(decision)
        const code = first === undefined || first.status < 400 ? undefined : codeOf(first)
        if (expected.length === 0) expect(answers).toEqual([])
        else expect([first?.status, code]).toEqual([expected[0], expected[1]])
      })
    it('and the gate goes on', goesOn)
  })
}

function codeOf({ body }: RawAnswer): string | undefined {
  return body.startsWith('{') ? (JSON.parse(body) as { code?: string }).code : undefined
}

/** Errors are documents that repeat nothing; what was acknowledged is remembered. */
function judge(answers: readonly RawAnswer[]): void {
  for (const { status, headers, body } of answers) {
    expect(status).not.toBe(500)
    if (status >= 400) {
      expect(body).not.toContain(MARK)
      if (headers['content-type'] !== 'text/plain; charset=utf-8')
        expect(headers['content-type']).toBe('application/problem+json')
    }
    if (status < 300 && body.startsWith('{')) {
      const { receipt } = JSON.parse(body) as { receipt?: { leaf: string } }
      if (receipt !== undefined) acknowledged.add(receipt.leaf)
    }
  }
}

/** A hook's answer only names the decision. */
async function acknowledge(id: string): Promise<void> {
  const { body } = await call(server, 'GET', `/v1/decisions/${id}`)
  acknowledged.add((body as { receipt: { leaf: string } }).receipt.leaf)
}

async function goesOn(): Promise<void> {
  expect((await call(server, 'GET', '/healthz')).body).toEqual({ status: 'alive' })
  const facts = { created_at: '2020-01-01T00:00:00Z' }
  const good = { subject: 'u_good', stream: { id: 'b_1' }, facts }
  const answer = await call(server, 'POST', '/v1/decisions', good)
  expect(answer.body).toMatchObject({ outcome: 'allow' })
  acknowledged.add((answer.body as { receipt: { leaf: string } }).receipt.leaf)
  expect(server.stderr()).not.toContain(MARK)
  expect(server.stderr()).not.toContain(ADMIN_KEY)
  expect(server.stderr()).not.toMatch(/"level":"error"|\n {4}at /)
  // A heartbeat is written once a minute.
  const extra = (await logSize()) - sizeAtStart - acknowledged.size
  expect([0, 1, 2]).toContain(extra)
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
const bad = [400, 'invalid_request'] as const

group('a body that is not what it says', [
  { name: 'broken JSON', bytes: decide(`{${SUBJECT}`), expect: bad },
  { name: 'a trailing comma', bytes: decide(`{${SUBJECT},}`), expect: bad },
  { name: 'two values', bytes: decide(`{${SUBJECT}}{${SUBJECT}}`), expect: bad },
  { name: 'a comment', bytes: decide(`{/* ${MARK} */${SUBJECT}}`), expect: bad },
  { name: 'an empty body', bytes: decide(''), expect: bad },
  { name: 'a list', bytes: decide(`[{${SUBJECT}}]`), expect: bad },
  { name: 'a text', bytes: decide(`"${MARK}"`), expect: bad },
  { name: 'a number beyond all numbers', bytes: decide('1e309'), expect: bad },
  { name: 'a number of 100,000 digits', bytes: decide('9'.repeat(100_000)), expect: bad },
  { name: 'ten thousand lists', bytes: decide(`{${SUBJECT},"x":${nested(10_000)}}`), expect: bad },
  {
    name: 'ten thousand objects',
    bytes: decide(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
    expect: bad,
  },
  { name: 'brackets that never close', bytes: decide('['.repeat(131_000)), expect: bad },
  { name: 'a text that never closes', bytes: decide(`{"subject":"${MARK}\\`), expect: bad },
  { name: '1 MiB', bytes: decide(`"${MARK.repeat(150_000)}"`), expect: [413, 'body_too_large'] },
  {
    name: 'bad UTF-8',
    bytes: decide(
      Buffer.concat([Buffer.from('{"subject":"'), Buffer.from([0xc3, 0x28, 0x22, 0x7d])]),
    ),
    expect: bad,
  },
  {
    name: 'an overlong encoding',
    bytes: decide(
      Buffer.concat([Buffer.from('{"subject":"'), Buffer.from([0xc0, 0xaf, 0x22, 0x7d])]),
    ),
    expect: bad,
  },
  {
    name: 'an encoded surrogate',
    bytes: decide(
      Buffer.concat([Buffer.from('{"subject":"'), Buffer.from([0xed, 0xa0, 0x80, 0x22, 0x7d])]),
    ),
    expect: bad,
  },
  { name: 'a byte order mark', bytes: decide(`\ufeff{${SUBJECT}}`), expect: bad },
  { name: 'a raw NUL', bytes: decide(`{"subject":"${MARK}\0"}`), expect: bad },
  { name: 'a member twice', bytes: decide(`{${SUBJECT},${SUBJECT}}`), expect: bad },
  {
    name: 'a member twice, once escaped',
    bytes: decide(`{${SUBJECT},"sub\\u006aect":"v"}`),
    expect: bad,
  },
  {
    name: '__proto__ twice',
    bytes: decide(`{${SUBJECT},"__proto__":{"a":1},"__proto__":{"a":1}}`),
    expect: bad,
  },
  {
    name: 'another content type',
    bytes: decide(`{${SUBJECT}}`, 'Content-Type: text/plain\r\n'),
    expect: [415, 'unsupported_media_type'],
  },
  {
    name: 'a compressed body',
    bytes: decide(`{${SUBJECT}}`, 'Content-Encoding: gzip\r\n'),
    expect: [415, 'unsupported_media_type'],
  },
])

group('a subject', [
  {
    name: 'of 256 characters',
    bytes: decide(`{"subject":"${MARK.padEnd(256, 'x')}"}`),
    expect: [200],
  },
  {
    name: 'of 257 characters',
    bytes: decide(`{"subject":"${MARK.padEnd(257, 'x')}"}`),
    expect: bad,
  },
  {
    name: 'in any script',
    bytes: decide(`{"subject":"${MARK} 𝒰 ユーザー \u202e"}`),
    expect: [200],
  },
  {
    name: 'that looks like SQL',
    bytes: decide(`{"subject":"'; DROP TABLE x; --"}`),
    expect: [200],
  },
  { name: 'named __proto__', bytes: decide('{"subject":"__proto__"}'), expect: [200] },
  { name: 'named constructor', bytes: decide('{"subject":"constructor"}'), expect: [200] },
  { name: 'that is empty', bytes: decide('{"subject":""}'), expect: bad },
  { name: 'with an escaped NUL', bytes: decide(`{"subject":"${MARK}\\u0000"}`), expect: bad },
  { name: 'with a line feed', bytes: decide(`{"subject":"${MARK}\\n"}`), expect: bad },
  { name: 'with DEL', bytes: decide(`{"subject":"${MARK}\\u007f"}`), expect: bad },
  { name: 'with a C1 control', bytes: decide(`{"subject":"${MARK}\\u0085"}`), expect: bad },
  { name: 'with a lone surrogate', bytes: decide(`{"subject":"${MARK}\\ud800"}`), expect: bad },
  { name: 'that is a number', bytes: decide('{"subject":1}'), expect: bad },
  { name: 'that is null', bytes: decide('{"subject":null}'), expect: bad },
  { name: 'that is an object', bytes: decide(`{"subject":{"toString":"${MARK}"}}`), expect: bad },
  { name: 'that no path can name', bytes: decide('{"subject":".."}'), expect: bad },
  { name: 'left out', bytes: decide('{}'), expect: bad },
])

group('a decision', [
  {
    name: 'with keys of the prototype',
    bytes: decide(`{${SUBJECT},"__proto__":{"admin":true},"constructor":{"prototype":1}}`),
    expect: [200],
  },
  {
    name: 'with facts of the prototype',
    bytes: decide(`{${SUBJECT},"facts":{"__proto__":{"created_at":"2020-01-01T00:00:00Z"}}}`),
    expect: [200],
  },
  {
    name: 'with -0 followers',
    bytes: decide(`{${SUBJECT},"facts":{"followers":-0}}`),
    expect: [200],
  },
  {
    name: 'with 1e309 followers',
    bytes: decide(`{${SUBJECT},"facts":{"followers":1e309}}`),
    expect: [200],
  },
  {
    name: 'with 2^53 followers',
    bytes: decide(`{${SUBJECT},"facts":{"followers":9007199254740993}}`),
    expect: [200],
  },
  { name: 'with facts as a list', bytes: decide(`{${SUBJECT},"facts":[]}`), expect: bad },
  {
    name: 'with 17 hosts',
    bytes: decide(`{${SUBJECT},"stream":{"hosts":[${Array(17).fill('{"subject":"h"}')}]}}`),
    expect: bad,
  },
  {
    name: 'with itself as co-host',
    bytes: decide(`{${SUBJECT},"stream":{"hosts":[{${SUBJECT}},{${SUBJECT}}]}}`),
    expect: [200],
  },
  {
    name: 'with a stream named after nothing',
    bytes: decide(`{${SUBJECT},"stream":{"id":"\\u0000"}}`),
    expect: [200],
  },
  {
    name: 'with two Idempotency-Keys',
    bytes: decide(`{${SUBJECT}}`, 'Idempotency-Key: a\r\nIdempotency-Key: b\r\n'),
    expect: bad,
  },
  {
    name: 'with an Idempotency-Key of 65 characters',
    bytes: decide(`{${SUBJECT}}`, `Idempotency-Key: ${MARK.padEnd(65, 'x')}\r\n`),
    expect: bad,
  },
  {
    name: 'with an Idempotency-Key, first',
    bytes: decide(`{"subject":"i_${MARK}"}`, `Idempotency-Key: ${MARK}\r\n`),
    expect: [200],
  },
  {
    name: 'with that key and other bytes',
    bytes: decide(`{"subject":"i_${MARK}" }`, `Idempotency-Key: "${MARK}"\r\n`),
    expect: [422, 'idempotency_mismatch'],
  },
])

group('a strike', [
  { name: 'that is fine', bytes: strike({}), expect: [201] },
  { name: 'again', bytes: strike({}), expect: [200] },
  { name: 'with other content', bytes: strike({ severity: 'low' }), expect: [409, 'conflict'] },
  { name: 'for another subject', bytes: strike({}, 'u_other'), expect: [409, 'conflict'] },
  {
    name: 'from a far future',
    bytes: strike({ id: 's_f', issued_at: '9999-12-31T23:59:59.999Z' }),
    expect: bad,
  },
  {
    name: 'from year one',
    bytes: strike({ id: 's_a', issued_at: '0001-01-01T00:00:00Z' }),
    expect: [201],
  },
  {
    name: 'from before year one',
    bytes: strike({ id: 's_b', issued_at: '0000-12-31T23:59:59Z' }),
    expect: bad,
  },
  {
    name: 'from a leap second',
    bytes: strike({ id: 's_l', issued_at: '2016-12-31T23:59:60Z' }),
    expect: bad,
  },
  {
    name: 'from a day that is none',
    bytes: strike({ id: 's_n', issued_at: '2026-02-30T00:00:00Z' }),
    expect: bad,
  },
  {
    name: 'without a zone',
    bytes: strike({ id: 's_z', issued_at: '2026-01-01T00:00:00' }),
    expect: bad,
  },
  { name: 'at a number', bytes: strike({ id: 's_m', issued_at: 1_700_000_000_000 }), expect: bad },
  {
    name: 'that ends before it begins',
    bytes: strike({ id: 's_e', expires_at: '2025-01-01T00:00:00Z' }),
    expect: bad,
  },
  { name: 'of weight 0', bytes: strike({ id: 's_w', weight: 0 }), expect: bad },
  { name: 'of weight 1.5', bytes: strike({ id: 's_w', weight: 1.5 }), expect: bad },
  { name: 'of weight 1e308', bytes: strike({ id: 's_w', weight: 1e308 }), expect: bad },
  {
    name: 'of no known severity',
    bytes: strike({ id: 's_w', severity: '__proto__' }),
    expect: bad,
  },
  { name: 'of category ..', bytes: strike({ id: 's_w', category: '..' }), expect: bad },
  { name: 'of an id no path can name', bytes: strike({ id: '..' }), expect: bad },
  { name: 'with an unknown member', bytes: strike({ id: 's_w', extra: MARK }), expect: bad },
  {
    name: 'with __proto__',
    bytes: strike(JSON.stringify({ ...aStrike(), id: 's_p' }).replace('{', '{"__proto__":{},')),
    expect: bad,
  },
])

group('a path', [
  { name: 'with a broken escape', bytes: get(`/v1/subjects/${MARK}%zz`), expect: bad },
  { name: 'with a cut escape', bytes: get(`/v1/subjects/${MARK}%2`), expect: bad },
  { name: 'with an escape that is not UTF-8', bytes: get(`/v1/subjects/${MARK}%ff`), expect: bad },
  { name: 'with an escaped NUL', bytes: get(`/v1/subjects/${MARK}%00`), expect: bad },
  {
    name: 'with raw bytes beyond ASCII',
    bytes: Buffer.from(get(`/v1/subjects/${MARK}é`)),
    expect: bad,
  },
  { name: 'with an escaped slash', bytes: get(`/v1/subjects/${MARK}%2fx`), expect: [200] },
  ...['..', '%2e%2e', '.%2E', '.', '%2e'].flatMap((dots) =>
    [
      `/v1/subjects/${dots}`,
      `/v1/subjects/${dots}/facts`,
      `/v1/decisions/${dots}`,
      `/v1/decisions/${dots}/proof`,
      `/v1/policies/${dots}`,
      `/v1/${dots}/healthz`,
      `/log/tile/${dots}/checkpoint`,
      `/log/tile/entries/${dots}/${dots}/checkpoint`,
    ].map((path): Attack => ({ name: path, bytes: get(path), expect: [404, 'not_found'] })),
  ),
  ...[
    '%2f',
    '%00',
    '..%2f..%2fkeys',
    `${MARK}`,
    '%5c..%5c',
    "'",
    '*',
    '🔥'.length.toString(),
  ].flatMap((part) =>
    [
      `/v1/decisions/${part}`,
      `/v1/policies/${part}`,
      `/log/tile/0/${part}`,
      `/log/tile/${part}/000`,
    ].map((path): Attack => ({ name: path, bytes: get(path), expect: [404, 'not_found'] })),
  ),
  {
    name: 'of a stream key that is none',
    bytes: `DELETE /v1/stream-keys/..%2f HTTP/1.1\r\n${HOST}${AUTH}\r\n`,
    expect: [404, 'not_found'],
  },
  {
    name: 'of a reversal of nothing',
    bytes: post('/v1/strikes/%2e%2e/reversal', '{"reason":"x"}'),
    expect: [404, 'not_found'],
  },
  {
    name: '/log/tile/entries/000.p/0',
    bytes: get('/log/tile/entries/000.p/0'),
    expect: [404, 'not_found'],
  },
  { name: '/log/tile/entries/0', bytes: get('/log/tile/entries/0'), expect: [404, 'not_found'] },
  { name: '/log/../keys', bytes: get('/log/../keys'), expect: [404, 'not_found'] },
  { name: '/log/', bytes: get('/log/'), expect: [404, 'not_found'] },
  { name: '//healthz', bytes: get('//healthz'), expect: [404, 'not_found'] },
  { name: 'with a backslash', bytes: get('/log\\checkpoint'), expect: bad },
  { name: 'with a fragment', bytes: get('/healthz#x'), expect: [404, 'not_found'] },
  { name: 'without a slash', bytes: get('healthz'), expect: bad },
  {
    name: 'of 20,000 characters',
    bytes: get(`/${'a'.repeat(20_000)}`),
    expect: [431, 'invalid_request'],
  },
  { name: 'with a query that does not decode', bytes: get(`/v1/decisions?rule=%ff`), expect: bad },
  { name: 'with a parameter twice', bytes: get('/v1/decisions?limit=1&limit=2'), expect: bad },
  { name: 'with an unknown parameter', bytes: get('/v1/decisions?__proto__=1'), expect: bad },
  { name: 'with a limit of 1e2', bytes: get('/v1/decisions?limit=1e2'), expect: bad },
  {
    name: 'with a cursor somebody made up',
    bytes: get(`/v1/decisions?cursor=${MARK}`),
    expect: bad,
  },
  {
    name: 'with a wait of a year',
    bytes: get(`/v1/decisions/${MARK}/proof?wait=99999s`),
    expect: bad,
  },
])

const METHODS = ['OPTIONS', 'TRACE', 'PURGE', 'PROPFIND', 'SEARCH', 'DELETE']
group('a method', [
  ...METHODS.map(
    (method): Attack => ({
      name: method,
      bytes: `${method} /v1/decisions HTTP/1.1\r\n${HOST}${AUTH}\r\n`,
      expect: [405, 'invalid_request'],
    }),
  ),
  { name: 'HEAD', bytes: `HEAD /healthz HTTP/1.1\r\n${HOST}\r\n`, expect: [200] },
  { name: 'CONNECT', bytes: `CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n`, expect: [] },
  { name: 'OPTIONS *', bytes: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, expect: bad },
  { name: 'of its own', bytes: `${MARK} / HTTP/1.1\r\n${HOST}\r\n`, expect: bad },
  { name: 'of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', expect: bad },
])

const BODY = `{${SUBJECT}}`
const chunked = (te: string, rest: string): string =>
  `POST /v1/decisions HTTP/1.1\r\n${HOST}${AUTH}Content-Type: application/json\r\n${te}\r\n${rest}`
const SMUGGLED = `GET /v1/subjects/u_${MARK} HTTP/1.1\r\n${HOST}${AUTH}\r\n`
group('smuggling', [
  {
    name: 'length and chunks',
    bytes: chunked('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SMUGGLED}`),
    expect: bad,
  },
  {
    name: 'chunks and length',
    bytes: chunked('Transfer-Encoding: chunked\r\nContent-Length: 6\r\n', `0\r\n\r\n${SMUGGLED}`),
    expect: bad,
  },
  {
    name: 'two lengths',
    bytes: chunked('Content-Length: 6\r\nContent-Length: 7\r\n', '0\r\n\r\nG'),
    expect: bad,
  },
  {
    name: 'a list of lengths',
    bytes: chunked('Content-Length: 6, 6\r\n', '0\r\n\r\nG'),
    expect: bad,
  },
  {
    name: 'a length with a sign',
    bytes: chunked('Content-Length: +6\r\n', '0\r\n\r\nG'),
    expect: bad,
  },
  { name: 'a negative length', bytes: chunked('Content-Length: -1\r\n', ''), expect: bad },
  {
    name: 'a hexadecimal length',
    bytes: chunked('Content-Length: 0x6\r\n', '0\r\n\r\nG'),
    expect: bad,
  },
  {
    name: 'a length beyond numbers',
    bytes: chunked(`Content-Length: ${'9'.repeat(30)}\r\n`, ''),
    expect: bad,
  },
  {
    name: 'an unknown coding',
    bytes: chunked('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
    expect: bad,
  },
  {
    name: 'chunked not last',
    bytes: chunked('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'),
    expect: bad,
  },
  {
    name: 'a blank before the colon',
    bytes: chunked('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
    expect: bad,
  },
  {
    name: 'a folded header',
    bytes: chunked('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'),
    expect: bad,
  },
  { name: 'line feeds alone', bytes: `GET /healthz HTTP/1.1\nHost: x\n\n`, expect: bad },
  { name: 'a NUL in a header', bytes: get('/healthz', 'X: a\0b\r\n'), expect: bad },
  {
    name: 'a chunk size that is none',
    bytes: chunked('Transfer-Encoding: chunked\r\n', `ZZ\r\n${MARK}\r\n`),
    expect: bad,
  },
  {
    name: 'a chunk size beyond numbers',
    bytes: chunked('Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\n'),
    expect: bad,
  },
  {
    name: 'a chunk with an endless extension',
    bytes: chunked('Transfer-Encoding: chunked\r\n', `1;${MARK.repeat(10_000)}\r\n{`),
    expect: bad,
  },
  { name: 'two hosts', bytes: `GET /healthz HTTP/1.1\r\nHost: a\r\n${HOST}\r\n`, expect: bad },
  { name: 'no host', bytes: 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', expect: bad },
  {
    name: 'a host with a path',
    bytes: 'GET /healthz HTTP/1.1\r\nHost: a/../b\r\nConnection: close\r\n\r\n',
    expect: bad,
  },
  { name: 'garbage', bytes: Buffer.from([0, 1, 2, 3, 13, 10, 13, 10]), expect: bad },
  { name: 'a TLS greeting', bytes: Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), expect: bad },
  {
    name: 'an unknown expectation',
    bytes: decide(BODY, `Expect: ${MARK}\r\n`),
    expect: [417, 'invalid_request'],
  },
  {
    name: 'an upgrade',
    bytes: get('/healthz', 'Upgrade: websocket\r\n').replace('close', 'Upgrade'),
    expect: [200],
  },
  {
    name: 'a header of 20 KB',
    bytes: get('/healthz', `X: ${MARK.repeat(3_000)}\r\n`),
    expect: [431, 'invalid_request'],
  },
  {
    name: 'ten thousand headers',
    bytes: get('/healthz', 'a:\r\n'.repeat(10_000)),
    expect: [431, 'invalid_request'],
  },
  {
    name: 'a body nobody asked for',
    bytes: get('/v1/policies', `${AUTH}Content-Length: 5\r\n\r\nhello`).slice(0, -2),
    expect: [200],
  },
])

const part = (value: object): string => toBase64Url(Buffer.from(JSON.stringify(value)))
const claims = { iss: 'x', sub: MARK, scope: 'admin', iat: 0, exp: 9_999_999_999, aud: 'x' }
const jwt = (header: object): string => `${part(header)}.${part(claims)}.`
const denied = [401, 'unauthenticated'] as const
const withToken = (token: string): string =>
  get('/v1/policies', `Authorization: Bearer ${token}\r\n`)
group('a token', [
  { name: 'with alg none', bytes: withToken(jwt({ alg: 'none', typ: 'at+jwt' })), expect: denied },
  {
    name: 'of another typ',
    bytes: withToken(`${jwt({ alg: 'ES256', typ: 'JWT' })}AAAA`),
    expect: denied,
  },
  {
    name: 'signed with a symmetric key',
    bytes: withToken(`${jwt({ alg: 'HS256', typ: 'at+jwt' })}AAAA`),
    expect: denied,
  },
  { name: 'cut off', bytes: withToken(ADMIN_KEY.slice(0, -1)), expect: denied },
  { name: 'with something behind it', bytes: withToken(`${ADMIN_KEY}x`), expect: denied },
  { name: 'in other case', bytes: withToken(ADMIN_KEY.toUpperCase()), expect: denied },
  { name: 'that is half a key', bytes: withToken(`lg_${MARK}`), expect: denied },
  { name: 'of an unknown id', bytes: withToken(`lg_${MARK}_${'A'.repeat(43)}`), expect: denied },
  { name: 'of id __proto__', bytes: withToken(`lg_proto_${'A'.repeat(43)}`), expect: denied },
  { name: 'of 12 KB', bytes: withToken(MARK.repeat(1_700)), expect: denied },
  { name: 'of 100 KB', bytes: withToken(MARK.repeat(14_000)), expect: [431, 'invalid_request'] },
  { name: 'twice', bytes: get('/v1/policies', `${AUTH}${AUTH}`), expect: denied },
  {
    name: 'in the query',
    bytes: get(`/v1/policies?access_token=${ADMIN_KEY}`, ''),
    expect: denied,
  },
  {
    name: 'as Basic',
    bytes: get('/v1/policies', `Authorization: Basic ${toBase64(Buffer.from(`a:${MARK}`))}\r\n`),
    expect: denied,
  },
  {
    name: 'with a tab',
    bytes: get('/v1/policies', `Authorization: Bearer\t${ADMIN_KEY}\r\n`),
    expect: denied,
  },
  { name: 'beyond ASCII', bytes: Buffer.from(withToken(`${MARK}\xe9`), 'latin1'), expect: denied },
])

interface Hook {
  readonly fields?: string
  readonly server?: string
  readonly secret?: string
  readonly type?: string
  readonly method?: string
}
const FIELDS = `app=live&flashver=x&swfurl=&tcurl=rtmp://h/live&pageurl=&addr=203.0.113.9&clientid=41&call=publish&name=${MARK}&type=live`
function hook({ fields = FIELDS, server: id = 'edge-1', ...other }: Hook): string {
  const {
    secret = HOOK_SECRET,
    type = 'application/x-www-form-urlencoded',
    method = 'POST',
  } = other
  return `${method} /hooks/nginx-rtmp/${id} HTTP/1.1\r\n${HOST}Authorization: Bearer ${secret}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(fields)}\r\n\r\n${fields}`
}
const named = (name: string): Hook => ({
  fields: FIELDS.replace(MARK, name),
  server: 'edge-2',
  secret: `${HOOK_SECRET}2`,
})
group('a hook', [
  { name: 'with a wrong secret', bytes: hook({ secret: `${HOOK_SECRET}x` }), expect: [401] },
  {
    name: "with another server's secret",
    bytes: hook({ secret: `${HOOK_SECRET}2` }),
    expect: [401],
  },
  { name: 'with the admin key', bytes: hook({ secret: ADMIN_KEY }), expect: [401] },
  { name: 'of a foreign server', bytes: hook({ server: 'edge-9' }), expect: [401] },
  {
    name: 'of a server named __proto__',
    bytes: hook({ server: '__proto__' }),
    expect: [404, 'not_found'],
  },
  { name: 'with a trailing slash', bytes: hook({ server: 'edge-1/' }), expect: [404, 'not_found'] },
  {
    name: 'above another',
    bytes: hook({ server: 'edge-2/../edge-1' }),
    expect: [404, 'not_found'],
  },
  { name: 'by GET', bytes: hook({ method: 'GET' }), expect: [405, 'invalid_request'] },
  { name: 'in JSON', bytes: hook({ type: 'application/json' }), expect: [400] },
  { name: 'without fields', bytes: hook({ fields: '' }), expect: [400] },
  { name: 'with the name twice', bytes: hook({ fields: `${FIELDS}&name=u_good` }), expect: [400] },
  {
    name: 'with the call twice',
    bytes: hook({ fields: `${FIELDS}&call=publish_done` }),
    expect: [400],
  },
  {
    name: 'with an escaped field twice',
    bytes: hook({ fields: `${FIELDS}&n%61me=u_good` }),
    expect: [400],
  },
  {
    name: 'without a name',
    bytes: hook({ fields: FIELDS.replace(`name=${MARK}`, '') }),
    expect: [400],
  },
  {
    name: 'without a connection',
    bytes: hook({ fields: FIELDS.replace('clientid=41', '') }),
    expect: [400],
  },
  {
    name: 'with a connection that is no number',
    bytes: hook({ fields: FIELDS.replace('41', '-1') }),
    expect: [400],
  },
  {
    name: 'with a broken escape',
    bytes: hook({ fields: FIELDS.replace(MARK, '%zz') }),
    expect: [400],
  },
  {
    name: 'with an escaped NUL',
    bytes: hook({ fields: FIELDS.replace(MARK, 'a%00') }),
    expect: [400],
  },
  {
    name: 'with a name of 255 bytes',
    bytes: hook({ fields: FIELDS.replace(MARK, 'a'.repeat(255)) }),
    expect: [400],
  },
  {
    name: 'with a name that is not UTF-8',
    bytes: hook({ fields: FIELDS.replace(MARK, '%c3%28') }),
    expect: [400],
  },
  {
    name: 'with an unknown call',
    bytes: hook({ fields: FIELDS.replace('=publish', '=__proto__') }),
    expect: [400],
  },
  { name: 'with an unknown key', bytes: hook({}), expect: [403] },
  {
    name: 'of one byte too many',
    bytes: hook({ fields: FIELDS.padEnd(16_385, 'x') }),
    expect: [413, 'body_too_large'],
  },
  { name: 'with a subject no path can name', bytes: hook(named('..')), expect: [400] },
  { name: 'with a subject with a C1 control', bytes: hook(named('%c2%85')), expect: [400] },
  { name: 'of a subject without facts', bytes: hook(named(`u_${MARK}`)), expect: [403] },
  {
    name: 'about the end of nothing',
    bytes: hook({ fields: FIELDS.replace('=publish', '=publish_done') }),
    expect: [200],
  },
])

describe('a connection', () => {
  it('that pipelines garbage behind good requests gets what was good, and no more', async () => {
    const good = get('/healthz').replace('close', 'keep-alive')
    const answers = await exchange(server.url, `${good}${good}${MARK}\r\n\r\n`)
    judge(answers)
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(2)
  })

  it('that sends chunks without end is cut', async () => {
    const head = chunked('Transfer-Encoding: chunked\r\n', '')
    const answers = await talk(server.url, (socket) => {
      const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`
      const more = (): void => {
        while (socket.writable && socket.write(chunk));
        if (socket.writable) socket.once('drain', more)
      }
      socket.write(head)
      more()
    })
    judge(answers)
    expect(answers.map(({ status }) => status)).toEqual([413])
  })

  it('that hangs up in the middle of a body is nobody’s error', async () => {
    const answers = await talk(server.url, (socket) => {
      socket.write(decide(BODY).subarray(0, -3))
      socket.end()
    })
    judge(answers)
  })

  it('that dribbles headers, or a body, is cut in time', async () => {
    const dribble = (head: string) =>
      talk(server.url, (socket) => {
        socket.write(head)
        const timer = setInterval(() => socket.write('a'), 500)
        socket.once('close', () => clearInterval(timer))
      })
    const slow = await Promise.all([
      dribble(`GET /healthz HTTP/1.1\r\nX: ${MARK}`),
      dribble(chunked('Content-Length: 5000\r\n', '')),
      talk(server.url, () => undefined),
    ])
    for (const answers of slow) judge(answers)
    expect(slow.map((answers) => answers.map(({ status }) => status))).toEqual([
      [408],
      [408],
      [408],
    ])
  })

  it('is one of two thousand that say nothing, and others are served', async () => {
    const silent: Promise<readonly RawAnswer[]>[] = []
    const sockets: { destroy(): unknown }[] = []
    for (let i = 0; i < 2_000; i++)
      silent.push(talk(server.url, (socket) => void sockets.push(socket)))
    await goesOn()
    for (const socket of sockets) socket.destroy()
    await Promise.allSettled(silent)
  })

  it('and the gate goes on', goesOn)
})

describe('the log after all of it', () => {
  it('holds every acknowledged record once, in order, and nothing else', async () => {
    const size = await logSize()
    const bundle = await entries(size)
    const mine = bundle.filter((entry) => {
      const [header = ''] = Buffer.from(entry).toString('latin1').split('.')
      const { typ } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { typ: string }
      return /^livegate-(decision|strike|reversal|broadcast)/.test(typ)
    })
    const leaves = mine.map((entry) => toBase64Url(leafHash(entry)))
    expect(new Set(leaves)).toEqual(acknowledged)
    expect(leaves.length).toBe(acknowledged.size)
  })
})

async function entries(size: number): Promise<readonly Uint8Array[]> {
  for (;;) {
    const path = `/log/tile/entries/000.p/${size}`
    const response = await fetch(new URL(path, server.url), {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    })
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (response.status !== 200) {
      await logSize()
      continue
    }
    const parsed = decodeBundle(bytes, size)
    if (parsed.ok) return parsed.value
    throw new Error(`the bundle does not parse: ${parsed.error}`)
  }
}
