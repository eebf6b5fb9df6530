/** Checkpoints, cosignatures and proofs as text: opened only under the right keys, origin and quorum. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromUtf8, toBase64, utf8 } from '../../../src/core/encoding.ts'
import {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from '../../../src/core/tlog/checkpoint.ts'
import {
  cosignatureMessage,
  cosignatureVerifier,
  decodeCosignature,
  encodeCosignature,
} from '../../../src/core/tlog/cosignature.ts'
import { EMPTY_ROOT, leafHash } from '../../../src/core/tlog/hash.ts'
import {
  ed25519Signer,
  ed25519Verifier,
  type NoteSigner,
  type NoteVerifier,
  signNote,
} from '../../../src/core/tlog/note.ts'
import { formatVkey, noteKeyId } from '../../../src/core/tlog/note-key.ts'
import {
  formatTlogProof,
  parseTlogProof,
  type TlogProofClaim,
  verifyTlogProof,
} from '../../../src/core/tlog/proof.ts'
import { proveInclusion, rootFrom } from '../../../src/core/tlog/tree.ts'
import { flipped, keyFromSeed, must, readerOver, someEntries, verifyEd25519 } from './support.ts'

const ORIGIN = 'gate.example/log/main/0'
const SIZE = 11
const leaves = someEntries(SIZE).map(leafHash)
const root = rootFrom(SIZE, readerOver(leaves))
const body = formatCheckpoint({ origin: ORIGIN, size: SIZE, root })

const logKey = keyFromSeed(new Uint8Array(32).fill(1))
const log = ed25519Signer({ name: ORIGIN, ...logKey })
const logVerifier = must(
  ed25519Verifier(
    formatVkey({ name: ORIGIN, type: 1, publicKey: logKey.publicKey }),
    verifyEd25519,
  ),
)

function witness(
  name: string,
  seed: number,
  timeS = 1_800_000_000,
): { readonly signer: NoteSigner; readonly verifier: NoteVerifier } {
  const { publicKey, sign } = keyFromSeed(new Uint8Array(32).fill(seed))
  const key = { name, type: 4, publicKey } as const
  const cosign = (message: Uint8Array): Uint8Array =>
    encodeCosignature({ timeS, signature: sign(cosignatureMessage(timeS, message)) })
  return {
    signer: { name, keyId: noteKeyId(key), sign: cosign },
    verifier: must(cosignatureVerifier(formatVkey(key), verifyEd25519)),
  }
}
const one = witness('one.example', 11)
const two = witness('two.example', 12)

describe('a checkpoint body', () => {
  test('reads back at any size', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (size, hash) => {
          const head = { origin: ORIGIN, size, root: size === 0 ? EMPTY_ROOT : hash }
          expect(parseCheckpoint(formatCheckpoint(head))).toEqual({
            ok: true,
            value: { ...head, extensions: [] },
          })
        },
      ),
    )
  })

  test('of another log may carry extension lines and any origin that fills a line', () => {
    const text = `an origin + more\n11\n${toBase64(root)}\nline one\nline two\n`
    expect(must(parseCheckpoint(text))).toEqual({
      origin: 'an origin + more',
      size: 11,
      root,
      extensions: ['line one', 'line two'],
    })
  })

  const lines = (...parts: string[]): string => parts.map((part) => `${part}\n`).join('')
  const hash = toBase64(root)
  test.each<[string, string, string]>([
    ['nothing', '', 'checkpoint_malformed'],
    ['one line', lines(ORIGIN), 'checkpoint_malformed'],
    ['two lines', lines(ORIGIN, '11'), 'checkpoint_malformed'],
    ['no final newline', body.slice(0, -1), 'checkpoint_malformed'],
    ['an empty origin', lines('', '11', hash), 'checkpoint_malformed'],
    ['an empty extension', lines(ORIGIN, '11', hash, ''), 'checkpoint_malformed'],
    [
      'an empty line between extensions',
      lines(ORIGIN, '11', hash, 'a', '', 'b'),
      'checkpoint_malformed',
    ],
    ['no size', lines(ORIGIN, '', hash), 'checkpoint_malformed'],
    ['a leading zero', lines(ORIGIN, '011', hash), 'checkpoint_malformed'],
    ['a double zero', lines(ORIGIN, '00', toBase64(EMPTY_ROOT)), 'checkpoint_malformed'],
    ['a sign', lines(ORIGIN, '+11', hash), 'checkpoint_malformed'],
    ['a negative size', lines(ORIGIN, '-1', hash), 'checkpoint_malformed'],
    ['a blank', lines(ORIGIN, ' 11', hash), 'checkpoint_malformed'],
    ['an exponent', lines(ORIGIN, '1e3', hash), 'checkpoint_malformed'],
    ['hexadecimal', lines(ORIGIN, '0x11', hash), 'checkpoint_malformed'],
    ['digits of another script', lines(ORIGIN, '١١', hash), 'checkpoint_malformed'],
    ['a size of 2^53', lines(ORIGIN, '9007199254740992', hash), 'size_out_of_range'],
    ['a size near 2^63', lines(ORIGIN, '9223372036854775807', hash), 'size_out_of_range'],
    ['a root of 31 bytes', lines(ORIGIN, '11', toBase64(root.slice(1))), 'checkpoint_malformed'],
    ['a root in hex', lines(ORIGIN, '11', '00'.repeat(32)), 'checkpoint_malformed'],
    ['a root without padding', lines(ORIGIN, '11', hash.slice(0, -1)), 'checkpoint_malformed'],
    ['an empty tree with a root', lines(ORIGIN, '0', hash), 'root_impossible'],
    ['carriage returns', body.replaceAll('\n', '\r\n'), 'checkpoint_malformed'],
  ])('is not read from %s', (_, text, error) => {
    expect(parseCheckpoint(text)).toEqual({ ok: false, error })
  })

  test.each<[string, Parameters<typeof formatCheckpoint>[0]]>([
    ['an origin with a blank', { origin: 'a b', size: 1, root }],
    ['an origin with a plus', { origin: 'a+b', size: 1, root }],
    ['an origin of two lines', { origin: 'a\n5', size: 1, root }],
    ['half a leaf', { origin: ORIGIN, size: 1.5, root }],
    ['a size beyond 2^53', { origin: ORIGIN, size: 2 ** 53, root }],
    ['a short root', { origin: ORIGIN, size: 1, root: root.slice(1) }],
    ['an empty tree with a root', { origin: ORIGIN, size: 0, root }],
  ])('is not written for %s', (_, head) => {
    expect(() => formatCheckpoint(head)).toThrow('Cannot write checkpoint')
  })
})

describe('opening a checkpoint', () => {
  const open = async (
    note: string,
    change: Partial<Parameters<typeof openCheckpoint>[0]> = {},
  ): Promise<string> => {
    const witnesses = [one.verifier, two.verifier]
    const request = { note, origin: ORIGIN, verifiers: [logVerifier], witnesses, ...change }
    const opened = await openCheckpoint(request)
    if (!opened.ok) return opened.error
    const { size, signatures, cosignatures } = opened.value
    return `${size} signed ${signatures.length} cosigned ${cosignatures.length}`
  }

  test('needs the signature of the log, whatever witnesses say', async () => {
    const all = await signNote({ body, signers: [log, one.signer, two.signer] })
    expect(await open(all)).toBe('11 signed 1 cosigned 2')
    expect(await open(all, { witnesses: [] })).toBe('11 signed 1 cosigned 0')
    const alone = await signNote({ body, signers: [one.signer, two.signer] })
    expect(await open(alone)).toBe('signature_missing')
  })

  test('needs the expected origin', async () => {
    const note = await signNote({ body, signers: [log] })
    expect(await open(note, { origin: 'gate.example/log/main/1' })).toBe('origin_mismatch')
  })

  test('needs a body that is a checkpoint', async () => {
    const note = await signNote({ body: `${ORIGIN}\nsomething else\n`, signers: [log] })
    expect(await open(note)).toBe('checkpoint_malformed')
  })

  test('is refused for a forged cosignature of a known witness', async () => {
    const { signer } = witness('one.example', 99)
    const forger = { ...signer, keyId: one.signer.keyId }
    expect(await open(await signNote({ body, signers: [log, forger] }))).toBe('signature_invalid')
  })
})

describe('a cosignature', () => {
  test('reads back and refuses times no witness may state', () => {
    const cosignature = { timeS: 2 ** 40, signature: new Uint8Array(64).fill(5) }
    const bytes = encodeCosignature(cosignature)
    expect(decodeCosignature(bytes)).toEqual(cosignature)
    expect(decodeCosignature(bytes.slice(1))).toBeNull()
    expect(decodeCosignature(new Uint8Array(72))).toBeNull()
    expect(decodeCosignature(new Uint8Array(72).fill(255))).toBeNull()
    expect(() => encodeCosignature({ ...cosignature, timeS: 0 })).toThrow('Cannot write')
    expect(() => encodeCosignature({ ...cosignature, signature: utf8('') })).toThrow('0 bytes')
  })

  test('holds for its body and its time only', async () => {
    const message = utf8(body)
    const bytes = await one.signer.sign(message)
    expect(await one.verifier.verify(message, bytes)).toBe(true)
    expect(await two.verifier.verify(message, bytes)).toBe(false)
    expect(await one.verifier.verify(utf8(`${body}extension\n`), bytes)).toBe(false)
    for (let bit = 0; bit < bytes.length * 8; bit += 3)
      expect(await one.verifier.verify(message, flipped(bytes, bit))).toBe(false)
  })

  test('is not checked with a key of another type', () => {
    const vkey = formatVkey({ name: ORIGIN, type: 1, publicKey: logKey.publicKey })
    expect(cosignatureVerifier(vkey, verifyEd25519)).toEqual({
      ok: false,
      error: 'key_type_unknown',
    })
    expect(cosignatureVerifier('x', verifyEd25519)).toEqual({ ok: false, error: 'vkey_malformed' })
  })
})

describe('a proof as text', async () => {
  const index = 6
  const proof = proveInclusion({ index, size: SIZE }, readerOver(leaves))
  const checkpoint = await signNote({ body, signers: [log, one.signer] })
  const text = formatTlogProof({ index, proof, checkpoint })
  const leaf = leaves[index] ?? EMPTY_ROOT
  const claim: TlogProofClaim = {
    text,
    leaf,
    origin: ORIGIN,
    verifiers: [logVerifier],
    witnesses: [one.verifier, two.verifier],
    quorum: 1,
  }

  test('is the lines of the specification', () => {
    const hashes = proof.map((hash) => `${toBase64(hash)}\n`).join('')
    expect(text).toBe(`c2sp.org/tlog-proof@v1\nindex 6\n${hashes}\n${checkpoint}`)
    expect(parseTlogProof(text)).toEqual({ ok: true, value: { index, proof, checkpoint } })
  })

  test('carries extra data that nobody signed', () => {
    for (const extra of [new Uint8Array(0), Uint8Array.of(1, 2, 3)]) {
      const with_extra = formatTlogProof({ index, proof, checkpoint, extra })
      expect(with_extra.split('\n')[1]).toBe(`extra ${toBase64(extra)}`)
      expect(must(parseTlogProof(with_extra))).toEqual({ index, proof, checkpoint, extra })
    }
  })

  test('of the only leaf has no hashes', async () => {
    const [first = EMPTY_ROOT] = leaves
    const single = await signNote({
      body: formatCheckpoint({ origin: ORIGIN, size: 1, root: first }),
      signers: [log],
    })
    const short = formatTlogProof({ index: 0, proof: [], checkpoint: single })
    expect(short.startsWith('c2sp.org/tlog-proof@v1\nindex 0\n\n')).toBe(true)
    const result = await verifyTlogProof({ ...claim, text: short, leaf: first, quorum: 0 })
    expect(must(result).index).toBe(0)
  })

  test('verifies', async () => {
    const proven = must(await verifyTlogProof(claim))
    expect([proven.index, proven.checkpoint.size]).toEqual([6, SIZE])
  })

  test.each<[string, Partial<TlogProofClaim>, string]>([
    ['another leaf', { leaf: leaves[5] ?? EMPTY_ROOT }, 'root_mismatch'],
    ['another origin', { origin: 'other.example' }, 'origin_mismatch'],
    ['an unknown log key', { verifiers: [] }, 'signature_missing'],
    ['a quorum of two', { quorum: 2 }, 'quorum_missed'],
    ['a quorum of unknown witnesses', { witnesses: [two.verifier] }, 'quorum_missed'],
    ['another index', { text: text.replace('index 6', 'index 7') }, 'root_mismatch'],
    [
      'an index beyond the tree',
      { text: text.replace('index 6', 'index 11') },
      'index_out_of_range',
    ],
    ['another size', { text: text.replace('\n11\n', '\n12\n') }, 'signature_invalid'],
    ['a missing hash', { text: text.replace(/(index 6\n).{44}\n/, '$1') }, 'proof_too_short'],
    ['a second blank line', { text: text.replace('\n\n', '\n\n\n') }, 'signature_invalid'],
  ])('does not verify with %s', async (_, change, error) => {
    expect(await verifyTlogProof({ ...claim, ...change })).toEqual({ ok: false, error })
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['another version', text.replace('@v1', '@v2')],
    ['no index', text.replace('index 6\n', '')],
    ['an index with a leading zero', text.replace('index 6', 'index 06')],
    ['an index with two blanks', text.replace('index 6', 'index  6')],
    ['extra data after the index', text.replace('index 6\n', 'index 6\nextra AAAA\n')],
    ['extra data twice', text.replace('index 6\n', 'extra AAAA\nextra AAAA\nindex 6\n')],
    ['extra data not in base64', text.replace('index 6\n', 'extra AAA\nindex 6\n')],
    ['a hash of 33 bytes', text.replace(/(index 6\n)/, `$1${toBase64(new Uint8Array(33))}\n`)],
    ['sixty-four hashes', text.replace(/(index 6\n)/, `$1${`${toBase64(root)}\n`.repeat(64)}`)],
    ['no blank line', text.replaceAll('\n\n', '\n')],
    ['no checkpoint', text.slice(0, text.indexOf('\n\n') + 2)],
    ['carriage returns', text.replaceAll('\n', '\r\n')],
  ])('is not read from %s', (_, bad) => {
    expect(bad).not.toBe(text)
    const read = parseTlogProof(bad)
    expect(read.ok ? 'read' : read.error).toMatch(/^(tlog_proof|note)_malformed$/)
  })

  test('no single flipped byte is accepted, or it costs the cosignature', async () => {
    const bytes = utf8(text)
    for (let at = 0; at < bytes.length; at++) {
      const bad = fromUtf8(flipped(bytes, at * 8 + (at % 7)))
      if (bad !== null && (await verifyTlogProof({ ...claim, text: bad })).ok)
        expect.fail(`byte ${at} may be flipped`)
    }
  })

  test('is not written when it could not be read', () => {
    const parts = { index, proof, checkpoint }
    expect(() => formatTlogProof({ ...parts, index: -1 })).toThrow('Cannot write proof')
    expect(() => formatTlogProof({ ...parts, proof: [new Uint8Array(31)] })).toThrow('Cannot write')
    expect(() => formatTlogProof({ ...parts, checkpoint: body })).toThrow('Cannot write')
  })
})
