/**
 * Disclosures: one group of claims, salted, so that its digest in the signed record says nothing until it is opened.
 *
 * A disclosure is base64url of `[salt, group, object]` (RFC 9901 section 4.2.1), written once and kept as text. Opening
 * is strict: each disclosure must be in its one spelling, be committed to, name a known group once, and hold exactly
 * the claims of that group. Next: presentation.ts.
 */
import { textFromBase64Url, textToBase64Url, toBase64Url } from '../encoding.ts'
import type { Facts, Outcome } from '../model.ts'
import { ok, type Result } from '../result.ts'
import { claimCheck } from './claims.ts'
import { type RecordFault, refuse } from './faults.ts'
import type {
  BroadcastContent,
  ChainGroup,
  GroupValues,
  RequestGroup,
  ResultGroup,
  ReversalContent,
  ReviewContent,
  StrikeContent,
  SubjectGroup,
} from './groups.ts'
import { type Hasher, portableHasher } from './hashing.ts'
import { parseJson } from './json.ts'
import {
  GROUP_NAMES,
  type GroupName,
  isChainKind,
  isGroupName,
  RECORD_KINDS,
  type RecordKind,
} from './kinds.ts'
import { createReader } from './known-forms.ts'
import { GROUP_AT, learnResult, readChain, readResult, readSubject } from './spelling.ts'

/** Bytes of a group's salt: 128 bits (RFC 9901 section 9.3). */
export const SALT_BYTES = 16

/** The groups that were opened; every value has passed its check. */
export interface OpenedGroups {
  readonly chain?: ChainGroup
  readonly result?: Partial<ResultGroup> & { readonly outcome?: Outcome }
  readonly subject?: SubjectGroup
  readonly request?: RequestGroup
  readonly facts?: Facts | StrikeContent | ReversalContent | BroadcastContent | ReviewContent
}

/** Writes one group's disclosure. `salt` is 16 fresh random bytes, never used twice. */
export function discloseGroup(group: GroupName, value: object, salt: Uint8Array): string {
  return textToBase64Url(`["${toBase64Url(salt)}","${group}",${JSON.stringify(value)}]`)
}

/** Writes all five groups with one salt each. */
export function discloseAll(
  groups: GroupValues,
  salts: Uint8Array,
): Readonly<Record<GroupName, string>> {
  const write = (group: GroupName, i: number): string =>
    discloseGroup(group, groups[group], salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES))
  return {
    chain: write('chain', 0),
    result: write('result', 1),
    subject: write('subject', 2),
    request: write('request', 3),
    facts: write('facts', 4),
  }
}

/** What opening needs to know of a record; `digests` is its `_sd`, empty for kinds without groups. */
export interface Commitment {
  readonly kind: RecordKind
  readonly digests: readonly string[]
}

/**
 * Opens some or all groups of a record whose signature has been verified. All or nothing: one disclosure that does not
 * belong here refuses the whole, unless `passOver` is there to be told of each.
 */
export function openDisclosures(
  record: Commitment,
  disclosures: readonly string[],
  hasher: Hasher = portableHasher,
  passOver?: () => void,
): Result<OpenedGroups, RecordFault> {
  const opened: Partial<Record<GroupName, object>> = {}
  for (const disclosure of disclosures) {
    const isOwn = record.digests.includes(hasher.digestText(disclosure))
    if (!isOwn && passOver !== undefined) {
      passOver()
      continue
    }
    const parsed = parseDisclosure(record.kind, disclosure, hasher)
    if (!parsed.ok) return parsed
    const { group, value } = parsed.value
    if (opened[group] !== undefined)
      return refuse('disclosure_repeated', `Cannot open group ${group}: it is given twice`)
    if (!isOwn)
      return refuse(
        'disclosure_unmatched',
        `Cannot open group ${group}: its digest is not in the record`,
      )
    opened[group] = value
  }
  return agreeing(record.kind, opened as OpenedGroups)
}

/** 16 bytes: the last character leaves four bits zero. */
const SALT = /^[A-Za-z0-9_-]{21}[AQgw]$/

function parseDisclosure(
  kind: RecordKind,
  disclosure: string,
  { textOf = textFromBase64Url }: Hasher,
): Result<{ group: GroupName; value: object }, RecordFault> {
  const json = textOf(disclosure)
  const short = json !== null && isChainKind(kind) ? readShort(kind, json) : undefined
  if (short !== undefined) return ok(short)
  const parsed = json === null ? undefined : readerOf(kind, json)(json)
  if (json === null || !Array.isArray(parsed) || parsed.length !== 3)
    return refuse(
      'disclosure_malformed',
      'Cannot read a disclosure: expected [salt, group, object]',
    )
  const [salt, group, value] = parsed as [unknown, unknown, unknown]
  if (typeof salt !== 'string' || !SALT.test(salt))
    return refuse('disclosure_malformed', 'Cannot read a disclosure: expected a salt of 16 bytes')
  if (!isGroupName(group))
    return refuse(
      'group_unknown',
      `Cannot open a disclosure: expected one of the groups ${GROUP_NAMES.join(', ')}`,
    )
  const fault = claimCheck(kind, group)(value)
  if (fault === null) {
    const claims = value as Readonly<Record<string, unknown>>
    if (group === 'result') learnResult(kind, json, claims)
    return ok({ group, value: claims })
  }
  const place = `${group}${fault.path === '' ? '' : `.${fault.path}`}`
  if (fault.problem === 'unknown')
    return refuse('claim_unclassified', `Cannot open group ${group}: claim ${place} is not known`)
  if (fault.problem === 'missing')
    return refuse('claim_missing', `Cannot open group ${group}: claim ${place} is missing`)
  return refuse(
    'claim_malformed',
    `Cannot open group ${group}: claim ${place} is malformed, expected ${fault.expected}`,
  )
}

interface GroupReader {
  /** The group's name, as it stands after the salt. */
  readonly name: string
  readonly read: (text: string) => unknown
}

/** Texts of one group of one kind are mostly alike. */
const READERS: ReadonlyMap<RecordKind, readonly GroupReader[]> = new Map(
  RECORD_KINDS.map((kind) => [
    kind,
    GROUP_NAMES.map((group) => ({ name: `"${group}"`, read: createReader() })).reverse(),
  ]),
)

/** The groups whose texts are of one form, or mostly alike. */
function readShort(
  kind: RecordKind,
  json: string,
): { group: GroupName; value: object } | undefined {
  const chain = readChain(json)
  if (chain !== undefined) return { group: 'chain', value: chain }
  const result = readResult(kind, json)
  if (result !== undefined) return { group: 'result', value: result }
  const subject = readSubject(json)
  return subject === undefined ? undefined : { group: 'subject', value: subject }
}

function readerOf(kind: RecordKind, json: string): (text: string) => unknown {
  for (const { name, read } of READERS.get(kind) ?? [])
    if (json.startsWith(name, GROUP_AT)) return read
  return parseJson
}

/** What two groups both say must be the same. */
function agreeing(kind: RecordKind, opened: OpenedGroups): Result<OpenedGroups, RecordFault> {
  const { chain, subject } = opened
  const facts = evaluatedFacts(kind, opened)
  const at = contentInstant(kind, opened)
  if (chain !== undefined && (chain.seq === 1) !== (chain.prev === null))
    return refuse('groups_disagree', 'Cannot open group chain: prev is null exactly at seq 1')
  if (chain !== undefined && at !== undefined && chain.at !== at)
    return refuse('groups_disagree', 'Cannot open groups chain and facts: they differ in `at`')
  if (
    subject !== undefined &&
    facts !== undefined &&
    facts.hosts.length !== 1 + subject.cohosts.length
  )
    return refuse('groups_disagree', 'Cannot open groups subject and facts: they differ in hosts')
  if (chain !== undefined && facts !== undefined && facts.hosts[0].subject !== chain.sub)
    return refuse('groups_disagree', 'Cannot open groups chain and facts: they differ in `sub`')
  return ok(opened)
}

/** The facts a decision or a renewal was evaluated on, when opened. */
export function evaluatedFacts(kind: RecordKind, opened: OpenedGroups): Facts | undefined {
  if (kind === 'decision') return opened.facts as Facts | undefined
  return kind === 'broadcast' ? (opened.facts as BroadcastContent | undefined)?.facts : undefined
}

function contentInstant(kind: RecordKind, opened: OpenedGroups): number | undefined {
  const content = opened.facts as { readonly at?: number } | undefined
  return content?.at ?? evaluatedFacts(kind, opened)?.at
}
