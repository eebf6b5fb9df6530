/** Signed notes and their keys: one spelling, no surviving change. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromUtf8, toBase64, utf8 } from '../../../src/core/encoding.ts'
import {
  ed25519Signer,
  ed25519Verifier,
  formatNote,
  MAX_NOTE_CHARS,
  MAX_NOTE_SIGNATURES,
  type NoteSigner,
  type NoteVerifier,
  parseNote,
  signNote,
  verifyNote,
} from '../../../src/core/tlog/note.ts'
import { formatVkey, isKeyName, noteKeyId, parseVkey } from '../../../src/core/tlog/note-key.ts'
import { flipped, keyFromSeed, must, verifyEd25519 } from './support.ts'

interface Party {
  readonly signer: NoteSigner
  readonly verifier: NoteVerifier
  readonly vkey: string
}

function party(name: string, seed: number): Party {
  const key = keyFromSeed(new Uint8Array(32).fill(seed))
  const vkey = formatVkey({ name, type: 1, publicKey: key.publicKey })
  return {
    signer: ed25519Signer({ name, ...key }),
    verifier: must(ed25519Verifier(vkey, verifyEd25519)),
    vkey,
  }
}

const ann = party('ann.example/a', 1)
const bob = party('bob.example/b', 2)
const BODY = 'first\n\nthird line, after a blank one\n'
const signed = await signNote({ body: BODY, signers: [ann.signer] })
const both = await signNote({ body: BODY, signers: [ann.signer, bob.signer] })
const line = signed.slice(BODY.length + 1, -1)

describe('reading', () => {
  test('the last blank line splits body from signatures', () => {
    const note = must(parseNote(both))
    expect(note.body).toBe(BODY)
    expect(note.signatures.map(({ name, keyId }) => [name, keyId])).toEqual([
      ['ann.example/a', ann.signer.keyId],
      ['bob.example/b', bob.signer.keyId],
    ])
    expect(formatNote(note)).toBe(both)
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['a body without signatures', BODY],
    ['a body and a blank line', `${BODY}\n`],
    ['no blank line', `${BODY}${line}\n`.replace('\n\n', '\n')],
    ['signatures without body', `\n${line}\n`],
    ['no final newline', signed.slice(0, -1)],
    ['a blank line at the end', `${signed}\n`],
    ['text after the signatures', `${signed}x\n`],
    ['carriage returns', signed.replaceAll('\n', '\r\n')],
    ['a tab', signed.replace('first', 'fi\trst')],
    ['a NUL', signed.replace('first', 'first\0')],
    ['a lone surrogate', signed.replace('first', 'first\ud800')],
    ['a hyphen for the dash', signed.replace('\u2014', '-')],
    ['an en dash for the dash', signed.replace('\u2014', '\u2013')],
    ['no blank after the dash', signed.replace('\u2014 ', '\u2014')],
    ['two blanks', signed.replace('\u2014 ', '\u2014  ')],
    ['a blank at the end', signed.replace(/\n$/, ' \n')],
    ['a fourth word', signed.replace(/\n$/, ' x\n')],
    ['a plus in the name', signed.replace('ann.', 'ann+')],
    ['a no-break space in the name', signed.replace('ann.', 'ann\u00a0')],
    ['base64 without padding', signed.replace(/=\n$/, '\n')],
    ['base64 of the web', signed.replace(line, `\u2014 ann.example/a ${'-_'.repeat(46)}`)],
    ['base64 with other trailing bits', signed.replace(/.=\n$/, (end) => `${bump(end[0])}=\n`)],
    ['a signature of no bytes', signed.replace(line, '\u2014 ann.example/a AAAAAA==')],
  ])('%s is no note', (_, text) => {
    expect(text).not.toBe(signed)
    expect(parseNote(text)).toEqual({ ok: false, error: 'note_malformed' })
  })

  test('sixteen signatures and more are accepted, a flood is not', async () => {
    const many = Array.from({ length: MAX_NOTE_SIGNATURES }, (_, i) => party(`p${i}`, i).signer)
    const text = await signNote({ body: BODY, signers: many })
    const verifiers = [party('p15', 15).verifier]
    expect(must(await verifyNote({ text, verifiers })).verified).toHaveLength(1)
    expect(parseNote(`${text}${line}\n`)).toEqual({ ok: false, error: 'note_too_large' })
    const long = `${'x'.repeat(MAX_NOTE_CHARS)}\n\n${line}\n`
    expect(parseNote(long)).toEqual({ ok: false, error: 'note_too_large' })
  })

  test('any text that reads is what formatting writes', () => {
    const pieces = fc.constantFrom('\n', 'a', '\u2014 ', 'n ', 'AAAAAAA=', line, '+', '\u2003')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 9 }), (parts) => {
        const text = `body\n\n${parts.join('')}\n`
        const note = parseNote(text)
        if (note.ok) expect(formatNote(note.value)).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })
})

/** The base64 letter whose value is one higher: the same bytes where the last bits are not used. */
function bump(letter: string | undefined): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return alphabet[(alphabet.indexOf(letter ?? '') + 1) % 64] ?? ''
}

describe('writing refuses', () => {
  const signature = { name: 'a', keyId: 1, signature: Uint8Array.of(1) }
  test.each<[string, Parameters<typeof formatNote>[0]]>([
    ['a body without newline', { body: 'x', signatures: [signature] }],
    ['an empty body', { body: '', signatures: [signature] }],
    ['a body with a tab', { body: 'x\t\n', signatures: [signature] }],
    ['no signature', { body: 'x\n', signatures: [] }],
    ['a name with a blank', { body: 'x\n', signatures: [{ ...signature, name: 'a b' }] }],
    ['an empty signature', { body: 'x\n', signatures: [{ ...signature, signature: utf8('') }] }],
  ])('%s', (_, note) => {
    expect(() => formatNote(note)).toThrow('Cannot write')
  })
})

describe('verifying', () => {
  const check = (text: string, ...parties: readonly Party[]): ReturnType<typeof verifyNote> =>
    verifyNote({ text, verifiers: parties.map((p) => p.verifier) })

  test('a known key is enough, unknown lines are ignored', async () => {
    expect(must(await check(both, ann))).toMatchObject({ body: BODY })
    expect(must(await check(both, ann)).verified.map((s) => s.name)).toEqual(['ann.example/a'])
    expect(must(await check(both, ann, bob)).verified).toHaveLength(2)
  })

  test('a line that shares only name or only id with a known key is ignored', async () => {
    const other = party('ann.example/a', 9)
    const text = both.replace('bob.example/b', 'bob.example/c')
    expect(must(await check(text, ann, bob)).verified).toHaveLength(1)
    expect(await check(signed, other)).toEqual({ ok: false, error: 'signature_missing' })
  })

  test('no known key is a missing signature', async () => {
    expect(await check(signed, bob)).toEqual({ ok: false, error: 'signature_missing' })
    expect(await check(signed)).toEqual({ ok: false, error: 'signature_missing' })
  })

  test('a bad signature of a known key spoils the note, whatever else is good', async () => {
    const forged = formatNote({
      body: BODY,
      signatures: must(parseNote(both)).signatures.map((s) =>
        s.name === 'bob.example/b' ? { ...s, signature: flipped(s.signature, 77) } : s,
      ),
    })
    expect(await check(forged, ann, bob)).toEqual({ ok: false, error: 'signature_invalid' })
    expect((await check(forged, ann)).ok).toBe(true)
  })

  test('a second, bad line of a known key spoils the note too', async () => {
    const [first] = must(parseNote(signed)).signatures
    if (first === undefined) throw new Error('the note has a signature')
    const bad = { ...first, signature: flipped(first.signature, 3) }
    for (const signatures of [
      [first, bad],
      [bad, first],
    ])
      expect(await check(formatNote({ body: BODY, signatures }), ann)).toEqual({
        ok: false,
        error: 'signature_invalid',
      })
    const twice = formatNote({ body: BODY, signatures: [first, first] })
    expect(must(await check(twice, ann)).verified).toHaveLength(1)
  })

  test('a signature of another length is invalid, not an exception', async () => {
    const [first] = must(parseNote(signed)).signatures
    if (first === undefined) throw new Error('the note has a signature')
    for (const signature of [first.signature.slice(1), concatBytes(first.signature, utf8('x'))]) {
      const text = formatNote({ body: BODY, signatures: [{ ...first, signature }] })
      expect(await check(text, ann)).toEqual({ ok: false, error: 'signature_invalid' })
    }
  })

  test('a signature of another length never reaches the key', async () => {
    const [first] = must(parseNote(signed)).signatures
    if (first === undefined) throw new Error('the note has a signature')
    const credulous = must(ed25519Verifier(ann.vkey, () => true))
    const text = formatNote({
      body: BODY,
      signatures: [{ ...first, signature: first.signature.slice(1) }],
    })
    expect(await verifyNote({ text, verifiers: [credulous] })).toEqual({
      ok: false,
      error: 'signature_invalid',
    })
  })

  test('the same key twice among the verifiers is misuse', async () => {
    await expect(check(signed, ann, ann)).rejects.toThrow('expected distinct ones')
  })

  test('no single flipped bit of a note with one signature is accepted', async () => {
    const bytes = utf8(signed)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const text = fromUtf8(flipped(bytes, bit))
      if (text !== null && (await check(text, ann)).ok) expect.fail(`bit ${bit} may be flipped`)
    }
  })

  test('a flipped byte of a note with two signatures is refused or costs a signature', async () => {
    const bytes = utf8(both)
    for (let at = 0; at < bytes.length; at++) {
      const text = fromUtf8(flipped(bytes, at * 8 + (at % 8)))
      if (text === null) continue
      const result = await check(text, ann, bob)
      if (!result.ok) continue
      expect(result.value.body).toBe(BODY)
      expect(result.value.verified).toHaveLength(1)
    }
  })
})

describe('a verifier key', () => {
  const key = must(parseVkey(ann.vkey))

  test('reads back, and its id depends on name, type and key', () => {
    expect(formatVkey(key)).toBe(ann.vkey)
    const ids = [key, { ...key, name: 'x' }, { ...key, type: 4 }, must(parseVkey(bob.vkey))]
    expect(new Set(ids.map(noteKeyId)).size).toBe(4)
    const cosigner = formatVkey({ ...key, type: 4 })
    expect(must(parseVkey(cosigner)).type).toBe(4)
    expect(ed25519Verifier(cosigner, verifyEd25519)).toEqual({
      ok: false,
      error: 'key_type_unknown',
    })
  })

  const [name = '', id = '', ...rest] = ann.vkey.split('+')
  const base64 = rest.join('+')
  const vkeyOf = (type: number, material: Uint8Array): string => {
    const keyId = noteKeyId({ name, type, publicKey: material })
    const hex = keyId.toString(16).padStart(8, '0')
    return `${name}+${hex}+${toBase64(concatBytes(Uint8Array.of(type), material))}`
  }
  test.each<[string, string, string]>([
    ['nothing', '', 'vkey_malformed'],
    ['no name', `+${id}+${base64}`, 'vkey_malformed'],
    ['a blank in the name', `a b+${id}+${base64}`, 'vkey_malformed'],
    ['a line end in the name', `a\n+${id}+${base64}`, 'vkey_malformed'],
    ['another name', `b${name}+${id}+${base64}`, 'key_id_mismatch'],
    ['another id', `${name}+00000000+${base64}`, 'key_id_mismatch'],
    ['an id in capitals', `${name}+${id.toUpperCase()}+${base64}`, 'vkey_malformed'],
    ['a short id', `${name}+${id.slice(1)}+${base64}`, 'vkey_malformed'],
    ['no key', `${name}+${id}+`, 'vkey_malformed'],
    ['a key that is not base64', `${name}+${id}+!${base64.slice(1)}`, 'vkey_malformed'],
    ['a blank at the end', `${ann.vkey} `, 'vkey_malformed'],
    ['a line end', `${ann.vkey}\n`, 'vkey_malformed'],
    ['a key of 31 bytes', vkeyOf(1, new Uint8Array(31)), 'vkey_malformed'],
    ['a key of 33 bytes', vkeyOf(1, new Uint8Array(33)), 'vkey_malformed'],
    ['another type', vkeyOf(2, key.publicKey), 'key_type_unknown'],
    ['a post-quantum type', vkeyOf(6, new Uint8Array(1312)), 'key_type_unknown'],
  ])('is not read from %s', (_, text, error) => {
    expect(parseVkey(text)).toEqual({ ok: false, error })
  })

  test('is not written for a bad name or key', () => {
    expect(() => formatVkey({ ...key, name: 'a+b' })).toThrow('Cannot write verifier key')
    expect(() => formatVkey({ ...key, publicKey: new Uint8Array(31) })).toThrow('32-byte key')
  })

  test('a name holds no blank of any script', () => {
    expect(isKeyName('ünï.example/ž')).toBe(true)
    for (const blank of ['\u0085', '\u00a0', '\u1680', '\u2003', '\u2028', '\u3000', '\x01', '+'])
      expect(isKeyName(`a${blank}b`)).toBe(false)
  })
})
