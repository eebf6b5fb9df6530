/** Metrics against events: names, labels, values, and that docs/spec/api.md lists exactly what there is. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { type GaugedParts, gaugesOf } from '../../../src/adapters/node/gauges.ts'
import { FAMILIES } from '../../../src/adapters/node/metric-families.ts'
import { createMetrics, type Gauges, type Metrics } from '../../../src/adapters/node/metrics.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { GateEvent } from '../../../src/ports.ts'
import { aTime, START } from '../../support/node-gate.ts'

const QUIET: Gauges = {
  logSize: () => 12,
  publishedSize: () => 10,
  lagSeconds: () => 1.5,
  queued: () => 3,
  halted: () => false,
  witnessedSize: () => 9,
  witnessLagSeconds: () => 2.5,
  incidentActive: () => false,
  openReviews: () => 0,
  policyRevision: () => 3,
  policyPending: () => false,
  policyStale: () => false,
  webhooksWaiting: () => [['platform', 4]],
  mediaServers: () => [
    { template: 'origins', state: 'live' },
    { template: 'origins', state: 'live' },
    { template: 'origins', state: 'leaving' },
  ],
}

const NO_PARTS: GaugedParts = {
  ...{ policies: () => null, incidents: () => null, webhooks: () => [], mediaServers: () => [] },
}

const DECIDED: GateEvent = {
  ...{ type: 'decided', outcome: 'delay', mode: 'hold', rules: ['a', 'b'], unknown: ['c'] },
  ...{ policy: 'sha256-x', took_ms: 7, repeated: false },
}

/** One event of each kind, and the series it makes or moves. */
const CASES: readonly {
  readonly events: readonly GateEvent[]
  readonly series: readonly string[]
}[] = [
  {
    events: [{ type: 'webhook_posted', endpoint: 'platform', result: 'status_5xx' }],
    series: [
      'livegate_webhooks_posted_total{endpoint="platform",result="status_5xx"} 1',
      'livegate_webhooks_waiting{endpoint="platform"} 4',
    ],
  },
  {
    events: [
      { type: 'hook_refused', server: 'origin-7', template: 'origins', why: 'leaving' },
      { type: 'control_failed', server: 'origin-7', template: 'origins', fault: 'timeout' },
    ],
    series: [
      'livegate_hooks_refused_total{server="origins",why="leaving"} 1',
      'livegate_control_faults_total{server="origins",fault="timeout"} 1',
      'livegate_media_servers{template="origins",state="live"} 2',
      'livegate_media_servers{template="origins",state="leaving"} 1',
    ],
  },
  {
    events: [DECIDED, { ...DECIDED, outcome: 'allow', mode: null, repeated: true, unknown: [] }],
    series: [
      'livegate_decisions_total{outcome="delay",mode="hold",repeated="false"} 1',
      'livegate_decisions_total{outcome="allow",mode="none",repeated="true"} 1',
      'livegate_rule_matches_total{rule="a",outcome="delay"} 1',
      'livegate_rule_matches_total{rule="b",outcome="allow"} 1',
      'livegate_unknown_total{rule="c"} 1',
      'livegate_decision_seconds_bucket{le="0.005"} 0',
      'livegate_decision_seconds_bucket{le="0.01"} 2',
      'livegate_decision_seconds_sum 0.014',
    ],
  },
  {
    events: [
      { ...DECIDED, outcome: 'allow', would: { outcome: 'deny', rules: ['a', 'b'] } },
      { ...DECIDED, outcome: 'allow', would: { outcome: 'delay', rules: ['a'] } },
    ],
    series: [
      'livegate_not_enforced_total{rule="a",would="deny"} 1',
      'livegate_not_enforced_total{rule="b",would="deny"} 1',
      'livegate_not_enforced_total{rule="a",would="delay"} 1',
    ],
  },
  {
    events: [{ type: 'strike_recorded', category: 'hate.speech', known_category: true }],
    series: ['livegate_strikes_total{category="hate.speech"} 1'],
  },
  { events: [{ type: 'strike_reversed' }], series: ['livegate_reversals_total 1'] },
  {
    events: [
      { type: 'erased', scope: 'full', suppressed: 0 },
      { type: 'erasure_done', took_ms: 250 },
      { type: 'retained', what: 'strikes', count: 3 },
      { type: 'retention_swept', took_ms: 5 },
    ],
    series: [
      'livegate_erasures_total{scope="full"} 1',
      'livegate_erasure_seconds_sum 0.25',
      'livegate_retention_removed_total{what="strikes"} 3',
      'livegate_retention_sweeps_total 1',
    ],
  },
  {
    events: [{ type: 'committed', batch: 3, took_ms: 20 }],
    series: [
      'livegate_commit_batch_size_bucket{le="2"} 0',
      'livegate_commit_batch_size_bucket{le="4"} 1',
      'livegate_commit_seconds_sum 0.02',
    ],
  },
  {
    events: [{ type: 'round', size: 9, entries: 4, took_ms: 3_000 }],
    series: [
      'livegate_log_round_seconds_bucket{le="2"} 0',
      'livegate_log_round_seconds_bucket{le="5"} 1',
    ],
  },
  {
    events: [
      { type: 'shed', code: 'overloaded' },
      { type: 'shed', code: 'overloaded' },
    ],
    series: [
      'livegate_shed_total{code="overloaded"} 2',
      'livegate_shed_total{code="rate_limited"} 0',
    ],
  },
  {
    events: [{ type: 'left_to_lease', what: 'cohost' }],
    series: [
      'livegate_left_to_lease_total{what="cohost"} 1',
      'livegate_left_to_lease_total{what="unanswered_broadcast"} 0',
    ],
  },
  {
    events: [
      { type: 'renewed', cause: 'lease' },
      { type: 'revoked', cause: 'strike' },
      { type: 'cut', cause: 'strike', confirmed: 'dropped', took_ms: 40, attempts: 1 },
      { type: 'cut', cause: 'ungated', confirmed: 'none', took_ms: 300_000, attempts: 70 },
    ],
    series: [
      'livegate_rechecks_total{event="renewed",cause="lease"} 1',
      'livegate_rechecks_total{event="revoked",cause="strike"} 1',
      'livegate_cuts_total{confirmed="dropped"} 1',
      'livegate_cuts_total{confirmed="none"} 1',
      'livegate_cuts_total{confirmed="absent"} 0',
      'livegate_cut_seconds_sum 0.04',
      'livegate_cut_seconds_count 1',
    ],
  },
  {
    events: [
      { type: 'ungated', cause: 'gate_unreachable', kept: true },
      { type: 'ungated_stranger', server: 'edge-1', why: 'unknown_key' },
      { type: 'observed', covered_s: 15, uncovered_s: 5 },
      { type: 'control_failed', server: 'edge-1', fault: 'timeout' },
    ],
    series: [
      'livegate_ungated_total{cause="gate_unreachable"} 1',
      'livegate_ungated_total{cause="unknown_key"} 1',
      'livegate_observed_stream_seconds_total{covered="yes"} 15',
      'livegate_observed_stream_seconds_total{covered="no"} 5',
      'livegate_control_faults_total{server="edge-1",fault="timeout"} 1',
    ],
  },
  {
    events: [{ type: 'hook_refused', server: 'edge-1', why: 'malformed' }],
    series: ['livegate_hooks_refused_total{server="edge-1",why="malformed"} 1'],
  },
  {
    events: [
      { type: 'policy_active', name: 'old', digest: 'sha256-1' },
      { type: 'policy_active', name: 'new', digest: 'sha256-2' },
    ],
    series: ['livegate_policy_info{name="new",digest="sha256-2"} 1'],
  },
  {
    events: [{ type: 'policy_rejected', file: 'p.yaml', problems: 2 }],
    series: ['livegate_policy_rejected_total 1'],
  },
  {
    events: [
      { type: 'shadowed', change: 'same', rules: [] },
      { type: 'shadowed', change: 'allow_to_deny', rules: ['a', 'b'] },
      { type: 'shadowed', change: 'passed_over', rules: [] },
    ],
    series: [
      'livegate_shadow_decisions_total{change="same"} 1',
      'livegate_shadow_decisions_total{change="allow_to_deny"} 1',
      'livegate_shadow_decisions_total{change="passed_over"} 1',
      'livegate_shadow_rules_total{rule="a",change="allow_to_deny"} 1',
      'livegate_shadow_rules_total{rule="b",change="allow_to_deny"} 1',
    ],
  },
  {
    events: [
      { type: 'witness_failed', witness: 'w1', fault: 'timed_out', size: 7 },
      { type: 'witnessed', size: 7, cosignatures: 2 },
    ],
    series: [
      'livegate_witness_errors_total{witness="w1",fault="timed_out"} 1',
      'livegate_witnessed_size 9',
      'livegate_witness_lag_seconds 2.5',
    ],
  },
  { events: [{ type: 'halted', why: 'the disk is full' }], series: ['livegate_halted 0'] },
]

async function linesOf(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.text()).split('\n')
}

describe('metrics', () => {
  let metrics: Metrics
  beforeEach(() => {
    metrics = createMetrics(QUIET)
  })

  for (const { events, series } of CASES)
    it(`move with ${events[0]?.type}`, async () => {
      for (const event of events) metrics.observe(event)
      expect(await linesOf(metrics)).toEqual(expect.arrayContaining([...series]))
    })

  it('forget the policy that is no longer active', async () => {
    metrics.observe({ type: 'policy_active', name: 'old', digest: 'sha256-1' })
    metrics.observe({ type: 'policy_active', name: 'new', digest: 'sha256-2' })
    expect(await metrics.text()).not.toContain('sha256-1')
  })

  it('show sizes as they are when somebody looks', async () => {
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'livegate_log_size 12',
        'livegate_log_published_size 10',
        'livegate_log_lag_entries 2',
        'livegate_log_lag_seconds 1.5',
        'livegate_commit_queue 3',
        'livegate_halted 0',
        'livegate_incident_active 0',
        'livegate_reviews_open 0',
      ]),
    )
    const moved = { halted: () => true, publishedSize: () => 20 }
    const busy = { incidentActive: () => true, openReviews: () => 41 }
    const lines = await linesOf(createMetrics({ ...QUIET, ...moved, ...busy }))
    expect(lines).toContain('livegate_incident_active 1')
    expect(lines).toContain('livegate_reviews_open 41')
    expect(lines).toContain('livegate_halted 1')
    expect(lines).toContain('livegate_log_lag_entries 0')
  })

  it('have exactly the labels of their table, with closed values where alerts need them', async () => {
    for (const { events } of CASES) for (const event of events) metrics.observe(event)
    const labels = new Map<string, string>()
    for (const line of await linesOf(metrics)) {
      const [, name = '', inside = ''] = /^([a-z_]+)\{(.*)\} /.exec(line) ?? []
      const base = name.replace(/_bucket$/, '')
      const names = [...inside.matchAll(/(\w+)="/g)]
        .map((match) => match[1])
        .filter((l) => l !== 'le')
      if (name !== '' && names.length > 0) labels.set(base, names.join(' '))
    }
    const expected = Object.values(FAMILIES).filter((family) => family.labels.length > 0)
    expect(Object.fromEntries(labels)).toEqual(
      Object.fromEntries(expected.map((family) => [family.name, family.labels.join(' ')])),
    )
  })

  it('are not shared between two gates of one process', async () => {
    metrics.observe({ type: 'strike_reversed' })
    expect(await linesOf(createMetrics(QUIET))).toContain('livegate_reversals_total 0')
  })
})

describe('the age of what is not published', () => {
  const time = aTime()
  const at = epochMs(START - 4_250)
  const lag = (entries: number, published: number, instant: number | null = at): number => {
    const status = (): { halted: null; queued: number; entries: number; published: number } => ({
      ...{ halted: null, queued: 0 },
      ...{ entries, published },
    })
    const instantOf = (index: number): typeof at | null =>
      index === published && instant !== null ? epochMs(instant) : null
    const store = { status, instantOf, openReviews: () => 0 }
    return gaugesOf(store, time, NO_PARTS).lagSeconds()
  }

  it('is that of the first entry no checkpoint covers', () => {
    expect(lag(12, 10)).toBe(4.25)
  })

  it('is zero when every entry is covered, or a record is ahead of a clock that stepped back', () => {
    expect(lag(10, 10)).toBe(0)
    expect(lag(8, 10)).toBe(0)
    expect(lag(12, 10, START + 5_000)).toBe(0)
  })
})

describe('docs/spec/api.md, "Metrics"', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/spec/api.md'), 'utf8')
  const section = /\n## Metrics\n([\s\S]*?)(?=\n## |$)/.exec(page)?.[1] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))

  it('has a row for every metric that is exposed, and no other, in the same order', async () => {
    const exposed = (await linesOf(createMetrics(QUIET)))
      .filter((line) => line.startsWith('# TYPE '))
      .map((line) => line.slice('# TYPE '.length))
    const listed = rows.map((row) => {
      const [, name, type] = /^\| `([a-z_]+)` \| (\w+) \|/.exec(row) ?? []
      return `${name} ${type}`
    })
    expect([...listed].sort()).toEqual([...exposed].sort())
    expect(listed).toEqual(Object.values(FAMILIES).map(({ name, type }) => `${name} ${type}`))
  })

  for (const { name, type, labels, unit, about } of Object.values(FAMILIES))
    it(`says type, labels, unit and meaning of ${name}`, () => {
      const shown = labels.length === 0 ? '–' : labels.map((label) => `\`${label}\``).join(', ')
      expect(rows).toContain(`| \`${name}\` | ${type} | ${shown} | ${unit} | ${about} |`)
    })
})
