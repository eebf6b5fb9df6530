/**
 * Asks a running gate over HTTP: bearer key, patience with 429 and 503, problem documents turned into failures.
 *
 * Every request the command line sends is safe to repeat (reads, and writes under ids the caller chose), so it is
 * repeated. Redirects are refused: they would carry the key elsewhere. Spec: docs/cli.md, "A running gate".
 */
import type { Command } from 'commander'
import { CliFailure, EXIT, incomplete, usage } from './failure.ts'
import { plainBytes, readBounded } from './files.ts'
import { printable, quote, type Session } from './session.ts'
import type { World } from './world.ts'

export interface GateOptions {
  readonly url?: string
  readonly key?: string
}

export interface GateRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute path with query. */
  readonly path: string
  readonly body?: unknown
}

export interface GateAnswer {
  readonly status: number
  readonly bytes: Uint8Array
  readonly etag: string | null
}

export interface GateClient {
  /** Scheme, host, port and prefix, without a slash at its end. */
  readonly url: string
  /** The answer of the gate whatever its status, once it is neither 429 nor 503. Throws exit 1 otherwise. */
  send(request: GateRequest): Promise<GateAnswer>
  /** The JSON of a 2xx answer; any other ends the command. `verb` completes `Cannot …`. */
  json(request: GateRequest, verb: string): Promise<unknown>
}

/** Attempts for one request, and the longest single wait: together some two minutes of an overloaded gate. */
const MAX_ATTEMPTS = 8
const MAX_WAIT_MS = 30_000
const REQUEST_TIMEOUT_MS = 30_000
/** Largest answer read, bytes: a bundle is at most 1.8 MB, a page of records some 3 MB. */
const MAX_ANSWER_BYTES: number = 32 * 1024 * 1024
const KEY_FILE_BYTES = 4096

/** Adds --url and --key. */
export function gateOptions(command: Command): Command {
  return command
    .option('--url <url>', 'address of the gate (LIVEGATE_URL)')
    .option('--key <key>', 'API key, or @FILE that holds it (LIVEGATE_KEY)')
}

/** A client for the gate the options or the environment name. */
export async function gateClient(session: Session, options: GateOptions): Promise<GateClient> {
  const written = options.url ?? session.world.env.LIVEGATE_URL
  if (written === undefined)
    throw usage(
      'Cannot reach a gate: no address is given',
      'use --url http://127.0.0.1:8787 or set LIVEGATE_URL',
    )
  const key = await keyOf(session, options.key ?? session.world.env.LIVEGATE_KEY)
  const url = baseUrl(written)
  if (key !== null && !isPrivate(url))
    session.warn('the API key travels unencrypted; use https unless the network is yours')
  return createGateClient(session.world, url, key)
}

/** Encrypted, or it does not leave this machine. */
function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || /^(localhost|127\.[0-9.]+|\[::1\])$/.test(hostname)
}

/** `key` null: public routes only. */
export function createGateClient(world: World, url: string, key: string | null): GateClient {
  const client: GateClient = {
    url,
    send: (request) => patiently(world, () => once(world, url, key, request)),
    async json(request, verb) {
      const answer = await client.send(request)
      if (answer.status >= 200 && answer.status < 300) return readJson(answer, verb)
      throw problemFailure(answer, verb)
    },
  }
  return client
}

/** An http or https address without user, query or fragment. Throws wrong usage. */
export function baseUrl(written: string): string {
  const url = URL.canParse(written) ? new URL(written) : null
  if (url?.username || url?.password)
    throw usage(
      'Cannot use address: it holds a user or password, expected http://host:port or https://host',
      'give the API key with --key @FILE, not in the address',
    )
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usage(`Cannot use address ${quote(written)}: expected http://host:port or https://host`)
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

/** The key itself, or the first line of the file after `@`. */
export async function keyOf(session: Session, written: string | undefined): Promise<string | null> {
  if (written === undefined) return null
  const key = written.startsWith('@')
    ? new TextDecoder().decode(await readBounded(session.path(written.slice(1)), KEY_FILE_BYTES))
    : written
  const line = key.trim()
  if (!/^[\x21-\x7e]{1,512}$/.test(line))
    throw usage('Cannot use the API key: expected one line without blanks')
  return line
}

/** `Cannot <verb>: …` for an answer that is not 2xx. */
export function problemFailure(answer: GateAnswer, verb: string): CliFailure {
  const problem = problemOf(answer)
  const places = problem.errors.map((fault) => ` (${fault.pointer || 'body'}: ${fault.detail})`)
  return new CliFailure(
    EXIT.incomplete,
    `Cannot ${verb}: the gate answered ${`${answer.status} ${problem.code}`.trimEnd()}${problem.detail}${places.join('')}`,
    HINTS[problem.code] ?? undefined,
  )
}

export interface Problem {
  readonly code: string
  /** Empty or `: …`. */
  readonly detail: string
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[]
}

/** Reads a problem document; anything else gives an empty one. */
export function problemOf(answer: GateAnswer): Problem {
  const body = parseOrNull(new TextDecoder().decode(answer.bytes.subarray(0, 65_536)))
  const { code, detail, errors } = (body ?? {}) as Readonly<Record<string, unknown>>
  return {
    code: typeof code === 'string' ? printable(code.slice(0, 64)) : '',
    detail: typeof detail === 'string' ? `: ${printable(detail.slice(0, 300))}` : '',
    errors: Array.isArray(errors) ? errors.slice(0, 8).flatMap(faultOf) : [],
  }
}

const HINTS: Readonly<Record<string, string>> = {
  unauthenticated: 'give an API key with --key @FILE or set LIVEGATE_KEY',
  forbidden: 'the key lacks the scope this needs; see `livegate key create --help`',
  halted: 'the gate has stopped to protect its log; its own output says why',
  overloaded: 'the gate is overloaded; try again later or lower --concurrency',
  rate_limited: 'the gate limits this caller; try again later or lower --concurrency',
}

function faultOf(value: unknown): { pointer: string; detail: string }[] {
  const { pointer, detail } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof pointer !== 'string' || typeof detail !== 'string') return []
  return [{ pointer: printable(pointer.slice(0, 120)), detail: printable(detail.slice(0, 200)) }]
}

async function patiently(world: World, ask: () => Promise<Attempt>): Promise<GateAnswer> {
  for (let attempt = 1; ; attempt++) {
    if (world.signal.aborted) throw incomplete('Cannot complete: it was interrupted')
    const result = await ask()
    if ('answer' in result) return result.answer
    if (attempt >= MAX_ATTEMPTS) throw result.failure
    try {
      await world.sleep(Math.min(MAX_WAIT_MS, result.wait_ms ?? 250 * 2 ** (attempt - 1)))
    } catch {
      throw incomplete('Cannot complete: it was interrupted')
    }
  }
}

type Attempt =
  | { readonly answer: GateAnswer }
  /** Worth another try, after `wait_ms` when the gate has named a time. */
  | { readonly failure: CliFailure; readonly wait_ms: number | null }

async function once(
  world: World,
  url: string,
  key: string | null,
  request: GateRequest,
): Promise<Attempt> {
  const { method, path, body } = request
  let response: Response
  let bytes: Uint8Array
  try {
    response = await world.fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([world.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (response.status >= 300 && response.status < 400) throw redirected(url, response)
    bytes = await bodyOf(response)
  } catch (error) {
    // What it answered is answered: asking again would give the same.
    if (error instanceof CliFailure) throw error
    return { failure: unreachable(url, error), wait_ms: null }
  }
  const answer = { status: response.status, bytes, etag: response.headers.get('etag') }
  // `halted` does not end by waiting.
  const waits = response.status === 429 || response.status === 503
  if (!waits || problemOf(answer).code === 'halted') return { answer }
  return {
    failure: problemFailure(answer, 'get an answer'),
    wait_ms: retryAfterMs(response.headers.get('retry-after')),
  }
}

/** Whatever is there, the key and the question were for this address. */
function redirected(url: string, response: Response): CliFailure {
  response.body?.cancel().catch(() => undefined)
  return incomplete(
    `Cannot reach ${quote(url)}: it leads elsewhere (${response.status}), which is not followed`,
    'give the address it leads to, if you trust that one',
  )
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES)
      throw incomplete(`Cannot read the answer: it is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return plainBytes(Buffer.concat(chunks))
}

function retryAfterMs(header: string | null): number | null {
  return header !== null && /^[0-9]{1,6}$/.test(header) ? Number(header) * 1000 : null
}

const BROKEN: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

function unreachable(url: string, error: unknown): CliFailure {
  const { cause, name } = error as { cause?: { code?: string }; name?: string }
  const why =
    name === 'TimeoutError'
      ? `no answer within ${REQUEST_TIMEOUT_MS / 1000} s`
      : BROKEN.has(cause?.code ?? '')
        ? 'the connection broke'
        : (cause?.code ?? 'the connection failed')
  return incomplete(`Cannot reach ${quote(url)}: ${why}`, 'is the gate running at this address?')
}

/** The JSON of an answer; `verb` completes `Cannot …`. */
export function readJson(answer: GateAnswer, verb: string): unknown {
  const value = parseOrNull(new TextDecoder().decode(answer.bytes))
  if (value === null) throw incomplete(`Cannot ${verb}: the answer is not JSON`)
  return value
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
