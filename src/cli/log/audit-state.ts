/**
 * Where the last clean audit stopped: the checkpoint trusted since then and core's state, in one file of the auditor's.
 *
 * It must be kept like the verifier key: whoever can change it can hide a lie. Written whole, after a clean audit only.
 */
import { type AuditState, parseAuditState } from '../../core/audit/state.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import { incomplete } from '../failure.ts'
import { readIfThere, writeAtomic } from '../files.ts'
import { quote } from '../session.ts'
import { type LogKey, openHead } from './head.ts'

export interface StoredAudit {
  readonly trusted: SignedHead | null
  readonly state: AuditState | null
}

/** Policy texts and a line per chain: far less for any log one machine audits. */
const MAX_STATE_BYTES: number = 1024 * 1024 * 1024

/** What the file holds; nothing when there is none yet. */
export async function readAuditState(path: string, key: LogKey): Promise<StoredAudit> {
  const bytes = await readIfThere(path, MAX_STATE_BYTES)
  if (bytes === null) return { trusted: null, state: null }
  const value = parse(new TextDecoder().decode(bytes))
  if (typeof value.checkpoint !== 'string' || value.audit === undefined)
    throw incomplete(`Cannot resume audit from ${quote(path)}: it is not the state of an audit`)
  const trusted = await openHead(value.checkpoint, key, path)
  const state = parseAuditState(JSON.stringify(value.audit), key.origin)
  if (state.size !== trusted.size)
    throw incomplete(`Cannot resume audit from ${quote(path)}: its parts do not belong together`)
  return { trusted, state }
}

/** Durable when resolved. */
export async function writeAuditState(
  path: string,
  head: SignedHead,
  state: AuditState,
): Promise<void> {
  const text = JSON.stringify({ livegate: 'audit-state/v1', checkpoint: head.note, audit: state })
  await writeAtomic(path, `${text}\n`, 0o600)
}

function parse(text: string): { checkpoint?: unknown; audit?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { checkpoint?: unknown; audit?: unknown }
  } catch {
    return {}
  }
}
