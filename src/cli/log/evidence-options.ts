/**
 * Options that writing and checking evidence share: groups to open, witnesses, a checkpoint kept from before.
 */

import type { SignedHead } from '../../core/audit/tree.ts'
import { fromUtf8 } from '../../core/encoding.ts'
import { GROUP_NAMES, type GroupName, isGroupName } from '../../core/record/kinds.ts'
import { cosignatureVerifier } from '../../core/tlog/cosignature.ts'
import { MAX_NOTE_CHARS, type NoteVerifier } from '../../core/tlog/note.ts'
import { policyFaultLines } from '../../core/tlog/witness.ts'
import {
  MAX_WITNESS_POLICY_CHARS,
  parseWitnessPolicy,
  type WitnessPolicy,
} from '../../core/tlog/witness-policy.ts'
import { incomplete, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { quote, type Session } from '../session.ts'
import { verifyEd25519 } from './ed25519.ts'
import { type LogKey, openHead } from './head.ts'

/** Groups of --open: a list with commas, or `none`. */
export function openOf(written: string): readonly GroupName[] {
  if (written === 'none') return []
  const names = written.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !isGroupName(name))
  if (wrong !== undefined)
    throw usage(
      `Cannot open group ${quote(wrong)}: expected some of ${GROUP_NAMES.join(', ')}, or none`,
    )
  return GROUP_NAMES.filter((group) => names.includes(group))
}

export interface Witness {
  readonly vkey: string
  readonly verifier: NoteVerifier
}

/** Verifiers of --witness. */
export function witnessesOf(written: readonly string[] | undefined): readonly Witness[] {
  return (written ?? []).map((text) => {
    const vkey = text.trim()
    const verifier = cosignatureVerifier(vkey, verifyEd25519)
    if (verifier.ok) return { vkey, verifier: verifier.value }
    throw usage(
      `Cannot use --witness ${quote(vkey)}: ${verifier.error.replaceAll('_', ' ')}`,
      'expected the verifier key of a witness, name+hash+key of type 04',
    )
  })
}

/** The checkpoint in a file, as the log has signed it; null without a file. */
export async function sinceOf(
  session: Session,
  file: string | undefined,
  key: LogKey,
): Promise<SignedHead | null> {
  if (file === undefined) return null
  const note = fromUtf8(await readBounded(session.path(file), 2 * MAX_NOTE_CHARS))
  if (note === null) throw incomplete(`Cannot read checkpoint ${quote(file)}: it is not text`)
  return openHead(note, key, file)
}

/** The policy in a file of --witness-policy; null without. Exit 1 with every fault and its line. */
export async function policyOf(
  session: Session,
  file: string | undefined,
): Promise<WitnessPolicy | null> {
  if (file === undefined) return null
  const text = fromUtf8(await readBounded(session.path(file), 4 * MAX_WITNESS_POLICY_CHARS))
  if (text === null) throw incomplete(`Cannot read witness policy ${quote(file)}: it is not text`)
  const policy = parseWitnessPolicy(text)
  if (policy.ok) return policy.value
  throw incomplete(policyFaultLines(file, policy.error).join('\n'))
}
