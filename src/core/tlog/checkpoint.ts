/**
 * Checkpoints: the statement "this log, at this size, has this root".
 *
 *     origin LF size LF base64(root) LF {extension LF}
 *
 * We never issue extension lines (no monitor can check them) but read past those of others. A checkpoint says nothing
 * until `openCheckpoint` has found the log's own signature on it. Spec: C2SP tlog-checkpoint. Next stop: proof.ts.
 */
import { fromBase64, toBase64 } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import { isCount, parseDecimal } from './arithmetic.ts'
import { EMPTY_ROOT, HASH_BYTES, type Hash, sameHash } from './hash.ts'
import { type NoteFault, type NoteSignature, type NoteVerifier, verifyNote } from './note.ts'
import { isKeyName } from './note-key.ts'

/** What a log states about itself. */
export interface TreeHead {
  /** The log's name, which is also the name of its checkpoint key. */
  readonly origin: string
  /** Number of leaves; the format goes to 2^63, we refuse beyond 2^53 - 1. */
  readonly size: number
  readonly root: Hash
}

/** A checkpoint's body, read; not verified. */
export interface Checkpoint extends TreeHead {
  /** Lines after the root, without meaning to us. */
  readonly extensions: readonly string[]
}

/** A checkpoint the log itself has signed. */
export interface OpenedCheckpoint extends Checkpoint {
  /** The body as signed, with its final LF. */
  readonly body: string
  /** Valid signatures of the log's keys, at least one. */
  readonly signatures: readonly NoteSignature[]
  /** Valid signatures of the given witnesses, at most one each; counting a quorum is the caller's. */
  readonly cosignatures: readonly NoteSignature[]
}

export type CheckpointFault =
  | 'checkpoint_malformed'
  | 'size_out_of_range'
  /** Size 0 with another root than that of the empty tree. */
  | 'root_impossible'

export type OpenFault = CheckpointFault | NoteFault | 'origin_mismatch'

/** The body to sign. Throws `internal` for an origin, size or root that is not a log's. */
export function formatCheckpoint({ origin, size, root }: TreeHead): string {
  const body = `${origin}\n${size}\n${toBase64(root)}\n`
  if (!isKeyName(origin) || !isCount(size) || !parseCheckpoint(body).ok)
    throw new LivegateError(
      'internal',
      `Cannot write checkpoint of \`${origin}\` at size ${size}: expected a name without blank or plus, a size and its root`,
    )
  return body
}

/** Reads a body. Strict but for what the format leaves open: any origin that fills a line, and extension lines. */
export function parseCheckpoint(body: string): Result<Checkpoint, CheckpointFault> {
  const [origin, sizeText, rootText, ...extensions] = body.slice(0, -1).split('\n')
  if (!body.endsWith('\n') || !origin || sizeText === undefined || rootText === undefined)
    return err('checkpoint_malformed')
  if (!/^(0|[1-9][0-9]{0,18})$/.test(sizeText) || extensions.includes(''))
    return err('checkpoint_malformed')
  const root = fromBase64(rootText)
  if (root?.length !== HASH_BYTES) return err('checkpoint_malformed')
  const size = parseDecimal(sizeText)
  if (size === null) return err('size_out_of_range')
  if (size === 0 && !sameHash(root, EMPTY_ROOT)) return err('root_impossible')
  return ok({ origin, size, root, extensions })
}

/**
 * Opens a checkpoint of the log `origin`: at least one of `verifiers`, the log's keys, has signed it, none of them or of
 * `witnesses` stands on it with a bad signature. Says nothing about consistency with other checkpoints.
 */
export async function openCheckpoint(request: {
  readonly note: string
  readonly origin: string
  readonly verifiers: readonly NoteVerifier[]
  readonly witnesses?: readonly NoteVerifier[]
}): Promise<Result<OpenedCheckpoint, OpenFault>> {
  const { note, origin, verifiers, witnesses = [] } = request
  const opened = await verifyNote({ text: note, verifiers: [...verifiers, ...witnesses] })
  if (!opened.ok) return opened
  const { body, verified } = opened.value
  const signatures = verified.filter((line) => verifiers.some((v) => isBy(line, v)))
  if (signatures.length === 0) return err('signature_missing')
  const checkpoint = parseCheckpoint(body)
  if (!checkpoint.ok) return checkpoint
  if (checkpoint.value.origin !== origin) return err('origin_mismatch')
  const cosignatures = verified.filter((line) => witnesses.some((w) => isBy(line, w)))
  return ok({ ...checkpoint.value, body, signatures, cosignatures })
}

function isBy(line: NoteSignature, verifier: NoteVerifier): boolean {
  return line.name === verifier.name && line.keyId === verifier.keyId
}
