/**
 * Audits a log in one streaming pass over its entries, on anybody's machine and in a browser tab.
 *
 * Feed entries in order (`entries`), farm signatures out (`verifyRange`) and hand their results back (`signatures`),
 * compare the returned hash tiles with the stored ones, then `finish` with the checkpoint. Covers inclusion and
 * consistency, every entry's form and key, policy texts, chains, heartbeats, erasures, and replay: each opened decision
 * derived again, and what it saw held against its chain (replay/). Memory: one head per opened chain, its strikes, the
 * policy texts, one byte per entry since the last heartbeat. Spec: docs/spec/record.md, "Auditing".
 */
import { toBase64Url } from '../encoding.ts'
import type { PublicClaims } from '../record/groups.ts'
import { type Hasher, portableHasher } from '../record/hashing.ts'
import type { RecordKey } from '../record/jwk.ts'
import { type ChainKind, isChainKind, type RecordKind } from '../record/kinds.ts'
import { expectedKey } from '../record/verify.ts'
import type { LogFile } from '../tlog/grow.ts'
import { Accesses } from './accesses.ts'
import { Activations } from './activations.ts'
import type { Audit, AuditEntry, AuditOptions, AuditReport } from './audit-types.ts'
import { Chains } from './chains.ts'
import { CheckpointKeys } from './checkpoint-keys.ts'
import { Enforcers } from './enforcers.ts'
import { Erasures } from './erasures.ts'
import { Findings } from './findings.ts'
import { Heartbeats } from './heartbeats.ts'
import { Incidents } from './incidents.ts'
import { KeyBook } from './keys.ts'
import { Liveness } from './liveness.ts'
import { Newest } from './newest.ts'
import { PolicyShelf } from './policies.ts'
import type { RangeResult } from './range.ts'
import { AuditReplay } from './replay/audit-replay.ts'
import type { LogBook } from './replay/log-plans.ts'
import { LogTime } from './replay/log-time.ts'
import type { ReplayResult } from './replay/rederive.ts'
import { type AuditCounts, wordsOf } from './report.ts'
import { type ChainClaims, type Scanned, type ScannedRecord, scanEntry } from './scan.ts'
import type { AuditState, StoredChain } from './state.ts'
import { type PredecessorAudit, Succession } from './succession.ts'
import { AuditTree, compareTile, type SignedHead } from './tree.ts'

export type { Audit, AuditEntry, AuditOptions, AuditReport } from './audit-types.ts'

/** Starts an audit, or resumes one from its state. */
export function createAudit(options: AuditOptions): Audit {
  return new StreamingAudit(options)
}

class StreamingAudit implements Audit {
  readonly #findings = new Findings()
  readonly #hasher: Hasher
  readonly #origin: string
  readonly #tree: AuditTree
  readonly #keys: KeyBook
  readonly #checkpoints: CheckpointKeys
  readonly #policies: PolicyShelf
  readonly #activations: Activations
  readonly #incidents: Incidents
  readonly #chains: Chains
  readonly #heartbeats: Heartbeats
  readonly #erasures: Erasures
  readonly #accesses = new Accesses()
  readonly #enforcers: Enforcers
  readonly #liveness: Liveness
  readonly #newest = new Newest()
  /** Null when it is left out. */
  readonly #replay: AuditReplay | null
  readonly #time: LogTime
  readonly #succession: Succession
  readonly #started: number
  readonly #byKind = new Map<RecordKind, number>()
  #issuer: string | undefined
  #unreadable = 0
  #opened = 0
  #unopened = 0
  #verified = 0
  #tiles = 0
  /** Leaves of the last deployment records: a byte-identical repeat of one is legal and ignored. */
  #recent: string[]

  constructor(options: AuditOptions) {
    const { origin, issuer, trusted, hasher = portableHasher, state } = options
    this.#origin = origin
    this.#issuer = issuer ?? state?.issuer
    this.#hasher = hasher
    this.#tree = new AuditTree(trusted, state?.tree, options.hashTile)
    this.#started = this.#tree.size
    this.#keys = new KeyBook(state?.keys)
    this.#checkpoints = new CheckpointKeys(origin, state)
    this.#policies = new PolicyShelf(hasher, state?.policies)
    this.#activations = new Activations(state?.activations, state?.activations_awaited)
    this.#incidents = new Incidents(state?.incidents)
    this.#chains = new Chains(state?.chains, options.seed)
    this.#heartbeats = new Heartbeats(state?.heartbeats)
    this.#erasures = new Erasures(state?.erased)
    this.#enforcers = new Enforcers(state?.enforcers)
    this.#liveness = new Liveness(state?.beat)
    this.#time = new LogTime(state?.time)
    this.#replay = options.replay === false ? null : this.#replayFrom(state)
    this.#succession = new Succession(origin, options.predecessor ?? null, state?.succession)
    this.#recent = [...(state?.recent ?? [])]
  }

  entries(batch: readonly AuditEntry[]): readonly LogFile[] {
    const first = this.#tree.size
    const leaves = batch.map((entry, i) => this.#entry(entry, first + i))
    return this.#tree.append(leaves)
  }

  #replayFrom(state: AuditState | undefined): AuditReplay {
    const sources = {
      headOf: (sub: string) => (this.#erasures.has(sub) ? null : this.#chains.headOf(sub)),
      activeFrom: (revision: number) => this.#activations.activeFrom(revision),
      logged: () => this.#time.now(),
      latest: () => this.#time.latest(),
    }
    return new AuditReplay({
      ...{ sources, state: state?.replay },
      strangers: state !== undefined && state.replay === undefined,
      incident: (seen, at) => this.#incidents.fault(seen, { at, logged: this.#time.now() }),
      book: () => ({
        texts: new Map(this.#policies.texts()),
        activations: [...this.#activations.state()],
      }),
    })
  }

  partialTiles(): readonly LogFile[] {
    return this.#tree.partialTiles()
  }

  keys(): readonly RecordKey[] {
    return [...this.#keys.ring().values()]
  }

  checkpointKeys(): readonly RecordKey[] {
    return this.#checkpoints.keys()
  }

  signatures(result: RangeResult): void {
    this.#verified += result.verified
    for (const { code, index, message } of result.findings) this.#findings.add(code, index, message)
  }

  replayed(result: ReplayResult): void {
    this.#replay?.add(result, this.#findings)
  }

  book(): LogBook | null {
    return this.#replay?.book() ?? null
  }

  tile(recomputed: LogFile, stored: Uint8Array | null): void {
    this.#tiles++
    const finding = compareTile(recomputed, stored)
    if (finding !== null) this.#findings.add(finding.code, finding.index, finding.message)
  }

  policies(): ReadonlyMap<string, Uint8Array> {
    return this.#policies.texts()
  }

  size(): number {
    return this.#tree.size
  }

  newest(): number | null {
    const { index, iat } = this.#newest.last()
    return index < 0 ? null : iat
  }

  latest(): { readonly index: number; readonly iat: number } | null {
    return this.#newest.latest()
  }

  chainFirsts(): ReadonlyMap<string, number> {
    return this.#chains.firsts()
  }

  *chains(): Generator<StoredChain> {
    for (const { sub, head } of this.#chains.each()) {
      const memory = this.#replay?.memoryOf(sub)
      yield memory === undefined ? { sub, head } : { sub, head, memory }
    }
  }

  adopt({ sub, head, memory }: StoredChain): void {
    this.#chains.adopt({ sub, head })
    if (memory !== undefined) this.#replay?.adopt(sub, memory)
  }

  state({ chains = true }: { readonly chains?: boolean } = {}): AuditState {
    const { closing, predecessor } = this.#succession.state()
    const activations = this.#activations.state()
    const awaited = this.#activations.awaited()
    const incidents = this.#incidents.state()
    const erased = this.#erasures.state()
    const enforcers = this.#enforcers.state()
    const beat = this.#liveness.state()
    return {
      version: 1,
      origin: this.#origin,
      ...(this.#issuer === undefined ? {} : { issuer: this.#issuer }),
      size: this.#tree.size,
      tree: this.#tree.state(),
      keys: this.#keys.state(),
      ...this.#checkpoints.state(),
      policies: this.#policies.state(),
      ...(activations.length === 0 ? {} : { activations }),
      ...(awaited.length === 0 ? {} : { activations_awaited: awaited }),
      ...(incidents.length === 0 ? {} : { incidents }),
      chains: this.#chains.state({ heads: chains }),
      time: this.#time.state(),
      ...(this.#replay === null ? {} : { replay: this.#replay.state({ chains }) }),
      ...(erased.length === 0 ? {} : { erased }),
      heartbeats: this.#heartbeats.state(),
      ...(beat === null ? {} : { beat }),
      ...(enforcers.length === 0 ? {} : { enforcers }),
      recent: this.#recent,
      ...(closing === null && predecessor === null ? {} : { succession: { closing, predecessor } }),
    }
  }

  asPredecessor(head: SignedHead, vkey: string): PredecessorAudit {
    const own = this.keys().flatMap(({ jwk, revoked }) => (revoked === true ? [] : [jwk.x]))
    return {
      ...{ origin: this.#origin, vkey, vkeys: this.#checkpoints.vkeys(), head },
      successors: this.#succession.successors(this.#tree.size),
      keys: [...new Set([...(this.#succession.predecessor()?.keys ?? []), ...own])],
      chains: this.#chains.state(),
      ...(this.#replay === null ? {} : { replay: this.#replay.state() }),
      activations: this.#activations.state(),
    }
  }

  finish(checkpoint: SignedHead): AuditReport {
    this.#tree.close(checkpoint, this.#findings)
    this.#checkpoints.finish(checkpoint, this.#findings)
    this.#succession.finish(this.#findings)
    this.#enforcers.finish(this.#findings)
    this.#liveness.finish(this.#newest.last(), this.#findings)
    const { findings, notices } = this.#findings.totals()
    const counts: AuditCounts = {
      size: this.#tree.size,
      entries: this.#tree.size - this.#started,
      by_kind: Object.fromEntries(this.#byKind),
      unreadable: this.#unreadable,
      signatures: this.#verified,
      chain_opened: this.#opened,
      chain_unopened: this.#unopened,
      ...this.#chains.counts(),
      ...this.#erasures.counts(),
      accesses: this.#accesses.counts(),
      enforcers: this.#enforcers.counts(),
      replay: this.#replay?.counts() ?? null,
      policies: this.#policies.texts().size,
      tiles: this.#tiles,
      after_last_heartbeat: this.#heartbeats.uncovered(),
      successors: this.#succession.successors(this.#tree.size),
      predecessor: this.#named(),
      findings,
      notices,
    }
    return {
      clean: findings === 0,
      findings: this.#findings.list(),
      notices: this.#findings.notices(),
      counts,
      ...wordsOf(counts, this.#tree.consistent),
    }
  }

  #named(): AuditCounts['predecessor'] {
    const named = this.#succession.predecessor()
    return named === null ? null : { origin: named.origin, checked: named.checked }
  }

  #entry(entry: AuditEntry, index: number): Uint8Array {
    this.#succession.entry(index, this.#findings)
    const read =
      'scanned' in entry
        ? entry.scanned
        : scanEntry(entry.bytes, this.#hasher, () => entry.disclosures, this.#replay !== null)
    const { leaf } = read
    if ('fault' in read) {
      this.#heartbeats.entry(null)
      this.#unreadable++
      this.#findings.add(read.fault.code, index, read.fault.message)
      return leaf
    }
    const { record } = read
    this.#heartbeats.entry(record.kind)
    this.#byKind.set(record.kind, (this.#byKind.get(record.kind) ?? 0) + 1)
    this.#issuer ??= record.claims.iss
    this.#newest.see(index, record.claims.iat)
    if (index === 0 || record.kind === 'heartbeat') this.#liveness.beat(record.claims.iat)
    this.#time.entry(record.claims.iat)
    if (index === 0) this.#keys.first(record, this.#findings)
    if (this.#signerFits(record, index)) this.#content(record, { ...read, index })
    return leaf
  }

  #signerFits(record: ScannedRecord, index: number): boolean {
    const expected = {
      log: this.#origin,
      index,
      ...(this.#issuer === undefined ? {} : { issuer: this.#issuer }),
    }
    const key = expectedKey(record, this.#keys.ring(), expected)
    if (!key.ok) this.#findings.add(key.error.code, index, key.error.message)
    return key.ok
  }

  #content(record: ScannedRecord, place: Place): void {
    const { index } = place
    if (record.kind === 'decision' || record.kind === 'broadcast') this.#rely(record.claims, place)
    if (isChainKind(record.kind)) this.#link(record.kind, place)
    else if (!this.#isRepeat(toBase64Url(place.leaf))) this.#deployment(record, index)
  }

  #rely(claims: ChainClaims, { index, opened }: Place): void {
    this.#policies.require(claims.policy, index, this.#findings)
    const at = opened?.ok === true ? opened.value?.at : undefined
    const reliance = at === undefined ? claims : { ...claims, at }
    this.#activations.require(reliance, { index, logged: this.#time.now() }, this.#findings)
  }

  #activated(claims: PublicClaims<'activation'>, index: number): void {
    this.#policies.require(claims.digest, index, this.#findings)
    this.#activations.learn(claims, { index, logged: this.#time.now() }, this.#findings)
    this.#replay?.changed()
  }

  #erased(claims: PublicClaims<'erasure'>, index: number): void {
    const { sub, scope, strikes = [] } = claims
    const known = this.#chains.headOf(sub)?.seq ?? null
    this.#erasures.learn(claims, { index, known }, this.#findings)
    this.#replay?.erased(sub, scope === 'retention' ? strikes : null)
  }

  #deployment(record: ScannedRecord, index: number): void {
    if (record.kind === 'key' && index > 0) {
      this.#keys.learn(record.claims, index, this.#findings)
      this.#checkpoints.learn(record.claims, index, this.#findings)
    }
    if (record.kind === 'activation') this.#activated(record.claims, index)
    if (record.kind === 'incident')
      this.#incidents.learn(record.claims, { index, logged: this.#time.now() }, this.#findings)
    if (record.kind === 'policy') {
      this.#policies.add(record.claims, index, this.#findings)
      this.#replay?.changed()
    }
    if (record.kind === 'heartbeat') this.#heartbeats.check(record.claims, index, this.#findings)
    if (record.kind === 'closing') this.#succession.close(record.claims, index)
    if (record.kind === 'predecessor')
      this.#succession.follow(record.claims, {
        ...{ index, chains: this.#chains, findings: this.#findings },
        ...{ activations: this.#activations, replay: this.#replay },
      })
    if (record.kind === 'access') this.#accesses.learn(record.claims, index)
    if (record.kind === 'erasure') this.#erased(record.claims, index)
  }

  #link(kind: ChainKind, place: Place): void {
    const { index, leaf, leaf_text, opened } = place
    if (opened?.ok === false) this.#findings.add(opened.error.code, index, opened.error.message)
    const chain = opened?.ok === true ? opened.value : null
    if (chain === null) {
      // It may be the legal repeat of an entry: that is known of a place in a chain only.
      this.#enforced(place, false)
      this.#unopened++
      this.#chains.unopened()
      return
    }
    this.#opened++
    const text = leaf_text ?? toBase64Url(leaf)
    const linked = this.#chains.link({ index, leaf: text, chain }, this.#findings)
    if (linked.is === 'again') return
    this.#erasures.require(chain.sub, index, this.#findings)
    this.#enforced(place, true)
    const gap = linked.is === 'gap'
    const link = { ...place, leaf: text, chain, kind, gap, before: linked.before }
    this.#replay?.link(link, this.#findings)
  }

  #enforced({ enforced, index }: Place, certain: boolean): void {
    if (enforced !== undefined) this.#enforcers.see(enforced, { index, certain }, this.#findings)
  }

  #isRepeat(leaf: string): boolean {
    if (this.#recent.includes(leaf)) return true
    this.#recent = [...this.#recent.slice(-63), leaf]
    return false
  }
}

type Place = Omit<Extract<Scanned, { readonly record: ScannedRecord }>, 'record'> & {
  readonly index: number
}
