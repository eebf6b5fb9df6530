/**
 * A small world of records: a log in a directory exactly as a gate publishes it, made by the core itself.
 *
 * Reproducible to the byte. `tamper` is where tests plant lies before the tree is built and signed, so that only the
 * check under test can find them. Also used by bench/audit.ts.
 */
import { createPrivateKey, createPublicKey, hash, sign } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { utf8 } from '../../src/core/encoding.ts'
import type { Facts, Strike } from '../../src/core/model.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { ENGINE, type Plan } from '../../src/core/policy/plan.ts'
import {
  closingDraft,
  decisionDraft,
  heartbeatDraft,
  keyDraft,
  predecessorDraft,
  type RecordDraft,
  strikeDraft,
} from '../../src/core/record/drafts.ts'
import type { OwnClaims } from '../../src/core/record/groups.ts'
import type { Hasher } from '../../src/core/record/hashing.ts'
import { createIssuer, type IssuedRecord, type RecordSigner } from '../../src/core/record/issue.ts'
import { ed25519Jwk, thumbprint } from '../../src/core/record/jwk.ts'
import { policyDigest, policyDrafts } from '../../src/core/record/policy-parts.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { type Edge, emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { ed25519Signer, type NoteSigner, signNote } from '../../src/core/tlog/note.ts'
import { formatVkey, NOTE_ED25519 } from '../../src/core/tlog/note-key.ts'

export const ORIGIN = 'gate.example/log/test'
export const ISSUER = 'https://gate.example'
export const AT: EpochMs = epochMs(1_769_817_600_000)
export const POLICY: Uint8Array = utf8(
  'livegate: policy/v1\nname: sample\nrules:\n' +
    '  - { id: small, ground: terms, when: "subject.followers < 10", outcome: deny }\n' +
    'on_unknown: { retry_after: 30s }\ndefault: allow\nlease: 4h\n',
)
const DIGEST: string = policyDigest(POLICY)
const PLAN: Plan = planOf(POLICY)

function planOf(text: Uint8Array): Plan {
  const made = compilePolicy(text, { file: 'sample.yaml' })
  if (!made.ok) throw new Error(made.error.map(({ message }) => message).join('\n'))
  return made.value.plan
}

/** The host's SHA-256, so that large logs are made in seconds. */
const fastHasher: Hasher = {
  digest: (bytes) => hash('sha256', bytes, 'buffer'),
  digestText: (text) => hash('sha256', text, 'base64url'),
}

interface Key {
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

/** The Ed25519 key whose seed is 32 times `byte`. */
export function keyOf(byte: number): Key {
  const der = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.alloc(32, byte),
  ])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (bytes) => new Uint8Array(sign(null, bytes, key)),
  }
}

const RECORD_KEY = keyOf(1)
const CHECKPOINT_KEY = keyOf(2)
const jwk: ReturnType<typeof ed25519Jwk> = ed25519Jwk(RECORD_KEY.publicKey)
const signer: RecordSigner = { kid: thumbprint(jwk), sign: RECORD_KEY.sign }

export const JWKS: string = JSON.stringify({ keys: [{ ...jwk, kid: thumbprint(jwk) }] })
export const VKEY: string = vkeyOf(ORIGIN)
export const RECORD_X: string = jwk.x

/** Verifier key of the log of that name; with another seed a key it has not signed with. */
export function vkeyOf(name: string, seed?: number): string {
  const { publicKey } = seed === undefined ? CHECKPOINT_KEY : keyOf(seed)
  return formatVkey({ name, type: NOTE_ED25519, publicKey })
}

export interface LogOptions {
  /** Decisions in the log, beside key, policy and heartbeat. */
  readonly decisions: number
  /** Subjects they are about, in turn. */
  readonly subjects?: number
  /** Changes the entries before they are hashed and signed for. */
  readonly tamper?: (entries: IssuedRecord[]) => void
  /** No heartbeat at the end. */
  readonly silent?: boolean
  /** Name of the log. */
  readonly origin?: string
  /** Number of the first subject. */
  readonly from?: number
  /** The closed log it goes on from. */
  readonly follows?: OwnClaims['predecessor']
  /** Where chains of that log ended, by number of the subject; grows with the log. */
  readonly heads?: Map<number, Head>
  /** Decisions before its first one, in that log: its time goes on after them. */
  readonly after?: number
  /** Semantics every record says it was made under. */
  readonly engine?: string
  /** Closes the log at its end. */
  readonly successors?: readonly string[]
}

/** A log in memory: entries in order, as issued. */
export async function makeEntries(options: LogOptions): Promise<IssuedRecord[]> {
  const { decisions, subjects = 3, silent = false, origin: log = ORIGIN } = options
  const issue = createIssuer({
    ...{ issuer: ISSUER, engine: options.engine ?? ENGINE, log, signer, hasher: fastHasher },
    random: countedRandom(),
  })
  const entries: IssuedRecord[] = []
  const add = async (draft: RecordDraft): Promise<IssuedRecord> => {
    const at = draft.groups?.chain.at ?? AT + 1000 * entries.length
    const record = await issue(draft, { iat_s: Math.floor(at / 1000) })
    entries.push(record)
    return record
  }
  await add(keyDraft({ jwk, use: 'record', status: 'active' }))
  for (const draft of policyDrafts(POLICY)) await add(draft)
  if (options.follows !== undefined) await add(predecessorDraft(options.follows))
  const { heads = new Map<number, Head>(), after = 0 } = options
  for (let i = 0; i < decisions; i++) {
    const n = (options.from ?? 0) + (i % subjects)
    const head = heads.get(n) ?? { seq: 0, prev: null }
    const chain = { sub: pseudonym(n), seq: head.seq + 1, prev: head.prev }
    const { strikes = [] } = head
    const strike =
      i === 1 ? aStrike(`s_${after + i}`, `u_${n}`, epochMs(AT + (after + i) * 1000)) : null
    const record = await add(
      strike === null
        ? decisionOf({ n, chain, strikes }, after + i)
        : strikeOf(strike, chain, after + i),
    )
    const prev = Buffer.from(record.leaf).toString('base64url')
    const had = strike === null ? strikes : [...strikes, { ...strike, subject: pseudonym(n) }]
    heads.set(n, { seq: chain.seq, prev, ...(had.length === 0 ? {} : { strikes: had }) })
  }
  options.tamper?.(entries)
  if (!silent) {
    const totals: Record<string, number> = {}
    for (const { kind } of entries) totals[kind] = (totals[kind] ?? 0) + 1
    await add(heartbeatDraft({ from_index: 0, to_index: entries.length, totals, shed: 0 }))
  }
  if (options.successors !== undefined) await add(closingDraft(options.successors))
  return entries
}

/** Where a chain stands. */
interface Head {
  readonly seq: number
  readonly prev: string | null
  /** As its gate remembers them. */
  readonly strikes?: readonly Strike[]
}

interface Asking {
  readonly n: number
  readonly chain: Chain
  readonly strikes: readonly Strike[]
}

type Chain = { readonly sub: string; readonly seq: number; readonly prev: string | null }

function decisionOf({ n, chain, strikes }: Asking, i: number): RecordDraft {
  const facts = factsOf(n, i, strikes)
  return decisionDraft({
    ...{ chain, policy: DIGEST, facts, decision: evaluate(PLAN, facts) },
    subject: { subject: `u_${n}`, cohosts: [] },
    request: { caller: 'key_1', stream: `b_${n}`, territory: 'FR' },
  })
}

function strikeOf(strike: Strike, chain: Chain, i: number): RecordDraft {
  const at = epochMs(AT + i * 1000)
  return strikeDraft({
    chain: { ...chain, at },
    strike,
    received_at: at,
    request: { caller: 'key_2' },
  })
}

export function aStrike(id: string, subject: string, at: EpochMs): Strike {
  return {
    ...{ id, subject, category: 'spam.bulk', severity: 'low', weight: 1, scope: 'any' },
    ...{ issued_at: at, effective_at: at, status: 'active' },
  }
}

function factsOf(n: number, i: number, strikes: readonly Strike[]): Facts {
  const at = epochMs(AT + i * 1000)
  const host = { subject: pseudonym(n), facts: { followers: 12 }, sources: {}, strikes }
  return {
    at,
    hosts: [{ ...host, holds: [], reviews: [], open_broadcasts: 0 }],
    stream: { id: `b_${n}` },
    request: { territory: 'FR' },
    incident: { active: false },
    platform: {},
    supports: [],
  }
}

/** 22 characters that differ for every subject. */
function pseudonym(n: number): string {
  return Buffer.from(`subject ${String(n).padStart(8, '0')}`)
    .toString('base64url')
    .padEnd(22, 'A')
}

function countedRandom(): (count: number) => Uint8Array {
  let calls = 0
  return (count) => {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i += 32)
      bytes.set(hash('sha256', `salt ${calls++}`, 'buffer').subarray(0, count - i), i)
    return bytes
  }
}

/** Files of a published log, by path. */
export type LogFiles = Map<string, Uint8Array>

/** What a gate publishes for these entries; `sizes` are rounds, the last one covers all. */
export async function publish(
  entries: readonly { readonly bytes: Uint8Array }[],
  rounds: readonly number[] = [],
  origin: string = ORIGIN,
): Promise<LogFiles> {
  const files: LogFiles = new Map()
  let edge: Edge = emptyEdge()
  let done = 0
  for (const size of [...rounds, entries.length]) {
    const unfinished = entries.slice(done - (done % 256), done).map(({ bytes }) => bytes)
    const added = entries.slice(done, size).map(({ bytes }) => bytes)
    const grown = grow({ edge, leaves: added.map(leafHash), entries: { unfinished, added } })
    for (const { path, bytes } of grown.tiles) files.set(path, bytes)
    edge = grown.edge
    done = size
    files.set('checkpoint', utf8(await signedCheckpoint(size, grown.root, origin)))
  }
  return files
}

/** The log's signature under any tree head. */
export function signedCheckpoint(
  size: number,
  root: Uint8Array,
  origin: string = ORIGIN,
): Promise<string> {
  const signers: NoteSigner[] = [ed25519Signer({ name: origin, ...CHECKPOINT_KEY })]
  return signNote({ body: formatCheckpoint({ origin, size, root }), signers })
}

/** Writes files below `dir`. */
export async function writeFiles(dir: string, files: LogFiles): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), bytes)
  }
}

/** One line of `--disclosures`, with every group. */
export function disclosureLine(record: IssuedRecord, index?: number): string {
  const groups = ['chain', 'result', 'subject', 'request', 'facts'] as const
  const text =
    Object.keys(record.openings).length === 0
      ? `${record.jws}~`
      : presentation(record.jws, record.openings, groups)
  return JSON.stringify({ record: text, ...(index === undefined ? {} : { receipt: { index } }) })
}
