/**
 * Turns gate events into Prometheus metrics (exposition by prom-client).
 *
 * Labels are closed sets or policy-given ids; never a subject, a key or a stream. Names and units are listed in
 * docs/spec/api.md, "Metrics".
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { GateEvent, Observe } from '../../ports.ts'

export interface Metrics {
  readonly observe: Observe
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>
}

/** Read at scrape time. */
export interface Gauges {
  logSize(): number
  publishedSize(): number
  /** Commits waiting. */
  queued(): number
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2]

/** A fresh registry; two gates in one process do not share counts. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const decisions = new Counter({
    name: 'livegate_decisions_total',
    help: 'Decisions by outcome, delay mode and whether an earlier record was the answer.',
    labelNames: ['outcome', 'mode', 'repeated'],
    registers,
  })
  const rules = new Counter({
    name: 'livegate_rule_matches_total',
    help: 'Decisions in which a rule matched, by outcome.',
    labelNames: ['rule', 'outcome'],
    registers,
  })
  const unknown = new Counter({
    name: 'livegate_unknown_total',
    help: 'Decisions in which a rule could not be evaluated.',
    labelNames: ['rule'],
    registers,
  })
  const decisionSeconds = new Histogram({
    name: 'livegate_decision_seconds',
    help: 'Time from the question to the durable answer.',
    buckets: SECONDS,
    registers,
  })
  const commitSeconds = new Histogram({
    name: 'livegate_commit_seconds',
    help: 'Time of one group commit, fsync included.',
    buckets: SECONDS,
    registers,
  })
  const batch = new Histogram({
    name: 'livegate_commit_batch_size',
    help: 'Changes that shared one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  })
  const roundSeconds = new Histogram({
    name: 'livegate_log_round_seconds',
    help: 'Time of one Merkle round, from reading to the published checkpoint.',
    buckets: [...SECONDS, 5, 10],
    registers,
  })
  const strikes = new Counter({
    name: 'livegate_strikes_total',
    help: 'Strikes recorded, by category (unknown ids as `unknown`).',
    labelNames: ['category'],
    registers,
  })
  const reversals = new Counter({
    name: 'livegate_reversals_total',
    help: 'Strikes reversed.',
    registers,
  })
  const shed = new Counter({
    name: 'livegate_shed_total',
    help: 'Requests refused without an outcome, by problem code.',
    labelNames: ['code'],
    registers,
  })
  const hooks = new Counter({
    name: 'livegate_hooks_refused_total',
    help: 'Hook requests refused without an outcome, by media server and cause.',
    labelNames: ['server', 'why'],
    registers,
  })
  const policy = new Gauge({
    name: 'livegate_policy_info',
    help: '1 for the active policy revision.',
    labelNames: ['name', 'digest'],
    registers,
  })
  const rejected = new Counter({
    name: 'livegate_policy_rejected_total',
    help: 'Policy revisions that did not compile; the last good one stayed active.',
    registers,
  })
  const halted = new Gauge({
    name: 'livegate_halted',
    help: '1 once the log is read-only.',
    registers,
  })
  gaugeOf(registry, 'livegate_log_size', 'Entries durable in the log.', gauges.logSize)
  gaugeOf(
    registry,
    'livegate_log_published_size',
    'Entries covered by the published checkpoint.',
    gauges.publishedSize,
  )
  gaugeOf(registry, 'livegate_log_lag_entries', 'Durable entries no checkpoint covers yet.', () =>
    Math.max(0, gauges.logSize() - gauges.publishedSize()),
  )
  gaugeOf(registry, 'livegate_commit_queue', 'Changes waiting for a commit.', gauges.queued)
  gaugeOf(registry, 'process_resident_memory_bytes', 'Resident memory.', () =>
    process.memoryUsage.rss(),
  )

  const observe = (event: GateEvent): void => {
    switch (event.type) {
      case 'decided':
        decisions.inc({
          outcome: event.outcome,
          mode: event.mode ?? 'none',
          repeated: String(event.repeated),
        })
        for (const rule of event.rules) rules.inc({ rule, outcome: event.outcome })
        for (const rule of event.unknown) unknown.inc({ rule })
        decisionSeconds.observe(event.took_ms / 1000)
        return
      case 'committed':
        commitSeconds.observe(event.took_ms / 1000)
        batch.observe(event.batch)
        return
      case 'round':
        roundSeconds.observe(event.took_ms / 1000)
        return
      case 'strike_recorded':
        strikes.inc({ category: event.category })
        return
      case 'strike_reversed':
        reversals.inc()
        return
      case 'shed':
        shed.inc({ code: event.code })
        return
      case 'hook_refused':
        hooks.inc({ server: event.server, why: event.why })
        return
      case 'policy_active':
        policy.reset()
        policy.set({ name: event.name, digest: event.digest }, 1)
        return
      case 'policy_rejected':
        rejected.inc()
        return
      case 'halted':
        halted.set(1)
        return
    }
  }
  return { observe, text: () => registry.metrics() }
}

function gaugeOf(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}
