/**
 * What an auditor reads: decisions by search, one with its disclosures, its proof; and whole chains, record by record.
 *
 * Which groups of a record are disclosed depends on the caller's scopes, and that they were is in the log before the
 * answer leaves (openings.ts). Nothing here is verified: an auditor does that with the log and a verifier key.
 */
import { LivegateError } from '../../../core/errors.ts'
import { formatInstant, parseDuration } from '../../../core/time.ts'
import type { StoredRecord } from '../../../ports.ts'
import { invalidMembers } from '../atoms.ts'
import type { AppDeps, ServedLog } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { groupsFor, recordOpening } from '../openings.ts'
import { readQuery } from '../query.ts'
import { renderFound, renderRecord, renderStored } from '../render-stored.ts'
import { json, raw } from '../reply.ts'
import {
  DECISION_QUERY,
  DEFAULT_PAGE,
  DEFAULT_RECORDS_PAGE,
  PROOF_QUERY,
  RECORDS_QUERY,
  SEARCH,
} from '../schemas.ts'

/** `GET /v1/decisions`, `/v1/decisions/{id}`, `/v1/decisions/{id}/proof`, `/v1/records`. */
export function mountAudit(mount: Mount, deps: AppDeps): void {
  const waiting = { now: 0 }
  mount('GET /v1/decisions', (call) => search(call, deps))
  mount('GET /v1/decisions/:id', (call) => one(call, deps))
  mount('GET /v1/decisions/:id/proof', (call) => proof(call, deps, waiting))
  mount('GET /v1/records', (call) => chains(call, deps))
}

async function search(call: Call, { directory }: AppDeps): Promise<Response> {
  const { limit = DEFAULT_PAGE, ...query } = readQuery(call.c, SEARCH, 'search decisions')
  if (query.from !== undefined && query.to !== undefined && query.from > query.to)
    throw invalidMembers('search decisions', [
      { pointer: '/to', detail: 'expected an instant that is not before `from`' },
    ])
  const { records, next } = await directory.searchDecisions({ ...query, limit })
  return json(call, { decisions: records.map(renderFound), next })
}

async function one(call: Call, deps: AppDeps): Promise<Response> {
  const query = readQuery(call.c, DECISION_QUERY, 'read decision')
  const groups = groupsFor(call.caller, query.groups)
  const stored = await decisionOf(call, deps)
  const opening = { by: call.caller.id, via: 'decision', groups, records: [stored] } as const
  await recordOpening(logHolding(deps, stored.receipt.origin), opening)
  return json(call, renderStored(stored, groups))
}

/** The log a record is in; for one that moved here from a log that was closed, the first that can still say anything. */
function logHolding({ logs }: AppDeps, origin: string): ServedLog {
  const served = logs.find(({ log }) => log.origin === origin) ?? logs[0]
  if (served !== undefined) return served
  throw new LivegateError('internal', 'Cannot open records: no log is served')
}

/** Every kind of record a chain has: only who opens all of them can tell a dropped strike from an unopened one. */
async function chains(call: Call, { directory, logs }: AppDeps): Promise<Response> {
  const query = readQuery(call.c, RECORDS_QUERY, 'read records')
  const { shard = 0, from = 0, limit = DEFAULT_RECORDS_PAGE } = query
  const log = logs[shard]
  if (log === undefined)
    throw new LivegateError('not_found', 'Cannot read records: there is no log of this number')
  const groups = groupsFor(call.caller, query.groups)
  const { records, next } = await directory.records({ shard, from, limit })
  const via = query.for ?? 'records'
  await recordOpening(log, { by: call.caller.id, via, groups, records })
  return json(call, { records: records.map((stored) => renderRecord(stored, groups)), next })
}

const ID = /^[A-Za-z0-9_-]{1,64}$/

async function decisionOf(call: Call, { directory }: AppDeps): Promise<StoredRecord> {
  const id = call.c.req.param('id') ?? ''
  const stored = ID.test(id) ? await directory.record(id) : null
  if (stored === null || stored.kind !== 'decision')
    throw new LivegateError('not_found', 'Cannot find decision: there is none with this id')
  return stored
}

/** Longest a proof is waited for; a round takes at most a second. */
export const MAX_PROOF_WAIT_MS = 10_000
/** Requests that may wait at the same time: more would eat the capacity decisions need. */
const MAX_WAITING = 64

async function proof(call: Call, deps: AppDeps, waiting: { now: number }): Promise<Response> {
  const wait = waitOf(call)
  const { receipt, at } = await decisionOf(call, deps)
  const log = logNamed(deps, receipt.origin)
  const may = waiting.now < MAX_WAITING ? wait : 0
  waiting.now++
  try {
    const text = await log.proof(receipt.index, may)
    if (text !== null)
      return raw(call, text, { type: 'text/plain; charset=utf-8', cache: 'no-store' })
  } finally {
    waiting.now--
  }
  throw new LivegateError(
    'log_unavailable',
    `Cannot prove decision of ${formatInstant(at)}: no checkpoint covers it yet`,
    { retry_after_s: 1 },
  )
}

/** A record that moved here stands in the log of the host it was made on, which proves it. */
function logNamed({ logs }: AppDeps, origin: string): ServedLog['log'] {
  const served = logs.find(({ log }) => log.origin === origin)
  if (served !== undefined) return served.log
  throw new LivegateError(
    'not_found',
    `Cannot prove decision: it is in \`${origin}\`, a log that was closed, expected one that is served here`,
    { hint: 'Prove it from the files of that log: `livegate log proof INDEX --url …`.' },
  )
}

function waitOf(call: Call): number {
  const { wait } = readQuery(call.c, PROOF_QUERY, 'prove decision')
  if (wait === undefined) return 0
  const parsed = parseDuration(wait)
  if (parsed.ok && parsed.value <= MAX_PROOF_WAIT_MS) return parsed.value
  throw invalidMembers('prove decision', [
    { pointer: '/wait', detail: `expected at most ${MAX_PROOF_WAIT_MS / 1000}s` },
  ])
}
