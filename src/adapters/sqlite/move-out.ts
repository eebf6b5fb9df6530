/**
 * A whole deployment as lines, out of tables nobody writes any more; the same tables give the same lines.
 *
 * One subject after the other, with its strikes and its records in the order of its chain. Chains and the decisions that
 * rely on strikes are sorted once into temporary tables, so memory stays what one subject needs; whoever opens the
 * connection decides where temporary tables go. Spec: docs/spec/storage.md, "Moving". Next stop: move-in.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import type { Outcome, Strike } from '../../core/model.ts'
import type {
  MoveCounts,
  MovedApiKey,
  MovedRecord,
  MovedSubject,
  MoveLine,
} from '../../core/move/lines.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ApiKey, ChainKind, StreamKey } from '../../ports.ts'
import { loggedActivations } from './activations.ts'
import { holdOf } from './legal-holds.ts'
import { createPolicyTexts } from './policy-texts.ts'
import { integer, integerOrNull, type Row, type Sql, text, textOrNull } from './sql.ts'
import { decodeDoc } from './subject-doc.ts'
import { suppressionOf } from './suppressions.ts'

/** Rows read at once. */
const PAGE = 200

const PREPARE: readonly string[] = [
  'DROP TABLE IF EXISTS temp.out_chains',
  'DROP TABLE IF EXISTS temp.out_reliance',
  `CREATE TEMP TABLE out_chains (subject INTEGER NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL,
    PRIMARY KEY (subject, seq)) WITHOUT ROWID`,
  `CREATE TEMP TABLE out_reliance (idx INTEGER NOT NULL, strike TEXT NOT NULL,
    PRIMARY KEY (idx, strike)) WITHOUT ROWID`,
  'INSERT INTO out_chains SELECT subject, seq, idx FROM records ORDER BY subject, seq',
  'INSERT INTO out_reliance SELECT idx, strike FROM reliance ORDER BY idx, strike',
]

/** Lines of what the header counts, in the order of the format. `size` is the log's: places count from its end. */
export function* linesOf(sql: Sql, size: number): Generator<MoveLine> {
  for (const statement of PREPARE) sql.run(statement)
  yield* policyLines(sql)
  for (const activation of loggedActivations(sql)) yield { activation }
  for (const row of paged(sql, SUBJECTS)) yield* subjectLines(sql, row, size)
  for (const row of paged(sql, STREAM_KEYS)) yield { stream_key: streamKeyOf(row) }
  for (const row of paged(sql, API_KEYS)) yield { api_key: apiKeyOf(row) }
  for (const row of sql.all('SELECT * FROM suppressions ORDER BY key, id'))
    yield { suppression: { key: text(row, 'key'), ...suppressionOf(row) } }
  for (const row of sql.all('SELECT * FROM legal_holds ORDER BY subject'))
    yield { legal_hold: holdOf(row) }
}

export function countsOf(sql: Sql): MoveCounts {
  const count = (table: string): number =>
    integer(sql.get(`SELECT count(*) AS count FROM ${table}`) ?? {}, 'count')
  return {
    policies: wholePolicies(sql).length,
    activations: loggedActivations(sql).length,
    subjects: count('subjects'),
    strikes: count('strikes'),
    // Those of a subject whose erasure has begun are gone, whether or not their rows are.
    records: count('records r JOIN subjects s ON s.rid = r.subject'),
    stream_keys: count('stream_keys'),
    api_keys: count('api_keys'),
    suppressions: count('suppressions'),
    legal_holds: count('legal_holds'),
  }
}

/** Revisions whose whole text the log holds, the oldest first. */
function wholePolicies(
  sql: Sql,
): readonly { readonly digest: string; readonly text: Uint8Array }[] {
  const texts = createPolicyTexts(sql)
  return texts
    .list()
    .toReversed()
    .flatMap(({ digest }) => {
      const bytes = texts.text(digest)
      return bytes === null ? [] : [{ digest, text: bytes }]
    })
}

function* policyLines(sql: Sql): Generator<MoveLine> {
  for (const { digest, text: bytes } of wholePolicies(sql))
    yield { policy: { digest, text: toBase64Url(bytes) } }
}

/** Rows of a query that begins after `?` and ends after `?` rows, in the order of its column `rid`. */
function* paged(sql: Sql, query: string): Generator<Row> {
  let after = Number.MIN_SAFE_INTEGER
  for (;;) {
    const rows = sql.all(query, after, PAGE)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    after = integer(last, 'rid')
  }
}

const SUBJECTS = `SELECT rid, subject, pseudonym, seq, head, head_idx, last_at, version, strikes, doc
  FROM subjects WHERE rid > ? ORDER BY rid LIMIT ?`
const STREAM_KEYS = `SELECT rowid AS rid, id, subject, key_hash, created_at, revoked_at
  FROM stream_keys WHERE rowid > ? ORDER BY rowid LIMIT ?`
const API_KEYS = `SELECT rowid AS rid, id, secret_hash, scopes, owner, audience, created_at, revoked_at
  FROM api_keys WHERE rowid > ? ORDER BY rowid LIMIT ?`

function* subjectLines(sql: Sql, row: Row, size: number): Generator<MoveLine> {
  const rid = integer(row, 'rid')
  const subject = text(row, 'subject')
  yield { subject: subjectOf(row, size) }
  yield* strikeLines(sql, rid, size)
  for (let after = 0; ; ) {
    const rows = sql.all(RECORDS, rid, after, PAGE)
    for (const record of rows) yield { record: recordOf(sql, record, { subject, size }) }
    const last = rows.at(-1)
    if (last === undefined) return
    after = integer(last, 'seq')
  }
}

function subjectOf(row: Row, size: number): MovedSubject {
  const doc = decodeDoc(text(row, 'doc'))
  return {
    subject: text(row, 'subject'),
    pseudonym: textOrNull(row, 'pseudonym'),
    seq: integer(row, 'seq'),
    head: textOrNull(row, 'head'),
    head_place: placeOf(row, 'head_idx', size),
    last_at: integerOrNull(row, 'last_at') as EpochMs | null,
    version: integer(row, 'version'),
    strikes: integer(row, 'strikes'),
    ...doc,
  }
}

const STRIKES =
  'SELECT rowid AS rid, status, idx, doc FROM strikes WHERE subject = ? ORDER BY rowid'

function* strikeLines(sql: Sql, rid: number, size: number): Generator<MoveLine> {
  for (const row of sql.all(STRIKES, rid)) {
    const strike = JSON.parse(text(row, 'doc')) as Strike
    const status = text(row, 'status') as Strike['status']
    yield { strike: { place: placeOf(row, 'idx', size), strike: { ...strike, status } } }
  }
}

const RECORDS = `SELECT c.seq, r.idx, r.id, r.kind, r.at, r.prev_idx, r.outcome, r.mode, r.rules, e.jws, e.openings
  FROM out_chains c JOIN records r ON r.idx = c.idx JOIN entries e ON e.idx = c.idx
  WHERE c.subject = ? AND c.seq > ? ORDER BY c.seq LIMIT ?`

function recordOf(
  sql: Sql,
  row: Row,
  { subject, size }: { readonly subject: string; readonly size: number },
): MovedRecord {
  const idx = integer(row, 'idx')
  return {
    subject,
    id: text(row, 'id'),
    kind: text(row, 'kind') as ChainKind,
    seq: integer(row, 'seq'),
    at: integer(row, 'at') as EpochMs,
    place: idx - size,
    prev_place: placeOf(row, 'prev_idx', size),
    jws: text(row, 'jws'),
    openings: JSON.parse(textOrNull(row, 'openings') ?? '{}') as Record<string, string>,
    decision: decisionOf(sql, row, idx),
  }
}

function decisionOf(sql: Sql, row: Row, idx: number): MovedRecord['decision'] {
  const outcome = textOrNull(row, 'outcome')
  if (outcome === null) return null
  const strikes = sql.all('SELECT strike FROM out_reliance WHERE idx = ? ORDER BY strike', idx)
  return {
    outcome: outcome as Outcome,
    mode: textOrNull(row, 'mode'),
    rules: JSON.parse(textOrNull(row, 'rules') ?? '[]') as string[],
    strikes: strikes.map((relied) => text(relied, 'strike')),
  }
}

function placeOf(row: Row, column: string, size: number): number | null {
  const idx = integerOrNull(row, column)
  return idx === null ? null : idx - size
}

function streamKeyOf(row: Row): StreamKey {
  return {
    id: text(row, 'id'),
    subject: text(row, 'subject'),
    key_hash: text(row, 'key_hash'),
    created_at: integer(row, 'created_at') as EpochMs,
    revoked_at: integerOrNull(row, 'revoked_at') as EpochMs | null,
  }
}

function apiKeyOf(row: Row): MovedApiKey & ApiKey {
  return {
    id: text(row, 'id'),
    secret_hash: text(row, 'secret_hash'),
    scopes: JSON.parse(text(row, 'scopes')) as string[],
    owner: text(row, 'owner'),
    audience: textOrNull(row, 'audience'),
    created_at: integer(row, 'created_at') as EpochMs,
    revoked_at: integerOrNull(row, 'revoked_at') as EpochMs | null,
  }
}
