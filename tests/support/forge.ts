/**
 * A gate that lies with a valid key: takes an honest log apart into drafts, lets a test change them, and issues everything
 * anew, so that chains, digests, signatures and tree hold and only the lie itself can be found.
 *
 * `drafts = unfold(world.store.entries())` gives what each record says, in order; change the list or what is in it (`lie`),
 * then `await forged(drafts)` signs it all with RECORD_KEY, fixes `seq` and `prev` of every chain (unless the change set them:
 * `keep`), and `auditOf` reads the result like an auditor who has every disclosure. Kinds outside chains keep their claims, but
 * heartbeats count what is there. `published` puts it into a directory, for whoever audits it as an outsider does.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuditReport, createAudit } from '../../src/core/audit/audit.ts'
import type { AuditOptions } from '../../src/core/audit/audit-types.ts'
import { verifyRange } from '../../src/core/audit/range.ts'
import { textFromBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { ENGINE } from '../../src/core/policy/plan.ts'
import type { RecordDraft } from '../../src/core/record/drafts.ts'
import type { ChainGroup, GroupValues } from '../../src/core/record/groups.ts'
import { createIssuer, type Issue } from '../../src/core/record/issue.ts'
import { GROUP_NAMES, type RecordKind } from '../../src/core/record/kinds.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import type { SignedRecord } from '../../src/ports.ts'
import { publish, writeFiles } from '../cli/a-log.ts'
import { countedRandom, nodeVerify, type TestKey } from '../core/record/samples.ts'
import { ORIGIN, RECORD_KEY } from './gate.ts'

/** A record as it can be changed: everything below is plain JSON. */
export interface Unfolded {
  kind: RecordKind
  /** Of its own kind, public. */
  claims: Record<string, unknown>
  /** Null for kinds outside chains. */
  groups: Record<string, Record<string, unknown>> | null
  jti: string
  iat: number
  /** True: `seq` and `prev` stay as they are, right or wrong. */
  keep?: boolean
  /** Said of its place in its chain all the same. */
  chained?: Partial<Pick<ChainGroup, 'seq' | 'prev'>>
  /** Not disclosed to the auditor: group names, or all. */
  closed?: readonly string[] | 'all'
  /** Signs it; RECORD_KEY unless given. */
  signer?: TestKey
  /** Said instead of the log's own. */
  named?: { readonly issuer?: string; readonly log?: string }
  /** What goes into the log in place of the signed text; the chain goes on from there. */
  altered?: (jws: string) => string | Promise<string>
}

/** What a record of a log says, by the auditor's eyes. */
export type LoggedRecord = Pick<SignedRecord, 'kind' | 'jws' | 'openings'>

const COMMON = ['iss', 'jti', 'iat', 'engine', 'log', 'mmd', '_sd', '_sd_alg']

/** Takes every record apart; the result shares nothing with the log. */
export function unfold(records: readonly LoggedRecord[]): Unfolded[] {
  return records.map(({ kind, jws, openings }) => {
    const payload = JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}')
    const { jti, iat } = payload
    const own = Object.entries(payload).filter(([name]) => !COMMON.includes(name))
    const groups = Object.entries(openings).map(([name, text]) => [
      name,
      JSON.parse(textFromBase64Url(text) ?? '[]')[2],
    ])
    return {
      ...{ kind, jti, iat, claims: Object.fromEntries(own) },
      groups: groups.length === 0 ? null : Object.fromEntries(groups),
    }
  })
}

/** Signs them all anew, chains and heartbeats mended; ready for `auditOf`. */
export async function forged(records: readonly Unfolded[]): Promise<readonly LoggedRecord[]> {
  const random = countedRandom('forged')
  const issuerFor = ({ signer = RECORD_KEY, named = {} }: Unfolded): Issue =>
    createIssuer({
      ...{ issuer: 'https://gate.example', engine: ENGINE, log: ORIGIN, ...named },
      ...{ signer: signer.signer, random },
    })
  const heads = new Map<string, { seq: number; prev: string }>()
  const signed: LoggedRecord[] = []
  for (const [index, one] of records.entries()) {
    const { kind, groups, jti, iat, keep = false } = one
    if (groups !== null && !keep) mend(groups.chain as unknown as Mutable<ChainGroup>, heads)
    Object.assign(groups?.chain ?? {}, one.chained)
    const claims = kind === 'heartbeat' && !keep ? counting(records, index) : one.claims
    const draft = { kind, claims, groups: groups as unknown as GroupValues | null } as RecordDraft
    const record = await issuerFor(one)(draft, { jti, iat_s: iat })
    const jws = one.altered === undefined ? record.jws : await one.altered(record.jws)
    const chain = groups?.chain as unknown as ChainGroup | undefined
    if (chain !== undefined)
      heads.set(chain.sub, { seq: chain.seq, prev: toBase64Url(leafHash(utf8(jws))) })
    const openings = givenOf(one, record.openings)
    signed.push({ kind: kind as SignedRecord['kind'], jws, openings })
  }
  return signed
}

function givenOf(
  { closed = [] }: Unfolded,
  openings: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const given = GROUP_NAMES.filter((name) => closed !== 'all' && !closed.includes(name))
  return Object.fromEntries(
    given.flatMap((name) => {
      const text = openings[name]
      return text === undefined ? [] : [[name, text]]
    }),
  )
}

/** What a heartbeat at that index has to say. */
function counting(records: readonly Unfolded[], index: number): Record<string, unknown> {
  const from = records.slice(0, index).findLastIndex(({ kind }) => kind === 'heartbeat')
  // The one before covers what came before itself.
  const covered = records.slice(Math.max(from, 0), index)
  const totals: Record<string, number> = {}
  for (const { kind } of covered) totals[kind] = (totals[kind] ?? 0) + 1
  return { from_index: Math.max(from, 0), to_index: index, totals, shed: 0 }
}

/** Header and claims changed, and signed anew as if that were a record. */
export async function resigned(
  jws: string,
  change: { readonly header?: object; readonly claims?: object },
  key: TestKey = RECORD_KEY,
): Promise<string> {
  const [header = '', payload = ''] = jws.split('.')
  const changed = (part: string, more: object = {}): string =>
    toBase64Url(utf8(JSON.stringify({ ...JSON.parse(textFromBase64Url(part) ?? ''), ...more })))
  const signed = `${changed(header, change.header)}.${changed(payload, change.claims)}`
  return `${signed}.${toBase64Url(await key.signer.sign(utf8(signed)))}`
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function mend(
  chain: Mutable<ChainGroup>,
  heads: ReadonlyMap<string, { readonly seq: number; readonly prev: string }>,
): void {
  const head = heads.get(chain.sub)
  chain.seq = (head?.seq ?? 0) + 1
  chain.prev = head?.prev ?? null
}

/** A whole audit, signatures, chains and replay, of a log with exactly these records. */
export async function auditOf(
  records: readonly LoggedRecord[],
  options: Partial<AuditOptions> = {},
): Promise<AuditReport> {
  const entries = records.map(({ jws, openings }) => ({
    bytes: utf8(jws),
    disclosures: Object.values(openings),
  }))
  const audit = createAudit({ origin: ORIGIN, trusted: null, ...options })
  audit.entries(entries)
  const bytes = entries.map((entry) => entry.bytes)
  audit.signatures(
    await verifyRange({ first_index: 0, entries: bytes, keys: audit.keys() }, nodeVerify),
  )
  const { root } = grow({ edge: emptyEdge(), leaves: bytes.map((one) => leafHash(one)) })
  return audit.finish({ size: entries.length, root, note: 'test' })
}

/** Writes the log, signed by its checkpoint key, and every disclosure; where the disclosures are. */
export async function published(dir: string, records: readonly LoggedRecord[]): Promise<string> {
  await writeFiles(dir, await publish(records.map(({ jws }) => ({ bytes: utf8(jws) }))))
  const lines = records.flatMap(({ jws, openings }) => {
    const groups = GROUP_NAMES.filter((name) => openings[name] !== undefined)
    if (groups.length === 0) return []
    return [JSON.stringify({ record: presentation(jws, openings, groups) })]
  })
  const path = join(dir, 'disclosures.jsonl')
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** `index code` of each finding. */
export function named(report: AuditReport): readonly string[] {
  return report.findings.map(({ index, code }) => `${index} ${code}`)
}
