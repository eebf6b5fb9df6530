/**
 * Activations as the Worker has them: made in the first log, then carried to all others before anybody is told.
 *
 * A log that could not be reached learns with the next request that activates or lists, by the cron tick, or from the
 * first subject that finds it empty; its own decisions go on under what it knew, and its records say so. While the first
 * log is away, what any other has heard is carried to all of them. A bundle that
 * differs from the last one is activated by the cron tick. Next stop: sequencer-revisions.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Activation } from '../../core/model.ts'
import { isNews, latestOf, type Proposed, type Wish } from '../../core/policy/activation.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { createPolicyBook } from '../../gate/policy-book.ts'
import type { ActivePolicy, Clock } from '../../ports.ts'
import { keepText, keptText, PLANS, planOfText } from './edge-policy.ts'
import { opened, type SequencerRpc } from './rpc.ts'

type PolicyLog = Pick<
  SequencerRpc,
  'activations' | 'activate' | 'learn' | 'policyText' | 'policies' | 'ready'
>

export interface EdgePolicies {
  /** Of the first log, by number. */
  activations(): Promise<readonly Activation[]>
  /** What decides now; the bundled one while nothing is activated yet. */
  active(): Promise<ActivePolicy>
  text(digest: string): Promise<Uint8Array | null>
  planOf(digest: string): Promise<Plan | null>
  commit(wish: Wish, bytes: Uint8Array | null): Promise<Proposed>
  /** Carries what any log has to all of them. Rejects when one of them could not be reached. */
  spread(): Promise<void>
  /** Carries on, and activates what is bundled if it is not what was bundled last. */
  tick(): Promise<void>
}

function firstOf(logs: readonly PolicyLog[]): PolicyLog {
  const [first] = logs
  if (first !== undefined) return first
  throw new LivegateError('internal', 'Cannot activate: there is no log')
}

/** Each once, by number: only the first log gives numbers, so the same number is the same activation. */
function union(lists: readonly (readonly Activation[])[]): readonly Activation[] {
  const all = new Map(lists.flat().map((one) => [one.revision, one]))
  return [...all.values()].sort((a, b) => a.revision - b.revision)
}

/** What comes behind a revision, up to the first that nobody could tell. */
function behind(all: readonly Activation[], revision: number): readonly Activation[] {
  const later = all.filter((one) => one.revision > revision)
  const gap = later.findIndex((one, i) => one.revision !== revision + 1 + i)
  return gap === -1 ? later : later.slice(0, gap)
}

/** While a deployment is rolled out two bundles are there at once: the second does not undo the first. */
const SETTLING_MS = 600_000

export function createEdgePolicies(parts: {
  readonly logs: readonly PolicyLog[]
  readonly bundled: ActivePolicy
  readonly clock: Clock
  /** Every log that could be reached has what was activated. */
  readonly onChange?: () => void
}): EdgePolicies {
  const { logs, bundled, clock, onChange = () => {} } = parts
  const first = firstOf(logs)
  const others = logs.slice(1)
  const book = createPolicyBook(clock, { plans: PLANS, latch: false })

  async function text(digest: string): Promise<Uint8Array | null> {
    const kept = keptText(digest)
    if (kept !== null) return kept
    let lost: unknown = null
    for (const log of logs) {
      const found = await opened(log.policyText(digest)).catch((error: unknown) => {
        lost = error
        return null
      })
      if (found === null) continue
      keepText(digest, found)
      return found
    }
    // One that could not be asked may have it.
    if (lost !== null) throw lost
    return null
  }

  const planOf = (digest: string): Promise<Plan | null> => planOfText(digest, () => text(digest))

  const activations = (): Promise<readonly Activation[]> => opened(first.activations())

  /** `news`: what the first log has just said, should it be away from now on. */
  async function spread(news: readonly Activation[] = []): Promise<void> {
    const lists = await Promise.allSettled(logs.map((log) => opened(log.activations())))
    const all = union([
      ...lists.map((list) => (list.status === 'fulfilled' ? list.value : [])),
      news,
    ])
    const told = await Promise.allSettled(
      others.map(async (log, i) => {
        const list = lists[i + 1]
        if (list?.status !== 'fulfilled') throw list?.reason
        const missing = behind(all, latestOf(list.value)?.revision ?? 0)
        if (missing.length === 0) return
        const digests = [...new Set(missing.map(({ digest }) => digest))]
        const texts = await Promise.all(
          digests.map(async (digest) => ({
            digest,
            bytes: (await text(digest)) ?? new Uint8Array(),
          })),
        )
        await opened(log.learn(missing, texts))
      }),
    )
    // Whoever is there has been told all there is to tell.
    for (const one of [...lists.slice(0, 1), ...told])
      if (one.status === 'rejected') throw one.reason
  }

  async function commit(wish: Wish, bytes: Uint8Array | null): Promise<Proposed> {
    // Every log is there, takes records and has the text before the first one says that it is activated.
    if (wish.cause === 'activation' && bytes !== null) {
      const { digest } = wish
      await Promise.all(logs.map((log) => opened(log.ready({ digest, bytes }))))
      keepText(digest, bytes)
    }
    const proposed = await opened(first.activate(wish, bytes))
    await spread(proposed.is === 'new' ? [proposed.activation] : []).finally(onChange)
    return proposed
  }

  return {
    ...{ activations, text, planOf, commit },
    spread: () => spread(),
    async active() {
      const known = await activations()
      for (const { digest } of known) await text(digest)
      book.learn(known, keptText)
      return book.now() ?? bundled
    },
    async tick() {
      const known = await activations().catch(async (error: unknown) => {
        // What one of the others has heard all of them hear.
        await spread().catch(() => {})
        throw error
      })
      if (known.length === 0) return
      const { digest, name } = bundled.plan
      const last = known.filter(({ source }) => source === 'bundle').at(-1)
      const settled = last === undefined || clock.now() - last.active_from > SETTLING_MS
      if (settled && isNews(known, { source: 'bundle', digest })) {
        const what = { cause: 'activation', source: 'bundle', digest, name } as const
        const when = { by: 'livegate', note: null, activate_at: null, expect_revision: null }
        await commit({ ...what, ...when }, bundled.bytes)
      } else await spread()
    },
  }
}
