/**
 * An evidence bundle on the command line: the verdict, what it proves and what not, and what is disclosed.
 */

import { fromUtf8 } from '../../core/encoding.ts'
import {
  type EvidenceReport,
  type EvidenceVerdict,
  verifyEvidence,
} from '../../core/evidence/verify.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { quote, type Session } from '../session.ts'
import { nodeHasher, verifyEd25519 } from './ed25519.ts'
import { policyOf, sinceOf, witnessesOf } from './evidence-options.ts'
import { logKeyOf } from './head.ts'
import { indexOf } from './proof-of.ts'

export interface EvidenceOptions {
  readonly vkey: string
  readonly witness?: readonly string[]
  readonly quorum?: string
  readonly witnessPolicy?: string
  readonly since?: string
}

/** Exit codes by verdict: only what was altered or is a lie is a failed verification. */
const EXITS: Readonly<Record<EvidenceVerdict, ExitCode>> = {
  holds: EXIT.clean,
  unreadable: EXIT.incomplete,
  unfinished: EXIT.incomplete,
  altered: EXIT.verification,
  lie: EXIT.verification,
}

const VERDICTS: Readonly<Record<EvidenceVerdict, string>> = {
  holds: 'nothing contradicts this evidence',
  unreadable: 'could not check: the file cannot be read, which says nothing about the log',
  unfinished: 'could not check everything, which says nothing about the log',
  altered: 'the file was altered, or is of another log: it says nothing about the log',
  lie: 'THE LOG LIES, and this file proves it',
}

/** Checks the bundle with the reader's own keys and says what follows. */
export async function tellEvidence(
  session: Session,
  bytes: Uint8Array,
  options: EvidenceOptions,
): Promise<ExitCode> {
  const key = logKeyOf(options.vkey)
  const named = witnessesOf(options.witness)
  const quorum = options.quorum === undefined ? named.length : indexOf(options.quorum)
  if (quorum === null || quorum > named.length)
    throw usage(
      `Cannot ask for a quorum of ${quote(options.quorum ?? '')}: expected at most as many as --witness names`,
    )
  const policy = await policyOf(session, options.witnessPolicy)
  const ofPolicy = witnessesOf(policy?.witnesses.map(({ vkey }) => vkey))
  const witnesses = [...named, ...ofPolicy].map(({ verifier }) => verifier)
  const trusted = await sinceOf(session, options.since, key)
  const report = await verifyEvidence({
    ...{ bytes, ...key, witnesses, quorum, verifyEd25519, hasher: nodeHasher },
    now_s: Math.floor(session.world.now() / 1000),
    ...(trusted === null ? {} : { trusted }),
    ...(policy === null ? {} : { witness_policy: policy }),
  })
  session.result(textOf(session, report), jsonOf(report))
  return EXITS[report.verdict]
}

function jsonOf(report: EvidenceReport): object {
  const { policy, ...rest } = report
  return { ...rest, policy_text: policy === null ? null : fromUtf8(policy) }
}

function textOf(session: Session, report: EvidenceReport): string {
  const { verdict, faults, proves, does_not_prove, decision } = report
  const words = VERDICTS[verdict]
  return [
    `evidence: ${session.paint(verdict === 'holds' ? 'green' : 'red', words)}`,
    ...faults.map(
      ({ code, index, message }) =>
        `${code}${index === null ? '' : ` (entry ${index})`}: ${message}`,
    ),
    ...(proves.length > 0 ? ['proves:', ...proves.map((line) => `  ${line}`)] : []),
    'does not prove:',
    ...does_not_prove.map((line) => `  ${line}`),
    ...(decision === null ? [] : disclosedLines(decision.disclosed)),
  ].join('\n')
}

function disclosedLines(disclosed: object): string[] {
  if (Object.keys(disclosed).length === 0) return []
  const lines = JSON.stringify(disclosed, null, 2).split('\n')
  return ['disclosed:', ...lines.map((line) => `  ${line}`)]
}
