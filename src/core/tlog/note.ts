/**
 * Signed notes: a text, a blank line, and one line a signature. The envelope of checkpoints.
 *
 *     body LF | LF | "— " name " " base64(key id || signature) LF ...
 *
 * The body keeps its final LF, which is signed; the blank line is not. The *last* blank line splits, for a body may
 * hold others. UTF-8, no control character but LF, canonical base64. A line of an unknown (name, id) is ignored; a known
 * key whose signature fails spoils the note. Keys stay outside: signers and verifiers are handed in.
 * Spec: C2SP signed-note. Next stop: checkpoint.ts.
 */
import { concatBytes, fromBase64, toBase64, utf8 } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import {
  ED25519_SIGNATURE_BYTES,
  isKeyName,
  NOTE_ED25519,
  noteKeyId,
  parseVkey,
  type VkeyFault,
} from './note-key.ts'

/** One signature line. */
export interface NoteSignature {
  readonly name: string
  readonly keyId: number
  /** What follows the key id: the bare signature for Ed25519, time and signature for a cosignature. */
  readonly signature: Uint8Array
}

/** A note that is well-formed; nothing in it is verified. */
export interface Note {
  /** Ends with LF. */
  readonly body: string
  readonly signatures: readonly NoteSignature[]
}

/** A note at least one known key has signed. */
export interface VerifiedNote {
  readonly body: string
  /** Signatures of known keys, all valid, one a key; only these carry meaning. */
  readonly verified: readonly NoteSignature[]
}

export type NoteFault =
  | 'note_malformed'
  | 'note_too_large'
  /** A known key's signature does not verify: the note is spoiled whatever else is on it. */
  | 'signature_invalid'
  /** No known key has signed. */
  | 'signature_missing'

/** Signs messages under one name; `sign` gives what `NoteSignature.signature` holds. */
export interface NoteSigner {
  readonly name: string
  readonly keyId: number
  sign(message: Uint8Array): Promise<Uint8Array> | Uint8Array
}

/** Checks signatures of one (name, key id). A rejection means "could not check", not "invalid". */
export interface NoteVerifier {
  readonly name: string
  readonly keyId: number
  verify(message: Uint8Array, signature: Uint8Array): Promise<boolean> | boolean
}

/** Ed25519 of RFC 8032; must return false, not throw, for a key or signature that is no point. */
export type VerifyEd25519 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean> | boolean

/** Signature lines a note may carry; the specification asks for at least 16. */
export const MAX_NOTE_SIGNATURES = 64
/** UTF-16 units of a note: 64 post-quantum lines of 3.3 KB each fit twice. */
export const MAX_NOTE_CHARS: number = 512 * 1024

const LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/u

/** Takes a note apart. Every accepted text is what `formatNote` gives for its parts. */
export function parseNote(text: string): Result<Note, NoteFault> {
  if (text.length > MAX_NOTE_CHARS) return err('note_too_large')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids exactly these.
  if (!text.isWellFormed() || /[\x00-\x09\x0b-\x1f]/.test(text)) return err('note_malformed')
  const blank = text.lastIndexOf('\n\n')
  if (blank < 0 || !text.endsWith('\n')) return err('note_malformed')
  const lines = text.slice(blank + 2, -1).split('\n')
  if (lines.length > MAX_NOTE_SIGNATURES) return err('note_too_large')
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const signature = parseSignatureLine(line)
    if (signature === null) return err('note_malformed')
    signatures.push(signature)
  }
  return ok({ body: text.slice(0, blank + 1), signatures })
}

/** The note as text. Throws `internal` when its parts cannot be written so that they read back. */
export function formatNote(note: Note): string {
  const text = `${note.body}\n${note.signatures.map((s) => `${formatSignatureLine(s)}\n`).join('')}`
  const read = parseNote(text)
  if (!read.ok || read.value.body !== note.body)
    throw new LivegateError(
      'internal',
      'Cannot write note: expected a body ending in a newline without control characters, and a signature',
    )
  return text
}

/** One signature line without its LF, as a witness answers it. */
export function formatSignatureLine(signature: NoteSignature): string {
  if (!isKeyName(signature.name) || signature.signature.length === 0)
    throw new LivegateError(
      'internal',
      `Cannot write signature of \`${signature.name}\`: expected a name without blank or plus and a signature`,
    )
  const id = new Uint8Array(4)
  new DataView(id.buffer).setUint32(0, signature.keyId)
  return `\u2014 ${signature.name} ${toBase64(concatBytes(id, signature.signature))}`
}

/** Reads one signature line without its LF; null unless canonical. */
export function parseSignatureLine(line: string): NoteSignature | null {
  const [, name, base64] = LINE.exec(line) ?? []
  if (name === undefined || base64 === undefined || !isKeyName(name)) return null
  const blob = fromBase64(base64)
  if (blob === null || blob.length < 5) return null
  const keyId = new DataView(blob.buffer, blob.byteOffset).getUint32(0)
  return { name, keyId, signature: blob.slice(4) }
}

/** Signs `body` with every signer, lines in their order. */
export async function signNote(request: {
  readonly body: string
  readonly signers: readonly NoteSigner[]
}): Promise<string> {
  const message = utf8(request.body)
  const signatures = await Promise.all(
    request.signers.map(async (signer) => ({
      name: signer.name,
      keyId: signer.keyId,
      signature: await signer.sign(message),
    })),
  )
  return formatNote({ body: request.body, signatures })
}

/** Checks a note against the keys one trusts; the body means nothing before this has succeeded. */
export async function verifyNote(request: {
  readonly text: string
  readonly verifiers: readonly NoteVerifier[]
}): Promise<Result<VerifiedNote, NoteFault>> {
  const known = keyring(request.verifiers)
  const note = parseNote(request.text)
  if (!note.ok) return note
  const message = utf8(note.value.body)
  const verified = new Map<string, NoteSignature>()
  for (const line of note.value.signatures) {
    const verifier = known.get(keyOf(line))
    if (verifier === undefined) continue
    if (!(await verifier.verify(message, line.signature))) return err('signature_invalid')
    verified.set(keyOf(line), line)
  }
  if (verified.size === 0) return err('signature_missing')
  return ok({ body: note.value.body, verified: [...verified.values()] })
}

/** Verifier for a key of type 01. */
export function ed25519Verifier(
  vkey: string,
  verifyEd25519: VerifyEd25519,
): Result<NoteVerifier, VkeyFault> {
  const key = parseVkey(vkey)
  if (!key.ok) return key
  const { name, type, publicKey } = key.value
  if (type !== NOTE_ED25519) return err('key_type_unknown')
  return ok({
    name,
    keyId: noteKeyId(key.value),
    verify: (message, signature) =>
      signature.length === ED25519_SIGNATURE_BYTES && verifyEd25519(publicKey, message, signature),
  })
}

/** Signer of type 01 over a function that signs with the private half of `publicKey`. */
export function ed25519Signer(key: {
  readonly name: string
  readonly publicKey: Uint8Array
  readonly sign: (message: Uint8Array) => Promise<Uint8Array> | Uint8Array
}): NoteSigner {
  const { name, publicKey, sign } = key
  return { name, keyId: noteKeyId({ name, type: NOTE_ED25519, publicKey }), sign }
}

function keyring(verifiers: readonly NoteVerifier[]): Map<string, NoteVerifier> {
  const known = new Map(verifiers.map((verifier) => [keyOf(verifier), verifier]))
  if (known.size !== verifiers.length)
    throw new LivegateError(
      'internal',
      'Cannot verify note: two verifiers have one name and key id, expected distinct ones',
    )
  return known
}

function keyOf(line: { readonly name: string; readonly keyId: number }): string {
  return `${line.keyId}+${line.name}`
}
