/**
 * --witness-policy: whose cosignatures a checkpoint needs, read from a file and told with its lines when it is wrong.
 */
import type { Command } from 'commander'
import { fromUtf8 } from '../../core/encoding.ts'
import { policyFaultLines } from '../../core/tlog/witness.ts'
import { parseWitnessPolicy, type WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import { incomplete } from '../failure.ts'
import { readBounded } from '../files.ts'
import { quote, type Session } from '../session.ts'

const POLICY_BYTES: number = 256 * 1024

/** Adds --witness-policy. */
export function witnessPolicyOption(command: Command): Command {
  return command.option(
    '--witness-policy <file>',
    'whose cosignatures its checkpoint needs (c2sp.org/tlog-policy)',
  )
}

/** The policy; null without a file. Throws exit 1 with every fault and its line. */
export async function witnessPolicyOf(
  session: Session,
  file: string | undefined,
): Promise<WitnessPolicy | null> {
  if (file === undefined) return null
  const text = fromUtf8(await readBounded(session.path(file), POLICY_BYTES))
  if (text === null) throw incomplete(`Cannot read witness policy ${quote(file)}: it is not UTF-8`)
  const policy = parseWitnessPolicy(text)
  if (policy.ok) return policy.value
  throw incomplete(policyFaultLines(file, policy.error).join('\n'))
}
