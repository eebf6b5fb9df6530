/** Metrics of the edge host are named, typed and explained as the Node host's where they mean the same, and documented. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { edgeReadiness } from '../../../src/adapters/cloudflare/worker-health.ts'
import { edgeMetrics } from '../../../src/adapters/cloudflare/worker-metrics.ts'
import { FAMILIES } from '../../../src/adapters/node/metric-families.ts'
import type { IncidentChange } from '../../../src/core/incident.ts'
import type { Activation } from '../../../src/core/model.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { ShadowReport } from '../../../src/gate/shadow.ts'
import { activePolicy, defaultPolicy } from '../../support/gate.ts'

const DOCS = readFileSync(resolve(import.meta.dirname, '../../../docs/spec/api.md'), 'utf8')
const status = {
  ...{ origin: 'a.example/log', halted: null },
  ...{ entries: 3, published: 1, inserts: 1, inserted: 3 },
  decided: [
    { what: 'outcome', labels: ['delay', 'retry'], count: 2 },
    { what: 'rule', labels: ['small "r"', 'delay'], count: 2 },
    { what: 'would', labels: ['struck', 'deny'], count: 1 },
  ] as const,
  witnesses: {
    ...{ size: 1, lag_s: 2.5 },
    errors: [{ witness: 'w1', fault: 'timed_out' as const, count: 4 }],
  },
}
const SHADOW: ShadowReport = {
  ...{ name: 'shut', digest: 'd', since: epochMs(0), passed_over: 1, failed: 0, lacking: {} },
  compared: {
    ...{ decisions: 2, unchanged: 1, changes: { allow_to_deny: 1 } },
    by_rule: { shut: { changes: { allow_to_deny: 1 } } },
  } as never,
}
const COUNTS = {
  ...{ covered_s: 12.5, uncovered_s: 5, ungated: { unasked: 2, unknown_key: 1 } },
  faults: { timeout: 3 },
}
/** What the Node host has and the edge has not, with why. */
const NOT_ON_THE_EDGE: Readonly<Record<string, string>> = {
  // Known to the object of one subject alone, which has no memory that lasts and no row to spare for a number.
  livegate_unknown_total: 'rules without a fact are in the contents of a record, which no log has',
  livegate_strikes_total: 'categories are in the contents of a record',
  livegate_reversals_total: 'counted by nobody; records say it',
  livegate_erasures_total: 'counted by nobody; records say it',
  livegate_erasure_seconds: 'ends in an object that is gone then',
  livegate_retention_removed_total: 'each subject’s object looks after itself',
  livegate_retention_sweeps_total: 'there is no sweep: each subject’s object looks after itself',
  livegate_left_to_lease_total: 'a log line of the object it happened in',
  livegate_rechecks_total: 'events and causes are in the contents of a record',
  livegate_cuts_total: 'in the contents of a record; a webhook tells each',
  livegate_cut_seconds: 'in the contents of a record; a webhook tells each',
  // Of one isolate among many.
  livegate_shed_total: 'heartbeats sign what a log refused; isolates say it in a log line',
  livegate_hooks_refused_total: 'a log line of the isolate that refused',
  // Of a machine.
  livegate_decision_seconds:
    'the clock of an isolate stands while it computes; the platform measures',
  livegate_commit_seconds: 'there is no commit to time: the platform’s output gate',
  livegate_commit_batch_size: 'livegate_log_inserted_total by livegate_log_inserts_total',
  livegate_commit_queue: 'there is none: what is too much is refused',
  livegate_log_round_seconds: 'the clock of an isolate stands while it computes',
  livegate_log_lag_seconds: 'livegate_log_lag_entries, and the checkpoint’s own age to a monitor',
  livegate_policy_rejected_total:
    'a text that does not compile is refused by the API, or not deployed',
  process_resident_memory_bytes: 'there is no process',
}

const log = { origin: 'a.example/log', sequencer: { status: async () => answered } }
const started: IncidentChange = {
  ...{ change: 1, active: true, id: 'i', scope: 'all', by: 'a' },
  at: epochMs(0),
  until: epochMs(Date.UTC(2100, 0)),
} as never
const coming = { revision: 2, active_from: epochMs(Date.UTC(2100, 0)) } as Activation
const first = {
  ...log,
  sequencer: {
    ...log.sequencer,
    incidents: async () => ({ ok: true, value: [started] }) as const,
    activations: async () => ({ ok: true, value: [coming] }) as const,
  },
}
const answered = { ok: true, value: status } as const

const counting = { counts: async () => ({ ok: true, value: COUNTS }) as const }
const silent = { counts: () => Promise.reject(new Error('gone')) }

describe('metrics of the edge host', async () => {
  const text = await edgeMetrics({
    policy: async () => activePolicy(defaultPolicy()),
    file: 'default.yaml',
    logs: [first],
    webhooks: {
      counted: async () => [{ id: 'p', waiting: 3, posted: { status_2xx: 5, timeout: 1 } }],
    },
    reviews: { open: async () => 4 },
    shadow: async () => SHADOW,
    servers: async () => [
      { id: 'edge-1', keeper: { counts: async () => ({ ok: true, value: COUNTS }) } },
      { id: 'edge-2', keeper: { counts: () => Promise.reject(new Error('gone')) } },
      { id: 'edge-3', keeper: { counts: async () => ({ ok: true, value: null }) } },
      { id: 'origins', keeper: counting, state: 'live' as const },
      { id: 'origins', keeper: counting, state: 'live' as const },
      { id: 'origins', keeper: silent, state: 'leaving' as const },
    ],
  })
  const of = (what: string): readonly (readonly [name: string, rest: string])[] =>
    [...text.matchAll(new RegExp(`^# ${what} (\\S+) (.*)$`, 'gm'))].map(
      ([, name = '', rest = '']) => [name, rest],
    )

  it('mean what the Node host means by the same name', () => {
    const shared = Object.values(FAMILIES).filter(({ name }) => text.includes(`# TYPE ${name} `))
    expect(shared.length).toBeGreaterThan(4)
    for (const { name, type, about } of shared) {
      expect(of('HELP')).toContainEqual([name, about])
      expect(of('TYPE')).toContainEqual([name, type])
    }
  })

  it('are those of the Node host, but for those named above with why', () => {
    const here = new Set(of('TYPE').map(([name]) => name))
    const lacking = Object.values(FAMILIES).filter(({ name }) => !here.has(name))
    expect(lacking.map(({ name }) => name).toSorted()).toEqual(
      Object.keys(NOT_ON_THE_EDGE).toSorted(),
    )
    const [, said = ''] = DOCS.split('**On Cloudflare**')
    for (const { name } of lacking) expect(said).toContain(`\`${name}\``)
  })

  it('have the labels of the Node host, beside the log, server or endpoint they are of', () => {
    const samples = [...text.matchAll(/^(\w+)\{(.*)\} /gm)]
    for (const [, name = '', shown = ''] of samples) {
      const labels = [...shown.matchAll(/(\w+)="/g)].map(([, label]) => label)
      const there = Object.values(FAMILIES).find((one) => one.name === name)?.labels ?? []
      const more = labels.filter((label) => label !== 'log' && label !== 'server')
      expect(more, name).toEqual(there.filter((label) => label !== 'server'))
    }
  })

  it('count decisions by what logs have taken in', () => {
    const log = 'log="a.example/log"'
    for (const line of [
      `livegate_decisions_total{${log},outcome="delay",mode="retry",repeated="false"} 2`,
      `livegate_rule_matches_total{${log},rule="small \\"r\\"",outcome="delay"} 2`,
      `livegate_not_enforced_total{${log},rule="struck",would="deny"} 1`,
    ])
      expect(text).toContain(`${line}\n`)
  })

  it('say what is in force, what waits for people, and how endpoints answered', () => {
    for (const line of [
      'livegate_incident_active 1',
      'livegate_policy_pending 1',
      'livegate_reviews_open 4',
      'livegate_webhooks_waiting{endpoint="p"} 3',
      'livegate_webhooks_posted_total{endpoint="p",result="status_2xx"} 5',
      'livegate_webhooks_posted_total{endpoint="p",result="timeout"} 1',
    ])
      expect(text).toContain(`\n${line}\n`)
  })

  it('leave out what does not answer, and say the rest', async () => {
    const gone = (): Promise<never> => Promise.reject(new Error('gone'))
    const rest = await edgeMetrics({
      policy: async () => activePolicy(defaultPolicy()),
      file: 'default.yaml',
      logs: [{ ...log, sequencer: { ...log.sequencer, incidents: gone, activations: gone } }],
      webhooks: { counted: gone },
      reviews: { open: gone },
    })
    expect(rest).not.toMatch(/incident_active|policy_pending|reviews_open|webhooks_/)
    expect(rest).toContain('livegate_log_up{log="a.example/log"} 1\n')
  })

  it('count servers that registered under their template, those that do not answer too', () => {
    for (const line of [
      'livegate_media_servers{template="origins",state="live"} 2',
      'livegate_media_servers{template="origins",state="leaving"} 1',
      'livegate_observed_stream_seconds_total{server="origins",covered="yes"} 25',
      'livegate_control_faults_total{server="origins",fault="timeout"} 6',
    ])
      expect(text.split('\n')).toContain(line)
  })

  it('say what witnesses have cosigned, how late they are, and what went wrong with whom', () => {
    const log = 'log="a.example/log"'
    expect(text).toContain(`livegate_witnessed_size{${log}} 1\n`)
    expect(text).toContain(`livegate_witness_lag_seconds{${log}} 2.5\n`)
    expect(text).toContain(
      `livegate_witness_errors_total{${log},witness="w1",fault="timed_out"} 4\n`,
    )
  })

  it('count how often in a row a bucket took no segment, and readiness says so without refusing', async () => {
    const refused = { ok: true, value: { ...status, unmoved: 3 } } as const
    const one = { origin: status.origin, sequencer: { status: async () => refused } }
    const parts = { policy: async () => activePolicy(defaultPolicy()), file: 'default.yaml' }
    expect(text).toContain('livegate_log_unmoved{log="a.example/log"} 0\n')
    expect(await edgeMetrics({ ...parts, logs: [one] })).toContain(
      'livegate_log_unmoved{log="a.example/log"} 3\n',
    )
    expect(await edgeReadiness({ ...parts, logs: [one] })).toMatchObject({
      ready: true,
      log: { problems: ['the bucket took no segment of the log a.example/log, 3 times in a row'] },
    })
    expect(await edgeReadiness({ ...parts, logs: [log] })).not.toHaveProperty('log')
  })

  it('say what keepers have seen at media servers; of one that cannot be asked, nothing', () => {
    const samples = text.split('\n').filter((line) => line.includes('server="edge-'))
    expect(samples).toEqual([
      'livegate_observed_stream_seconds_total{server="edge-1",covered="yes"} 12.5',
      'livegate_observed_stream_seconds_total{server="edge-1",covered="no"} 5',
      'livegate_ungated_total{server="edge-1",cause="unasked"} 2',
      'livegate_ungated_total{server="edge-1",cause="unknown_key"} 1',
      'livegate_control_faults_total{server="edge-1",fault="timeout"} 3',
    ])
  })

  it('are all in the docs, with what those that only it has mean', () => {
    for (const [name] of of('TYPE')) expect(DOCS).toContain(`\`${name}\``)
  })

  it('have one help and one type each, before their values', () => {
    const names = of('TYPE').map(([name]) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(of('HELP').map(([name]) => name)).toEqual(names)
    for (const name of names)
      expect(text).toMatch(new RegExp(`^# HELP ${name} .*\\n# TYPE ${name} .*\\n${name}[ {]`, 'm'))
  })
})
