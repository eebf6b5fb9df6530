/**
 * Every metric there is: name, type, labels, unit and meaning, in the order of the docs.
 *
 * docs/spec/api.md, "Metrics" says the same to those who read dashboards; a test compares the two. Next: metrics.ts.
 */

/** One metric. */
export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Closed sets, or ids given by the policy or the servers file; never a subject, a key or a stream. */
  readonly labels: readonly string[]
  readonly unit:
    | 'decisions'
    | 'seconds'
    | 'changes'
    | 'entries'
    | 'bytes'
    | 'requests'
    | 'events'
    | 'servers'
    | '1'
  readonly about: string
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2]

/** Upper bounds by name of a histogram. */
export const BUCKETS: Readonly<Record<string, readonly number[]>> = {
  livegate_decision_seconds: SECONDS,
  livegate_commit_seconds: SECONDS,
  livegate_commit_batch_size: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  livegate_log_round_seconds: [...SECONDS, 5, 10],
  livegate_cut_seconds: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
}

export type FamilyId =
  | 'decisions'
  | 'rules'
  | 'unknown'
  | 'not_enforced'
  | 'decision_seconds'
  | 'strikes'
  | 'reversals'
  | 'erasures'
  | 'erasure_seconds'
  | 'retained'
  | 'retention_sweeps'
  | 'shed'
  | 'hooks'
  | 'webhooks'
  | 'webhooks_waiting'
  | 'media_servers'
  | 'left'
  | 'rechecks'
  | 'cuts'
  | 'cut_seconds'
  | 'ungated'
  | 'observed'
  | 'control_faults'
  | 'commit_seconds'
  | 'batch'
  | 'queue'
  | 'round_seconds'
  | 'log_size'
  | 'published_size'
  | 'lag_entries'
  | 'lag_seconds'
  | 'witnessed_size'
  | 'witness_lag'
  | 'witness_errors'
  | 'halted'
  | 'incident'
  | 'reviews'
  | 'policy'
  | 'policy_revision'
  | 'policy_pending'
  | 'policy_stale'
  | 'rejected'
  | 'shadow'
  | 'shadow_rules'
  | 'memory'

const gauge = (name: string, unit: Family['unit'], about: string): Family => ({
  ...{ name, type: 'gauge', labels: [], unit, about },
})

export const FAMILIES: Readonly<Record<FamilyId, Family>> = {
  decisions: {
    name: 'livegate_decisions_total',
    type: 'counter',
    labels: ['outcome', 'mode', 'repeated'],
    unit: 'decisions',
    about:
      'decisions; `repeated` when an earlier record was the answer, `mode` is `none` but for delays',
  },
  rules: {
    name: 'livegate_rule_matches_total',
    type: 'counter',
    labels: ['rule', 'outcome'],
    unit: 'decisions',
    about: 'decisions in which a rule of the policy matched, by the outcome of the decision',
  },
  unknown: {
    name: 'livegate_unknown_total',
    type: 'counter',
    labels: ['rule'],
    unit: 'decisions',
    about: 'decisions in which a rule could not be evaluated because a fact was missing',
  },
  not_enforced: {
    name: 'livegate_not_enforced_total',
    type: 'counter',
    labels: ['rule', 'would'],
    unit: 'decisions',
    about:
      'decisions in which a rule applied that is not enforced, by the outcome with everything enforced',
  },
  decision_seconds: {
    name: 'livegate_decision_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    about: 'time from the question to the durable answer',
  },
  strikes: {
    name: 'livegate_strikes_total',
    type: 'counter',
    labels: ['category'],
    unit: 'events',
    about: 'strikes recorded, by category; ids that are in no list count as `unknown`',
  },
  reversals: {
    name: 'livegate_reversals_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    about: 'strikes reversed',
  },
  erasures: {
    name: 'livegate_erasures_total',
    type: 'counter',
    labels: ['scope'],
    unit: 'events',
    about: 'erasures of subjects that have begun, by scope',
  },
  erasure_seconds: {
    name: 'livegate_erasure_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    about: 'time from the beginning of an erasure until no file holds a byte of it',
  },
  retained: {
    name: 'livegate_retention_removed_total',
    type: 'counter',
    labels: ['what'],
    unit: 'events',
    about:
      'contents removed because their retention period was over: `decisions`, `broadcasts`, `reviews`, `strikes`, `suppressions`',
  },
  retention_sweeps: {
    name: 'livegate_retention_sweeps_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    about: 'times everything was looked at whose retention period may be over',
  },
  shed: {
    name: 'livegate_shed_total',
    type: 'counter',
    labels: ['code'],
    unit: 'requests',
    about:
      'requests refused without an outcome because too much was asked: `overloaded` or `rate_limited`',
  },
  hooks: {
    name: 'livegate_hooks_refused_total',
    type: 'counter',
    labels: ['server', 'why'],
    unit: 'requests',
    about: 'hook calls refused without an outcome, by media server and cause',
  },
  webhooks: {
    name: 'livegate_webhooks_posted_total',
    type: 'counter',
    labels: ['endpoint', 'result'],
    unit: 'requests',
    about: 'attempts to tell a webhook endpoint, by result: `status_2xx` … or a fault',
  },
  webhooks_waiting: {
    name: 'livegate_webhooks_waiting',
    type: 'gauge',
    labels: ['endpoint'],
    unit: 'entries',
    about: 'log entries a webhook endpoint has not been told of yet, letters that wait included',
  },
  media_servers: {
    name: 'livegate_media_servers',
    type: 'gauge',
    labels: ['template', 'state'],
    unit: 'servers',
    about: 'media servers that have registered themselves, `live` or `leaving`',
  },
  left: {
    name: 'livegate_left_to_lease_total',
    type: 'counter',
    labels: ['what'],
    unit: 'events',
    about:
      'broadcasts that should have ended at once and end with their lease: `unanswered_broadcast` or `cohost`; what is left to do later: `recheck`, `ungated`, `cut`',
  },
  rechecks: {
    name: 'livegate_rechecks_total',
    type: 'counter',
    labels: ['event', 'cause'],
    unit: 'events',
    about:
      'running broadcasts that were looked at again and a record says so: `renewed` or `revoked`, and why',
  },
  cuts: {
    name: 'livegate_cuts_total',
    type: 'counter',
    labels: ['confirmed'],
    unit: 'events',
    about:
      'broadcasts that had to stop, by how it is known that they have: `dropped`, `reported`, `absent`, or `none` when nobody could confirm it in time',
  },
  cut_seconds: {
    name: 'livegate_cut_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    about: 'time from the order to stop a broadcast to the confirmation',
  },
  ungated: {
    name: 'livegate_ungated_total',
    type: 'counter',
    labels: ['cause'],
    unit: 'events',
    about:
      'publishers seen running that no decision covered: decided late, by why nobody had decided; or cut because nobody knows who it is, by the refusal of that',
  },
  observed: {
    name: 'livegate_observed_stream_seconds_total',
    type: 'counter',
    labels: ['covered'],
    unit: 'seconds',
    about: 'time that media servers were seen to run streams, `yes` under a decision or `no`',
  },
  control_faults: {
    name: 'livegate_control_faults_total',
    type: 'counter',
    labels: ['server', 'fault'],
    unit: 'events',
    about: 'calls to the control interface of a media server that told nothing',
  },
  commit_seconds: {
    name: 'livegate_commit_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    about: 'time of one group commit, fsync included',
  },
  batch: {
    name: 'livegate_commit_batch_size',
    type: 'histogram',
    labels: [],
    unit: 'changes',
    about: 'changes that shared one commit',
  },
  queue: gauge('livegate_commit_queue', 'changes', 'changes waiting for a commit'),
  round_seconds: {
    name: 'livegate_log_round_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    about: 'time of one Merkle round, from reading to the published checkpoint',
  },
  log_size: gauge('livegate_log_size', 'entries', 'entries durable in the log'),
  published_size: gauge(
    'livegate_log_published_size',
    'entries',
    'entries the published checkpoint covers',
  ),
  lag_entries: gauge(
    'livegate_log_lag_entries',
    'entries',
    'durable entries no published checkpoint covers yet',
  ),
  lag_seconds: gauge(
    'livegate_log_lag_seconds',
    'seconds',
    'age of the oldest of those entries; 0 when there is none',
  ),
  witnessed_size: gauge(
    'livegate_witnessed_size',
    'entries',
    'entries of the newest checkpoint the quorum of witnesses has cosigned; 0 before the first',
  ),
  witness_lag: gauge(
    'livegate_witness_lag_seconds',
    'seconds',
    'how long ago the first checkpoint was published that has no quorum; 0 when all have, or none is asked for',
  ),
  witness_errors: {
    name: 'livegate_witness_errors_total',
    type: 'counter',
    labels: ['witness', 'fault'],
    unit: 'events',
    about:
      'times a witness has not cosigned, by its name in the witness policy and what went wrong',
  },
  halted: gauge('livegate_halted', '1', '1 once the log is only readable, else 0'),
  incident: gauge('livegate_incident_active', '1', '1 while incident mode is on, else 0'),
  reviews: gauge(
    'livegate_reviews_open',
    'entries',
    'reviews that wait for a word, their deadline ahead',
  ),
  policy: {
    name: 'livegate_policy_info',
    type: 'gauge',
    labels: ['name', 'digest'],
    unit: '1',
    about: '1 for the active policy revision',
  },
  policy_revision: gauge('livegate_policy_revision', '1', 'number of the revision that decides'),
  policy_pending: gauge('livegate_policy_pending', '1', '1 while another revision is to come'),
  policy_stale: gauge(
    'livegate_policy_stale',
    '1',
    '1 once the active policy is older than its `max_age`',
  ),
  rejected: {
    name: 'livegate_policy_rejected_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    about: 'policy revisions that did not compile; the last good one stayed active',
  },
  shadow: {
    name: 'livegate_shadow_decisions_total',
    type: 'counter',
    labels: ['change'],
    unit: 'decisions',
    about:
      'decisions by what a shadow policy would have answered: `same`, a change, `passed_over` to bound its cost, `failed`',
  },
  shadow_rules: {
    name: 'livegate_shadow_rules_total',
    type: 'counter',
    labels: ['rule', 'change'],
    unit: 'decisions',
    about: 'those with a change, by each rule behind it',
  },
  memory: gauge('process_resident_memory_bytes', 'bytes', 'resident memory of the process'),
}

/** What the client library wants to know of a metric. */
export function described(id: FamilyId): { name: string; help: string; labelNames: string[] } {
  const { name, about, labels } = FAMILIES[id]
  return { name, help: about, labelNames: [...labels] }
}
