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
import { toBase64Url, utf8 } from '../../../src/core/encoding.ts'
import type { Decision, Strike } from '../../../src/core/model.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import {
  type ChainPlace,
  decisionDraft,
  heartbeatDraft,
  keyDraft,
  type RecordDraft,
  strikeDraft,
} from '../../../src/core/record/drafts.ts'
import type { Issue, IssuedRecord } from '../../../src/core/record/issue.ts'
import type { RecordKind } from '../../../src/core/record/kinds.ts'
import { policyDigest, policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { type EpochMs, epochMs } from '../../../src/core/time.ts'
import { emptyEdge } from '../../../src/core/tlog/edge.ts'
import { grow } from '../../../src/core/tlog/grow.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import {
  AT,
  aStrike,
  LOG,
  nodeVerify,
  REQUEST,
  someFacts,
  type TestKey,
  testIssuer,
  testKey,
} from '../record/samples.ts'

/** Whoever has a strike is denied. */
export const POLICY: Uint8Array = utf8(
  'livegate: policy/v1\nname: small\nrules:\n' +
    '  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d, 2: forever }, outcome: deny }\n' +
    'on_unknown: { retry_after: 30s }\ndefault: allow\nlease: 4h\n',
)
export const DIGEST: string = policyDigest(POLICY)
const PLAN: Plan = planOf(POLICY)

function planOf(text: Uint8Array): Plan {
  const made = compilePolicy(text, { file: 'small.yaml' })
  if (!made.ok) throw new Error(made.error.map(({ message }) => message).join('\n'))
  return made.value.plan
}

/** The decision `POLICY` gives about somebody with these strikes; `says` is how to lie about it. */
export function decided(
  chain: ChainPlace,
  at: EpochMs,
  strikes: readonly Strike[] = [],
  says: Partial<Decision> = {},
): RecordDraft {
  const some = someFacts(at, strikes, chain.sub)
  const [host] = some.hosts
  const facts = { ...some, hosts: [{ ...host, holds: [] }] as const }
  return decisionDraft({
    ...{ chain, policy: DIGEST, facts, request: REQUEST },
    subject: { subject: 'u_81f', cohosts: [] },
    decision: { ...evaluate(PLAN, facts), ...says },
  })
}

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
  /** As a gate remembers them, whatever log it writes to. */
  readonly strikes: Map<string, readonly Strike[]> = new Map<string, readonly Strike[]>()
  issue: Issue

  constructor(issue: Issue) {
    this.issue = issue
  }

  async add(draft: RecordDraft): Promise<IssuedRecord> {
    const at = draft.groups?.chain.at ?? AT + 1000 * this.entries.length
    const record = await this.issue(draft, { iat_s: Math.floor(at / 1000) })
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
    const chain = { sub, seq: place.seq, prev: place.prev }
    const strikes = this.strikes.get(sub) ?? []
    const draft = place.seq % 2 === 1 ? this.#struck({ ...chain, at }) : decided(chain, at, strikes)
    const record = await this.add(draft)
    this.#heads.set(sub, { seq: place.seq, prev: toBase64Url(record.leaf) })
    return record
  }

  #struck(chain: ChainPlace & { readonly at: EpochMs }): RecordDraft {
    const { sub, at } = chain
    const strike = aStrike(`s_${this.entries.length}`, at)
    const before = this.strikes.get(sub) ?? []
    this.strikes.set(sub, [...before, { ...strike, subject: sub }])
    return strikeDraft({ chain, strike, received_at: at, request: { caller: 'key_1' } })
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
  for (const part of policyDrafts(POLICY)) await writer.add(part)
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
