/**
 * The log's entries as rows: indexes handed out in order, inside the transaction that writes them.
 *
 * Trees, tiles and checkpoints are rounds.ts's; here an entry is bytes with a leaf hash at an index. Also knows which
 * policies and keys the log holds, so that nothing is signed under one an auditor could not find, and whether the log is
 * closed, after which it takes nothing more.
 * Next stop: rounds.ts.
 */
import { textFromBase64Url, toBase64Url, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { MAX_ENTRY_BYTES } from '../../core/limits.ts'
import { thumbprint } from '../../core/record/jwk.ts'
import { type KeyClaims, keyHistory, type LoggedKey } from '../../core/record/key-history.ts'
import { activationName } from '../../gate/in-force.ts'
import type { Receipt, SignedRecord } from '../../ports.ts'
import { bytes, integer, integerOrNull, type Mirror, type Sql, text } from './sql.ts'

/** An entry as a round reads it. */
export interface LogEntry {
  readonly leaf: Uint8Array
  readonly bytes: Uint8Array
}

export interface Entries extends Mirror {
  /** Index the next entry gets; inside a transaction its own appends count. */
  next(): number
  /** Durable entries. */
  size(): number
  /** Inside a transaction only. Callers have called `requireEntry` before. */
  append(record: SignedRecord): Receipt
  /** True once the whole policy, or the key, is durably in the log; of a key: until it has ended. */
  has(requirement: string): boolean
  /** As `has`, counting what the running transaction has appended. */
  hasNow(requirement: string): boolean
  /** True once a record key has ended, counting what the running transaction has appended. */
  isEnded(kid: string): boolean
  /** True once the log's last entry is in it, one of the running transaction included. */
  isClosed(): boolean
  /** Throws `halted` once it is. `append` does so, and spoils the transaction: callers have asked `isClosed`. */
  requireOpen(): void
}

/** Where entries are kept, by hosts that do not keep each in a row of `entries`. Inside the caller's transaction. */
export interface EntryRows {
  /** Index after the last stored entry. */
  size(): number
  insert(idx: number, record: SignedRecord): void
}

const APPEND = 'INSERT INTO entries (idx, leaf, jws, openings) VALUES (?, ?, ?, ?)'
const REQUIRE = `INSERT INTO log_requirements (name, part, parts, idx) VALUES (?, ?, ?, ?)
  ON CONFLICT (name, part) DO NOTHING`

/**
 * `rows` keeps entries elsewhere; what `requirementOf` names has to be in `entries` all the same, because policies and keys
 * are read from there.
 */
export function createEntries(
  sql: Sql,
  origin: string,
  rows: EntryRows = entryTable(sql),
): Entries {
  let size = rows.size()
  let next = size
  let parts = readParts(sql)
  const fresh: (Requirement & { readonly idx: number })[] = []
  /** Size of the log after each batch that is on its way. */
  let sealed: number[] = []

  function hasNow(name: string): boolean {
    if (isEnded(name)) return false
    if (holds(parts, name)) return true
    const mine = fresh.filter((requirement) => requirement.name === name)
    if (mine.length === 0) return false
    const all = new Map(parts)
    for (const requirement of mine) add(all, requirement)
    return holds(all, name)
  }

  const isEnded = (kid: string): boolean =>
    parts.has(endOf(kid)) || fresh.some(({ ends }) => ends === kid)
  const isClosed = (): boolean => hasNow(CLOSING)

  function requireOpen(): void {
    if (!isClosed()) return
    const { successors } = claimsUnder(sql, CLOSING) ?? {}
    const where = Array.isArray(successors) ? ` and goes on in ${successors.join(', ')}` : ''
    throw new LivegateError('halted', `Cannot write: the log is closed${where}`)
  }

  return {
    next: () => next,
    size: () => size,
    append(record) {
      requireOpen()
      const idx = next
      rows.insert(idx, record)
      next = idx + 1
      const requirement = requirementOf(record)
      if (requirement !== null) {
        sql.run(REQUIRE, requirement.name, requirement.part, requirement.parts, idx)
        fresh.push({ ...requirement, idx })
      }
      return { origin, index: idx, leaf: toBase64Url(record.leaf) }
    },
    has: (name) => holds(parts, name),
    hasNow,
    isEnded,
    isClosed,
    requireOpen,
    sealed: () => void sealed.push(next),
    committed() {
      size = sealed.shift() ?? next
      while (fresh[0] !== undefined && fresh[0].idx < size) {
        add(parts, fresh[0])
        fresh.shift()
      }
    },
    aborted() {
      // An error may come after the commit: what is there is what counts, not what was believed.
      fresh.length = 0
      sealed = []
      parts = readParts(sql)
      size = rows.size()
      next = size
    },
  }
}

/** Throws `internal` for a record no log can hold: misuse, found before it can spoil a transaction of others. */
export function requireEntry(record: SignedRecord): void {
  const ascii = /^[\x21-\x7e]+$/.test(record.jws)
  if (ascii && record.jws.length <= MAX_ENTRY_BYTES && record.leaf.length === 32) return
  throw new LivegateError(
    'internal',
    `Cannot log record: it has ${record.jws.length} characters and a leaf of ${record.leaf.length} bytes, expected at most ${MAX_ENTRY_BYTES} ASCII characters and 32 bytes`,
  )
}

/** A policy part or key that a record brings into the log, or the end of a key. */
export interface Requirement {
  readonly name: string
  readonly part: number
  readonly parts: number
  /** A record key no record may be signed by any more. */
  readonly ends?: string
}

/** Names under which the log holds the record that closed it, and the one about the log it goes on from. */
export const CLOSING = 'closing'
export const PREDECESSOR = 'predecessor'

/**
 * Public record keys to verify records of the log, and of those it goes on from, with, oldest first: `x` of each JWK. Retired
 * ones stay; what was signed by a revoked one proves nothing to somebody without the log, so it is left out.
 */
export function recordKeysOf(sql: Sql): string[] {
  const { keys: earlier } = claimsUnder(sql, PREDECESSOR) ?? {}
  const own = keysOf(sql).filter(({ use, status }) => use === 'record' && status !== 'revoked')
  return [...new Set([...(Array.isArray(earlier) ? earlier : []), ...own.map(({ x }) => x)])]
}

/** Every key of the log, in the order of their first records. */
export function keysOf(sql: Sql): readonly LoggedKey[] {
  const rows = sql.all(`SELECT r.idx, e.jws FROM log_requirements r JOIN entries e ON e.idx = r.idx
    WHERE r.name NOT LIKE 'sha256-%' AND r.name NOT LIKE 'revision-%'
      AND r.name NOT LIKE 'incident-%' ORDER BY r.idx`)
  return keyHistory(
    rows.flatMap((row) => {
      const claims = claimsOf(text(row, 'jws'))
      if (claims.jwk === undefined) return []
      const iat_s = typeof claims.iat === 'number' ? claims.iat : 0
      return [{ index: integer(row, 'idx'), iat_s, claims: claims as unknown as KeyClaims }]
    }),
  )
}

/** `iss` of the log's first record; null while it has none. */
export function issuerOf(sql: Sql): string | null {
  const row = sql.get('SELECT jws FROM entries WHERE idx = 0')
  const { iss } = row === undefined ? {} : claimsOf(text(row, 'jws'))
  return typeof iss === 'string' ? iss : null
}

/** Claims of the record the log holds under a name; null when it has none. */
export function claimsUnder(sql: Sql, name: string): Readonly<Record<string, unknown>> | null {
  const row = sql.get(
    'SELECT e.jws FROM log_requirements r JOIN entries e ON e.idx = r.idx WHERE r.name = ?',
    name,
  )
  return row === undefined ? null : claimsOf(text(row, 'jws'))
}

const NAMED: ReadonlySet<string> = new Set(['policy', 'key', 'activation', 'incident'])

/** Name under which a log holds a change of incident mode. */
export function incidentName(change: number): string {
  return `incident-${change}`
}

/** What `requires` may name once `record` is in the log: a policy's digest, a record key's thumbprint, an activation. */
export function requirementOf(record: Pick<SignedRecord, 'kind' | 'jws'>): Requirement | null {
  if (record.kind === CLOSING || record.kind === PREDECESSOR)
    return { name: record.kind, part: 1, parts: 1 }
  if (!NAMED.has(record.kind)) return null
  const claims = claimsOf(record.jws)
  if (record.kind === 'incident')
    return Number.isSafeInteger(claims.change)
      ? { name: incidentName(claims.change as number), part: 1, parts: 1 }
      : null
  if (record.kind === 'activation')
    return { name: activationName(claims.revision as number), part: 1, parts: 1 }
  if (record.kind === 'key') return keyRequirement(claims as unknown as Partial<KeyClaims>)
  const { digest, part, of } = claims
  if (typeof digest !== 'string' || !Number.isSafeInteger(part) || !Number.isSafeInteger(of))
    return null
  return { name: digest, part: part as number, parts: of as number }
}

/** A record key in force goes by its thumbprint; every other record about keys is only kept to be found. */
function keyRequirement({ jwk, use, status, from }: Partial<KeyClaims>): Requirement | null {
  if (typeof jwk?.x !== 'string') return null
  const kid = thumbprint({ kty: 'OKP', crv: 'Ed25519', x: jwk.x })
  const once = { part: 1, parts: 1 }
  if (use === 'record' && status === 'active') return { name: kid, ...once }
  const ends = use === 'record' ? { ends: kid } : {}
  const name = `key-${use}-${status}-${kid}${from === undefined ? '' : `-${from}`}`
  return { name, ...once, ...ends }
}

/** The name of the requirement that ends a record key, and the key. */
const ENDS = /^key-record-(?:retired|revoked)-([A-Za-z0-9_-]{43})/

type Parts = Map<string, { readonly parts: number; readonly have: ReadonlySet<number> }>

/** Under what the end of a key is kept beside requirements: no requirement has a blank in its name. */
function endOf(kid: string): string {
  return `ended ${kid}`
}

function holds(all: Parts, name: string): boolean {
  return complete(all.get(name)) && !all.has(endOf(name))
}

function add(all: Parts, { name, part, parts }: Requirement): void {
  const ended = ENDS.exec(name)?.[1]
  if (ended !== undefined) all.set(endOf(ended), { parts, have: new Set([part]) })
  all.set(name, { parts, have: new Set([...(all.get(name)?.have ?? []), part]) })
}

function complete(
  known: { readonly parts: number; readonly have: ReadonlySet<number> } | undefined,
): boolean {
  return known !== undefined && known.have.size >= known.parts
}

function readParts(sql: Sql): Parts {
  const all: Parts = new Map()
  for (const row of sql.all('SELECT name, part, parts FROM log_requirements'))
    add(all, { name: text(row, 'name'), part: integer(row, 'part'), parts: integer(row, 'parts') })
  return all
}

function entryTable(sql: Sql): EntryRows {
  return {
    size: () => sizeOf(sql),
    insert(idx, { leaf, jws, openings }) {
      const texts = Object.keys(openings).length === 0 ? null : JSON.stringify(openings)
      sql.run(APPEND, idx, leaf, jws, texts)
    },
  }
}

function sizeOf(sql: Sql): number {
  const row = sql.get('SELECT max(idx) AS last FROM entries')
  const last = row === undefined ? null : integerOrNull(row, 'last')
  return last === null ? 0 : last + 1
}

/** Reads a stretch of entries: as `readEntries` does from its table. */
export type ReadEntries = (stretch: {
  readonly from: number
  readonly to: number
  readonly maxBytes?: number
}) => LogEntry[]

/** Entries from index `from` up to `to`, at most `maxBytes` of them but always one; throws `halted` at a gap. */
export function readEntries(
  sql: Sql,
  { from, to, maxBytes = Number.MAX_SAFE_INTEGER }: { from: number; to: number; maxBytes?: number },
): LogEntry[] {
  const entries: LogEntry[] = []
  let total = 0
  for (const row of sql.all(
    'SELECT idx, leaf, jws FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx',
    from,
    to,
  )) {
    const entry = { leaf: bytes(row, 'leaf'), bytes: utf8(text(row, 'jws')) }
    if (integer(row, 'idx') !== from + entries.length) break
    total += entry.bytes.length
    if (entries.length > 0 && total > maxBytes) return entries
    entries.push(entry)
  }
  if (from + entries.length < to)
    throw new LivegateError(
      'halted',
      `Cannot read log: entry ${from + entries.length} is missing, expected entries up to ${to}`,
    )
  return entries
}

/** Public claims of a compact JWS of ours, not verified; none when it has none. */
export function claimsOf(jws: string): Readonly<Record<string, unknown>> {
  const payload = textFromBase64Url(jws.split('.')[1] ?? '')
  try {
    const claims: unknown = payload === null ? null : JSON.parse(payload)
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
