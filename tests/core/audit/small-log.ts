/**
 * A small honest log, and a way to audit any list of entries as if a log had signed exactly them.
 */

import {
  type Audit,
  type AuditOptions,
  type AuditReport,
  createAudit,
} from '../../../src/core/audit/audit.ts'
import { verifyRange } from '../../../src/core/audit/range.ts'
import type { SignedHead } from '../../../src/core/audit/tree.ts'
import { toBase64Url } from '../../../src/core/encoding.ts'
import {
  heartbeatDraft,
  keyDraft,
  type RecordDraft,
  strikeDraft,
} from '../../../src/core/record/drafts.ts'
import type { Issue, IssuedRecord } from '../../../src/core/record/issue.ts'
import type { RecordKind } from '../../../src/core/record/kinds.ts'
import { policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { epochMs } from '../../../src/core/time.ts'
import { emptyEdge } from '../../../src/core/tlog/edge.ts'
import { grow } from '../../../src/core/tlog/grow.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import {
  AT,
  aDecision,
  aStrike,
  LOG,
  nodeVerify,
  POLICY_TEXT,
  someFacts,
  type TestKey,
  testIssuer,
  testKey,
} from '../record/samples.ts'

/** An entry with what its auditor was given. */
export interface Entry {
  readonly bytes: Uint8Array
  readonly disclosures: readonly string[]
}

/** Writes records one after the other, as a gate would. */
export class Writer {
  readonly entries: Entry[] = []
  readonly kinds: RecordKind[] = []
  readonly #heads = new Map<string, { seq: number; prev: string }>()
  issue: Issue

  constructor(issue: Issue) {
    this.issue = issue
  }

  async add(draft: RecordDraft): Promise<IssuedRecord> {
    const record = await this.issue(draft, { iat_s: 1_769_817_600 + this.entries.length })
    this.entries.push({ bytes: record.bytes, disclosures: Object.values(record.openings) })
    this.kinds.push(record.kind)
    return record
  }

  /** The next link of a chain: strikes at odd seqs, decisions at even ones; `more` is how to lie about the place. */
  async link(
    sub: string,
    more: { seq?: number; prev?: string | null; at?: number } = {},
  ): Promise<IssuedRecord> {
    const head = this.#heads.get(sub)
    const place = { sub, seq: (head?.seq ?? 0) + 1, prev: head?.prev ?? null, ...more }
    const at = epochMs(more.at ?? AT + this.entries.length * 1000)
    const draft =
      place.seq % 2 === 1
        ? strikeDraft({
            chain: { sub, seq: place.seq, prev: place.prev, at },
            strike: aStrike(`s_${this.entries.length}`, at),
            received_at: at,
            request: { caller: 'key_1' },
          })
        : aDecision({ sub, seq: place.seq, prev: place.prev }, someFacts(at, [], sub))
    const record = await this.add(draft)
    this.#heads.set(sub, { seq: place.seq, prev: toBase64Url(record.leaf) })
    return record
  }

  heartbeat(from: number, to: number, lie: object = {}): Promise<IssuedRecord> {
    const totals: Partial<Record<RecordKind, number>> = {}
    for (const kind of this.kinds.slice(from, to)) totals[kind] = (totals[kind] ?? 0) + 1
    return this.add(heartbeatDraft({ from_index: from, to_index: to, totals, shed: 0, ...lie }))
  }
}

export const KEY: TestKey = testKey(1)
export const SUB_A: string = 'A'.repeat(22)
export const SUB_B: string = 'B'.repeat(22)

/** A log of key and policy records, ready for chains. */
export async function beginLog(): Promise<Writer> {
  const writer = new Writer(testIssuer(KEY, 'log'))
  await writer.add(keyDraft({ jwk: KEY.jwk, use: 'record', status: 'active' }))
  for (const part of policyDrafts(POLICY_TEXT)) await writer.add(part)
  return writer
}

/** Entries 0 key, 1 policy, 2 A1, 3 B1, 4 A2, 5 heartbeat, 6 B2, 7 A3. */
export async function honestLog(): Promise<Writer> {
  const writer = await beginLog()
  for (const sub of [SUB_A, SUB_B, SUB_A]) await writer.link(sub)
  await writer.heartbeat(0, 5)
  for (const sub of [SUB_B, SUB_A]) await writer.link(sub)
  return writer
}

/** The head a log with exactly these entries would sign. */
export function headOf(entries: readonly Entry[]): SignedHead {
  const leaves = entries.map(({ bytes }) => leafHash(bytes))
  const { root } = grow({ edge: emptyEdge(), leaves })
  return { size: entries.length, root, note: `note of size ${entries.length}` }
}

export interface Run {
  readonly entries: readonly Entry[]
  readonly head?: SignedHead
  readonly trusted?: SignedHead | null
  readonly options?: Partial<AuditOptions>
  /** Entries per batch; 3 unless given, so that batches do not end where bundles do. */
  readonly step?: number
}

export async function feed(audit: Audit, entries: readonly Entry[], step = 3): Promise<void> {
  for (let i = 0; i < entries.length; i += step) {
    const batch = entries.slice(i, i + step)
    const first_index = audit.size()
    audit.entries(batch)
    const range = { first_index, entries: batch.map(({ bytes }) => bytes), keys: audit.keys() }
    audit.signatures(await verifyRange(structuredClone(range), nodeVerify))
  }
}

/** A whole audit, signatures included. */
export async function auditLog(run: Run): Promise<AuditReport> {
  const { entries, head = headOf(entries), trusted = null, options = {}, step = 3 } = run
  const audit = createAudit({ origin: LOG, trusted, ...options })
  await feed(audit, entries, step)
  return audit.finish(head)
}

/** `index code` of each finding. */
export function codesOf(report: AuditReport): string[] {
  return report.findings.map(({ index, code }) => `${index} ${code}`)
}
