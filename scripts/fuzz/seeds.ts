/**
 * Valid inputs to damage, all of them committed vectors, and the signatures that are known to hold over them.
 *
 * Ed25519 cannot be forged, so while fuzzing "verifies" means: is among those that did before anything was damaged. That is
 * exact, and a thousand times faster than asking again.
 */
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KeyRing, keyRing } from '../../src/core/record/jwk.ts'
import { verifyRecord } from '../../src/core/record/verify.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { openCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosignatureVerifier } from '../../src/core/tlog/cosignature.ts'
import { ed25519Verifier, type VerifyEd25519 } from '../../src/core/tlog/note.ts'

const VECTORS = join(import.meta.dirname, '../../tests/vectors')

export function vector(path: string): string {
  return readFileSync(join(VECTORS, path), 'utf8')
}

export function vectorBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(VECTORS, path)))
}

function json<T>(path: string): T {
  return JSON.parse(vector(path)) as T
}

export interface GoldenRecord {
  readonly kind: string
  readonly jws: string
  readonly openings: Readonly<Record<string, string>>
}
export const GOLDEN: {
  readonly jwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  readonly records: readonly GoldenRecord[]
} = json('record/golden.json')

export const WORKED: {
  readonly log_vkey: string
  readonly witness_vkey: string
  readonly entries: readonly string[]
} = json('tlog/worked-example.json')
export const NOTE: string = vector('tlog/worked-example.checkpoint')
/** Body with its final LF. */
export const BODY: string = NOTE.slice(0, NOTE.indexOf('\n\n') + 1)

export const EVIDENCE: string = vector('evidence/decision.json')
export const READER: {
  readonly origin: string
  readonly vkey: string
  readonly witness: string
} = json('evidence/reader.json')

export const MOVE_LINES: readonly string[] = [
  'move/deployment.jsonl',
  'move/without-activations.jsonl',
].flatMap((path) => vector(path).trimEnd().split('\n'))

/** A log of the first release: entries, and the disclosures of each. */
export interface CorpusLog {
  readonly vkey: string
  readonly checkpoint: string
  readonly entries: readonly string[]
  readonly disclosures: readonly (readonly string[] | undefined)[]
  /** Lines as an operator hands them out. */
  readonly lines: readonly string[]
}

export const CORPUS: readonly CorpusLog[] = [corpusLog('0.1.0/node'), corpusLog('0.1.0/edge')]

function corpusLog(name: string): CorpusLog {
  const dir = `corpus/${name}`
  const checkpoint = vector(`${dir}/log/checkpoint`)
  const size = Number(checkpoint.split('\n')[1])
  const bundle = decodeBundle(vectorBytes(`${dir}/log/tile/entries/000.p/${size}`), size)
  if (!bundle.ok) throw new Error(bundle.error)
  const lines = vector(`${dir}/disclosures.jsonl`).trimEnd().split('\n')
  const given = new Map(
    lines.map((line) => {
      const { record } = JSON.parse(line) as { record: string }
      const [jws = '', ...rest] = record.split('~')
      return [jws, rest.slice(0, -1)] as const
    }),
  )
  const entries = bundle.value.map((entry) => Buffer.from(entry).toString('latin1'))
  const disclosures = entries.map((entry) => given.get(entry))
  return { vkey: vector(`${dir}/vkey`).trim(), checkpoint, entries, disclosures, lines }
}

/** Records with some disclosures. */
export const RECORDS: readonly { readonly jws: string; readonly disclosures: readonly string[] }[] =
  [
    ...GOLDEN.records.map(({ jws, openings }) => ({ jws, disclosures: Object.values(openings) })),
    ...CORPUS.flatMap(({ entries, disclosures }) =>
      entries.map((jws, i) => ({ jws, disclosures: disclosures[i] ?? [] })),
    ),
  ]

const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const known = new Map<string, string>()

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Ed25519 of the host; what holds is remembered. */
const learning: VerifyEd25519 = (publicKey, message, signature) => {
  const key = createPublicKey({
    key: Buffer.concat([SPKI, publicKey]),
    format: 'der',
    type: 'spki',
  })
  const holds = verify(null, message, key, signature)
  if (holds) known.set(latin1(publicKey) + latin1(signature), latin1(message))
  return holds
}

/** True for what `learning` has seen hold. */
export const oracle: VerifyEd25519 = (publicKey, message, signature) =>
  known.get(latin1(publicKey) + latin1(signature)) === latin1(message)

/** What must be read. */
export function value<T>(
  result:
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly error: unknown },
): T {
  if (!result.ok) throw new Error(`a seed was refused: ${JSON.stringify(result.error)}`)
  return result.value
}

export const ORIGIN: string = BODY.slice(0, BODY.indexOf('\n'))
export const KEYS: KeyRing = keyRing([GOLDEN.jwk])

// What holds is asked once, of the real Ed25519.
value(
  await openCheckpoint({
    ...{ note: NOTE, origin: ORIGIN },
    verifiers: [value(ed25519Verifier(WORKED.log_vkey, learning))],
    witnesses: [value(cosignatureVerifier(WORKED.witness_vkey, learning))],
  }),
)
for (const { jws } of GOLDEN.records)
  value(await verifyRecord(jws, KEYS, { verifyEd25519: learning }))
/** Verifies as `learning` does, for seeds that are read elsewhere. */
export async function learn(read: (verify: VerifyEd25519) => Promise<boolean>): Promise<void> {
  if (!(await read(learning))) throw new Error('a seed does not hold')
}
