/**
 * Takes what one entry says to the part of the audit that follows it: the first half of judging a log, entry by entry.
 *
 * Next: the parts themselves (parts.ts). From: audit.ts.
 */
import { toBase64Url } from '../encoding.ts'
import type { PublicClaims } from '../record/groups.ts'
import { type ChainKind, isChainKind, type RecordKind } from '../record/kinds.ts'
import { expectedKey } from '../record/verify.ts'
import type { AuditEntry } from './audit-types.ts'
import type { AuditParts } from './parts.ts'
import type { AuditCounts } from './report.ts'
import { type ChainClaims, type Scanned, type ScannedRecord, scanEntry } from './scan.ts'

type EntryCounts = Pick<AuditCounts, 'by_kind' | 'unreadable' | 'chain_opened' | 'chain_unopened'>

export class Entries {
  readonly #parts: AuditParts
  readonly #byKind = new Map<RecordKind, number>()
  #issuer: string | undefined
  #unreadable = 0
  #opened = 0
  #unopened = 0
  /** Leaves of the last deployment records: a byte-identical repeat of one is legal and ignored. */
  #recent: readonly string[]

  /** `issuer` of every record; any single one, learned from the first, when undefined. */
  constructor(
    parts: AuditParts,
    { issuer, recent }: { readonly issuer: string | undefined; readonly recent: readonly string[] },
  ) {
    this.#parts = parts
    this.#issuer = issuer
    this.#recent = recent
  }

  /** Judges the next entry; its leaf. */
  judge(entry: AuditEntry, index: number): Uint8Array {
    this.#parts.succession.entry(index, this.#parts.findings)
    const read =
      'scanned' in entry
        ? entry.scanned
        : scanEntry(entry.bytes, this.#parts.hasher, {
            disclosed: () => entry.disclosures,
            replay: this.#parts.replay !== null,
          })
    const { leaf } = read
    if ('fault' in read) {
      this.#parts.heartbeats.entry(null)
      this.#unreadable++
      this.#parts.findings.add(read.fault.code, index, read.fault.message)
      return leaf
    }
    const { record } = read
    this.#parts.heartbeats.entry(record.kind)
    this.#byKind.set(record.kind, (this.#byKind.get(record.kind) ?? 0) + 1)
    this.#parts.newest.see(index, record.claims.iat)
    if (index === 0 || record.kind === 'heartbeat') this.#parts.liveness.beat(record.claims.iat)
    this.#parts.time.entry(record.claims.iat)
    if (index === 0) this.#parts.keys.first(record, this.#parts.findings)
    if (this.#signerFits(record, index)) this.#content(record, { ...read, index })
    return leaf
  }

  #signerFits(record: ScannedRecord, index: number): boolean {
    this.#issuer ??= record.claims.iss
    const expected = { log: this.#parts.origin, index, issuer: this.#issuer }
    const key = expectedKey(record, this.#parts.keys.ring(), expected)
    if (!key.ok) this.#parts.findings.add(key.error.code, index, key.error.message)
    return key.ok
  }

  #content(record: ScannedRecord, place: Place): void {
    const { index } = place
    if (record.kind === 'decision' || record.kind === 'broadcast') this.#rely(record.claims, place)
    if (isChainKind(record.kind)) this.#link(record.kind, place)
    else if (!this.#isRepeat(toBase64Url(place.leaf))) this.#deployment(record, index)
  }

  #rely(claims: ChainClaims, { index, opened }: Place): void {
    this.#parts.policies.require(claims.policy, index, this.#parts.findings)
    const at = opened?.ok === true ? opened.value?.at : undefined
    const reliance = at === undefined ? claims : { ...claims, at }
    this.#parts.activations.require(
      reliance,
      { index, logged: this.#parts.time.now() },
      this.#parts.findings,
    )
  }

  #activated(claims: PublicClaims<'activation'>, index: number): void {
    this.#parts.policies.require(claims.digest, index, this.#parts.findings)
    this.#parts.activations.learn(
      claims,
      { index, logged: this.#parts.time.now() },
      this.#parts.findings,
    )
    this.#parts.replay?.changed()
  }

  #erased(claims: PublicClaims<'erasure'>, index: number): void {
    const { sub, scope, strikes = [] } = claims
    const known = this.#parts.chains.headOf(sub)?.seq ?? null
    this.#parts.erasures.learn(claims, { index, known }, this.#parts.findings)
    this.#parts.replay?.erased(sub, scope === 'retention' ? strikes : null)
  }

  #deployment(record: ScannedRecord, index: number): void {
    if (record.kind === 'key' && index > 0) {
      this.#parts.keys.learn(record.claims, index, this.#parts.findings)
      this.#parts.checkpoints.learn(record.claims, index, this.#parts.findings)
    }
    if (record.kind === 'activation') this.#activated(record.claims, index)
    if (record.kind === 'incident')
      this.#parts.incidents.learn(
        record.claims,
        { index, logged: this.#parts.time.now() },
        this.#parts.findings,
      )
    if (record.kind === 'policy') {
      this.#parts.policies.add(record.claims, index, this.#parts.findings)
      this.#parts.replay?.changed()
    }
    if (record.kind === 'heartbeat')
      this.#parts.heartbeats.check(record.claims, index, this.#parts.findings)
    if (record.kind === 'closing') this.#parts.succession.close(record.claims, index)
    if (record.kind === 'predecessor')
      this.#parts.succession.follow(record.claims, {
        ...{ index, chains: this.#parts.chains, findings: this.#parts.findings },
        ...{ activations: this.#parts.activations, replay: this.#parts.replay },
      })
    if (record.kind === 'access') this.#parts.accesses.learn(record.claims, index)
    if (record.kind === 'erasure') this.#erased(record.claims, index)
  }

  #link(kind: ChainKind, place: Place): void {
    const { index, leaf, leaf_text, opened } = place
    if (opened?.ok === false)
      this.#parts.findings.add(opened.error.code, index, opened.error.message)
    const chain = opened?.ok === true ? opened.value : null
    if (chain === null) {
      // It may be the legal repeat of an entry: that is known of a place in a chain only.
      this.#enforced(place, false)
      this.#unopened++
      this.#parts.chains.unopened()
      return
    }
    this.#opened++
    const text = leaf_text ?? toBase64Url(leaf)
    const linked = this.#parts.chains.link({ index, leaf: text, chain }, this.#parts.findings)
    if (linked.is === 'again') return
    this.#parts.erasures.require(chain.sub, index, this.#parts.findings)
    this.#enforced(place, true)
    const gap = linked.is === 'gap'
    const { replay, evaluated } = place
    const link = { index, leaf: text, chain, kind, gap, before: linked.before, replay, evaluated }
    this.#parts.replay?.link(link, this.#parts.findings)
  }

  #enforced({ enforced, index }: Place, certain: boolean): void {
    if (enforced !== undefined)
      this.#parts.enforcers.see(enforced, { index, certain }, this.#parts.findings)
  }

  #isRepeat(leaf: string): boolean {
    if (this.#recent.includes(leaf)) return true
    this.#recent = [...this.#recent.slice(-63), leaf]
    return false
  }

  /** What of a state is not of the parts. */
  state(): { readonly issuer: string | undefined; readonly recent: readonly string[] } {
    return { issuer: this.#issuer, recent: this.#recent }
  }

  counts(): EntryCounts {
    return {
      by_kind: Object.fromEntries(this.#byKind),
      unreadable: this.#unreadable,
      chain_opened: this.#opened,
      chain_unopened: this.#unopened,
    }
  }
}

type Place = Omit<Extract<Scanned, { readonly record: ScannedRecord }>, 'record'> & {
  readonly index: number
}
