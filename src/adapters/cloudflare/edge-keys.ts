/**
 * The keys of an edge deployment, out of the text of its secrets: the record key, and a checkpoint key for each log.
 *
 * One seed serves every log of a deployment: the key of an origin is derived from it (HMAC-SHA256 of the origin's name),
 * so a shard more needs no secret more and two origins never share a key. Private halves cannot be exported
 * again. Which secrets there are: config.ts. Spec: docs/spec/storage.md, "The edge host".
 */
import { concatBytes, fromBase64Url, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import { ed25519Jwk, thumbprint } from '../../core/record/jwk.ts'
import { ed25519Signer, type NoteSigner } from '../../core/tlog/note.ts'
import { formatVkey, NOTE_ED25519 } from '../../core/tlog/note-key.ts'
import type { RecordSigner } from '../../ports.ts'
import type { EdgeConfig } from './config.ts'
import type { KeySecrets } from './sequencer-keys.ts'

/** Signer of records out of `LIVEGATE_RECORD_KEY`: a private JWK or its seed in base64url, or the seed as read. */
export async function createRecordSigner(
  key: string | Uint8Array,
): Promise<{ readonly signer: RecordSigner; readonly jwk: Ed25519Jwk }> {
  const { seed, x } = typeof key === 'string' ? readRecordKey(key.trim()) : { seed: key, x: null }
  const { publicKey, sign } = await importSeed(seed)
  const jwk = ed25519Jwk(publicKey)
  if (x !== null && x !== jwk.x) throw unreadable('LIVEGATE_RECORD_KEY', 'a key whose halves match')
  return { signer: { kid: thumbprint(jwk), sign }, jwk }
}

/** Signer of the checkpoints of one log out of `LIVEGATE_CHECKPOINT_SEED`, and the key auditors check them with. */
export async function createCheckpointSigner(
  seed: string | Uint8Array,
  origin: string,
): Promise<{ readonly signer: NoteSigner; readonly vkey: string }> {
  const secret = typeof seed === 'string' ? fromBase64Url(seed.trim()) : seed
  if (secret?.length !== 32)
    throw unreadable('LIVEGATE_CHECKPOINT_SEED', '32 bytes in base64url without padding')
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign'])
  const own = new Uint8Array(await crypto.subtle.sign(hmac, key, utf8(origin)))
  const { publicKey, sign } = await importSeed(own)
  return {
    signer: ed25519Signer({ name: origin, publicKey, sign }),
    vkey: formatVkey({ name: origin, type: NOTE_ED25519, publicKey }),
  }
}

/** All keys of one log, those that are to take over included. */
export async function readSecrets(
  config: Pick<
    EdgeConfig,
    'record_key' | 'record_key_next' | 'checkpoint_seed' | 'checkpoint_seed_next'
  >,
  origin: string,
): Promise<KeySecrets> {
  const { record_key, record_key_next, checkpoint_seed, checkpoint_seed_next } = config
  const [record, checkpoint, nextRecord, nextCheckpoint] = await Promise.all([
    createRecordSigner(record_key),
    createCheckpointSigner(checkpoint_seed, origin),
    record_key_next === null ? undefined : createRecordSigner(record_key_next),
    checkpoint_seed_next === null
      ? undefined
      : createCheckpointSigner(checkpoint_seed_next, origin),
  ])
  return {
    ...{ record, checkpoint },
    next: {
      ...(nextRecord === undefined ? {} : { record: nextRecord }),
      ...(nextCheckpoint === undefined ? {} : { checkpoint: nextCheckpoint }),
    },
  }
}

interface SigningKey {
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

const ED25519 = { name: 'Ed25519' }
/** The 16 bytes that precede the seed of an Ed25519 key in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = new Uint8Array([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32])

async function importSeed(seed: Uint8Array): Promise<SigningKey> {
  const pkcs8 = concatBytes(PKCS8_PREFIX, seed)
  const shown = await crypto.subtle.importKey('pkcs8', pkcs8, ED25519, true, ['sign'])
  const { x } = (await crypto.subtle.exportKey('jwk', shown)) as { readonly x?: string }
  const publicKey = fromBase64Url(x ?? '')
  if (publicKey === null) throw new LivegateError('internal', 'Cannot derive a public key')
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, ED25519, false, ['sign'])
  return {
    publicKey,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign(ED25519, key, bytes)),
  }
}

function readRecordKey(text: string): { readonly seed: Uint8Array; readonly x: string | null } {
  const jwk = text.startsWith('{') ? parseJwk(text) : { d: text, x: null }
  const seed = fromBase64Url(jwk?.d ?? '')
  if (jwk !== null && seed?.length === 32) return { seed, x: jwk.x }
  throw unreadable('LIVEGATE_RECORD_KEY', 'a private Ed25519 JWK or a 32-byte seed in base64url')
}

/** Whatever is wrong with it, null: a message must show nothing of the key. */
function parseJwk(text: string): { readonly d: string; readonly x: string | null } | null {
  try {
    const { kty, crv, d, x = null } = JSON.parse(text) as Readonly<Record<string, unknown>>
    const fits = kty === 'OKP' && crv === 'Ed25519' && typeof d === 'string'
    return fits && (typeof x === 'string' || x === null) ? { d, x } : null
  } catch {
    return null
  }
}

function unreadable(name: string, expected: string): LivegateError {
  return new LivegateError('internal', `Cannot read ${name}: it is not ${expected}`, {
    hint: 'Set the secret to the value it was created with; a log cannot go on with another key.',
  })
}
