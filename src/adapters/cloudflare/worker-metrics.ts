/**
 * What the Worker says about the deployment in numbers, for Prometheus.
 *
 * An isolate counts nothing itself: it is one of many and gone tomorrow. So logs are asked, keepers, the queue of reviews and the
 * objects of webhook endpoints; what does not answer is left out. Names are those of the Node host where they mean the same
 * (docs/spec/api.md, "Metrics"), with the log's name as a label.
 */
import { incidentFacts } from '../../core/incident.ts'
import { pendingAt } from '../../core/policy/activation.ts'
import { isStale } from '../../core/policy/in-force.ts'
import type { ShadowReport } from '../../gate/shadow.ts'
import type { ActivePolicy } from '../../ports.ts'
import { mediaMetrics } from './media-metrics.ts'
import { family, headOf, type Labels, type MetricHead, sample } from './metric-text.ts'
import { opened } from './rpc.ts'
import type { Decided, SequencerStatus } from './rpc-status.ts'
import { type Found, type HealthParts, statuses } from './worker-health.ts'
import { systemClock } from './worker-system.ts'

interface Family extends MetricHead {
  readonly value: (status: SequencerStatus) => number
}

/** Read from each log; those it does not answer for are left out. */
const FAMILIES: readonly Family[] = [
  {
    name: 'livegate_log_size',
    type: 'gauge',
    about: 'entries durable in the log',
    value: ({ entries }) => entries,
  },
  {
    name: 'livegate_log_published_size',
    type: 'gauge',
    about: 'entries the published checkpoint covers',
    value: ({ published }) => published,
  },
  {
    name: 'livegate_log_lag_entries',
    type: 'gauge',
    about: 'durable entries no published checkpoint covers yet',
    value: ({ entries, published }) => Math.max(0, entries - published),
  },
  {
    name: 'livegate_witnessed_size',
    type: 'gauge',
    about:
      'entries of the newest checkpoint the quorum of witnesses has cosigned; 0 before the first',
    value: ({ witnesses }) => witnesses?.size ?? 0,
  },
  {
    name: 'livegate_witness_lag_seconds',
    type: 'gauge',
    about:
      'how long ago the first checkpoint was published that has no quorum; 0 when all have, or none is asked for',
    value: ({ witnesses }) => witnesses?.lag_s ?? 0,
  },
  {
    name: 'livegate_halted',
    type: 'gauge',
    about: '1 once the log is only readable, else 0',
    value: ({ halted }) => (halted === null ? 0 : 1),
  },
  {
    name: 'livegate_log_unmoved',
    type: 'gauge',
    about:
      'times in a row the bucket took no segment of what is published; storage grows until it does',
    value: ({ unmoved = 0 }) => unmoved,
  },
  {
    name: 'livegate_log_inserts_total',
    type: 'counter',
    about: 'inserts of the log since its object woke',
    value: ({ inserts }) => inserts,
  },
  {
    name: 'livegate_log_inserted_total',
    type: 'counter',
    about: 'entries those inserts wrote',
    value: ({ inserted }) => inserted,
  },
]

const ERRORS = {
  name: 'livegate_witness_errors_total',
  type: 'counter',
  about: 'times a witness has not cosigned, by its name in the witness policy and what went wrong',
} as const

/** Prometheus text, version 0.0.4. */
export async function edgeMetrics(parts: HealthParts): Promise<string> {
  const found = await statuses(parts)
  const active = await parts.policy().catch(() => null)
  const lines = FAMILIES.flatMap((family) => [
    ...headOf(family),
    ...found.flatMap(({ origin, status }) =>
      status === null ? [] : [sample(family.name, { log: origin }, family.value(status))],
    ),
  ])
  const up: MetricHead = {
    name: 'livegate_log_up',
    type: 'gauge',
    about: '1 when the log answers, else 0',
  }
  const policy: MetricHead = {
    name: 'livegate_policy_info',
    type: 'gauge',
    about: '1 for the active policy revision',
  }
  return [
    ...lines,
    ...witnessErrors(found),
    ...headOf(up),
    ...found.map(({ origin, status }) => sample(up.name, { log: origin }, status === null ? 0 : 1)),
    ...headOf(policy),
    ...(active === null ? [] : policySamples(policy.name, active)),
    ...(await mediaMetrics((await parts.servers?.()) ?? [])),
    ...shadowSamples((await parts.shadow?.().catch(() => null)) ?? null),
    ...(await webhookSamples(parts)),
    ...DECIDED.flatMap((one) => decidedSamples(one, found)),
    ...(await decidingSamples(parts)),
    ...(await reviewSamples(parts)),
    '',
  ].join('\n')
}

/** As on Node, without the moment another one is to come. */
function policySamples(info: string, { plan }: ActivePolicy): readonly string[] {
  const { name, digest, revision } = plan
  const stale = isStale(plan, systemClock.now()) ? 1 : 0
  const number = { name: 'livegate_policy_revision', about: 'number of the revision that decides' }
  const age = {
    name: 'livegate_policy_stale',
    about: '1 once the active policy is older than its `max_age`',
  }
  return [
    sample(info, { name, digest }, 1),
    ...headOf({ ...number, type: 'gauge' }),
    `${number.name} ${revision ?? 0}`,
    ...headOf({ ...age, type: 'gauge' }),
    `${age.name} ${stale}`,
  ]
}

/** As on Node. Nothing without a candidate, or while a log does not answer. */
function shadowSamples(report: ShadowReport | null): readonly string[] {
  if (report === null) return []
  const { compared, passed_over, failed } = report
  const { unchanged: same, changes, by_rule } = compared
  const decisions = {
    name: 'livegate_shadow_decisions_total',
    about:
      'decisions by what a shadow policy would have answered: `same`, a change, `passed_over` to bound its cost, `failed`',
  }
  const rules = {
    name: 'livegate_shadow_rules_total',
    about: 'those with a change, by each rule behind it',
  }
  const counts = Object.entries({ same, ...changes, passed_over, failed })
  return [
    ...headOf({ ...decisions, type: 'counter' }),
    ...counts.map(([change, n]) => sample(decisions.name, { change }, n)),
    ...headOf({ ...rules, type: 'counter' }),
    ...Object.entries(by_rule).flatMap(([rule, of]) =>
      Object.entries(of.changes).map(([change, n]) => sample(rules.name, { rule, change }, n)),
    ),
  ]
}

/** As on Node. Nothing without endpoints, or while one of their objects does not answer. */
async function webhookSamples({ webhooks }: HealthParts): Promise<readonly string[]> {
  const endpoints = (await webhooks?.counted().catch(() => null)) ?? []
  const waiting = endpoints.map((one): [Labels, number] => [{ endpoint: one.id }, one.waiting])
  const posted = endpoints.flatMap(({ id, posted: results }) =>
    Object.entries(results).map(([result, n]): [Labels, number] => [{ endpoint: id, result }, n]),
  )
  return [...family(WAITING, waiting), ...family(POSTED, posted)]
}

const WAITING: MetricHead = {
  name: 'livegate_webhooks_waiting',
  type: 'gauge',
  about: 'log entries a webhook endpoint has not been told of yet, letters that wait included',
}
const POSTED: MetricHead = {
  name: 'livegate_webhooks_posted_total',
  type: 'counter',
  about: 'attempts to tell a webhook endpoint, by result: `status_2xx` … or a fault',
}

interface DecidedFamily extends MetricHead {
  readonly what: Decided['what']
  readonly labels: (of: readonly string[]) => Labels
}

/** As on Node, without answers that were given before: a log has no record of those. */
const DECIDED: readonly DecidedFamily[] = [
  {
    ...{ what: 'outcome', name: 'livegate_decisions_total', type: 'counter' },
    about:
      'decisions; `repeated` when an earlier record was the answer, `mode` is `none` but for delays',
    labels: ([outcome = '', mode = '']) => ({ outcome, mode, repeated: 'false' }),
  },
  {
    ...{ what: 'rule', name: 'livegate_rule_matches_total', type: 'counter' },
    about: 'decisions in which a rule of the policy matched, by the outcome of the decision',
    labels: ([rule = '', outcome = '']) => ({ rule, outcome }),
  },
  {
    ...{ what: 'would', name: 'livegate_not_enforced_total', type: 'counter' },
    about:
      'decisions in which a rule applied that is not enforced, by the outcome with everything enforced',
    labels: ([rule = '', would = '']) => ({ rule, would }),
  },
]

function decidedSamples(
  { what, labels, ...head }: DecidedFamily,
  found: readonly Found[],
): readonly string[] {
  return family(
    head,
    found.flatMap(({ origin, status }) =>
      (status?.decided ?? [])
        .filter((one) => one.what === what)
        .map((one): [Labels, number] => [{ log: origin, ...labels(one.labels) }, one.count]),
    ),
  )
}

const INCIDENT: MetricHead = {
  name: 'livegate_incident_active',
  type: 'gauge',
  about: '1 while incident mode is on, else 0',
}
const PENDING: MetricHead = {
  name: 'livegate_policy_pending',
  type: 'gauge',
  about: '1 while another revision is to come',
}

/** What the first log numbers; nothing while it does not answer. */
async function decidingSamples({ logs: [first] }: HealthParts): Promise<readonly string[]> {
  const now = systemClock.now()
  const { incidents, activations } = first?.sequencer ?? {}
  const [changes, all] = await Promise.all([
    incidents === undefined ? null : opened(incidents()).catch(() => null),
    activations === undefined ? null : opened(activations()).catch(() => null),
  ])
  const gauge = (head: MetricHead, is: boolean | null): readonly string[] =>
    is === null ? [] : family(head, [[{}, is ? 1 : 0]])
  return [
    ...gauge(INCIDENT, changes === null ? null : incidentFacts(changes, now).active),
    ...gauge(PENDING, all === null ? null : pendingAt(all, now).length > 0),
  ]
}

const REVIEWS: MetricHead = {
  name: 'livegate_reviews_open',
  type: 'gauge',
  about: 'reviews that wait for a word, their deadline ahead',
}

/** Of all slices, or nothing. */
async function reviewSamples({ reviews }: HealthParts): Promise<readonly string[]> {
  const open = await reviews?.open(systemClock.now()).catch(() => null)
  return open == null ? [] : family(REVIEWS, [[{}, open]])
}

/** Nothing where nothing went wrong. */
function witnessErrors(found: readonly Found[]): readonly string[] {
  const samples = found.flatMap(({ origin, status }) =>
    (status?.witnesses?.errors ?? []).map(({ witness, fault, count }) =>
      sample(ERRORS.name, { log: origin, witness, fault }, count),
    ),
  )
  return samples.length === 0 ? [] : [...headOf(ERRORS), ...samples]
}
