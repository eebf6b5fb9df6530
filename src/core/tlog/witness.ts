/**
 * The protocol between a log and a witness, as bytes: what is asked, and what each answer means.
 *
 *     POST <prefix>/add-checkpoint:  "old " size LF {base64(hash) LF} LF checkpoint
 *     200: signature lines   409: the size it has seen, as text/x.tlog.size   else: a refusal, each with a name
 *
 * Nothing an answer says is believed: a cosignature is kept only when it verifies over the checkpoint that was sent and
 * its time is now. Sending, waiting and remembering are adapters/sqlite/witnesses.ts's.
 * Spec: C2SP tlog-witness, tlog-cosignature; docs/spec/log.md, "Witnesses".
 */
import { fromUtf8, toBase64, utf8 } from '../encoding.ts'
import { err, ok, type Result } from '../result.ts'
import { parseDecimal } from './arithmetic.ts'
import { decodeCosignature } from './cosignature.ts'
import type { Hash } from './hash.ts'
import { type NoteSignature, type NoteVerifier, parseSignatureLine } from './note.ts'
import {
  parseWitnessPolicy,
  type WitnessPolicy,
  type WitnessPolicyFault,
} from './witness-policy.ts'

/** Why a witness has not cosigned; each is a name in logs and metrics. */
export const WITNESS_FAULTS = [
  /** No connection, or it broke. */
  'unreachable',
  'timed_out',
  /** 3xx: followed nowhere. */
  'redirected',
  'answer_too_large',
  /** A page for people, or text that is nothing of the protocol. */
  'not_a_witness',
  /** 400: it says that the request is malformed. */
  'bad_request',
  /** 403: it does not accept the log's key. */
  'log_not_accepted',
  /** 404: it does not know the log. */
  'unknown_log',
  /** 409 without the size that belongs to it. */
  'conflict_unexplained',
  /** 422: it says that the proof does not hold. */
  'proof_refused',
  /** 429 or 503. */
  'busy',
  /** Any other status. */
  'unexpected_status',
  /** No line is by its key. */
  'cosignature_missing',
  /** The line by its key is not over the checkpoint that was sent. */
  'cosignature_invalid',
  /** It states another time than now. */
  'cosignature_time',
  /** It says that it has seen a larger tree than was ever signed here. */
  'ahead',
  /** It says that it has seen another tree of the same size. */
  'other_root',
  /** What it acknowledged could not be written down here. */
  'not_kept',
] as const

export type WitnessFault = (typeof WITNESS_FAULTS)[number]

/** Bytes of an answer; a cosignature line has some 200, a post-quantum one 3,400. */
export const MAX_WITNESS_ANSWER_BYTES: number = 64 * 1024
/** How far a cosignature's time may be from ours. */
export const COSIGNATURE_SKEW_S = 300
/** What a witness answers a conflict with. */
const SIZE_TYPE = 'text/x.tlog.size'

export interface AddCheckpoint {
  /** Size the witness is believed to have seen last; 0 when nothing is known. */
  readonly old: number
  /** Consistency proof from there to the checkpoint; empty from 0. */
  readonly proof: readonly Hash[]
  /** The signed note. */
  readonly checkpoint: string
}

/** The body of a request. */
export function formatAddCheckpoint({ old, proof, checkpoint }: AddCheckpoint): string {
  return `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint}`
}

export interface WitnessReply {
  readonly status: number
  /** Of `Content-Type`, as sent. */
  readonly type: string | null
  readonly body: Uint8Array
}

/** What an answer says; nothing is verified. */
export type WitnessAnswer =
  | { readonly kind: 'signed'; readonly lines: readonly NoteSignature[] }
  /** `old` is not what it has: this is. */
  | { readonly kind: 'has'; readonly size: number }
  | { readonly kind: 'fault'; readonly fault: WitnessFault }

/** Reads an answer; never throws. */
export function readAnswer(reply: WitnessReply): WitnessAnswer {
  const { status, body } = reply
  if (body.length > MAX_WITNESS_ANSWER_BYTES) return fault('answer_too_large')
  if (status === 200) return readLines(fromUtf8(body))
  if (status === 409) return readSize(reply)
  if (status >= 300 && status < 400) return fault('redirected')
  return fault(BY_STATUS[status] ?? 'unexpected_status')
}

const BY_STATUS: Readonly<Record<number, WitnessFault>> = {
  400: 'bad_request',
  403: 'log_not_accepted',
  404: 'unknown_log',
  422: 'proof_refused',
  429: 'busy',
  503: 'busy',
}

function readLines(text: string | null): WitnessAnswer {
  if (text === null || !text.endsWith('\n')) return fault('not_a_witness')
  const lines = text.slice(0, -1).split('\n').map(parseSignatureLine)
  const read = lines.filter((line) => line !== null)
  return read.length === lines.length ? { kind: 'signed', lines: read } : fault('not_a_witness')
}

function readSize({ type, body }: WitnessReply): WitnessAnswer {
  const text = fromUtf8(body) ?? ''
  const size = text.endsWith('\n') ? parseDecimal(text.slice(0, -1)) : null
  const named = type?.split(';')[0]?.trim().toLowerCase() === SIZE_TYPE
  return named && size !== null ? { kind: 'has', size } : fault('conflict_unexplained')
}

function fault(name: WitnessFault): WitnessAnswer {
  return { kind: 'fault', fault: name }
}

/**
 * The cosignature of one witness among the lines it answered, if it holds over `body` and was made now. Lines of other
 * keys are ignored.
 */
export async function openCosignature(request: {
  readonly lines: readonly NoteSignature[]
  /** Of the witness's key (cosignature.ts). */
  readonly verifier: NoteVerifier
  /** Body of the checkpoint that was sent, with its final LF. */
  readonly body: string
  readonly now_s: number
}): Promise<Result<NoteSignature, WitnessFault>> {
  const { lines, verifier, body, now_s } = request
  const line = lines.find(({ name, keyId }) => name === verifier.name && keyId === verifier.keyId)
  if (line === undefined) return err('cosignature_missing')
  const cosignature = decodeCosignature(line.signature)
  if (cosignature === null || !(await verifier.verify(utf8(body), line.signature)))
    return err('cosignature_invalid')
  const apart = Math.abs(cosignature.timeS - now_s)
  return apart <= COSIGNATURE_SKEW_S ? ok(line) : err('cosignature_time')
}

/** How long to leave a witness alone after so many failures in a row, ms. `jitter` from 0 to 1. */
export function witnessBackoffMs(failures: number, jitter: number): number {
  const longest = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 16))
  return Math.round(longest * (0.5 + jitter / 2))
}

const FIRST_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 300_000

/** Reads the policy of a log that asks its witnesses: as any other, but each has an address and a quorum is needed. */
export function parseAskedPolicy(
  text: string,
): Result<WitnessPolicy, readonly WitnessPolicyFault[]> {
  const policy = parseWitnessPolicy(text)
  if (!policy.ok) return policy
  const faults: WitnessPolicyFault[] = []
  for (const { name, url, line } of policy.value.witnesses) {
    if (url !== null && isPrefix(url)) continue
    const has = url === null ? 'no address' : `the address \`${url.slice(0, 80)}\``
    faults.push({ line, message: `\`${name.slice(0, 80)}\` has ${has}, expected ${ADDRESS}` })
  }
  if (policy.value.quorum === null)
    faults.push({
      line: policy.value.quorum_line,
      message: 'no quorum is needed, expected a witness or a group',
    })
  return faults.length === 0 ? policy : err(faults)
}

const ADDRESS = 'a submission prefix: https://host/path, or http to this machine'
// Host and path in ASCII: no user, no query, no fragment, nothing a URL parser could read in two ways. A host that ends in
// a number is an IPv4 address to a URL parser, in spellings nobody expects.
const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const HOST = `(?:(?:${LABEL}\\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?|(?:${BYTE}\\.){3}${BYTE})`
const PREFIX = new RegExp(
  `^(?:https://${HOST}|http://(?:localhost|127\\.0\\.0\\.1|\\[::1\\]))(?::(\\d{1,5}))?((?:/[\\w.~%+:@-]+)*)/?$`,
  'i',
)

function isPrefix(url: string): boolean {
  const [, port = '0', path = ''] = PREFIX.exec(url) ?? ['', '99999']
  return Number(port) <= 65_535 && !path.split('/').some((step) => /^(?:\.|%2e){1,2}$/i.test(step))
}

/** Address below a submission prefix, which may end with a slash. */
export function witnessUrl(prefix: string, path: string): string {
  return `${prefix.replace(/\/+$/, '')}/${path}`
}

/** The faults of a policy file as lines for a person. */
export function policyFaultLines(
  file: string,
  faults: readonly WitnessPolicyFault[],
): readonly string[] {
  return faults.map(({ line, message }) => `Cannot read ${file}:${line}: ${message}`)
}
