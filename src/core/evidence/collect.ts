/**
 * Finds in a log what bears out one decision: two passes over the entries, nothing kept but what is taken.
 *
 * The first finds the decision, every key record, and the activations and policy texts before it. Then it is known which
 * strikes matter, and the second takes their records and reversals, as far as somebody has their disclosures.
 * Pure: entries and disclosures are handed in. Spec: docs/spec/evidence.md, "What an exporter puts in". Next: build.ts.
 */

import { HEARD_S } from '../audit/activations.ts'
import { fromAscii, textFromBase64Url } from '../encoding.ts'
import type { Activation } from '../model.ts'
import { textsOf } from '../policy/in-force.ts'
import { type OpenedGroups, openDisclosures } from '../record/disclosure.ts'
import type { OwnClaims, ReversalContent, StrikeContent } from '../record/groups.ts'
import { type Hasher, portableHasher } from '../record/hashing.ts'
import { type GroupName, kindOfTyp, type RecordKind } from '../record/kinds.ts'
import { parseRecord } from '../record/parse.ts'
import { activationOf } from './activations.ts'

/** A record of the log. */
export interface FoundRecord {
  readonly index: number
  readonly jws: string
}

/** What is known after the first pass. */
export interface Survey {
  /** Null when no decision of this id is in the log. */
  readonly decision: (FoundRecord & { readonly policy: string; readonly revision?: number }) | null
  /** Indexes of what belongs into the bundle whatever the decision relied on; rising, the decision's own among them. */
  readonly indexes: readonly number[]
  /** Indexes of erasure records, by the pseudonym they name. */
  readonly erasures: ReadonlyMap<string, readonly number[]>
}

/** The first pass: entries in order, from index 0. */
export class EvidenceSurvey {
  readonly #id: string
  readonly #kinds = new KindReader()
  readonly #keys: number[] = []
  readonly #activations: PlacedActivation[] = []
  readonly #parts = new Map<string, Map<number, number>>()
  readonly #erasures = new Map<string, number[]>()
  #decision: Survey['decision'] = null
  #beats: readonly number[] = []

  /** `decision` is the id (`jti`) looked for. */
  constructor(decision: string) {
    this.#id = decision
  }

  entry(index: number, bytes: Uint8Array): void {
    const kind = this.#kinds.of(bytes)
    if (kind === null || !WANTED.has(kind)) return
    if (this.#decision !== null && kind !== 'key' && kind !== 'erasure') return
    const parsed = parseRecord(fromAscii(bytes) ?? '')
    if (!parsed.ok) return
    const record = parsed.value
    if (record.kind === 'key') this.#keys.push(index)
    if (record.kind === 'erasure') {
      const { sub } = record.claims
      this.#erasures.set(sub, [...(this.#erasures.get(sub) ?? []), index])
    }
    if (record.kind === 'policy') this.#part(record.claims, index)
    if (record.kind === 'heartbeat')
      for (const { beats } of this.#activations) if (beats.length < MAX_BEATS) beats.push(index)
    if (record.kind === 'activation')
      this.#activations.push({ index, one: activationOf(record.claims), beats: [] })
    if (record.kind !== 'decision' || record.claims.jti !== this.#id) return
    const { policy, revision } = record.claims
    const under = revision === undefined ? { policy } : { policy, revision }
    this.#decision = { index, jws: record.jws, ...under }
    this.#beats = this.#outdating(revision, record.claims.iat)
  }

  end(): Survey {
    const decision = this.#decision
    const erasures = this.#erasures
    if (decision === null) return { decision, indexes: [], erasures }
    const digests = this.#texts(decision.policy, decision.revision)
    const parts = digests.flatMap((digest) => [...(this.#parts.get(digest)?.values() ?? [])])
    const activations = this.#activations.map(({ index }) => index)
    const all = [...this.#keys, ...parts, ...activations, ...this.#beats, decision.index]
    return { decision, indexes: [...new Set(all)].toSorted((a, b) => a - b), erasures }
  }

  /** Heartbeats that show how long another revision had been in force: none for a decision that may be in order. */
  #outdating(revision: number | undefined, iat: number): readonly number[] {
    if (revision === undefined) return []
    const newer = this.#activations.find(
      ({ one }) => one.revision > revision && one.active_from + 1000 * HEARD_S <= 1000 * iat + 999,
    )
    return newer?.beats ?? []
  }

  /** The first place of each part: a later repeat would not show that it was there in time. */
  #part({ digest, part }: OwnClaims['policy'], index: number): void {
    const parts = this.#parts.get(digest) ?? new Map<number, number>()
    this.#parts.set(digest, parts)
    if (!parts.has(part)) parts.set(part, index)
  }

  /** With the earlier ones whose promises may still be kept. */
  #texts(policy: string, revision: number | undefined): readonly string[] {
    const all = this.#activations.map(({ one }) => one)
    const one = all.find((candidate) => candidate.revision === revision)
    return one === undefined ? [policy] : [...new Set([policy, ...textsOf(all, one)])]
  }
}

interface PlacedActivation {
  readonly index: number
  readonly one: Activation
  /** Heartbeats after it, the first few. */
  readonly beats: number[]
}

/** Each moves the log's time by ten seconds. */
const MAX_BEATS = 7

const WANTED: ReadonlySet<RecordKind> = new Set<RecordKind>([
  'decision',
  'key',
  'policy',
  'activation',
  'erasure',
  'heartbeat',
])

/** Strikes of the facts whose records are looked for when facts are opened: 1,024 records are 10 MB of a bundle. */
export const MAX_EVIDENCE_STRIKES = 1024

/** Ids of the strikes a decision rests on: those its restrictions name, and with `facts` all it considered. */
export function reliedStrikes(opened: OpenedGroups, withFacts: boolean): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { opened_by, strikes } of opened.result?.restrictions ?? [])
    for (const id of [opened_by, ...strikes]) if (id !== undefined) ids.add(id)
  const facts = opened.facts
  if (withFacts && facts !== undefined && 'hosts' in facts)
    for (const { strikes } of facts.hosts)
      for (const { id } of strikes) if (ids.size < MAX_EVIDENCE_STRIKES) ids.add(id)
  return ids
}

/** The second pass: strike records of these ids and their reversals, wherever they stand. */
export class StrikeSearch {
  readonly #ids: ReadonlySet<string>
  readonly #kinds = new KindReader()
  readonly #hasher: Hasher
  readonly #found = new Set<string>()

  constructor(ids: ReadonlySet<string>, hasher: Hasher = portableHasher) {
    this.#ids = ids
    this.#hasher = hasher
  }

  /** Strikes whose record was not met. */
  missing(): number {
    return this.#ids.size - this.#found.size
  }

  /** The record when it belongs into the bundle. `disclosures` is only asked for strikes and reversals. */
  entry(
    bytes: Uint8Array,
    disclosures: () => readonly string[] | undefined,
  ): { readonly jws: string; readonly disclosures: readonly string[] } | null {
    const kind = this.#kinds.of(bytes)
    if (kind !== 'strike' && kind !== 'reversal') return null
    const given = disclosures()
    const parsed = given === undefined ? null : parseRecord(fromAscii(bytes) ?? '')
    if (given === undefined || parsed?.ok !== true) return null
    const opened = openDisclosures(parsed.value, given, this.#hasher)
    const id = opened.ok ? strikeIn(opened.value) : undefined
    if (id === undefined || !this.#ids.has(id)) return null
    if (kind === 'strike') this.#found.add(id)
    return { jws: parsed.value.jws, disclosures: given }
  }
}

/** Id of the strike a strike or a reversal is about. */
export function strikeIn(opened: OpenedGroups): string | undefined {
  const content = opened.facts as Partial<StrikeContent | ReversalContent> | undefined
  return typeof content?.strike === 'object' ? content.strike.id : content?.strike
}

/** Of `disclosures` those of the groups in `open`, in the order of the groups; the empty ones of a kind are left closed. */
export function chosen(
  kind: RecordKind,
  disclosures: readonly string[],
  open: readonly GroupName[],
): readonly string[] {
  const wanted = open.filter((group) => kind === 'decision' || group !== 'result')
  return wanted.flatMap((group) => disclosures.filter((text) => groupOf(text) === group))
}

function groupOf(disclosure: string): string {
  return /^\["[^"]*","([a-z]+)"/.exec(textFromBase64Url(disclosure) ?? '')?.[1] ?? ''
}

const DOT = 0x2e

/** Kinds by header: a log has one header a kind and key. */
class KindReader {
  readonly #known = new Map<string, RecordKind | null>()

  of(bytes: Uint8Array): RecordKind | null {
    const header = fromAscii(bytes.subarray(0, Math.max(0, bytes.indexOf(DOT)))) ?? ''
    const known = this.#known.get(header)
    if (known !== undefined) return known
    const typ = /"typ":"([a-z+-]+)"/.exec(textFromBase64Url(header) ?? '')?.[1] ?? ''
    const kind = kindOfTyp(typ) ?? null
    if (this.#known.size < 1024) this.#known.set(header, kind)
    return kind
  }
}
