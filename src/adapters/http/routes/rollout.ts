/**
 * What is not enforced yet: who would have been stopped if it were.
 *
 * The people are named only to who may know them (scope `identity`), and that they were is in the logs before the answer
 * leaves. Spec: docs/spec/api.md, "Rollout".
 */
import { formatInstant } from '../../../core/time.ts'
import {
  type RolloutReport,
  rolloutReport,
  type SparedRecord,
} from '../../../gate/rollout-report.ts'
import { invalidMembers } from '../atoms.ts'
import { forbidden } from '../caller.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { recordOpening } from '../openings.ts'
import { readQuery } from '../query.ts'
import { renderWould } from '../render.ts'
import { json } from '../reply.ts'
import { ROLLOUT_QUERY } from '../rollout-schemas.ts'

/** `GET /v1/rollout`. */
export function mountRollout(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/rollout', (call) => report(call, deps))
}

async function report(call: Call, deps: AppDeps): Promise<Response> {
  const query = readQuery(call.c, ROLLOUT_QUERY, 'report on the rollout')
  const { from, to, subjects } = query
  if (to !== undefined && from > to)
    throw invalidMembers('report on the rollout', [
      { pointer: '/to', detail: 'expected an instant that is not before `from`' },
    ])
  const named = subjects === 'true'
  if (named && !call.caller.scopes.has('identity')) throw forbidden('identity')
  const { directory, logs } = deps
  const range = to === undefined ? { from } : { from, to }
  const page = await rolloutReport({ directory, shards: logs.length }, range, query)
  if (named) await recordOpenings(call, deps, page)
  return json(call, {
    decisions: page.decisions.map((one) => render(one, named)),
    renewals: page.renewals.map((one) => ({
      ...render(one, named),
      broadcast: one.broadcast ?? '',
    })),
    counts: page.counts.map(({ server, ...one }) => (server === null ? one : { ...one, server })),
    erased: page.erased,
    next: page.next,
  })
}

/** In each log for the records it holds; in the first for those that moved here. */
async function recordOpenings(
  { caller }: Call,
  { logs }: AppDeps,
  { decisions, renewals }: RolloutReport,
): Promise<void> {
  const records = [...decisions, ...renewals].map(({ record }) => record)
  const opening = { by: caller.id, via: 'rollout', groups: ['subject'] } as const
  for (const [i, served] of logs.entries()) {
    const own = records.filter(({ receipt }) => {
      const home = logs.findIndex(({ log }) => log.origin === receipt.origin)
      return Math.max(0, home) === i
    })
    await recordOpening(served, { ...opening, records: own })
  }
}

function render(spared: SparedRecord, named: boolean): object {
  const { record, outcome, would, stopped, server, people } = spared
  const [subject, ...cohosts] = people
  const { would: told } = renderWould({ would })
  return {
    ...{ id: record.id, at: formatInstant(record.at), outcome, would: told, stopped },
    ...(server === null ? {} : { server }),
    ...(!named || subject === undefined ? {} : { subject }),
    ...(!named || cohosts.length === 0 ? {} : { cohosts }),
  }
}
