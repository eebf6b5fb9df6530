/**
 * `log audit --witness-policy`: whose cosignatures the logs under audit have, told with the report and counted in the exit.
 *
 * `checkpoint.witnessed` is opened under the log's key, compared with the checkpoint over hash tiles, and held against the
 * policy. A missing quorum is a finding, not a lie; two signed trees are one. Spec: docs/spec/log.md, "Witnesses".
 */

import type { SignedHead } from '../../core/audit/tree.ts'
import { fromUtf8 } from '../../core/encoding.ts'
import { compareHeads } from '../../core/monitor/compare.ts'
import { formatInstant, isEpochMs } from '../../core/time.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { type Quorum, quorumOf, type WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import { CliFailure, EXIT, type ExitCode, incomplete } from '../failure.ts'
import { quote, type Session } from '../session.ts'
import { verifyEd25519 } from './ed25519.ts'
import { type LogKey, openHead, originIn, readNote } from './head.ts'
import { keysByOrigin } from './named-logs.ts'
import { type LogSource, openSource, readTile } from './source.ts'
import { witnessPolicyOf } from './witness-policy-file.ts'

interface Asked {
  readonly vkey: readonly string[]
  readonly key?: string
  readonly witnessPolicy?: string
}

interface LogQuorum {
  readonly log: string
  /** Entries of the witnessed checkpoint; null when there is none. */
  readonly size: number | null
  /** Why it has no quorum, in words; null when it has. */
  readonly wrong: string | null
  readonly quorum: Quorum | null
}

type Audit<O> = (session: Session, logs: readonly string[], options: O) => Promise<ExitCode>

/** The audit, with what witnesses say told in its report. */
export function withQuorum<O extends Asked>(audit: Audit<O>): Audit<O> {
  return async (session, logs, options) => {
    const policy = await witnessPolicyOf(session, options.witnessPolicy)
    if (policy === null) return audit(session, logs, options)
    const keys = keysByOrigin(options.vkey)
    const found: LogQuorum[] = []
    for (const log of logs) {
      const source = await openSource(session, log, options.key)
      found.push(await quorumOfLog(source, keys, policy))
    }
    const exit = await audit(reporting(session, found), logs, options)
    const missed = found.some(({ wrong }) => wrong !== null)
    return missed && exit === EXIT.clean ? EXIT.findings : exit
  }
}

/** A session that adds to the one result. */
function reporting(session: Session, found: readonly LogQuorum[]): Session {
  return {
    ...session,
    result(text, value) {
      const lines = found.map((one) => lineOf(session, one))
      const witnesses = found.map(({ log, size, wrong, quorum }) => ({
        ...{ log, size, met: wrong === null, wrong },
        ...{ rule: quorum?.rule ?? null, cosigned: quorum?.cosigned ?? [] },
        missing: quorum?.missing ?? null,
      }))
      session.result([text.trimEnd(), ...lines].join('\n'), { ...(value as object), witnesses })
    },
  }
}

async function quorumOfLog(
  source: LogSource,
  keys: ReadonlyMap<string, LogKey>,
  policy: WitnessPolicy,
): Promise<LogQuorum> {
  const note = await readNote(source)
  const log = originIn(note, source.name)
  const key = keys.get(log)
  // The audit says what is wrong with keys and logs that do not match.
  if (key === undefined) return { log, size: null, wrong: 'its key was not given', quorum: null }
  const head = await openHead(note, key, source.name)
  const bytes = await source.read('checkpoint.witnessed')
  const cosigned = bytes === null ? null : fromUtf8(bytes)
  if (cosigned === null)
    return { log, size: null, wrong: 'there is no `checkpoint.witnessed`', quorum: null }
  const witnessed = await openHead(cosigned, key, `${source.name}/checkpoint.witnessed`)
  await requireOneTree(source, head, witnessed)
  const { size } = witnessed
  const quorum = await quorumOf(cosigned, policy, verifyEd25519)
  if (!quorum.ok) return { log, size, wrong: quorum.error.replaceAll('_', ' '), quorum: null }
  const { met, log_signed } = quorum.value
  const wrong = !met
    ? `${quorum.value.rule} is needed`
    : log_signed === false
      ? 'the policy names other logs'
      : null
  return { log, size, wrong, quorum: quorum.value }
}

async function requireOneTree(
  source: LogSource,
  head: SignedHead,
  witnessed: SignedHead,
): Promise<void> {
  const [older, newer] = witnessed.size < head.size ? [witnessed, head] : [head, witnessed]
  const read = hashReaderOverTiles((tile) => readTile(source, tile), newer.size)
  const result = await compareHeads({ older, newer, read })
  if (result === 'fork')
    throw new CliFailure(
      EXIT.verification,
      `Cannot trust ${quote(source.name)}: witnesses have cosigned another tree than its checkpoint's; checkpoint:\n${head.note}\nwitnessed checkpoint:\n${witnessed.note}`,
    )
  if (result === 'tiles_wrong')
    throw incomplete(
      `Cannot compare the checkpoints of ${quote(source.name)}: its hash tiles do not lead to the root it has signed`,
    )
}

function lineOf(session: Session, { log, size, wrong, quorum }: LogQuorum): string {
  const by = (quorum?.cosigned ?? []).map(({ name, time_s }) => `${name} at ${timeOf(time_s)}`)
  const who = by.length === 0 ? '' : `; cosigned by ${by.join(', ')}`
  const missing = quorum?.missing.length ? `; missing ${quorum.missing.join(', ')}` : ''
  const at = size === null ? '' : ` at ${size} entries`
  return wrong === null
    ? `witnesses of ${log}: ${session.paint('green', 'quorum')} (${quorum?.rule})${at}${who}${missing}`
    : `witnesses of ${log}: ${session.paint('yellow', 'no quorum')}${at}: ${wrong}${who}${missing}`
}

function timeOf(time_s: number): string {
  const ms = time_s * 1000
  return isEpochMs(ms) ? formatInstant(ms) : `${time_s}`
}
