/**
 * A small witness for tests: answers add-checkpoint with the status codes of C2SP tlog-witness, and misbehaves on order.
 *
 * A function from requests to responses, so that it also runs inside workerd; over a real port in witness-server.ts. It
 * reads requests by itself, shares only the Merkle verifier with what is tested, and throws when a request breaks the
 * protocol in a way no status code exists for.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { verifyConsistency } from '../../src/core/tlog/verify.ts'

/** What it does instead of answering one request by the book. */
export type Mood =
  /** Fails before anything is done. */
  | 'fail'
  /** Does everything, and the answer is lost. */
  | 'lose_answer'
  /** Never answers; nothing is done. */
  | 'hang'
  /** Does everything, then never answers. */
  | 'do_and_hang'
  | 'html'
  | 'redirect'
  | 'huge'
  | 'bad_signature'
  | 'other_body'
  | 'other_key'
  | 'no_line'
  | 'yesterday'
  | 'tomorrow'
  | 'says_more'
  | 'conflict_without_size'
  | 'busy'
  | 'teapot'
  | 'refuse_proof'

export interface Seen {
  readonly size: number
  readonly root: string
  readonly note: string
}

export interface TestWitness {
  readonly name: string
  readonly vkey: string
  /** What it has cosigned last, by origin. Assign to set it back. */
  readonly seen: Map<string, Seen>
  /** For the next requests, one each; by the book when there is none. */
  readonly moods: Mood[]
  /** What was asked, newest last: `old <size> -> <size>`, and what it answered. */
  readonly asked: string[]
  /** Serves what it has seen last, as a monitor reads it. */
  shows: boolean
  /** Signs for whatever log, without looking. */
  gullible: boolean
  handle(request: { method: string; path: string; body: string }): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
  /** The connection ends instead. */
  readonly lost?: true
}

export interface WitnessOptions {
  /** Name of its key. */
  readonly name: string
  /** Byte its seed is full of. */
  readonly seed: number
  /** Verifier keys of the logs it knows. */
  readonly logs: readonly string[]
  /** Milliseconds. */
  readonly now: () => number
}

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** Key pair whose seed is full of one byte. */
function pair(seed: number): { publicKey: Buffer; sign(message: Buffer): Buffer } {
  const der = Buffer.concat([PKCS8, Buffer.alloc(32, seed)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: Buffer.from(spki.subarray(-32)),
    sign: (message) => sign(null, message, key),
  }
}

function keyId(name: string, type: number, key: Buffer): Buffer {
  const text = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([type]), key])
  return createHash('sha256').update(text).digest().subarray(0, 4)
}

export function createTestWitness(options: WitnessOptions): TestWitness {
  const { name, now } = options
  const own = pair(options.seed)
  const stranger = pair(255 - options.seed)
  const id = keyId(name, 4, own.publicKey)
  const vkey = `${name}+${id.toString('hex')}+${Buffer.concat([Buffer.from([4]), own.publicKey]).toString('base64')}`
  const logs = options.logs.map((text) => {
    const [origin = '', hash = '', key = ''] =
      text.split('+').length === 3 ? text.split('+') : splitVkey(text)
    return { origin, hash, key: Buffer.from(key, 'base64').subarray(1) }
  })

  function line(body: string, mood: Mood | undefined): string {
    const shift = mood === 'yesterday' ? -86_400 : mood === 'tomorrow' ? 86_400 : 0
    const time = Math.floor(now() / 1000) + shift
    const signed = mood === 'other_body' ? body.replace(/\n/, '/other\n') : body
    const keys = mood === 'other_key' ? stranger : own
    const signature = keys.sign(Buffer.from(`cosignature/v1\ntime ${time}\n${signed}`))
    if (mood === 'bad_signature') signature[7] = (signature[7] ?? 0) ^ 1
    const stamp = Buffer.alloc(8)
    stamp.writeBigUInt64BE(BigInt(time))
    const shown = mood === 'other_key' ? keyId(name, 4, stranger.publicKey) : id
    return `\u2014 ${name} ${Buffer.concat([shown, stamp, signature]).toString('base64')}\n`
  }

  function addCheckpoint(text: string, mood: Mood | undefined): Answer {
    const { old, proof, note } = readRequest(text)
    const { origin, size, root, body, signatures } = readNote(note)
    const log = logs.find((one) => one.origin === origin)
    if (log === undefined) return plain(404, 'unknown log')
    const signed = signatures.some(
      ([by, blob]) =>
        by === origin &&
        blob.subarray(0, 4).toString('hex') === log.hash &&
        verify(null, Buffer.from(body), spki(log.key), blob.subarray(4)),
    )
    if (!signed) return plain(403, 'no signature of the log')
    if (old > size) return plain(400, 'old is beyond the checkpoint')
    const last = witness.seen.get(origin) ?? { size: 0, root: '', note: '' }
    if (!witness.gullible) {
      if (old !== last.size) return conflict(last.size)
      if (old === 0 && proof.length > 0) return plain(422, 'a proof from nothing')
      if (old === size && old > 0 && last.root !== root.toString('base64'))
        return conflict(last.size)
      if (mood === 'refuse_proof') return plain(422, 'no')
      if (old > 0) {
        const from_root = Buffer.from(last.root, 'base64')
        const claim = { from: old, from_root, to: size, to_root: root, proof }
        if (!verifyConsistency(claim).ok) return plain(422, 'the proof does not hold')
      }
    }
    witness.seen.set(origin, { size, root: root.toString('base64'), note })
    return plain(200, mood === 'no_line' ? '\u2014 else.example AAAAAAAA\n' : line(body, mood))
  }

  function monitored(path: string): Answer {
    for (const [origin, { note, size }] of witness.seen) {
      const prefix = createHash('sha256').update(origin).digest('hex')
      if (witness.shows && size > 0 && path.endsWith(`/${prefix}/checkpoint`))
        return plain(200, note)
    }
    return plain(404, 'no such page')
  }

  const witness: TestWitness = {
    ...{ name, vkey, seen: new Map(), moods: [], asked: [], shows: false, gullible: false },
    async handle({ method, path, body }) {
      if (method === 'GET') return monitored(path)
      if (method !== 'POST' || !path.endsWith('/add-checkpoint'))
        throw new Error(`Cannot answer ${method} ${path}: there is nothing like it`)
      const mood = witness.moods.shift()
      const special = mood === undefined ? undefined : INSTEAD[mood]
      if (special !== undefined) {
        witness.asked.push(mood ?? '')
        return special()
      }
      const answer = addCheckpoint(body, mood)
      const to = body.split('\n\n')[1]?.split('\n')[1] ?? '?'
      witness.asked.push(`${body.split('\n')[0]} -> ${to}: ${answer.status}`)
      if (mood === 'do_and_hang') return new Promise(() => {})
      return mood === 'lose_answer' ? { ...answer, lost: true } : answer
    },
  }
  return witness
}

const INSTEAD: Partial<Record<Mood, () => Answer | Promise<Answer>>> = {
  fail: () => ({ ...plain(500, ''), lost: true }),
  hang: () => new Promise(() => {}),
  html: () => ({
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>Sign in</title>\n',
  }),
  redirect: () => ({
    status: 302,
    headers: { location: 'http://127.0.0.1:1/add-checkpoint' },
    body: '',
  }),
  huge: () => plain(200, `${'\u2014 x AAAAAAAA\n'.repeat(20_000)}`),
  says_more: () => conflict(1_000_000),
  conflict_without_size: () => plain(409, 'conflict'),
  busy: () => plain(503, 'later'),
  teapot: () => plain(418, 'short and stout'),
}

function plain(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/plain' }, body }
}

function conflict(size: number): Answer {
  return { status: 409, headers: { 'content-type': 'text/x.tlog.size' }, body: `${size}\n` }
}

function spki(key: Buffer): ReturnType<typeof createPublicKey> {
  return createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' })
}

/** Base64 may hold a plus. */
function splitVkey(text: string): [string, string, string] {
  const [, origin = '', hash = '', key = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? []
  return [origin, hash, key]
}

function readRequest(text: string): { old: number; proof: Buffer[]; note: string } {
  const end = text.indexOf('\n\n')
  const [first = '', ...hashes] = text.slice(0, end).split('\n')
  const old = /^old (0|[1-9][0-9]*)$/.exec(first)?.[1]
  const proof = hashes.map((hash) => Buffer.from(hash, 'base64'))
  if (old === undefined || proof.length > 63 || proof.some((hash) => hash.length !== 32))
    throw new Error(`Cannot read request: ${JSON.stringify(text.slice(0, 200))}`)
  return { old: Number(old), proof, note: text.slice(end + 2) }
}

function readNote(note: string): {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
  readonly body: string
  readonly signatures: readonly (readonly [string, Buffer])[]
} {
  const end = note.lastIndexOf('\n\n')
  const body = note.slice(0, end + 1)
  const [origin = '', size = '', root = ''] = body.split('\n')
  const signatures = note
    .slice(end + 2, -1)
    .split('\n')
    .map((one) => {
      const [, by = '', blob = ''] = one.split(' ')
      return [by, Buffer.from(blob, 'base64')] as const
    })
  return { origin, size: Number(size), root: Buffer.from(root, 'base64'), body, signatures }
}
