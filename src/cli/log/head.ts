/**
 * The checkpoint of a log under a verifier key: what all further checks stand on.
 *
 * A note by another key, or with a bad signature, is a failed verification; text that is no note at all proves nothing
 * about the log and is "could not complete".
 */
import type { Command } from 'commander'
import type { SignedHead } from '../../core/audit/tree.ts'
import { fromUtf8 } from '../../core/encoding.ts'
import { type OpenFault, openCheckpoint, parseCheckpoint } from '../../core/tlog/checkpoint.ts'
import { ed25519Verifier, type NoteVerifier, parseNote } from '../../core/tlog/note.ts'
import { CliFailure, EXIT, incomplete, usage } from '../failure.ts'
import { quote, type Session } from '../session.ts'
import { verifyEd25519 } from './ed25519.ts'
import type { LogSource } from './source.ts'

/** A log's name and the keys one knows its checkpoints to be signed with. */
export interface LogKey {
  readonly origin: string
  readonly verifiers: readonly NoteVerifier[]
}

/** Adds --vkey; may be given for each key of the log. */
export function vkeyOption(command: Command): Command {
  return command.requiredOption(
    '--vkey <key>',
    'verifier key of the log (GET /log/vkey, told by somebody you trust)',
    (key: string, before?: string) => (before === undefined ? key : `${before}\n${key}`),
  )
}

/** Adds --vkey, at least once for each log. */
export function vkeysOption(command: Command): Command {
  return command.requiredOption(
    '--vkey <key>',
    'verifier key of the log (GET /log/vkey, told by somebody you trust); once for each log',
    (key: string, before: readonly string[] = []) => [...before, ...vkeysIn(key)],
  )
}

/** Verifier keys one a line, as `GET /log/vkey` gives them. */
function vkeysIn(text: string): readonly string[] {
  const lines = text.split(/\s+/).filter((line) => line !== '')
  return lines.length === 0 ? [text] : lines
}

/** Reads --vkey: all keys of one log. */
export function logKeyOf(text: string): LogKey {
  const verifiers = new Map<number, NoteVerifier>()
  let origin: string | null = null
  for (const vkey of vkeysIn(text)) {
    const verifier = verifierOf(vkey)
    origin ??= verifier.name
    if (verifier.name !== origin)
      throw usage(
        `Cannot use --vkey of ${quote(verifier.name)} with one of ${quote(origin)}: expected keys of one log`,
      )
    verifiers.set(verifier.keyId, verifier)
  }
  return { origin: origin ?? '', verifiers: [...verifiers.values()] }
}

function verifierOf(vkey: string): NoteVerifier {
  const verifier = ed25519Verifier(vkey, verifyEd25519)
  if (verifier.ok) return verifier.value
  throw usage(
    `Cannot use --vkey ${quote(vkey)}: ${verifier.error.replaceAll('_', ' ')}`,
    'expected name+hash+key, as the log publishes it',
  )
}

/** The verified head of `note`. `whose` completes "Cannot trust checkpoint of …". */
export async function openHead(note: string, key: LogKey, whose: string): Promise<SignedHead> {
  const opened = await openCheckpoint({ note, ...key })
  if (opened.ok) return { size: opened.value.size, root: opened.value.root, note }
  const words = `Cannot trust checkpoint of ${quote(whose)}: ${FAULTS[opened.error] ?? opened.error}`
  if (NOT_A_NOTE.has(opened.error)) throw incomplete(words, 'is this the address of a log?')
  const origin = originIn(note, whose)
  if (OF_OTHERS.has(opened.error) && origin !== key.origin)
    throw incomplete(
      `Cannot trust checkpoint of ${quote(whose)}: it is of log ${quote(origin)}, --vkey is of ${quote(key.origin)}`,
      'this says nothing about that log; is this its address?',
    )
  throw new CliFailure(EXIT.verification, words, HINTS[opened.error])
}

/** Reads and verifies `checkpoint`. */
export async function readHead(source: LogSource, key: LogKey): Promise<SignedHead> {
  return openHead(await readNote(source), key, source.name)
}

/** Reads `checkpoint`; nothing is verified. */
export async function readNote(source: LogSource): Promise<string> {
  const bytes = await source.read('checkpoint')
  const note = bytes === null ? null : fromUtf8(bytes)
  if (note === null)
    throw incomplete(
      `Cannot read checkpoint of ${quote(source.name)}: ${bytes === null ? 'there is none' : 'it is not text'}`,
      source.remote ? 'the address ends before `/checkpoint`, for example …/log' : undefined,
    )
  return note
}

/** The log a note says it is of, which no signature vouches for yet. */
export function originIn(note: string, whose: string): string {
  const parsed = parseNote(note)
  const head = parsed.ok ? parseCheckpoint(parsed.value.body) : parsed
  if (head.ok) return head.value.origin
  throw incomplete(
    `Cannot trust checkpoint of ${quote(whose)}: it is no checkpoint`,
    'is this the address of a log?',
  )
}

const NOT_A_NOTE: ReadonlySet<OpenFault> = new Set<OpenFault>([
  'note_malformed',
  'note_too_large',
  'checkpoint_malformed',
])

/** No key one knows has anything to do with it. */
const OF_OTHERS: ReadonlySet<OpenFault> = new Set<OpenFault>([
  'signature_missing',
  'origin_mismatch',
])

const FAULTS: Readonly<Partial<Record<OpenFault, string>>> = {
  note_malformed: 'it is not a signed note',
  note_too_large: 'it is too large for a signed note',
  checkpoint_malformed: 'it is a signed note, but no checkpoint',
  signature_invalid: 'the signature of the key is not over this text',
  signature_missing: 'it is not signed by this key',
  origin_mismatch: 'it names another log',
  root_impossible: 'an empty log cannot have this root',
}

const HINTS: Readonly<Partial<Record<OpenFault, string>>> = {
  signature_missing:
    'compare --vkey with the key the operator has published elsewhere; a log that has exchanged its key shows that to who audited it before',
}

/** `size` and root of a head, for people. */
export function headText(session: Session, head: SignedHead): string {
  const root = Buffer.from(head.root).toString('base64')
  return `size ${session.paint('bold', String(head.size))}, root ${root}`
}
