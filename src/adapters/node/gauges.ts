/**
 * What metrics read from the store when somebody scrapes; above all how far publication is behind what is durable.
 *
 * A lag of about a second is normal under load; more than the merge delay is a broken promise. Spec: docs/spec/api.md, "Metrics".
 */
import { isStale } from '../../core/policy/in-force.ts'
import type { Plan } from '../../core/policy/plan.ts'
import type { EpochMs } from '../../core/time.ts'
import type { PolicyBook } from '../../gate/policy-book.ts'
import type { EndpointView } from '../../gate/webhooks/desk.ts'
import type { Clock } from '../../ports.ts'
import type { WitnessStatus } from '../sqlite/witnesses.ts'
import type { NodeIncidents } from './incidents.ts'
import type { Gauges } from './metrics.ts'

export interface GaugedStore {
  status(): {
    readonly halted: string | null
    readonly queued: number
    readonly entries: number
    readonly published: number
    readonly witnesses?: Pick<WitnessStatus, 'size' | 'lag_s'> | null
  }
  /** When the entry at an index was made. */
  instantOf(index: number): EpochMs | null
  /** Reviews without a word whose deadline is after `at`. */
  openReviews(at: EpochMs): number
}

/** Parts that are made after the metrics are: null until there are any. */
export interface GaugedParts {
  policies(): Pick<PolicyBook, 'now' | 'next'> | null
  incidents(): Pick<NodeIncidents, 'facts'> | null
  webhooks(): readonly EndpointView[]
  mediaServers(): ReturnType<Gauges['mediaServers']>
}

export function gaugesOf(
  store: GaugedStore,
  clock: Clock,
  { policies, incidents, webhooks, mediaServers }: GaugedParts,
): Gauges {
  const plan = (): Plan | null => policies()?.now()?.plan ?? null
  return {
    policyRevision: () => plan()?.revision ?? 0,
    policyPending: () => (policies()?.next() ?? null) !== null,
    policyStale() {
      const active = plan()
      return active !== null && isStale(active, clock.now())
    },
    logSize: () => store.status().entries,
    publishedSize: () => store.status().published,
    lagSeconds: () => lagSeconds(store, clock),
    queued: () => store.status().queued,
    witnessedSize: () => store.status().witnesses?.size ?? 0,
    witnessLagSeconds: () => store.status().witnesses?.lag_s ?? 0,
    halted: () => store.status().halted !== null,
    incidentActive: () => incidents()?.facts(clock.now()).active ?? false,
    openReviews: () => store.openReviews(clock.now()),
    webhooksWaiting: () => webhooks().map((one) => [one.id, one.behind + one.waiting]),
    mediaServers,
  }
}

/** Age of the oldest durable entry no published checkpoint covers; 0 when there is none. */
function lagSeconds(store: GaugedStore, clock: Clock): number {
  const { entries, published } = store.status()
  if (published >= entries) return 0
  const at = store.instantOf(published)
  return at === null ? 0 : Math.max(0, clock.now() - at) / 1000
}
