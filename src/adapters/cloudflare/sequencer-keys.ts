/**
 * The keys of one log on the edge: secrets provide them, the log says which of them signs.
 *
 * A new key is a second secret beside the old one; when the operator asks for it the log takes its record in and goes on
 * with it, and whoever decides hears of that with what else they ask the log (`ready`). Nobody here sees what lies in the
 * outboxes of subjects, so a record key ends only after it has not been used for a while. Next: gate/key-rotation.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { keyDraft } from '../../core/record/drafts.ts'
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import { ed25519Jwk, thumbprint } from '../../core/record/jwk.ts'
import { type KeyUse, type LoggedKey, vkeysInForce } from '../../core/record/key-history.ts'
import type { NoteSigner } from '../../core/tlog/note.ts'
import { parseVkey } from '../../core/tlog/note-key.ts'
import { createKeyDesk, type KeyDesk } from '../../gate/key-desk.ts'
import { createKeyRotation, type TakeKeyStep } from '../../gate/key-rotation.ts'
import {
  createSigning,
  type HeldCheckpointKey,
  type HeldKeys,
  type Signing,
} from '../../gate/signing.ts'
import type { Clock, RecordSigner } from '../../ports.ts'
import { keysOf } from '../sqlite/entries.ts'
import type { Scribe } from '../sqlite/scribe.ts'
import type { Sql } from '../sqlite/sql.ts'
import { opened } from './rpc.ts'
import type { NamedSequencer } from './worker-logs.ts'

/** A key for records, out of its secret. */
export interface RecordSecret {
  readonly signer: RecordSigner
  readonly jwk: Ed25519Jwk
}

/** A key for the checkpoints of one log, out of its secret. */
export interface CheckpointSecret {
  readonly signer: NoteSigner
  readonly vkey: string
}

/** What a log may sign with; `next` is there while a key is exchanged. */
export interface KeySecrets {
  readonly record: RecordSecret
  readonly checkpoint: CheckpointSecret
  readonly next?: { readonly record?: RecordSecret; readonly checkpoint?: CheckpointSecret }
}

/** An outbox that could not send for an hour has been away with its log. */
export const RECORD_OVERLAP_S = 3_600

export function createLogSigning(secrets: KeySecrets, sql: Sql): Signing {
  const held = heldIn(secrets)
  return createSigning({ held: () => held, history: () => keysOf(sql) })
}

/** Verifier keys of the log's checkpoints, oldest first. */
export function vkeysOf(sql: Sql, origin: string, { checkpoint }: KeySecrets): readonly string[] {
  const known = vkeysInForce(keysOf(sql), origin)
  return known.length > 0 ? known : [checkpoint.vkey]
}

/** `append` of the scribe signs with what `signing` says. */
export function createLogRotation(parts: {
  readonly secrets: KeySecrets
  readonly sql: Sql
  readonly signing: Signing
  readonly scribe: Pick<Scribe, 'append'>
  readonly size: () => number
  readonly clock: Clock
}): TakeKeyStep {
  const { secrets, sql, signing, scribe, size, clock } = parts
  const held = heldIn(secrets)
  const history = (): readonly LoggedKey[] => keysOf(sql)
  return createKeyRotation({
    holder: {
      async prepare(use) {
        const next = held[use][1]
        if (next !== undefined) return { kid: next.kid, x: next.x }
        throw new LivegateError(
          'conflict',
          `Cannot change keys: ${SECRET[use]} is not set, expected the new key in it`,
          { hint: `npm run -s edge:keys -- --next ${use}, then wrangler secret bulk; ask again.` },
        )
      },
      tidy: async () => {},
    },
    ...{ signing, history, size },
    append: (claims) => scribe.append([keyDraft(claims)], [signing.signer.kid]),
    settle: async () => {},
    now_s: () => Math.floor(clock.now() / 1000),
    least_overlap_s: RECORD_OVERLAP_S,
  })
}

const SECRET: Readonly<Record<KeyUse, string>> = {
  record: 'LIVEGATE_RECORD_KEY_NEXT',
  checkpoint: 'LIVEGATE_CHECKPOINT_SEED_NEXT',
}

/** A secret that has taken its old one's place may stand in both for a while. */
function heldIn({ record, checkpoint, next }: KeySecrets): HeldKeys {
  const records = [record, next?.record].flatMap((one) => (one === undefined ? [] : [one]))
  const checkpoints = [checkpoint, next?.checkpoint].flatMap((one) =>
    one === undefined ? [] : [heldCheckpoint(one)],
  )
  return {
    record: unique(
      records.map(({ signer, jwk }) => ({ kid: signer.kid, x: jwk.x, sign: signer.sign })),
    ),
    checkpoint: unique(checkpoints),
  }
}

function heldCheckpoint({ signer, vkey }: CheckpointSecret): HeldCheckpointKey {
  const key = parseVkey(vkey)
  if (!key.ok) throw new TypeError('the verifier key of a log is malformed')
  const jwk = ed25519Jwk(key.value.publicKey)
  return { kid: thumbprint(jwk), x: jwk.x, signer }
}

function unique<T extends { readonly kid: string }>(keys: readonly T[]): readonly T[] {
  return keys.filter((key, i) => keys.findIndex(({ kid }) => kid === key.kid) === i)
}

/** Where the keys of all logs of a deployment are changed. */
export function edgeKeyDesk(logs: readonly NamedSequencer[]): KeyDesk {
  return createKeyDesk(
    logs.map(({ origin, sequencer }) => ({
      origin,
      keys: () => opened(sequencer.keys()),
      take: (wish) => opened(sequencer.changeKey(wish)),
    })),
  )
}

/** Verifier keys of one log; the one its secret gives, while the log names none. */
export async function edgeVkeys(
  { origin, sequencer }: NamedSequencer,
  vkey: string,
): Promise<readonly string[]> {
  const { keys } = await opened(sequencer.keys())
  const known = vkeysInForce(keys, origin)
  return known.length > 0 ? known : [vkey]
}
