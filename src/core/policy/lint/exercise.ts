/**
 * What an author's cases try of a policy: which rules some case makes match, and which facts some case supplies.
 *
 * By evaluating every case; whether a case passes is test-run.ts. Coverage of steps and branches is core/policy/cover.
 */
import type { Strike } from '../../model.ts'
import { FACTS } from '../environment.ts'
import { evaluate } from '../evaluate.ts'
import { hostContext } from '../evaluate-rule.ts'
import type { Plan } from '../plan.ts'
import type { TestCase } from '../test-file.ts'

export interface Exercise {
  /** Rules that matched in some case, for any host. */
  readonly matched: ReadonlySet<string>
  /** Paths of facts that some case supplied, of those the policy reads. */
  readonly supplied: ReadonlySet<string>
}

/** Runs `cases` against `plan`. One evaluation a case, beside reading the facts not yet seen. */
export function exercise(plan: Plan, cases: readonly TestCase[]): Exercise {
  const matched = new Set<string>()
  const supplied = new Set<string>()
  const wanted = factsOf(plan)
  for (const { facts } of cases) {
    const { rules, would } = evaluate(plan, facts)
    for (const rule of rules) matched.add(rule)
    for (const { rule } of would?.rules ?? []) matched.add(rule)
    facts.hosts.forEach((host, index) => {
      if (wanted.size === 0) return
      const { scope } = hostContext(plan, facts, index, host)
      const strikes: readonly (Strike | undefined)[] =
        host.strikes.length === 0 ? [undefined] : host.strikes
      for (const path of wanted) {
        const read = FACTS.get(path)?.read
        if (!strikes.some((strike) => read?.(scope, strike) !== undefined)) continue
        supplied.add(path)
        wanted.delete(path)
      }
    })
  }
  return { matched, supplied }
}

function factsOf({ rules, exemptions }: Plan): Set<string> {
  return new Set([
    ...rules.flatMap(({ when, count }) => [
      ...(when?.facts ?? []),
      ...(count?.unless?.facts ?? []),
    ]),
    ...exemptions.flatMap(({ when }) => when.facts),
  ])
}
