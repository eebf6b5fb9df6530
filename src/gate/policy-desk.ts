/**
 * Where policies are activated: compiled, reported on, and only then put into the log under the next number.
 *
 * A policy that does not compile, that another author was faster than, or whose promises cannot be kept changes nothing.
 * What it would change is reported before (policy-report.ts). All of it works in steps, so that decisions go on meanwhile. Hosts differ in how an activation gets into their log or
 * logs (`DeskParts.commit`); what it is follows from core/policy/activation.ts everywhere. Spec: docs/spec/api.md, "Policies".
 */
import { fromUtf8 } from '../core/encoding.ts'
import { LivegateError } from '../core/errors.ts'
import type { Activation } from '../core/model.ts'
import {
  decidesAt,
  latestOf,
  type Proposal,
  type Proposed,
  pendingAt,
  propose,
  type Wish,
} from '../core/policy/activation.ts'
import { compiling } from '../core/policy/compile.ts'
import type { Diagnostic } from '../core/policy/diagnostic.ts'
import { planInForce } from '../core/policy/in-force.ts'
import { type LintReport, linting } from '../core/policy/lint/lint.ts'
import type { Plan } from '../core/policy/plan.ts'
import { inTurns } from '../core/policy/steps.ts'
import { type EpochMs, formatInstant } from '../core/time.ts'
import type { Clock } from '../ports.ts'
import { type ActivationReport, type ReportSources, reportOn } from './policy-report.ts'

export interface DeskParts {
  /** At no time before what decides began. */
  readonly clock: Clock
  /** How long everybody who decides needs to hear of an activation. */
  readonly lead_ms: number
  /** Everything the log holds, by number. */
  activations(): Promise<readonly Activation[]> | readonly Activation[]
  /** Null when the log does not hold the whole text. */
  text(digest: string): Promise<Uint8Array | null> | Uint8Array | null
  /** That text compiled, as `compilePolicy` does; hosts remember it. Null when it does not compile any more. */
  planOf(digest: string): Promise<Plan | null> | Plan | null
  /**
   * Proposes again, with nobody else doing so meanwhile, and makes what follows durable in every log. `bytes` are those
   * of an activation's text. When it rejects, nothing or all of it was done; the same wish again is safe.
   */
  commit(wish: Wish, bytes: Uint8Array | null): Promise<Proposed>
  /** Makes sure that every log has what was activated before somebody is told so; absent where there is one log. */
  spread?(): Promise<void>
  /** For one report. */
  sources(): ReportSources
}

export interface ActivationRequest extends Omit<Proposal, 'digest' | 'name' | 'source'> {
  readonly bytes: Uint8Array
  /** Compile and report, change nothing. */
  readonly dry_run: boolean
  /** Decisions to report on; 0 for no report, null for as many as the host usually looks at. */
  readonly decisions: number | null
}

export type ChangeRequest = Pick<Proposal, 'by' | 'note' | 'expect_revision'>

export type Activating =
  | {
      readonly is: 'invalid'
      readonly diagnostics: readonly Diagnostic[]
      /** The text they are about. */
      readonly source: string
    }
  | {
      /** `dry` changed nothing: `activation` is the one that would have followed. */
      readonly is: 'new' | 'same' | 'dry'
      readonly activation: Activation
      /** Revisions to come that never will. */
      readonly supersedes: readonly number[]
      /** Warnings of the compiler and errors of lint, which refuse nothing here: whoever activates may mean it. */
      readonly warnings: readonly Diagnostic[]
      /** The text the warnings are about. */
      readonly source: string
      readonly report: ActivationReport | null
    }

export interface PolicyDesk {
  /** The instant activations are compared with. */
  now(): EpochMs
  activations(): Promise<readonly Activation[]> | readonly Activation[]
  /** @throws LivegateError `conflict`, `log_unavailable`, `halted`. */
  activate(request: ActivationRequest): Promise<Activating>
  /** The text before the one that decides, again. @throws as `activate`. */
  rollback(request: ChangeRequest): Promise<Activating>
  /** What is to come will not. @throws as `activate`; `not_found` when nothing is. */
  cancel(request: ChangeRequest): Promise<Activating>
}

/** Another author may come between report and activation; who did not say what they expect is asked for again. */
const MAX_ATTEMPTS = 3
/** Of some 300 bytes each. */
const MAX_WARNINGS = 100

export function createPolicyDesk(parts: DeskParts): PolicyDesk {
  return {
    now: () => parts.clock.now(),
    activations: () => parts.activations(),
    activate: (request) => activate(parts, request),
    rollback: (request) => change(parts, { cause: 'rollback', ...request }),
    async cancel(request) {
      const known = await parts.activations()
      const repeated = request.expect_revision !== null && latestOf(known)?.cause === 'cancellation'
      if (!repeated && pendingAt(known, parts.clock.now()).length === 0)
        throw new LivegateError('not_found', 'Cannot cancel an activation: none is pending')
      return change(parts, { cause: 'cancellation', ...request })
    },
  }
}

async function activate(parts: DeskParts, request: ActivationRequest): Promise<Activating> {
  const { bytes, dry_run } = request
  const { pause } = parts.sources()
  const compiled = await inTurns(compiling(bytes, { file: 'policy.yaml' }), pause)
  const source = fromUtf8(bytes) ?? ''
  if (!compiled.ok) return { is: 'invalid', diagnostics: compiled.error, source }
  const { plan } = compiled.value
  const linted = await inTurns(
    linting(compiled.value, { file: 'policy.yaml', now: parts.clock.now() }),
    pause,
  )
  const warnings = [...compiled.value.warnings, ...hardlyMeant(linted)]
  for (let attempt = 1; ; attempt++) {
    const known = await parts.activations()
    const wish = wishOf(request, plan, known)
    const proposed = settled(propose(known, wish, moment(parts)), 'activate the policy')
    if (proposed.is === 'same') await parts.spread?.()
    if (proposed.is === 'same')
      return { ...proposed, supersedes: [], warnings, source, report: null }
    const { activation } = proposed
    const candidate = await enforced(parts, [...known, activation], { activation, plan })
    const report = await reportOf(parts, known, { request, plan, candidate, activation })
    const supersedes = supersededBy(known, activation, parts.clock.now())
    if (dry_run) return { is: 'dry', activation, supersedes, warnings, source, report }
    const done = await parts.commit(wish, bytes)
    if (done.is !== 'refused') return { ...done, supersedes, warnings, source, report }
    if (request.expect_revision !== null || attempt >= MAX_ATTEMPTS)
      settled(done, 'activate the policy')
  }
}

/** What compiles and shuts people out who did nothing, or for ever: the first errors of lint. */
function hardlyMeant({ diagnostics }: LintReport): readonly Diagnostic[] {
  return diagnostics.filter(({ severity }) => severity === 'error').slice(0, MAX_WARNINGS)
}

function wishOf(request: ActivationRequest, plan: Plan, known: readonly Activation[]): Wish {
  const { activate_at, by, note } = request
  const { digest, name } = plan
  const expect_revision = request.expect_revision ?? latestOf(known)?.revision ?? 0
  return {
    ...{ cause: 'activation', source: 'api', digest, name, activate_at, by, note },
    expect_revision,
  }
}

async function change(
  parts: DeskParts,
  wish: Exclude<Wish, { readonly cause: 'activation' }>,
): Promise<Activating> {
  const verb = wish.cause === 'rollback' ? 'roll the policy back' : 'cancel an activation'
  const known = await parts.activations()
  const proposed = settled(propose(known, wish, moment(parts)), verb)
  const { activation } = proposed
  if (proposed.is === 'same') await parts.spread?.()
  if (proposed.is === 'same')
    return { ...proposed, supersedes: [], warnings: [], source: '', report: null }
  const plan = await parts.planOf(activation.digest)
  if (plan === null)
    throw new LivegateError(
      'conflict',
      `Cannot ${verb}: the text of the revision before does not compile under this version`,
    )
  await enforced(parts, [...known, activation], { activation, plan })
  const supersedes = supersededBy(known, activation, parts.clock.now())
  const expect_revision = wish.expect_revision ?? latestOf(known)?.revision ?? 0
  const done = settled(await parts.commit({ ...wish, expect_revision }, null), verb)
  return { ...done, supersedes, warnings: [], source: '', report: null }
}

function moment({ clock, lead_ms }: DeskParts): { now: EpochMs; lead_ms: number } {
  return { now: clock.now(), lead_ms }
}

function settled(proposed: Proposed, verb: string): Exclude<Proposed, { readonly is: 'refused' }> {
  if (proposed.is !== 'refused') return proposed
  throw new LivegateError('conflict', `Cannot ${verb}: ${proposed.why}`, {
    hint: 'GET /v1/policies lists the revisions, and what is pending.',
  })
}

/** What is pending now and will not be any more. */
function supersededBy(
  known: readonly Activation[],
  activation: Activation,
  now: EpochMs,
): readonly number[] {
  return pendingAt(known, now)
    .filter(({ active_from }) => active_from >= activation.active_from)
    .map(({ revision }) => revision)
}

/** The plan as it would decide. Throws `conflict` when promises of earlier revisions cannot be kept. */
async function enforced(
  parts: DeskParts,
  activations: readonly Activation[],
  { activation, plan }: { readonly activation: Activation; readonly plan: Plan },
): Promise<Plan> {
  const planOf = await plansOf(parts, activations)
  const made = planInForce(activations, activation, { plan, planOf })
  if (made.ok) return made.value
  const [problem] = made.error
  throw new LivegateError('conflict', problem?.message ?? 'Cannot activate the policy', {
    ...(problem === undefined ? {} : { hint: problem.hint }),
  })
}

/** Every text there is, compiled as far as it still does. */
async function plansOf(
  parts: DeskParts,
  activations: readonly Activation[],
): Promise<(digest: string) => Plan | null> {
  const plans = new Map<string, Plan | null>()
  for (const { digest } of activations)
    if (!plans.has(digest)) plans.set(digest, await parts.planOf(digest))
  return (digest) => plans.get(digest) ?? null
}

async function reportOf(
  parts: DeskParts,
  known: readonly Activation[],
  input: {
    readonly request: ActivationRequest
    readonly plan: Plan
    readonly candidate: Plan
    readonly activation: Activation
  },
): Promise<ActivationReport | null> {
  const { request, plan, candidate, activation } = input
  const active = decidesAt(known, parts.clock.now())
  if (active === null || request.decisions === 0) return null
  const planOf = await plansOf(parts, known)
  const current = planOf(active.digest)
  if (current === null) return null
  const inForce = planInForce(known, active, { plan: current, planOf })
  const sources = parts.sources()
  return reportOn(sources, {
    decisions: request.decisions ?? sources.default_decisions,
    texts: { before: current, after: plan },
    plans: { before: inForce.ok ? inForce.value : current, after: candidate },
    at: activation.active_from,
  })
}

/** `revision 5 (from 2026-…)`, for lines. */
export function wordsOf({ revision, active_from }: Activation): string {
  return `revision ${revision} (from ${formatInstant(active_from)})`
}
