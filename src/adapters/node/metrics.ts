/**
 * Turns gate events into Prometheus metrics (exposition by prom-client).
 *
 * Counts come from events, sizes are read when somebody scrapes. Which metrics there are, their labels and units:
 * metric-families.ts and docs/spec/api.md, "Metrics".
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { GateEvent, Observe } from '../../ports.ts'
import { createMediaMetrics } from './media-metrics.ts'
import { BUCKETS, described, FAMILIES, type FamilyId } from './metric-families.ts'

export interface Metrics {
  readonly observe: Observe
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>
}

/** Read at scrape time. */
export interface Gauges {
  logSize(): number
  publishedSize(): number
  /** Age of the oldest entry no checkpoint covers. */
  lagSeconds(): number
  /** Commits waiting. */
  queued(): number
  halted(): boolean
  incidentActive(): boolean
  /** Reviews without a word whose deadline is ahead. */
  openReviews(): number
  /** Entries of the newest checkpoint with a quorum of witnesses. */
  witnessedSize(): number
  /** How long ago the first checkpoint was published that has none. */
  witnessLagSeconds(): number
  /** Number of the revision that decides; 0 before the first. */
  policyRevision(): number
  /** Another revision is to come. */
  policyPending(): boolean
  /** What decides is older than it says it may be. */
  policyStale(): boolean
  /** Entries each webhook endpoint has not been told of yet, letters that wait included. */
  webhooksWaiting(): readonly (readonly [endpoint: string, entries: number])[]
  /** Media servers that have registered themselves. */
  mediaServers(): readonly { readonly template: string; readonly state: 'live' | 'leaving' }[]
}

type DecidedEvent = Extract<GateEvent, { readonly type: 'decided' }>

/** A fresh registry; two gates in one process do not share counts. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  const counters = createCounters(registry)
  const times = createHistograms(registry)
  registerGauges(registry, gauges)
  const countMedia = createMediaMetrics(registry)
  const policy = new Gauge({ ...described('policy'), registers: [registry] })
  return {
    text: () => registry.metrics(),
    observe(event) {
      switch (event.type) {
        case 'decided':
          countDecision(counters, event)
          return times.decision.observe(event.took_ms / 1000)
        case 'committed':
          times.batch.observe(event.batch)
          return times.commit.observe(event.took_ms / 1000)
        case 'round':
          return times.round.observe(event.took_ms / 1000)
        case 'strike_recorded':
          return counters.strikes.inc({ category: event.category })
        case 'strike_reversed':
          return counters.reversals.inc()
        case 'erased':
          return counters.erasures.inc({ scope: event.scope })
        case 'erasure_done':
          return times.erasure.observe(event.took_ms / 1000)
        case 'retained':
          return counters.retained.inc({ what: event.what }, event.count)
        case 'retention_swept':
          return counters.retention_sweeps.inc()
        case 'shed':
          return counters.shed.inc({ code: event.code })
        case 'left_to_lease':
          return counters.left.inc({ what: event.what })
        case 'hook_refused':
          return counters.hooks.inc({ server: event.template ?? event.server, why: event.why })
        case 'webhook_posted':
          return counters.webhooks.inc({ endpoint: event.endpoint, result: event.result })
        case 'policy_active':
          policy.reset()
          return policy.set({ name: event.name, digest: event.digest }, 1)
        case 'policy_rejected':
          return counters.rejected.inc()
        case 'shadowed':
          return countShadowed(counters, event)
        case 'witness_failed':
          return counters.witness_errors.inc({ witness: event.witness, fault: event.fault })
        case 'renewed':
        case 'revoked':
        case 'cut':
        case 'ungated':
        case 'ungated_stranger':
        case 'observed':
        case 'control_failed':
          return countMedia(event)
        case 'witnessed':
        case 'policy_stale':
        case 'media_server':
        case 'halted':
          return
      }
    },
  }
}

type CounterId =
  | 'decisions'
  | 'rules'
  | 'unknown'
  | 'not_enforced'
  | 'strikes'
  | 'reversals'
  | 'erasures'
  | 'retained'
  | 'retention_sweeps'
  | 'shed'
  | 'left'
  | 'hooks'
  | 'rejected'
  | 'shadow'
  | 'shadow_rules'
  | 'witness_errors'
  | 'webhooks'

type Counters = Readonly<Record<CounterId, Counter>>

function createCounters(registry: Registry): Counters {
  const of = (id: CounterId): Counter => new Counter({ ...described(id), registers: [registry] })
  const counters: Counters = {
    decisions: of('decisions'),
    rules: of('rules'),
    unknown: of('unknown'),
    not_enforced: of('not_enforced'),
    strikes: of('strikes'),
    reversals: of('reversals'),
    erasures: of('erasures'),
    retained: of('retained'),
    retention_sweeps: of('retention_sweeps'),
    shed: of('shed'),
    left: of('left'),
    hooks: of('hooks'),
    rejected: of('rejected'),
    shadow: of('shadow'),
    shadow_rules: of('shadow_rules'),
    witness_errors: of('witness_errors'),
    webhooks: of('webhooks'),
  }
  // What alerts watch is there from the start: a rate over a series that appears with its first count misses it.
  for (const code of ['overloaded', 'rate_limited']) counters.shed.inc({ code }, 0)
  for (const what of ['unanswered_broadcast', 'cohost', 'recheck', 'ungated', 'cut'])
    counters.left.inc({ what }, 0)
  return counters
}

function countDecision(counters: Counters, event: DecidedEvent): void {
  const { outcome, mode, repeated, rules, unknown } = event
  counters.decisions.inc({ outcome, mode: mode ?? 'none', repeated: String(repeated) })
  for (const rule of rules) counters.rules.inc({ rule, outcome })
  for (const rule of unknown) counters.unknown.inc({ rule })
  const { would } = event
  for (const rule of would?.rules ?? [])
    counters.not_enforced.inc({ rule, would: would?.outcome ?? outcome })
}

function countShadowed(
  counters: Counters,
  { change, rules }: Extract<GateEvent, { readonly type: 'shadowed' }>,
): void {
  counters.shadow.inc({ change })
  for (const rule of rules) counters.shadow_rules.inc({ rule, change })
}

function createHistograms(
  registry: Registry,
): Readonly<Record<'decision' | 'commit' | 'batch' | 'round' | 'erasure', Histogram>> {
  const of = (id: FamilyId): Histogram =>
    new Histogram({
      ...described(id),
      buckets: [...(BUCKETS[FAMILIES[id].name] ?? [])],
      registers: [registry],
    })
  return {
    decision: of('decision_seconds'),
    commit: of('commit_seconds'),
    batch: of('batch'),
    round: of('round_seconds'),
    erasure: of('erasure_seconds'),
  }
}

function registerGauges(registry: Registry, gauges: Gauges): void {
  const read = (id: FamilyId, value: () => number): void => {
    const collect = function (this: Gauge): void {
      this.set(value())
    }
    new Gauge({ ...described(id), registers: [registry], collect })
  }
  read('queue', gauges.queued)
  read('log_size', gauges.logSize)
  read('published_size', gauges.publishedSize)
  read('lag_entries', () => Math.max(0, gauges.logSize() - gauges.publishedSize()))
  read('lag_seconds', gauges.lagSeconds)
  read('witnessed_size', gauges.witnessedSize)
  read('witness_lag', gauges.witnessLagSeconds)
  read('halted', () => (gauges.halted() ? 1 : 0))
  read('incident', () => (gauges.incidentActive() ? 1 : 0))
  read('reviews', gauges.openReviews)
  read('policy_revision', gauges.policyRevision)
  read('policy_pending', () => (gauges.policyPending() ? 1 : 0))
  read('policy_stale', () => (gauges.policyStale() ? 1 : 0))
  read('memory', () => process.memoryUsage.rss())
  const collect = function (this: Gauge): void {
    this.reset()
    for (const [endpoint, entries] of gauges.webhooksWaiting()) this.set({ endpoint }, entries)
  }
  new Gauge({ ...described('webhooks_waiting'), registers: [registry], collect })
  const countServers = function (this: Gauge): void {
    this.reset()
    for (const { template, state } of gauges.mediaServers()) this.inc({ template, state })
  }
  new Gauge({ ...described('media_servers'), registers: [registry], collect: countServers })
}
