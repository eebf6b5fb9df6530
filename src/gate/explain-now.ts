/** The question of a decision without effect and without record. */
import { type Explanation, explain } from '../core/policy/explain.ts'
import type { Gate } from '../gate-types.ts'
import type { SubjectState } from '../ports.ts'
import { type Cohosts, readCohosts } from './cohosts.ts'
import type { Context } from './context.ts'
import { factsFor, surroundings } from './facts-for.ts'
import { decider } from './in-force.ts'
import { replacedBy } from './repeat.ts'
import { asIfDue } from './review-items.ts'

export async function explainNow(
  context: Context,
  request: Parameters<Gate['explain']>[0],
): Promise<Explanation> {
  const cohosts = await readCohosts(context, request)
  const state = asIfDue(await context.ledger.load(request.subject), context.clock.now())
  const { plan, at } = decider(context, state, ...statesOf(cohosts))
  const replaces = replacedBy(request, state, null)
  const around = surroundings(context, at)
  const facts = factsFor(context, { request, cohosts, state, around, at, replaces, plan })
  return explain(plan, facts)
}

/** What the co-hosts' ledgers say. */
export function statesOf(cohosts: Cohosts): readonly SubjectState[] {
  return cohosts.hosts.map((host) => host.state)
}
