/**
 * What a search for `eligible_at` costs before it is made, in units of about ten nanoseconds.
 *
 * An estimate, and the same on every machine: whether a question is answered must not depend on how busy the gate is.
 * The weights are measured; `MAX_ELIGIBLE_WORK` (limits.ts) is what one question may cost. Used by eligible.ts.
 */
import type { Facts } from '../model.ts'
import type { Inherited, Plan } from './plan.ts'

/** A strike in the fold and in the sorted ids; the same strike once more for each rule that counts. */
const STRIKE = 8
const COUNTED = 8
/** An expression per strike, or once per host; `strikes(...)` is tried in up to 2^n ways (evaluate-clouded.ts). */
const PER_STRIKE = 16
const CONDITION = 50
/** An edge collected and sorted. */
const EDGE = 8

/** One evaluation. */
export function evaluationWork(plan: Plan, facts: Facts): number {
  let perStrike = STRIKE
  let perHost = 0
  for (const { count, when, inherited } of plan.rules) {
    if (count !== null) perStrike += COUNTED + (count.unless === null ? 0 : PER_STRIKE)
    if (inherited !== null) perStrike += inheritedWork(inherited)
    if (when === null) continue
    perHost += CONDITION * 2 ** when.counts.length
    perStrike += COUNTED * when.counts.length
  }
  for (const { when } of plan.exemptions) {
    perHost += CONDITION
    perStrike += COUNTED * when.counts.length
  }
  return perStrike * strikesOf(facts) + perHost * facts.hosts.length
}

/** Earlier forms, once for each thing the rule asks for; those that count otherwise fold and select by themselves. */
function inheritedWork({ forms, milder }: Inherited): number {
  let perForm = COUNTED
  for (const { counting } of forms) perForm += COUNTED + (counting === null ? 0 : STRIKE + COUNTED)
  for (const { counting } of forms) if (counting?.count.unless != null) perForm += PER_STRIKE
  return perForm * (1 + milder.length)
}

/** Collecting the edges. */
export function edgesWork(plan: Plan, facts: Facts): number {
  let perStrike = 0
  for (const { count, ladder, when, inherited } of plan.rules) {
    if (count !== null)
      perStrike += 1 + (ladder?.length ?? 0) + 2 * (count.unless?.edges.length ?? 0)
    for (const { steps, counting } of inherited?.forms ?? [])
      perStrike += steps.length + 2 * (counting?.count.unless?.edges.length ?? 0)
    perStrike += when?.counts.length ?? 0
  }
  for (const { when } of plan.exemptions) perStrike += when.counts.length
  return EDGE * perStrike * strikesOf(facts)
}

function strikesOf({ hosts }: Facts): number {
  let strikes = 0
  for (const host of hosts) strikes += host.strikes.length
  return strikes
}
