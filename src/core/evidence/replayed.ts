/**
 * The policy a decision names, its activation, and the decision once more from them and the facts.
 *
 * Texts come from the bundle's own policy records and nowhere else. A piece that is missing, or stands after the decision,
 * leaves the check unfinished; pieces that contradict each other are the log's lie. Spec: docs/spec/evidence.md,
 * "Checking", steps 5 and 8. Next: verify.ts.
 */

import { isHeardOf } from '../audit/activations.ts'
import { LogTime } from '../audit/replay/log-time.ts'
import { bucketFault, lackedBucket } from '../audit/replay/rederive.ts'
import { sameValue } from '../audit/replay/same.ts'
import type { Activation, Decision } from '../model.ts'
import { type Engine, engineFor } from '../policy/engines.ts'
import { textsOf } from '../policy/in-force.ts'
import type { Plan } from '../policy/plan.ts'
import { evaluatedFacts } from '../record/disclosure.ts'
import { resultOf } from '../record/drafts.ts'
import type { OwnClaims } from '../record/groups.ts'
import type { Hasher } from '../record/hashing.ts'
import { joinPolicyParts } from '../record/policy-parts.ts'
import { activationOf } from './activations.ts'
import type { DecisionEntry } from './contradictions.ts'
import { type EvidenceFault, faultOf } from './faults.ts'
import type { ProvenEntry } from './trust.ts'

export interface Replayed {
  readonly faults: readonly EvidenceFault[]
  /** Exact bytes of the text it names; null when it is not all here. */
  readonly policy: Uint8Array | null
  /** The activation it names; null when it names none or it is not here. */
  readonly activation: Activation | null
  /** True when it was derived again and every field is the same. */
  readonly replayed: boolean
}

/** Checks what decided, then decides again when `facts` and `result` are opened. */
export function checkPolicy(
  entries: readonly ProvenEntry[],
  decision: DecisionEntry,
  hasher: Hasher,
): Replayed {
  const faults: EvidenceFault[] = []
  const texts = new Texts(entries, decision.index, hasher, faults)
  const activations = activationsOf(entries, faults)
  heartbeatFaults(entries, decision, activations, faults)
  const { policy, revision } = decision.record.claims
  const text = texts.need(policy)
  const named = activations.find(({ one }) => one.revision === revision) ?? null
  checkActivation(decision, activations, named, faults)
  if (named !== null && isOutdated(entries, decision, activations))
    faults.push(
      faultOf('policy_outdated', decision.index, 'Another revision had taken over long before.'),
    )
  const policyOnly = { faults, policy: text, activation: named?.one ?? null, replayed: false }
  const facts = evaluatedFacts('decision', decision.opened)
  if (facts === undefined || decision.opened.result === undefined || text === null)
    return policyOnly
  if (revision !== undefined && named === null) return policyOnly
  const engine = engineFor(decision.record.claims.engine)
  if (engine === null) {
    faults.push(
      faultOf('engine_unknown', decision.index, 'It was made by an engine this program lacks.'),
    )
    return policyOnly
  }
  const known = activations.map(({ one }) => one)
  const plan = planOf(decision, { engine, texts, known, one: named?.one ?? null }, faults)
  if (plan === null || faults.length > 0) return policyOnly
  const wrong = bucketFault(facts)
  if (wrong !== null) faults.push(faultOf('bucket_false', decision.index, `${wrong}.`))
  const lacking = lackedBucket(plan, facts)
  if (lacking !== null) faults.push(faultOf('replay_field', decision.index, `${lacking}.`))
  faults.push(...differences(decision, engine.evaluate(plan, facts)))
  return { ...policyOnly, replayed: faults.length === 0 }
}

interface PlacedActivation {
  readonly index: number
  readonly one: Activation
}

function activationsOf(
  entries: readonly ProvenEntry[],
  faults: EvidenceFault[],
): readonly PlacedActivation[] {
  const found = new Map<number, PlacedActivation>()
  for (const { index, record } of entries) {
    if (record.kind !== 'activation') continue
    const one = activationOf(record.claims)
    const before = found.get(one.revision)
    if (before === undefined) found.set(one.revision, { index, one })
    else if (!sameValue(before.one, one))
      faults.push(
        faultOf('activation_order', index, `Revision ${one.revision} was activated twice.`),
      )
  }
  return [...found.values()].toSorted((a, b) => a.one.revision - b.one.revision)
}

function checkActivation(
  { index, record, opened }: DecisionEntry,
  activations: readonly PlacedActivation[],
  named: PlacedActivation | null,
  faults: EvidenceFault[],
): void {
  const { policy, revision } = record.claims
  const at = instantOf({ record, opened })
  if (revision === undefined) {
    if (activations.some((other) => other.index < index))
      faults.push(faultOf('policy_not_active', index, 'It names no revision although there are.'))
    return
  }
  if (named === null) {
    faults.push(faultOf('activation_missing', index, `Revision ${revision} is not here.`))
    return
  }
  if (named.one.digest !== policy || named.one.active_from > at)
    faults.push(
      faultOf(
        'policy_not_active',
        index,
        `Revision ${revision} had another text or did not decide yet.`,
      ),
    )
  else if (named.index > index)
    faults.push(faultOf('activation_after', named.index, 'Its revision is shown only after it.'))
}

function instantOf({ record, opened }: Pick<DecisionEntry, 'record' | 'opened'>): number {
  return opened.chain?.at ?? 1000 * record.claims.iat + 999
}

/** Those that stand before it under a higher number than the decision names. */
function newerBefore(
  { index, record }: DecisionEntry,
  activations: readonly PlacedActivation[],
): readonly PlacedActivation[] {
  const { revision } = record.claims
  if (revision === undefined) return []
  return activations.filter((other) => other.index < index && other.one.revision > revision)
}

/** Long before, by the decision's instant and by the time that the entries here tell: less than all of the log do. */
function isOutdated(
  entries: readonly ProvenEntry[],
  decision: DecisionEntry,
  activations: readonly PlacedActivation[],
): boolean {
  const time = new LogTime()
  const logged = new Map<number, number>()
  for (const { index, record } of entries) {
    time.entry(record.claims.iat)
    logged.set(index, time.now())
  }
  const decided = { at: instantOf(decision), logged: logged.get(decision.index) ?? 0 }
  return newerBefore(decision, activations).some(({ index, one: { active_from } }) =>
    isHeardOf({ active_from, logged: logged.get(index) ?? 0 }, decided),
  )
}

/** A heartbeat tells how long after an activation the decision came, and nothing else. */
function heartbeatFaults(
  entries: readonly ProvenEntry[],
  decision: DecisionEntry,
  activations: readonly PlacedActivation[],
  faults: EvidenceFault[],
): void {
  const from = Math.min(...newerBefore(decision, activations).map(({ index }) => index))
  for (const { index, record } of entries)
    if (record.kind === 'heartbeat' && !(index > from && index < decision.index))
      faults.push(faultOf('entry_unneeded', index, 'No activation needs the time it tells.'))
}

/** Texts of the bundle, put together when they are asked for. */
class Texts {
  readonly #parts = new Map<string, { claims: OwnClaims['policy']; index: number }[]>()
  readonly #before: number
  readonly #hasher: Hasher
  readonly #faults: EvidenceFault[]

  constructor(
    entries: readonly ProvenEntry[],
    before: number,
    hasher: Hasher,
    faults: EvidenceFault[],
  ) {
    this.#before = before
    this.#hasher = hasher
    this.#faults = faults
    for (const { index, record } of entries) {
      if (record.kind !== 'policy') continue
      const known = this.#parts.get(record.claims.digest) ?? []
      this.#parts.set(record.claims.digest, [...known, { claims: record.claims, index }])
    }
  }

  /** The text of a digest, complete before the decision; null after saying why not. */
  need(digest: string): Uint8Array | null {
    const parts = this.#parts.get(digest) ?? []
    const joined = joinPolicyParts(
      parts.map(({ claims }) => claims),
      this.#hasher,
    )
    const last = parts.at(-1)?.index ?? null
    if (joined.ok && (last ?? 0) < this.#before) return joined.value
    if (joined.ok)
      this.#faults.push(faultOf('policy_after', last, 'The policy text is shown only after it.'))
    else if (joined.error === 'parts_missing')
      this.#faults.push(
        faultOf('policy_missing', this.#before, `Text ${digest} is not, or not all, here.`),
      )
    else
      this.#faults.push(faultOf('policy_parts', last, `Parts of ${digest} do not make its text.`))
    return null
  }
}

function planOf(
  { index, record }: DecisionEntry,
  input: {
    readonly engine: Engine
    readonly texts: Texts
    readonly known: readonly Activation[]
    readonly one: Activation | null
  },
  faults: EvidenceFault[],
): Plan | null {
  const { engine, texts, known, one } = input
  const compiled = new Map<string, Plan | null>()
  const planFor = (digest: string): Plan | null => {
    const before = compiled.get(digest)
    if (before !== undefined) return before
    const text = texts.need(digest)
    const made = text === null ? null : engine.compile(text, { file: 'policy.yaml' })
    const plan = made?.ok === true ? made.value.plan : null
    compiled.set(digest, plan)
    return plan
  }
  const plan = planFor(record.claims.policy)
  if (plan === null) {
    faults.push(
      faultOf('replay_policy', index, 'It was decided under a text that makes no policy.'),
    )
    return null
  }
  if (one === null) return plan
  // Numbers have no gaps, so it shows when one of those before is left out.
  for (let revision = 1; revision < one.revision; revision++)
    if (!known.some((other) => other.revision === revision)) {
      faults.push(faultOf('activation_missing', index, `Revision ${revision} is not here.`))
      return null
    }
  for (const digest of textsOf(known, one)) planFor(digest)
  const made = engine.planInForce(known, one, { plan, planOf: planFor })
  if (made.ok) return made.value
  faults.push(
    faultOf('replay_policy', index, 'Earlier revisions promised more than its policy can keep.'),
  )
  return null
}

/** Every field of the record against the decision derived again. Names the field, never its value. */
function differences(decision: DecisionEntry, derived: Decision): readonly EvidenceFault[] {
  const { index, record, opened } = decision
  const faults: EvidenceFault[] = []
  if (record.claims.outcome !== derived.outcome)
    faults.push(
      faultOf(
        'replay_outcome',
        index,
        `The record says ${record.claims.outcome}; policy and facts give ${derived.outcome}.`,
      ),
    )
  const recorded = opened.result as Readonly<Record<string, unknown>> | undefined
  const fields = { ...resultOf(derived), would: derived.would }
  for (const [field, value] of Object.entries(fields))
    if (!sameValue(recorded?.[field], value))
      faults.push(faultOf('replay_field', index, `\`${field}\` is not what policy and facts give.`))
  if ((record.claims.enforced !== false) !== (derived.would === undefined))
    faults.push(faultOf('replay_field', index, '`enforced` is not what policy and facts give.'))
  return faults
}
