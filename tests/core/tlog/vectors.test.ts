/** Our bytes against bytes others made: Go's sumdb packages, the CT reference tree, the note documentation. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { concatBytes, fromBase64, toHex, utf8 } from '../../../src/core/encoding.ts'
import { formatCheckpoint, openCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import {
  cosignatureMessage,
  cosignatureVerifier,
  decodeCosignature,
  encodeCosignature,
} from '../../../src/core/tlog/cosignature.ts'
import { emptyEdge } from '../../../src/core/tlog/edge.ts'
import { grow } from '../../../src/core/tlog/grow.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import {
  ed25519Signer,
  ed25519Verifier,
  formatNote,
  type NoteSigner,
  parseNote,
  parseSignatureLine,
  signNote,
  verifyNote,
} from '../../../src/core/tlog/note.ts'
import { formatVkey, noteKeyId, parseVkey } from '../../../src/core/tlog/note-key.ts'
import { formatTlogProof, verifyTlogProof } from '../../../src/core/tlog/proof.ts'
import { proveConsistency, rootFrom } from '../../../src/core/tlog/tree.ts'
import { verifyConsistency } from '../../../src/core/tlog/verify.ts'
import { keyFromSeed, must, readerOver, unhex, verifyEd25519 } from './support.ts'

const folder = new URL('../../vectors/tlog/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const worked = JSON.parse(read('worked-example.json'))
const checkpoint = read('worked-example.checkpoint')
const rfc = JSON.parse(read('rfc6962.json'))
const noteExample = JSON.parse(read('signed-note.json'))

const ORIGIN = 'example.org/livegate/test'
const log = keyFromSeed(unhex(worked.log_seed))
const witness = keyFromSeed(unhex(worked.witness_seed))
const entries = (worked.entries as string[]).map(utf8)
const leaves = entries.map(leafHash)

test('the worked example hashes to its leaves and roots', () => {
  expect(leaves.map((leaf) => toHex(leaf).slice(0, 16))).toEqual(worked.leaf_starts)
  leaves.forEach((leaf, i) => {
    expect(toHex(leaf).endsWith(worked.leaf_ends[i])).toBe(true)
  })
  expect(toHex(rootFrom(2, readerOver(leaves)))).toBe(worked.roots['2'])
  expect(toHex(rootFrom(3, readerOver(leaves)))).toBe(worked.roots['3'])
})

test('the worked example grows into its bundle, tile and root', () => {
  const grown = grow({ edge: emptyEdge(), leaves, entries: { unfinished: [], added: entries } })
  expect(toHex(grown.root)).toBe(worked.roots['3'])
  expect(grown.tiles.map(({ path, bytes }) => [path, toHex(bytes)])).toEqual([
    [worked.bundle_path, worked.bundle],
    ['tile/0/000.p/3', toHex(concatBytes(...leaves))],
  ])
})

test('the worked example is signed and cosigned into exactly its checkpoint', async () => {
  const witnessSigner: NoteSigner = {
    name: 'witness.example/w',
    keyId: noteKeyId({ name: 'witness.example/w', type: 4, publicKey: witness.publicKey }),
    sign: (body) =>
      encodeCosignature({
        timeS: worked.witness_time_s,
        signature: witness.sign(cosignatureMessage(worked.witness_time_s, body)),
      }),
  }
  const signers = [ed25519Signer({ name: ORIGIN, ...log }), witnessSigner]
  const body = formatCheckpoint({ origin: ORIGIN, size: 3, root: unhex(worked.roots['3']) })
  expect(await signNote({ body, signers })).toBe(checkpoint)
  expect(formatVkey({ name: ORIGIN, type: 1, publicKey: log.publicKey })).toBe(worked.log_vkey)
  expect(formatVkey({ name: 'witness.example/w', type: 4, publicKey: witness.publicKey })).toBe(
    worked.witness_vkey,
  )
})

test('the worked checkpoint opens under its keys and states its time', async () => {
  const opened = must(
    await openCheckpoint({
      note: checkpoint,
      origin: ORIGIN,
      verifiers: [must(ed25519Verifier(worked.log_vkey, verifyEd25519))],
      witnesses: [must(cosignatureVerifier(worked.witness_vkey, verifyEd25519))],
    }),
  )
  expect([opened.origin, opened.size, toHex(opened.root)]).toEqual([ORIGIN, 3, worked.roots['3']])
  const [cosignature] = opened.cosignatures
  expect(decodeCosignature(cosignature?.signature ?? new Uint8Array())?.timeS).toBe(1_700_000_000)
  expect(opened.signatures.map((line) => line.name)).toEqual([ORIGIN])
})

test('the eight-leaf tree of Certificate Transparency has its published roots', () => {
  const hashes = (rfc.entries as string[]).map((entry) => leafHash(unhex(entry)))
  const roots = (rfc.roots as string[]).map((_, size) =>
    toHex(rootFrom(size, readerOver(hashes.slice(0, size)))),
  )
  expect(roots).toEqual(rfc.roots)
})

test.each(rfc.consistency as { from: number; to: number; proof: string[] }[])(
  'the published consistency proof $from -> $to is made and accepted',
  ({ from, to, proof }) => {
    const hashes = (rfc.entries as string[]).map((entry) => leafHash(unhex(entry)))
    expect(proveConsistency({ from, to }, readerOver(hashes)).map(toHex)).toEqual(proof)
    const [from_root, to_root] = [unhex(rfc.roots[from]), unhex(rfc.roots[to])]
    const claim = { from, from_root, to, to_root, proof: proof.map(unhex) }
    expect(verifyConsistency(claim)).toEqual({ ok: true, value: undefined })
  },
)

test('the example of the note documentation signs and verifies byte for byte', async () => {
  const { body, line, vkey, private_key } = noteExample
  const key = must(parseVkey(vkey))
  expect(formatVkey(key)).toBe(vkey)
  const material = fromBase64(private_key.split('+').slice(4).join('+')) ?? new Uint8Array()
  const signer = ed25519Signer({ name: key.name, ...keyFromSeed(material.slice(1)) })
  const text = await signNote({ body, signers: [signer] })
  expect(text).toBe(`${body}\n${line}\n`)
  const verifiers = [must(ed25519Verifier(vkey, verifyEd25519))]
  expect(must(await verifyNote({ text, verifiers })).body).toBe(body)
})

test('the C2SP example splits at the last blank line and reads back', () => {
  const text = `${noteExample.c2sp_body}\n${noteExample.c2sp_line}\n`
  const note = must(parseNote(text))
  expect(note.body).toBe(noteExample.c2sp_body)
  expect(note.signatures).toEqual([parseSignatureLine(noteExample.c2sp_line)])
  expect(note.signatures[0]?.name).toBe(noteExample.c2sp_name)
  expect(formatNote(note)).toBe(text)
})

test('the key of the Go checksum database reads back', () => {
  expect(formatVkey(must(parseVkey(noteExample.sum_golang_org_vkey)))).toBe(
    noteExample.sum_golang_org_vkey,
  )
})

test('the specification page prints the worked example as it is', () => {
  const page = readFileSync(new URL('../../../docs/spec/log.md', import.meta.url), 'utf8')
  for (const fact of [
    checkpoint,
    worked.log_vkey,
    worked.witness_vkey,
    ...Object.values(worked.roots),
  ])
    expect(page).toContain(fact)
})

test('the proof the specification page describes holds', async () => {
  const proof = [unhex(worked.roots['2'])]
  const text = formatTlogProof({ index: 2, proof, checkpoint })
  const [verifier, witnesses] = [
    must(ed25519Verifier(worked.log_vkey, verifyEd25519)),
    [must(cosignatureVerifier(worked.witness_vkey, verifyEd25519))],
  ]
  const leaf = leafHash(utf8(worked.entries[2]))
  const claim = { text, leaf, origin: ORIGIN, verifiers: [verifier], witnesses, quorum: 1 }
  expect(must(await verifyTlogProof(claim)).index).toBe(2)
})
