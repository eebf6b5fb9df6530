/**
 * Fairness in time: a plan that keeps what earlier revisions promised, made once per activation.
 *
 * A strike that took effect under an earlier revision opens no longer restriction than any revision since would have
 * given it, unless one says `retroactive`; what came before the last such word no longer matters. Written as a minimum
 * over forms it never breaks G10: each form only grows with one more strike, and so does the least of them. What can no
 * longer matter is left out, so most rules inherit nothing and are evaluated as ever.
 * Spec: docs/spec/policy.md, "Fairness in time". Next: inherit-forms.ts, then inherit-ladder.ts.
 */
import { LivegateError } from '../errors.ts'
import { MAX_EARLIER_FORMS } from '../limits.ts'
import { err, ok, type Result } from '../result.ts'
import { type EpochMs, formatInstant, isEpochMs } from '../time.ts'
import {
  countingKey,
  isLadder,
  isNoMilder,
  type LadderRule,
  lastedUntil,
  strikesKey,
} from './inherit-forms.ts'
import type { Counting, EarlierForm, Inherited, MilderForm, Plan, RulePlan } from './plan.ts'

/** One activation: from `from` on, until the next one, `plan` was in force. */
export interface Revision {
  readonly plan: Plan
  /** Its number; rising, from 1. */
  readonly revision: number
  readonly from: EpochMs
}

/** Why a plan cannot be made. */
export interface InheritProblem {
  readonly rule: string
  readonly message: string
  readonly hint: string
}

/** One earlier revision, as one rule sees it. */
interface Reign {
  readonly revision: number
  readonly until: EpochMs
  readonly plan: Plan
  readonly rule: RulePlan | undefined
}

/**
 * `active.plan` with what it keeps of `earlier`, for decisions at `active.from` or later. The first of `earlier` is taken
 * to have been in force ever before. Frozen; costs microseconds for each rule and revision. Fails when too many different
 * earlier forms of one rule may still matter.
 * @throws LivegateError when revisions and instants do not rise.
 */
export function inherit(
  active: Revision,
  earlier: readonly Revision[],
): Result<Plan, readonly InheritProblem[]> {
  requireRising([...earlier, active])
  const reigns = earlier.map(({ plan, revision }, i) => {
    const until = (earlier[i + 1] ?? active).from
    const byId = new Map(plan.rules.map((rule) => [rule.id, rule]))
    return { revision, until, plan, byId }
  })
  const alike = internStrikes(active.plan)
  const problems: InheritProblem[] = []
  const rules = active.plan.rules.map((rule): RulePlan => {
    if (!isLadder(rule)) return bare(rule)
    const own = reigns.map(({ byId, ...reign }) => ({ ...reign, rule: byId.get(rule.id) }))
    const inherited = inheritRule(rule, own, { active, alike })
    if (inherited !== null && inherited.forms.length > MAX_EARLIER_FORMS)
      problems.push(tooMany(rule, inherited.forms))
    return inherited === null ? bare(rule) : Object.freeze({ ...rule, inherited })
  })
  if (problems.length > 0) return err(problems)
  const { revision } = active
  return ok(Object.freeze({ ...active.plan, revision, rules: Object.freeze(rules) }))
}

function bare(rule: RulePlan): RulePlan {
  return rule.inherited === null ? rule : Object.freeze({ ...rule, inherited: null })
}

function requireRising(revisions: readonly Revision[]): void {
  revisions.forEach((one, i) => {
    const before = revisions[i - 1]
    const rises = before === undefined || (before.from < one.from && before.revision < one.revision)
    if (rises && isEpochMs(one.from) && Number.isSafeInteger(one.revision) && one.revision > 0)
      return
    throw new LivegateError(
      'internal',
      `Cannot inherit: revision ${one.revision} does not follow the one before it, expected rising numbers and instants`,
    )
  })
}

/** Plans of equal `strikes` share one object, so that a standing is folded once for all of them. */
type Alike = (plan: Plan) => Plan['strikes']

function internStrikes(active: Plan): Alike {
  const known = new Map([[strikesKey(active.strikes), active.strikes]])
  return ({ strikes }) => {
    const key = strikesKey(strikes)
    const same = known.get(key) ?? strikes
    known.set(key, same)
    return same
  }
}

interface Surroundings {
  readonly active: Revision
  readonly alike: Alike
}

/** Null when nothing earlier can matter at `active.from` or later. */
function inheritRule(
  rule: LadderRule,
  reigns: readonly Reign[],
  around: Surroundings,
): Inherited | null {
  if (rule.retroactive !== null) return null
  const { from } = around.active
  const word = reigns.findLastIndex((reign) => reign.rule?.retroactive != null)
  const lasting = reigns
    .slice(Math.max(0, word))
    .filter(({ until }) => lastedUntil(rule, until) > from)
    .toReversed()
  const gap = lasting.findIndex((reign) => !isLadder(reign.rule))
  const laddered = gap < 0 ? lasting : lasting.slice(0, gap)
  const missing = gap < 0 ? undefined : lasting[gap]
  const absent = missing === undefined ? null : { revision: missing.revision, until: missing.until }
  const forms = formsOf(rule, laddered, around)
  const milder = milderOf(rule, laddered, { absent, forms })
  if (absent === null && forms.length === 0 && milder.length === 0) return null
  const before = Number.POSITIVE_INFINITY
  const first = milder[0]?.rule.inherited?.before ?? Number.NEGATIVE_INFINITY
  return Object.freeze({ absent, forms, from: first, before, milder })
}

/** The forms that may give less than every later one does. `reigns` with the latest first. */
function formsOf(
  rule: LadderRule,
  reigns: readonly Reign[],
  { active, alike }: Surroundings,
): readonly EarlierForm[] {
  const now = countingKey(alike(active.plan), rule.count)
  const kept: { readonly form: EarlierForm; readonly key: string }[] = []
  for (const { revision, until, plan, rule: then } of reigns) {
    if (!isLadder(then)) continue
    const strikes = alike(plan)
    const key = countingKey(strikes, then.count)
    if (key === now && isNoMilder(then.ladder, rule.ladder)) continue
    if (kept.some((one) => one.key === key && isNoMilder(then.ladder, one.form.steps))) continue
    const counting: Counting | null =
      key === now ? null : Object.freeze({ strikes, count: then.count })
    kept.push({ form: Object.freeze({ revision, until, steps: then.ladder, counting }), key })
  }
  return Object.freeze(kept.map(({ form }) => form))
}

const SEVERITY = { allow: 0, delay: 1, deny: 2 } as const

/** The rule as it was, for each time in which it asked for less than ever since. `reigns` with the latest first. */
function milderOf(
  rule: LadderRule,
  reigns: readonly Reign[],
  { absent, forms }: Pick<Inherited, 'absent' | 'forms'>,
): readonly MilderForm[] {
  let least: RulePlan['outcome'] = rule.outcome
  const times: { readonly revision: number; readonly until: EpochMs; readonly then: RulePlan }[] =
    []
  for (const { revision, until, rule: then } of reigns) {
    if (then === undefined || SEVERITY[then.outcome] >= SEVERITY[least]) continue
    least = then.outcome
    times.push({ revision, until, then })
  }
  const milder = times.map(({ revision, until, then }, i): MilderForm => {
    const from = times[i + 1]?.until ?? Number.NEGATIVE_INFINITY
    const { count, ladder, when, retroactive, share } = rule
    const span = { absent, forms, from, before: until, milder: [] }
    const inherited: Inherited = Object.freeze({ ...span, milder: Object.freeze([]) })
    const variant = { ...then, count, ladder, when, retroactive, inherited, share }
    return Object.freeze({ revision, rule: Object.freeze(variant) })
  })
  return Object.freeze(milder)
}

function tooMany(rule: LadderRule, forms: readonly EarlierForm[]): InheritProblem {
  const message = `Cannot keep what rule \`${rule.id}\` promised: ${forms.length} different earlier forms of it still matter, expected at most ${MAX_EARLIER_FORMS}`
  const oldest = forms[MAX_EARLIER_FORMS]
  const end = oldest === undefined ? Number.POSITIVE_INFINITY : lastedUntil(rule, oldest.until)
  const wait = isEpochMs(end)
    ? `activate from ${formatInstant(end)} on`
    : 'let its longest restriction end'
  return {
    rule: rule.id,
    message,
    hint: `say \`retroactive: { why }\` in the rule, or ${wait}`,
  }
}
