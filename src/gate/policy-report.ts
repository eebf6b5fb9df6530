/**
 * What a policy would change, told before it does: the last decisions under both texts, and whose restrictions move.
 *
 * Decisions are compared text against text, as if each had been in force: that shows what the policy does to those who
 * come. What is running is compared plan against plan, with all that earlier revisions promised. Both are bounded, and the
 * report says how much was looked at. Works in slices, so that decisions go on meanwhile.
 */
import type { Facts, SubjectId } from '../core/model.ts'
import { type Affected, affected } from '../core/policy/affected.ts'
import { type ChangeReport, createComparison } from '../core/policy/compare/tally.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import type { Plan } from '../core/policy/plan.ts'
import { withBucket } from '../core/policy/rollout.ts'
import type { EpochMs } from '../core/time.ts'
import type { StoredRecord } from '../ports.ts'
import { disclosedFacts } from './disclosed.ts'

export interface ReportSources {
  /** Most decisions a report looks at; and unless the caller says. */
  readonly max_decisions: number
  readonly default_decisions: number
  /** Newest first; at most `limit`, a page at a time. */
  recent(limit: number): AsyncIterable<readonly StoredRecord[]>
  /** Subjects that have strikes, with the facts of a question about each now; a page at a time, bounded by the host. */
  struck(at: EpochMs): AsyncIterable<readonly Struck[]>
  /** Lets others have their turn. */
  pause(): Promise<void>
}

/** Somebody with strikes; `subject` is null when only a pseudonym is known. */
export interface Struck {
  readonly subject: SubjectId | null
  readonly facts: Facts
}

export interface AffectedExample extends Omit<Affected, 'host' | 'subject'> {
  readonly subject: SubjectId | null
}

export interface ActivationReport extends ChangeReport {
  /** Decisions whose facts are gone. */
  readonly unreadable: number
  readonly restrictions: {
    /** Subjects with strikes looked at. */
    readonly subjects: number
    readonly affected: number
    /** Rules of subjects, by what happens. */
    readonly changes: Readonly<Partial<Record<Affected['change'], number>>>
    /** Rules there will not be any more, and how many of the subjects looked at each of them restricts now: they are freed. */
    readonly removed: Readonly<Record<string, number>>
    readonly examples: readonly AffectedExample[]
  }
}

const MAX_EXAMPLES = 20

/** Rules asked about strikes before others have their turn: some milliseconds, whatever the policy. */
export const RULES_A_SLICE = 4096

/** Pauses whenever that much was done since the last time. */
function createSlices(
  { pause }: ReportSources,
  { before, after }: { readonly before: Plan; readonly after: Plan },
): (facts: Facts) => Promise<void> | undefined {
  const rules = before.rules.length + after.rules.length
  let done = 0
  return ({ hosts }) => {
    const strikes = hosts.reduce((sum, host) => sum + host.strikes.length, 0)
    done += rules * (hosts.length + strikes / 16)
    if (done < RULES_A_SLICE) return undefined
    done = 0
    return pause()
  }
}

export async function reportOn(
  sources: ReportSources,
  input: {
    readonly decisions: number
    readonly texts: { readonly before: Plan; readonly after: Plan }
    readonly plans: { readonly before: Plan; readonly after: Plan }
    readonly at: EpochMs
  },
): Promise<ActivationReport> {
  const decided = await compareDecisions(sources, input)
  return { ...decided, restrictions: await compareRestrictions(sources, input) }
}

async function compareDecisions(
  sources: ReportSources,
  {
    decisions,
    texts,
  }: { readonly decisions: number; readonly texts: { before: Plan; after: Plan } },
): Promise<ChangeReport & { readonly unreadable: number }> {
  const comparison = createComparison(texts.after)
  const slice = createSlices(sources, texts)
  let unreadable = 0
  for await (const page of sources.recent(Math.min(decisions, sources.max_decisions))) {
    for (const record of page) {
      const facts = disclosedFacts(record)
      if (facts === null) {
        unreadable++
        continue
      }
      comparison.add({
        id: record.id,
        facts,
        before: evaluate(texts.before, withBucket(texts.before, facts)),
      })
      await slice(facts)
    }
    await sources.pause()
  }
  return { ...comparison.report(), unreadable }
}

async function compareRestrictions(
  sources: ReportSources,
  { plans, at }: { readonly plans: { before: Plan; after: Plan }; readonly at: EpochMs },
): Promise<ActivationReport['restrictions']> {
  const changes: Partial<Record<Affected['change'], number>> = {}
  const kept = new Set(plans.after.rules.map(({ id }) => id))
  const gone = plans.before.rules.filter(({ id }) => !kept.has(id))
  const removed = new Map(gone.map(({ id }) => [id, 0]))
  const examples: AffectedExample[] = []
  const slice = createSlices(sources, plans)
  let subjects = 0
  let moved = 0
  for await (const page of sources.struck(at)) {
    for (const { subject, facts } of page) {
      subjects++
      const found = affected(plans.before, plans.after, facts)
      moved += Number(found.length > 0)
      for (const { host: _host, subject: _name, ...one } of found) {
        changes[one.change] = (changes[one.change] ?? 0) + 1
        const freed = removed.get(one.rule)
        if (freed !== undefined) removed.set(one.rule, freed + 1)
        if (examples.length < MAX_EXAMPLES) examples.push({ ...one, subject })
      }
      await slice(facts)
    }
    await sources.pause()
  }
  return { subjects, affected: moved, changes, removed: Object.fromEntries(removed), examples }
}
