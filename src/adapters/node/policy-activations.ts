/**
 * Which policy decides in this process: read from the log, and the one place where another is put into it.
 *
 * One activation at a time. The log is the truth: after an append that failed, what it holds is read again, because it may
 * have happened all the same. A revision that was scheduled takes over by itself, and one grows too old by itself; the timer here
 * only tells about it.
 * Next stop: policy-files.ts, gate/policy-book.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { isNews, type Proposed, propose, type Wish } from '../../core/policy/activation.ts'
import { isStale } from '../../core/policy/in-force.ts'
import type { Plan } from '../../core/policy/plan.ts'
import type { EpochMs } from '../../core/time.ts'
import type { After } from '../../gate/context.ts'
import { createPolicyBook, type PolicyBook } from '../../gate/policy-book.ts'
import type { Clock, Observe } from '../../ports.ts'
import { activateIn } from '../sqlite/activations.ts'
import type { Scribe } from './bootstrap.ts'
import type { NodeStore } from './store.ts'

export interface NodePoliciesParts {
  readonly store: Pick<NodeStore, 'activations' | 'policyTexts' | 'log' | 'signer'>
  readonly scribe: Pick<Scribe, 'append'>
  readonly clock: Clock
  readonly after: After
  readonly observe: Observe
  readonly onError?: (error: unknown) => void
}

export interface NodePolicies
  extends Pick<PolicyBook, 'active' | 'now' | 'next' | 'instant' | 'planOf' | 'activations'> {
  /** For `DeskParts.commit`. */
  commit(wish: Wish, bytes: Uint8Array | null): Promise<Proposed>
  /** Activates the text of the watched file, unless it is what the file said last. Durable when resolved. */
  fromFile(bytes: Uint8Array, plan: Plan): Promise<void>
  stop(): void
}

/** Timers hold at most 24 days; a month ahead is looked at in steps. */
const MAX_TIMER_MS = 86_400_000

export function createNodePolicies(parts: NodePoliciesParts): NodePolicies {
  const { store, scribe, clock, after, observe, onError = () => {} } = parts
  const book = createPolicyBook(clock)
  let last: Promise<unknown> = Promise.resolve()
  let told = 0
  let told_stale = 0
  let cancel = (): void => {}

  function learn(): void {
    book.learn(store.activations(), store.policyTexts.text)
    look()
  }

  /** Tells what decides now, once, and comes back when that changes by itself. */
  function look(): void {
    cancel()
    const active = book.now()
    const revision = active?.plan.revision ?? null
    if (active !== null && revision !== null && revision !== told) {
      told = revision
      const { name, digest } = active.plan
      observe({ type: 'policy_active', name, digest, revision })
    }
    const changes = [book.next(), active === null ? null : staleNext(active.plan)]
    const next = Math.min(...changes.map((at) => at ?? Number.POSITIVE_INFINITY))
    if (next < Number.POSITIVE_INFINITY) {
      const wait = Math.max(1, Math.min(next - clock.now(), MAX_TIMER_MS))
      cancel = after(wait, lookAgain)
    }
  }

  /** Tells, once, that what decides has grown too old; when it will, null when it has or never does. */
  function staleNext(plan: Plan): EpochMs | null {
    const { stale, name, digest, revision } = plan
    if (stale?.from == null || revision === null || revision === told_stale) return null
    if (!isStale(plan, clock.now())) return stale.from
    told_stale = revision
    observe({ type: 'policy_stale', name, digest, revision, effect: stale.effect })
    return null
  }

  function lookAgain(): void {
    try {
      look()
    } catch (error) {
      onError(error)
    }
  }

  function alone<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  async function put(wish: Wish, given: Uint8Array | null): Promise<Proposed> {
    const proposed = propose(store.activations(), wish, { now: book.instant(), lead_ms: 0 })
    if (proposed.is !== 'new') return proposed
    const { activation } = proposed
    const bytes = given ?? store.policyTexts.text(activation.digest)
    if (bytes === null)
      throw new LivegateError('internal', 'Cannot activate a policy: the log has no text of it')
    try {
      await activateIn(store.log, store.signer, scribe, { activation, bytes })
    } finally {
      learn()
    }
    return proposed
  }

  learn()
  return {
    active: book.active,
    now: book.now,
    next: book.next,
    planOf: book.planOf,
    instant: book.instant,
    activations: book.activations,
    commit: (wish, bytes) => alone(() => put(wish, bytes)),
    fromFile: (bytes, { digest, name }) =>
      alone(async () => {
        if (!isNews(store.activations(), { source: 'file', digest })) return
        const wish = { cause: 'activation', source: 'file', digest, name, by: 'livegate' } as const
        const now = { note: null, activate_at: null, expect_revision: null }
        await put({ ...wish, ...now }, bytes)
      }),
    stop: () => cancel(),
  }
}
