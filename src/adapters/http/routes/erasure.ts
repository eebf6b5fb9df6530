/**
 * A person's rights over what is stored about them: erasure, export; and the legal hold that stands before erasure.
 *
 * That an export was made is in the log before it leaves, like any other opening of records. Spec: docs/spec/api.md,
 * "Erasure"; docs/erasure.md.
 */
import { LivegateError } from '../../../core/errors.ts'
import type { GroupName } from '../../../core/record/kinds.ts'
import { KEEP_EVERYTHING } from '../../../core/retention.ts'
import type { ErasureDesk } from '../../../gate/erasure-desk.ts'
import type { SubjectExport } from '../../../gate/subject-export.ts'
import { read, readParameter, subjectId } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import { ERASURE, type ErasureBody, EXPORT_QUERY, LEGAL_HOLD } from '../erasure-schemas.ts'
import type { Call, Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { renderErasure, renderExport, renderLegalHold } from '../render-erasure.ts'
import { json, noContent } from '../reply.ts'
import { NO_QUERY } from '../schemas.ts'

/** `DELETE /v1/subjects/{subject}`, `GET …/export`, `PUT` and `DELETE …/legal-hold`. */
export function mountErasure(mount: Mount, deps: AppDeps): void {
  mount('DELETE /v1/subjects/:subject', (call) => erase(call, deps))
  mount('GET /v1/subjects/:subject/export', (call) => exported(call, deps))
  mount('PUT /v1/subjects/:subject/legal-hold', (call) => hold(call, deps))
  mount('DELETE /v1/subjects/:subject/legal-hold', (call) => lift(call, deps))
}

async function erase(call: Call, deps: AppDeps): Promise<Response> {
  const subject = subjectOf(call)
  const { basis, scope = 'subject' } = await asked(call)
  return json(call, renderErasure(await deskOf(deps).erase({ subject, basis, scope })))
}

/** Some clients and proxies drop the body of a DELETE. */
async function asked(call: Call): Promise<ErasureBody> {
  const verb = 'erase the subject'
  if (call.c.req.header('content-type') === undefined) return readQuery(call.c, ERASURE, verb)
  readQuery(call.c, NO_QUERY, verb)
  const { value } = await readJson(call.c.req.raw)
  return read(ERASURE, value, verb)
}

async function exported(call: Call, deps: AppDeps): Promise<Response> {
  const subject = subjectOf(call)
  const { before = null } = readQuery(call.c, EXPORT_QUERY, 'export the subject')
  const page = await deskOf(deps).exported(subject, before)
  await recordExport(call, deps, page)
  return json(call, renderExport(page, deps.retention ?? KEEP_EVERYTHING))
}

const EXPORTED: readonly GroupName[] = ['chain', 'result', 'request', 'facts']

async function recordExport(call: Call, { logs }: AppDeps, page: SubjectExport): Promise<void> {
  const opened = page.records.filter(({ contents }) => contents)
  const origin = opened[0]?.origin
  if (origin === undefined) return
  const log = logs.find((served) => served.log.origin === origin) ?? logs[0]
  const ids = opened.map(({ id }) => id)
  await log?.access({ by: call.caller.id, via: 'subject_export', groups: EXPORTED, ids })
}

async function hold(call: Call, deps: AppDeps): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'hold the subject')
  const subject = subjectOf(call)
  const { value } = await readJson(call.c.req.raw)
  const { until, basis } = read(LEGAL_HOLD, value, 'hold the subject')
  const request = { subject, until, basis, by: call.caller.id }
  return json(call, renderLegalHold(await deskOf(deps).hold(request)))
}

async function lift(call: Call, deps: AppDeps): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'lift the hold')
  if (await deskOf(deps).lift(subjectOf(call))) return noContent(call)
  throw new LivegateError('not_found', 'Cannot lift the hold: the subject is under none')
}

function subjectOf(call: Call): string {
  return readParameter(subjectId, call.c.req.param('subject'), 'the subject')
}

function deskOf({ erasure }: AppDeps): ErasureDesk {
  if (erasure !== undefined) return erasure
  throw new LivegateError('not_found', 'Cannot forget subjects: this host does not offer it')
}
