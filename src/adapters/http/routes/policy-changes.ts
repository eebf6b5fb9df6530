/**
 * Policies that begin to decide: activation, rollback, cancellation. Reading them is policies.ts's.
 *
 * Who activates says which revision they know (`expect_revision`, or If-Match with the ETag of the list), so that of two
 * authors at once one is told. A policy with mistakes is answered with all of them. Spec: docs/spec/api.md, "Policies".
 */
import { utf8 } from '../../../core/encoding.ts'
import { LivegateError } from '../../../core/errors.ts'
import { MAX_POLICY_BYTES } from '../../../core/limits.ts'
import type { Activating, PolicyDesk } from '../../../gate/policy-desk.ts'
import { invalidMembers, read } from '../atoms.ts'
import { readBytes, readJson, requireNoEncoding } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import {
  ACTIVATION_BODY,
  ACTIVATION_QUERY,
  type ActivationOptions,
  CANCEL_QUERY,
  MAX_ACTIVATION_BYTES,
  ROLLBACK_BODY,
} from '../policy-schemas.ts'
import { problemOf } from '../problem.ts'
import { readQuery } from '../query.ts'
import { renderActivating, renderDiagnostics } from '../render-activation.ts'
import { json } from '../reply.ts'
import { NO_QUERY } from '../schemas.ts'

/** `PUT /v1/policies`, `POST /v1/policies/rollback`, `DELETE /v1/policies/pending`. */
export function mountPolicyChanges(mount: Mount, deps: AppDeps): void {
  mount('PUT /v1/policies', (call) => activate(call, deskOf(deps)))
  mount('POST /v1/policies/rollback', (call) => rollback(call, deskOf(deps)))
  mount('DELETE /v1/policies/pending', (call) => cancel(call, deskOf(deps)))
}

function deskOf({ policyDesk }: AppDeps): PolicyDesk {
  if (policyDesk !== undefined) return policyDesk
  throw new LivegateError('not_found', 'Cannot activate policies: this host does not offer it')
}

async function activate(call: Call, desk: PolicyDesk): Promise<Response> {
  const { bytes, options } = await sentBy(call)
  const { activate_at = null, dry_run = false, note = null } = options
  const done = await desk.activate({
    ...{ bytes, activate_at, dry_run, note, by: call.caller.id },
    expect_revision: expected(call, options.expect_revision),
    decisions: options.decisions ?? null,
  })
  return answer(call, done)
}

/** The policy and what is said about it: in the query, or beside it in JSON. */
async function sentBy(
  call: Call,
): Promise<{ readonly bytes: Uint8Array; readonly options: ActivationOptions }> {
  const request = call.c.req.raw
  const query = readQuery(call.c, ACTIVATION_QUERY, 'activate the policy')
  if (isYaml(request.headers.get('content-type'))) {
    requireNoEncoding(request.headers)
    return { bytes: await readBytes(request, MAX_POLICY_BYTES), options: query }
  }
  const { value } = await readJson(request, MAX_ACTIVATION_BYTES)
  const { policy, ...body } = read(ACTIVATION_BODY, value, 'activate the policy')
  const twice = Object.keys(body).filter((name) => Object.hasOwn(query, name))
  if (twice.length > 0)
    throw invalidMembers(
      'activate the policy',
      twice.map((name) => ({
        pointer: `/${name}`,
        detail: 'expected in the query or here, not both',
      })),
    )
  const bytes = utf8(policy)
  if (bytes.length > MAX_POLICY_BYTES)
    throw new LivegateError(
      'body_too_large',
      `Cannot activate the policy: it has more than ${MAX_POLICY_BYTES} bytes`,
    )
  return { bytes, options: { ...query, ...body } }
}

const YAML = /^(?:application\/(?:x-)?yaml|text\/yaml)[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i

function isYaml(type: string | null): boolean {
  return type !== null && YAML.test(type)
}

async function rollback(call: Call, desk: PolicyDesk): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'roll the policy back')
  const { value } = await readJson(call.c.req.raw)
  const { note = null, expect_revision } = read(ROLLBACK_BODY, value, 'roll the policy back')
  const by = call.caller.id
  const done = await desk.rollback({ by, note, expect_revision: expected(call, expect_revision) })
  return answer(call, done)
}

async function cancel(call: Call, desk: PolicyDesk): Promise<Response> {
  const { note = null, expect_revision } = readQuery(call.c, CANCEL_QUERY, 'cancel an activation')
  const by = call.caller.id
  const done = await desk.cancel({ by, note, expect_revision: expected(call, expect_revision) })
  return answer(call, done)
}

/** What the author takes for the newest revision: a number, or the ETag it came with. */
function expected(call: Call, given: number | undefined): number | null {
  const match = call.c.req.raw.headers.get('if-match')
  if (match === null) return given ?? null
  const tag = /^"(0|[1-9]\d{0,14})"$/.exec(match.trim())
  const revision = tag === null ? null : Number(tag[1])
  if (revision !== null && (given === undefined || given === revision)) return revision
  throw new LivegateError(
    'invalid_request',
    'Cannot read If-Match: expected one revision in quotes such as "7", the same as `expect_revision`',
  )
}

function answer(call: Call, done: Activating): Response {
  if (done.is === 'invalid') return refused(call, done)
  const identities = call.caller.scopes.has('identity')
  const body = renderActivating(done, { source: done.source, identities })
  return json(call, body, done.is === 'new' ? 201 : 200)
}

/** Every mistake at once. The only problem that repeats what was sent: to the author, about their own text. */
function refused(call: Call, done: Extract<Activating, { readonly is: 'invalid' }>): Response {
  const { diagnostics, source } = done
  const count = diagnostics.filter(({ severity }) => severity === 'error').length
  const problem = problemOf(
    new LivegateError(
      'invalid_request',
      `Cannot activate the policy: it has ${count} problem${count === 1 ? '' : 's'}`,
    ),
  )
  const body = { ...problem, diagnostics: renderDiagnostics(diagnostics, source) }
  const response = json(call, body, problem.status)
  response.headers.set('content-type', 'application/problem+json')
  return response
}
