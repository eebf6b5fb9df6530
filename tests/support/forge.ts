/**
 * A gate that lies with a valid key: takes an honest log apart into drafts, lets a test change them, and issues everything
 * anew, so that chains, digests, signatures and tree hold and only the lie itself can be found.
 *
 * `drafts = unfold(world.store.entries())` gives what each record says, in order; change the list or what is in it (`lie`),
 * then `await forged(drafts)` signs it all with RECORD_KEY, fixes `seq` and `prev` of every chain (unless the change set them:
 * `keep`), and `auditOf` reads the result like an auditor who has every disclosure. Kinds outside chains keep their claims.
 */
import { type AuditReport, createAudit } from '../../src/core/audit/audit.ts'
import type { AuditOptions } from '../../src/core/audit/audit-types.ts'
import { verifyRange } from '../../src/core/audit/range.ts'
import { textFromBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { ENGINE } from '../../src/core/policy/plan.ts'
import type { RecordDraft } from '../../src/core/record/drafts.ts'
import type { ChainGroup, GroupValues } from '../../src/core/record/groups.ts'
import { createIssuer } from '../../src/core/record/issue.ts'
import { GROUP_NAMES, type RecordKind } from '../../src/core/record/kinds.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import type { SignedRecord } from '../../src/ports.ts'
import { countedRandom, nodeVerify } from '../core/record/samples.ts'
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
  /** Not disclosed to the auditor: group names, or all. */
  closed?: readonly string[] | 'all'
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

/** Signs them all anew, chains mended; ready for `auditOf`. */
export async function forged(records: readonly Unfolded[]): Promise<readonly LoggedRecord[]> {
  const issue = createIssuer({
    ...{ issuer: 'https://gate.example', engine: ENGINE, log: ORIGIN },
    ...{ signer: RECORD_KEY.signer, random: countedRandom('forged') },
  })
  const heads = new Map<string, { seq: number; prev: string }>()
  const signed: LoggedRecord[] = []
  for (const { kind, claims, groups, jti, iat, keep = false, closed = [] } of records) {
    if (groups !== null && !keep) mend(groups.chain as unknown as Mutable<ChainGroup>, heads)
    const draft = { kind, claims, groups: groups as unknown as GroupValues | null } as RecordDraft
    const record = await issue(draft, { jti, iat_s: iat })
    const chain = groups?.chain as unknown as ChainGroup | undefined
    if (chain !== undefined)
      heads.set(chain.sub, { seq: chain.seq, prev: toBase64Url(leafHash(record.bytes)) })
    const given = GROUP_NAMES.filter((name) => closed !== 'all' && !closed.includes(name))
    const openings = Object.fromEntries(
      given.flatMap((name) => {
        const text = record.openings[name]
        return text === undefined ? [] : [[name, text]]
      }),
    )
    signed.push({ kind: kind as SignedRecord['kind'], jws: record.jws, openings })
  }
  return signed
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

/** `index code` of each finding. */
export function named(report: AuditReport): readonly string[] {
  return report.findings.map(({ index, code }) => `${index} ${code}`)
}
