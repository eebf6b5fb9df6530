/**
 * What runs is looked at again when what decides has changed: another policy is in force, or has grown too old, an incident has
 * begun or ended.
 *
 * One for each log, in an object of its own (keeper-object.ts). It finds out itself, by reading in its log what decides now
 * and comparing that with what it last swept for; a hint only makes it look sooner. Then it walks over the chains that may
 * have something running (sequencer-running.ts), some at a time, and has each subject's object look. Where it is lies in
 * storage after every page, so a death costs a page, and looking twice changes nothing. It works by alarm alone: whoever
 * hints only sets one. What fails is tried again for a day. Next stop: subject-sweep.ts.
 */
import { incidentFacts, nextIncidentEnd } from '../../core/incident.ts'
import { DECISION_BUDGET_MS } from '../../core/limits.ts'
import type { Activation } from '../../core/model.ts'
import { decidesAt, pendingAt } from '../../core/policy/activation.ts'
import { answersOtherwiseFrom } from '../../core/policy/in-force.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { DAY_MS, type EpochMs, epochMs, MINUTE_MS } from '../../core/time.ts'
import type { Clock, Observe, RecheckCause } from '../../ports.ts'
import { openSinceOf } from './open-since.ts'
import { opened, type SequencerRpc, type SubjectRpc } from './rpc.ts'
import { FRESH_MS } from './sequencer-revisions.ts'

/** What decides, as far as it can deny what runs. */
interface InForce {
  readonly revision: number
  /** Id of the incident that runs. */
  readonly incident: string | null
  /** That revision has grown too old and answers otherwise; absent: it does not. */
  readonly stale?: true
}

export interface SweepState {
  /** What all was looked at by; null before the first sweep. */
  readonly done: InForce | null
  readonly job: SweepJob | null
}

export interface SweepJob {
  readonly cause: RecheckCause
  readonly by: InForce
  readonly read_at: EpochMs
  readonly since: EpochMs
  readonly next: number | null
  /** What came behind was decided by what decides now; null while that cannot be said. */
  readonly until: number | null
  readonly failed: readonly string[]
  readonly tries: number
  readonly retry_at: number
}

export interface SweepParts {
  readonly log: Pick<SequencerRpc, 'activations' | 'incidents' | 'running'>
  readonly subject: (object: string) => Pick<SubjectRpc, 'life'>
  readonly planOf: (digest: string) => Promise<Plan | null>
  readonly kept: {
    load(): Promise<SweepState | null>
    save(state: SweepState): Promise<void>
  }
  readonly clock: Clock
  readonly observe: Observe
}

export interface EdgeSweep {
  /**
   * Goes on for a while; when it has to be asked again. `hint`: why something may have changed. Rejects when the log cannot
   * be asked. One at a time.
   */
  tend(hint?: RecheckCause): Promise<EpochMs>
}

/** Between two looks at what decides, if nobody says anything. */
export const LOOK_EVERY_MS: number = MINUTE_MS
/** Clocks of objects differ; what is in force for one of them is in force for all after this. */
export const SKEW_MS = 1_000
/** Subjects looked at at once, of one log. */
const AT_ONCE = 16
/** Chains told by one page, at least; what a death costs. */
const PAGE = 128
/** Work of one alarm; the platform ends one that takes minutes. */
const SLICE_MS = 20_000
/** So many are tried again before more are looked at. */
const MAX_FAILED = 512
const GIVE_UP_MS = DAY_MS
/** Whoever decides by what was in force before has done so. */
const SETTLED_MS: number = FRESH_MS + DECISION_BUDGET_MS + SKEW_MS

export function createEdgeSweep(parts: SweepParts): EdgeSweep {
  const { log, kept, clock } = parts
  let state: SweepState | null = null

  async function save(next: SweepState): Promise<void> {
    await kept.save(next)
    state = next
  }

  /** Reads what decides; when that changes by itself. */
  async function look(known: SweepState, hint: RecheckCause | undefined): Promise<number> {
    const read_at = clock.now()
    const [activations, incidents] = await Promise.all([
      opened(log.activations()),
      opened(log.incidents()),
    ])
    const at = epochMs(read_at - SKEW_MS)
    const facts = incidentFacts(incidents, at)
    const active = decidesAt(activations, at)
    const stale_from = active === null ? null : await staleFrom(activations, active)
    const by: InForce = {
      revision: active?.revision ?? 0,
      incident: facts.active ? (facts.id ?? null) : null,
      ...(stale_from !== null && at >= stale_from ? { stale: true } : {}),
    }
    const last = known.job?.by ?? known.done
    if (last === null || !isSame(last, by)) {
      const since = await openSinceOf(activations, parts.planOf, read_at)
      const cause = causeOf(last, by, hint)
      const fresh = { next: null, until: null, failed: [], tries: 0, retry_at: 0 }
      await save({ done: known.done, job: { cause, by, read_at, since, ...fresh } })
    }
    const next = [
      pendingAt(activations, at)[0]?.active_from,
      nextIncidentEnd(incidents),
      stale_from,
    ]
    const known_at = next.flatMap((one) => (one == null || one <= at ? [] : [one + SKEW_MS]))
    return Math.min(read_at + LOOK_EVERY_MS, ...known_at)
  }

  async function staleFrom(
    activations: readonly Activation[],
    active: Activation,
  ): Promise<EpochMs | null> {
    const plan = await parts.planOf(active.digest)
    return plan === null ? null : answersOtherwiseFrom(activations, active, plan)
  }

  /** Looks at subjects until there are no more, or time is over; when to go on, null when all is done. */
  async function walk(job: SweepJob, done: InForce | null): Promise<number | null> {
    const ends = clock.now() + SLICE_MS
    let now = job
    if (job.failed.length > 0 && clock.now() >= job.retry_at) {
      const failed = await sweepAll(parts, job, job.failed)
      const tries = job.tries + 1
      const retry_at = clock.now() + Math.min(MINUTE_MS, 1_000 * 2 ** Math.min(tries, 6))
      now = { ...job, failed, tries, retry_at }
      await save({ done, job: now })
    }
    let at_end = isWalked(now)
    while (!at_end && now.failed.length < MAX_FAILED && clock.now() < ends) {
      const { since, next: from, until } = now
      const page = await opened(log.running({ since, from, until, limit: PAGE }))
      const failed = [...now.failed, ...(await sweepAll(parts, now, page.objects))]
      const settled = clock.now() >= now.read_at + SETTLED_MS
      now = { ...now, next: page.next, until: until ?? (settled ? page.size : null), failed }
      await save({ done, job: now })
      at_end = isWalked(now) || page.next >= page.size
    }
    return nextOf(now, at_end)
  }

  function nextOf(job: SweepJob, at_end: boolean): number | null {
    const now = clock.now()
    const { failed, retry_at } = job
    const again = failed.length === 0 ? [] : [Math.max(now, retry_at)]
    if (isWalked(job)) return again[0] ?? null
    const settled_at = at_end ? job.read_at + SETTLED_MS : now
    return Math.max(now, Math.min(...again, failed.length < MAX_FAILED ? settled_at : Infinity))
  }

  return {
    async tend(hint) {
      state ??= (await kept.load()) ?? { done: null, job: null }
      const look_at = await look(state, hint)
      const { job, done } = state
      if (job === null) return epochMs(look_at)
      const again_at = await walk(job, done)
      const left = state.job?.failed.length ?? 0
      if (again_at === null || (left > 0 && clock.now() >= job.read_at + GIVE_UP_MS)) {
        for (let i = 0; i < left; i++) parts.observe({ type: 'left_to_lease', what: 'recheck' })
        await save({ done: job.by, job: null })
        return epochMs(look_at)
      }
      return epochMs(Math.min(look_at, again_at))
    },
  }
}

/** Everything that was decided by what was in force before has been told. */
function isWalked({ next, until }: SweepJob): boolean {
  return next !== null && until !== null && next >= until
}

function isSame(a: InForce, b: InForce): boolean {
  return a.incident === b.incident && isSamePolicy(a, b)
}

function isSamePolicy(a: InForce, b: InForce): boolean {
  return a.revision === b.revision && a.stale === b.stale
}

function causeOf(last: InForce | null, by: InForce, hint: RecheckCause | undefined): RecheckCause {
  if (last === null) return hint ?? 'restart'
  return isSamePolicy(last, by) ? 'incident' : 'policy'
}

/** Those that have to be looked at again. */
async function sweepAll(
  { subject }: Pick<SweepParts, 'subject'>,
  { cause, read_at }: SweepJob,
  objects: readonly string[],
): Promise<readonly string[]> {
  const failed: string[] = []
  // Who asked just before, by a clock that is ahead, has not read it.
  const question = { about: 'sweep', cause, read_at: epochMs(read_at + SKEW_MS) } as const
  for (let i = 0; i < objects.length; i += AT_ONCE)
    await Promise.all(
      objects.slice(i, i + AT_ONCE).map(async (object) => {
        try {
          const swept = await opened(subject(object).life(null, question))
          if (swept.failed.length > 0) failed.push(object)
        } catch {
          failed.push(object)
        }
      }),
    )
  return failed
}
