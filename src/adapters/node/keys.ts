/**
 * The three secrets of a deployment: record key, checkpoint key, pepper; each in a file of its own.
 *
 * `signer` signs in place: some 30 µs, while handing over to another thread and back costs a third of that, a thread's
 * memory, and a turn of the event loop on the way to the commit. The checkpoint key is written as the private key text of golang.org/x/mod/sumdb/note, so that
 * other tools can read it. The pepper keys hashes of stream keys. Files and permissions: data-dir.ts.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { concatBytes, fromBase64, fromHex, toBase64, toHex } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import { thumbprint } from '../../core/record/jwk.ts'
import { vkeyOf } from '../../core/record/key-history.ts'
import { ed25519Signer, type NoteSigner } from '../../core/tlog/note.ts'
import { keyIdHex, NOTE_ED25519, noteKeyId } from '../../core/tlog/note-key.ts'
import type { HeldCheckpointKey, HeldRecordKey } from '../../gate/signing.ts'
import type { Pepper, RecordSigner } from '../../ports.ts'
import { createTextHmac } from './text-hmac.ts'

/** What the key files hold, as text. */
export interface KeyTexts {
  /** PKCS #8, PEM. */
  readonly record: string
  /** `PRIVATE+KEY+<origin>+<id>+<base64>`. */
  readonly checkpoint: string
  /** 64 hexadecimal digits. */
  readonly pepper: string
}

export interface Keys {
  readonly signer: RecordSigner
  readonly recordJwk: Ed25519Jwk
  readonly checkpointSigner: NoteSigner
  /** Verifier key of the log. */
  readonly vkey: string
  readonly pepper: Pepper
}

/** New keys for the log `origin`. */
export function generateKeys(origin: string): KeyTexts {
  return {
    record: newRecordKey(),
    checkpoint: newCheckpointKey(origin),
    pepper: `${toHex(randomBytes(32))}\n`,
  }
}

/** Text of a new record key. */
export function newRecordKey(): string {
  const key = generateKeyPairSync('ed25519').privateKey
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Text of a new checkpoint key of the log `origin`. */
export function newCheckpointKey(origin: string): string {
  const key = generateKeyPairSync('ed25519').privateKey
  const material = toBase64(concatBytes(Uint8Array.of(NOTE_ED25519), seedOf(key)))
  const publicKey = publicBytes(key)
  const id = keyIdHex(noteKeyId({ name: origin, type: NOTE_ED25519, publicKey }))
  return `PRIVATE+KEY+${origin}+${id}+${material}\n`
}

/** A record key out of its file's text. Throws `internal`, naming the file, when it is none. */
export function heldRecordKey(pem: string, file = 'record.key'): HeldRecordKey {
  const key = readRecordKey(pem, file)
  const jwk = jwkOf(key, file)
  return { kid: thumbprint(jwk), x: jwk.x, sign: (bytes) => sign(null, bytes, key) }
}

/** A checkpoint key out of its file's text. Throws `internal`, naming the file, when it is none of this log. */
export function heldCheckpointKey(
  text: string,
  origin: string,
  file = 'checkpoint.key',
): HeldCheckpointKey {
  const key = readCheckpointKey(text, origin, file)
  const jwk = jwkOf(key, file)
  const signer = ed25519Signer({
    name: origin,
    publicKey: publicBytes(key),
    sign: (message) => signOffThread(message, key),
  })
  return { kid: thumbprint(jwk), x: jwk.x, signer }
}

/** Keys out of their files' text. Throws `internal`, naming the file, when one is not what it should be. */
export function readKeys(texts: KeyTexts, origin: string): Keys {
  const record = heldRecordKey(texts.record)
  const checkpoint = heldCheckpointKey(texts.checkpoint, origin)
  const { kid, x, sign: signRecord } = record
  return {
    signer: { kid, sign: signRecord },
    recordJwk: { kty: 'OKP', crv: 'Ed25519', x },
    checkpointSigner: checkpoint.signer,
    vkey: vkeyOf(checkpoint.x, origin),
    pepper: readPepper(texts.pepper),
  }
}

function signOffThread(bytes: Uint8Array, key: KeyObject): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(null, bytes, key, (error, signature) => {
      if (error === null) resolve(signature)
      else reject(error)
    })
  })
}

function readRecordKey(pem: string, file: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Whatever is wrong with it, the message is the same and shows nothing of the key.
  }
  throw unreadable(file, 'an Ed25519 key in PEM')
}

const PRIVATE_KEY = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})\n?$/

function readCheckpointKey(text: string, origin: string, file: string): KeyObject {
  const [, name, id, base64] = PRIVATE_KEY.exec(text) ?? []
  const material = base64 === undefined ? null : fromBase64(base64)
  if (material?.length !== 33 || material[0] !== NOTE_ED25519)
    throw unreadable(file, 'the private key text of a signed note')
  if (name !== origin) throw unreadable(file, `the key of \`${origin}\``)
  const key = privateKeyOf(material.slice(1))
  const publicKey = publicBytes(key)
  if (keyIdHex(noteKeyId({ name, type: NOTE_ED25519, publicKey })) !== id)
    throw unreadable(file, 'a key that has its id')
  return key
}

/** The pepper out of its file's text. Throws `internal` when it is none. */
export function readPepper(text: string): Pepper {
  const secret = fromHex(text.trim())
  if (secret?.length !== 32) throw unreadable('pepper', '64 hexadecimal digits')
  const hmac = createTextHmac(secret)
  return { hash: (what, text) => hmac(`${what} ${text}`) }
}

/** The 16 bytes that precede the seed of an Ed25519 key in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = new Uint8Array([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32])

function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = Buffer.from(concatBytes(PKCS8_PREFIX, seed))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function seedOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }).subarray(PKCS8_PREFIX.length))
}

function publicBytes(key: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(jwkOf(key).x, 'base64url'))
}

function jwkOf(key: KeyObject, file = 'record.key'): Ed25519Jwk {
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  if (x === undefined) throw unreadable(file, 'an Ed25519 key')
  return { kty: 'OKP', crv: 'Ed25519', x }
}

function unreadable(file: string, expected: string): LivegateError {
  return new LivegateError('internal', `Cannot read keys/${file}: it is not ${expected}`, {
    hint: 'Restore the file from the backup it was kept in; the log cannot go on with another key.',
  })
}
