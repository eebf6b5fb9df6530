/**
 * Audits a log in one streaming pass over its entries, on anybody's machine and in a browser tab.
 *
 * Feed entries in order (`entries`), farm signatures out (`verifyRange`) and hand their results back (`signatures`),
 * compare the returned hash tiles with the stored ones, then `finish` with the checkpoint. Covers inclusion and
 * consistency, every entry's form and key, policy texts, chains, heartbeats, erasures, and replay: each opened decision
 * derived again, and what it saw held against its chain (replay/). Memory: a row of bytes per opened chain (chain-table.ts),
 * its strikes, the policy texts, one byte per entry since the last heartbeat. Spec: docs/spec/record.md, "Auditing".
 * Next: entries.ts.
 */
import type { RecordKey } from '../record/jwk.ts'
import type { LogFile } from '../tlog/grow.ts'
import type { Audit, AuditEntry, AuditOptions, AuditReport } from './audit-types.ts'
import { Entries } from './entries.ts'
import { type AuditParts, createParts, stateOf } from './parts.ts'
import type { RangeResult } from './range.ts'
import type { LogBook } from './replay/log-plans.ts'
import type { ReplayResult } from './replay/rederive.ts'
import { type AuditCounts, wordsOf } from './report.ts'
import type { AuditState, StoredChain } from './state.ts'
import type { PredecessorAudit } from './succession.ts'
import { compareTile, type SignedHead } from './tree.ts'

export type { Audit, AuditEntry, AuditOptions, AuditReport } from './audit-types.ts'

/** Starts an audit, or resumes one from its state. */
export function createAudit(options: AuditOptions): Audit {
  return new StreamingAudit(options)
}

class StreamingAudit implements Audit {
  readonly #parts: AuditParts
  readonly #entries: Entries
  readonly #started: number
  readonly #left: number
  #verified = 0
  #tiles = 0

  constructor(options: AuditOptions) {
    const { issuer, state, chains_left = 0 } = options
    this.#left = chains_left
    this.#parts = createParts(options)
    const { recent = [] } = state ?? {}
    this.#entries = new Entries(this.#parts, { issuer: issuer ?? state?.issuer, recent })
    this.#started = this.#parts.tree.size
  }

  entries(batch: readonly AuditEntry[]): readonly LogFile[] {
    const first = this.#parts.tree.size
    const leaves = batch.map((entry, i) => this.#entries.judge(entry, first + i))
    return this.#parts.tree.append(leaves)
  }

  partialTiles(): readonly LogFile[] {
    return this.#parts.tree.partialTiles()
  }

  keys(): readonly RecordKey[] {
    return [...this.#parts.keys.ring().values()]
  }

  checkpointKeys(): readonly RecordKey[] {
    return this.#parts.checkpoints.keys()
  }

  signatures(result: RangeResult): void {
    this.#verified += result.verified
    for (const { code, index, message } of result.findings)
      this.#parts.findings.add(code, index, message)
  }

  replayed(result: ReplayResult): void {
    this.#parts.replay?.add(result, this.#parts.findings)
  }

  book(): LogBook | null {
    return this.#parts.replay?.book() ?? null
  }

  tile(recomputed: LogFile, stored: Uint8Array | null): void {
    this.#tiles++
    const finding = compareTile(recomputed, stored)
    if (finding !== null) this.#parts.findings.add(finding.code, finding.index, finding.message)
  }

  policies(): ReadonlyMap<string, Uint8Array> {
    return this.#parts.policies.texts()
  }

  size(): number {
    return this.#parts.tree.size
  }

  newest(): number | null {
    const { index, iat } = this.#parts.newest.last()
    return index < 0 ? null : iat
  }

  latest(): { readonly index: number; readonly iat: number } | null {
    return this.#parts.newest.latest()
  }

  chainFirsts(): ReadonlyMap<string, number> {
    return this.#parts.chains.firsts()
  }

  *chains(): Generator<StoredChain> {
    for (const { sub, head } of this.#parts.chains.each()) {
      const memory = this.#parts.replay?.memoryOf(sub)
      yield memory === undefined ? { sub, head } : { sub, head, memory }
    }
  }

  adopt({ sub, head, memory }: StoredChain): void {
    this.#parts.chains.adopt({ sub, head })
    if (memory !== undefined) this.#parts.replay?.adopt(sub, memory)
  }

  state({ chains = true }: { readonly chains?: boolean } = {}): AuditState {
    return stateOf(this.#parts, { ...this.#entries.state(), chains })
  }

  asPredecessor(head: SignedHead, vkey: string): PredecessorAudit {
    const own = this.keys().flatMap(({ jwk, revoked }) => (revoked === true ? [] : [jwk.x]))
    return {
      ...{ origin: this.#parts.origin, vkey, vkeys: this.#parts.checkpoints.vkeys(), head },
      successors: this.#parts.succession.successors(this.#parts.tree.size),
      keys: [...new Set([...(this.#parts.succession.predecessor()?.keys ?? []), ...own])],
      chains: this.#parts.chains.state(),
      ...(this.#parts.replay === null ? {} : { replay: this.#parts.replay.state() }),
      activations: this.#parts.activations.state(),
    }
  }

  finish(checkpoint: SignedHead): AuditReport {
    this.#parts.tree.close(checkpoint, this.#parts.findings)
    this.#parts.checkpoints.finish(checkpoint, this.#parts.findings)
    this.#parts.succession.finish(this.#parts.findings)
    this.#parts.enforcers.finish(this.#parts.findings)
    this.#parts.liveness.finish(this.#parts.newest.last(), this.#parts.findings)
    const { findings, notices } = this.#parts.findings.totals()
    const { subjects, repeats } = this.#parts.chains.counts()
    const counts: AuditCounts = {
      size: this.#parts.tree.size,
      entries: this.#parts.tree.size - this.#started,
      ...this.#entries.counts(),
      signatures: this.#verified,
      ...{ subjects: subjects + this.#left, repeats },
      ...this.#parts.erasures.counts(),
      accesses: this.#parts.accesses.counts(),
      enforcers: this.#parts.enforcers.counts(),
      replay: this.#parts.replay?.counts() ?? null,
      policies: this.#parts.policies.texts().size,
      tiles: this.#tiles,
      after_last_heartbeat: this.#parts.heartbeats.uncovered(),
      successors: this.#parts.succession.successors(this.#parts.tree.size),
      predecessor: this.#named(),
      findings,
      notices,
    }
    return {
      clean: findings === 0,
      findings: this.#parts.findings.list(),
      notices: this.#parts.findings.notices(),
      counts,
      ...wordsOf(counts, this.#parts.tree.consistent),
    }
  }

  #named(): AuditCounts['predecessor'] {
    const named = this.#parts.succession.predecessor()
    return named === null ? null : { origin: named.origin, checked: named.checked }
  }
}
