/**
 * Reads one entry for an audit: its leaf, what of the record the audit goes on with, and its place in a chain.
 *
 * Pure and without memory, and most of an audit's cost beside signatures; so a host may scan ranges in threads and hand
 * the results in instead of the entries (`AuditEntry.scanned`). Results survive structured cloning. Next: audit.ts.
 */
import { fromAscii } from '../encoding.ts'
import { MAX_ENTRY_BYTES } from '../limits.ts'
import { evaluatedFacts, type OpenedGroups, openDisclosures } from '../record/disclosure.ts'
import type { RecordFault } from '../record/faults.ts'
import type { ChainGroup, OwnClaims, PublicClaims } from '../record/groups.ts'
import { type Hasher, leafOf as leafOfAny } from '../record/hashing.ts'
import { type ChainKind, isChainKind, type RecordKind } from '../record/kinds.ts'
import { type ReadRecord, readRecord } from '../record/parse.ts'
import { ok, type Result } from '../result.ts'
import type { Enforced } from './enforcers.ts'
import type { Evaluated } from './replay/rederive.ts'
import {
  instantFault,
  type OpenedRecord,
  renewalFault,
  type Trace,
  traceOf,
} from './replay/trace.ts'

/** What an audit reads of a record on a subject's chain. */
export interface ChainClaims {
  readonly iss: string
  readonly log: string
  readonly iat: number
  /** Digest it relies on; of decisions and re-checks. */
  readonly policy?: string
  /** Number of the activation it relies on. */
  readonly revision?: number
}

/** A record without its text: of deployment kinds all claims, of chain kinds those an audit reads. */
export type ScannedRecord = {
  readonly [K in RecordKind]: {
    readonly kind: K
    readonly kid: string
    readonly claims: K extends ChainKind ? ChainClaims : PublicClaims<K>
  }
}[RecordKind]

/** What opening a record's disclosures gave: its place in a chain, null when `chain` was not among them. */
export type Opened = Result<ChainGroup | null, RecordFault>

export type Scanned = {
  readonly leaf: Uint8Array
  /** The leaf in base64url, when a host has it at hand. */
  readonly leaf_text?: string
} & (
  | {
      readonly record: ScannedRecord
      /** Only of records on a chain, and only when somebody has disclosures of this one. */
      readonly opened?: Opened
      /** With `opened`, unless replay was left out: what the chain's replay needs. */
      readonly replay?: ReplayPart | undefined
      /** What can be derived again; absent when that is done elsewhere (`rederive`). */
      readonly evaluated?: Evaluation | undefined
      /** With the group `request` of a record that a media server asked for. */
      readonly enforced?: Enforced | undefined
    }
  | { readonly fault: RecordFault }
)

export interface ReplayPart {
  /** Null when its contents were not opened. */
  readonly trace: Trace | null
  /** What is wrong with its instants; null for nothing. */
  readonly instant: string | null
  /** What a renewal lacks; absent for nothing. */
  readonly lacks?: string
}

export type Evaluation = Omit<Evaluated, 'index'>

/** What a scan opens records with. */
export interface Opening {
  /** The disclosures somebody has of an entry; undefined for none. */
  disclosed(entry: Uint8Array): readonly string[] | undefined
  /** False leaves out what only replay needs. */
  readonly replay: boolean
  /** Told of each disclosure its record does not commit to; such a one refuses the others where this is absent. */
  readonly passOver?: () => void
}

/** Hashes and reads one entry, and opens what is disclosed of it. */
export function scanEntry(bytes: Uint8Array, hasher: Hasher, opening?: Opening): Scanned {
  const leaf = leafOf(bytes, hasher)
  const { asciiOf = fromAscii, textOf } = hasher
  const parsed = readRecord(asciiOf(bytes) ?? '', textOf)
  if (!parsed.ok) return { leaf, fault: parsed.error }
  const record = scannedOf(parsed.value)
  const disclosures = opening?.disclosed(bytes)
  if (opening === undefined || disclosures === undefined) return { leaf, record }
  const { replay, passOver } = opening
  const opened = openDisclosures(parsed.value, disclosures, hasher, passOver)
  if (!isChainKind(record.kind)) return { leaf, record }
  if (!opened.ok) return { leaf, record, opened }
  const { chain = null } = opened.value
  const enforced = enforcedOf(opened.value)
  const place = ok(chain)
  if (!replay || chain === null) return { leaf, record, opened: place, enforced }
  const part = replayOf(parsed.value, opened.value, chain, hasher)
  const evaluated = evaluationOf(parsed.value, opened.value)
  return { leaf, record, opened: place, enforced, replay: part, evaluated }
}

// One buffer for every leaf, 00 before the entry: hashing is synchronous, and a new one each costs as much as the hash.
const input = new Uint8Array(1 + MAX_ENTRY_BYTES)

function leafOf(entry: Uint8Array, hasher: Hasher): Uint8Array {
  if (entry.length > MAX_ENTRY_BYTES) return leafOfAny(entry, hasher)
  input.set(entry, 1)
  return hasher.digest(input.subarray(0, 1 + entry.length))
}

function enforcedOf({ request }: OpenedGroups): Enforced | undefined {
  const { server, enforcer, enf_seq } = request ?? {}
  if (server === undefined || enforcer === undefined || enf_seq === undefined) return undefined
  return { server, enforcer, enf_seq }
}

function replayOf(
  { kind, claims }: ReadRecord,
  opened: OpenedGroups,
  chain: ChainGroup,
  hasher: Hasher,
): ReplayPart {
  const { policy, revision } = claims as Partial<OwnClaims['decision']>
  const under = revision === undefined ? {} : { revision }
  const record = { kind, jti: claims.jti, opened, ...under } as OpenedRecord
  const trace = traceOf(record, hasher)
  const instant = instantFault(chain, claims.iat, record)
  const lacks = renewalFault(record, policy)
  return lacks === null ? { trace, instant } : { trace, instant, lacks }
}

/** Undefined for what follows from nothing, and where too little of it was opened. */
function evaluationOf({ kind, claims }: ReadRecord, opened: OpenedGroups): Evaluation | undefined {
  const { policy, revision, outcome, enforced } = claims as Partial<OwnClaims['decision']>
  const facts = evaluatedFacts(kind, opened)
  const { result } = opened
  if (facts === undefined || result === undefined || policy === undefined) return undefined
  const { engine } = claims
  const said = kind === 'decision' ? outcome : result.outcome
  const made = { engine, policy, outcome: said, result, facts }
  const under = revision === undefined ? made : { ...made, revision }
  return enforced === undefined ? under : { ...under, enforced }
}

function scannedOf({ kind, kid, claims }: ReadRecord): ScannedRecord {
  if (!isChainKind(kind)) return { kind, kid, claims } as ScannedRecord
  const { iss, log, iat, policy, revision } = claims as ChainClaims
  const own = { iss, log, iat }
  if (policy === undefined) return { kind, kid, claims: own }
  const under = revision === undefined ? { policy } : { policy, revision }
  return { kind, kid, claims: { ...own, ...under } }
}
