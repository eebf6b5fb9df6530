/**
 * What an audit takes and what it says: the interface of audit.ts.
 */
import type { Hasher } from '../record/hashing.ts'
import type { RecordKey } from '../record/jwk.ts'
import type { LogFile } from '../tlog/grow.ts'
import type { Finding, Notice } from './findings.ts'
import type { RangeResult } from './range.ts'
import type { LogBook } from './replay/log-plans.ts'
import type { ReplayResult } from './replay/rederive.ts'
import type { AuditCounts } from './report.ts'
import type { Scanned } from './scan.ts'
import type { AuditState, StoredChain } from './state.ts'
import type { PredecessorAudit } from './succession.ts'
import type { HashTile, SignedHead } from './tree.ts'

export interface AuditOptions {
  /** Origin of the log; every record must name it. */
  readonly origin: string
  /** `iss` of every record; any single one, learned from entry 0, when absent. */
  readonly issuer?: string
  /** The last checkpoint one trusts, its note verified; null for a first audit. */
  readonly trusted: SignedHead | null
  /** A faster SHA-256 of the host. */
  readonly hasher?: Hasher
  /** Root of a full tile of 256 hashes, when a host has a faster way to it. */
  readonly hashTile?: HashTile
  /** Any 32 bits that the log does not know: it then cannot choose pseudonyms that are slow to find. */
  readonly seed?: number
  /** Where an earlier audit of the same log stopped. */
  readonly state?: AuditState
  /** Chains of the state that are never handed over (`adopt`), as there will be no entry; none unless given. */
  readonly chains_left?: number
  /** The audit of the log whose chains this one goes on with. */
  readonly predecessor?: PredecessorAudit
  /** False: decisions are not derived again, and what they saw is not followed. True unless given. */
  readonly replay?: boolean
}

/** An entry as the log serves it, or `scanEntry` of its very bytes, when a host has done that elsewhere. */
export type AuditEntry =
  | {
      readonly bytes: Uint8Array
      /** Disclosures of this record, when somebody has them. */
      readonly disclosures?: readonly string[]
    }
  | { readonly scanned: Scanned }

export interface AuditReport {
  /** True without findings. Read `not_checked` before calling the log honest. */
  readonly clean: boolean
  readonly findings: readonly Finding[]
  readonly notices: readonly Notice[]
  readonly counts: AuditCounts
  /** Sentences. */
  readonly checked: readonly string[]
  readonly not_checked: readonly string[]
}

export interface Audit {
  /** The next entries in order. Returns the hash tiles they make full, for `tile`. */
  entries(batch: readonly AuditEntry[]): readonly LogFile[]
  /** The partial hash tiles at the size reached, for `tile`; empty when every tile is full. */
  partialTiles(): readonly LogFile[]
  /** Keys with their intervals, as far as the entries so far tell. */
  keys(): readonly RecordKey[]
  /** Checkpoint keys, likewise; `from` and `until` are sizes. */
  checkpointKeys(): readonly RecordKey[]
  /** Result of one `verifyRange`, in any order. */
  signatures(result: RangeResult): void
  /** Result of one `rederive`, in any order, where `scanned` entries came without `evaluated`. */
  replayed(result: ReplayResult): void
  /** What decisions so far follow from, for `rederive` elsewhere; the same object until there is more. Null without replay. */
  book(): LogBook | null
  /** A stored hash tile against the recomputed one; null when the log does not serve it. */
  tile(recomputed: LogFile, stored: Uint8Array | null): void
  /** Exact bytes of every policy revision completely in the log so far. */
  policies(): ReadonlyMap<string, Uint8Array>
  /** Entries seen so far. */
  size(): number
  /** `iat` of the last entry that could be read, seconds: the checkpoint was signed after it. Null without one in this run. */
  newest(): number | null
  /** The latest `iat` among the entries of this run, and the first that has it; null before one was readable. */
  latest(): { readonly index: number; readonly iat: number } | null
  /** Chains with records in this log, as far as opened, and the index of each one's first: for `acrossLogs`. */
  chainFirsts(): ReadonlyMap<string, number>
  /**
   * Where this audit stands, as JSON; resume only from a clean, finished one. `chains` false: without the chains, of which
   * there are as many as subjects; `chains` gives those.
   */
  state(parts?: { readonly chains?: boolean }): AuditState
  /** Every chain, one by one. */
  chains(): Iterable<StoredChain>
  /** A chain of the state it resumes from, where that came without them; before any entry. */
  adopt(chain: StoredChain): void
  /** What the audit of a successor needs of this one; `head` as given to `finish`, verified under `vkey`. */
  asPredecessor(head: SignedHead, vkey: string): PredecessorAudit
  /** `checkpoint` is the head these entries belong to, its note verified. */
  finish(checkpoint: SignedHead): AuditReport
}
