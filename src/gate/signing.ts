/**
 * Which of the private keys a host holds signs now: what the log says, never what a file or a secret is called.
 *
 * Records are signed with the newest key in force that is here, checkpoints with every one. A key that has ended signs
 * nothing, whoever still holds it. Read again (`refresh`) after each key record. Next: key-rotation.ts.
 */
import { LivegateError } from '../core/errors.ts'
import { type KeyUse, keysInForce, type LoggedKey } from '../core/record/key-history.ts'
import type { NoteSigner } from '../core/tlog/note.ts'
import type { RecordSigner } from '../ports.ts'

/** A private key for records. */
export interface HeldRecordKey extends RecordSigner {
  /** Public half, base64url. */
  readonly x: string
}

/** A private key for checkpoints. */
export interface HeldCheckpointKey {
  readonly kid: string
  readonly x: string
  readonly signer: NoteSigner
}

/** All private keys at hand, those to come included. */
export interface HeldKeys {
  readonly record: readonly HeldRecordKey[]
  readonly checkpoint: readonly HeldCheckpointKey[]
}

export interface Signing {
  /** Of records; another key from one to the next when the log says so. */
  readonly signer: RecordSigner
  /** Of checkpoints: more than one while an old and a new key overlap. */
  noteSigners(): readonly NoteSigner[]
  /** Kids of what signs now. */
  kids(use: KeyUse): readonly string[]
  /** Why nothing may be signed, null while all is well. */
  trouble(): string | null
  /** Takes up what the log says now. */
  refresh(): void
}

/** `held` is asked at each `refresh`; while the log names no key of a use, the first that is held signs. */
export function createSigning(parts: {
  readonly held: () => HeldKeys
  readonly history: () => readonly LoggedKey[]
}): Signing {
  let state = read()

  function read(): { record: readonly HeldRecordKey[]; checkpoint: readonly HeldCheckpointKey[] } {
    const [held, history] = [parts.held(), parts.history()]
    return {
      record: usable(held.record, history, 'record').slice(-1),
      checkpoint: usable(held.checkpoint, history, 'checkpoint'),
    }
  }

  function current(): HeldRecordKey {
    const [key] = state.record
    if (key !== undefined) return key
    throw new LivegateError('halted', 'Cannot sign: no key that is here is in force')
  }

  return {
    signer: {
      get kid() {
        return current().kid
      },
      sign: (bytes) => current().sign(bytes),
    },
    noteSigners: () => state.checkpoint.map(({ signer }) => signer),
    kids: (use) => state[use].map(({ kid }) => kid),
    trouble() {
      const [held, history] = [parts.held(), parts.history()]
      if (state.record.length === 0) return troubleWith(held.record, history, 'record')
      return state.checkpoint.length === 0
        ? troubleWith(held.checkpoint, history, 'checkpoint')
        : null
    },
    refresh() {
      state = read()
    },
  }
}

/** Oldest first. */
function usable<T extends { readonly kid: string }>(
  held: readonly T[],
  history: readonly LoggedKey[],
  use: KeyUse,
): readonly T[] {
  if (!history.some((key) => key.use === use)) return held.slice(0, 1)
  return keysInForce(history, use).flatMap(({ kid }) => held.filter((key) => key.kid === kid))
}

function troubleWith(
  held: readonly { readonly kid: string }[],
  history: readonly LoggedKey[],
  use: KeyUse,
): string {
  const [ended] = history.filter(
    (key) => key.use === use && key.until !== null && held.some(({ kid }) => kid === key.kid),
  )
  return ended === undefined
    ? `its ${use} key is not in its log`
    : `its ${use} key ${ended.kid} was ${ended.status} at index ${ended.until}`
}
