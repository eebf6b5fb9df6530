/**
 * What the Worker says about the deployment: whether it can decide now, and numbers for Prometheus.
 *
 * Both ask every log. An isolate counts nothing itself: it is one of many and gone tomorrow. Names are those of the Node
 * host where they mean the same (docs/spec/api.md, "Metrics"), with the log's name as a label.
 */
import { isStale } from '../../core/policy/in-force.ts'
import type { ShadowReport } from '../../gate/shadow.ts'
import type { WebhookDesk } from '../../gate/webhooks/desk.ts'
import type { ActivePolicy } from '../../ports.ts'
import type { Candidate } from './edge-candidate.ts'
import { type CountedServer, mediaMetrics } from './media-metrics.ts'
import { opened, type SequencerRpc, type SequencerStatus } from './rpc.ts'
import { systemClock } from './worker-system.ts'

export interface HealthParts {
  /** What decides now. */
  readonly policy: () => Promise<ActivePolicy>
  /** Name of the policy file. */
  readonly file: string
  /** Every log, by its origin. */
  readonly logs: readonly {
    readonly origin: string
    readonly sequencer: Pick<SequencerRpc, 'status'>
  }[]
  /** The candidate in the shadow; null or absent without one. */
  readonly candidate?: Candidate | null
  /** Every media server with its keeper. */
  readonly servers?: readonly CountedServer[]
  /** What all logs have counted of it. */
  readonly shadow?: () => Promise<ShadowReport | null>
  /** Where webhook endpoints stand. */
  readonly webhooks?: Pick<WebhookDesk, 'list'>
}

/** For `/readyz`. */
export type EdgeReadiness =
  | {
      readonly ready: true
      readonly policy: {
        readonly digest: string
        readonly revision?: number
        readonly stale?: boolean
        readonly file: string
        readonly problems: readonly string[]
      }
      /** The candidate in the shadow; no digest when it does not compile. */
      readonly shadow?: {
        readonly digest?: string
        readonly file: string
        readonly problems: readonly string[]
      }
      /** Absent when every log is well: what stops no decision yet. */
      readonly log?: { readonly problems: readonly string[] }
    }
  | { readonly ready: false; readonly code: 'halted' | 'log_unavailable'; readonly why: string }

/** One halted log is enough: some subjects cannot be decided about. */
export async function edgeReadiness(parts: HealthParts): Promise<EdgeReadiness> {
  const problems: string[] = []
  for (const { origin, status } of await statuses(parts)) {
    if (status === null)
      return { ready: false, code: 'log_unavailable', why: `the log ${origin} does not answer` }
    if (status.halted !== null)
      return { ready: false, code: 'halted', why: `the log ${origin} is halted: ${status.halted}` }
    const { unmoved = 0 } = status
    if (unmoved > 0)
      problems.push(`the bucket took no segment of the log ${origin}, ${unmoved} times in a row`)
  }
  const { plan } = await parts.policy()
  const { digest, revision } = plan
  const numbered = revision === null ? {} : { revision }
  const stale = isStale(plan, systemClock.now()) ? { stale: true } : {}
  const policy = { digest, ...numbered, ...stale, file: parts.file, problems: [] }
  const { candidate = null } = parts
  const shadow = candidate === null ? {} : { shadow: shadowHealth(candidate) }
  const log = problems.length === 0 ? {} : { log: { problems } }
  return { ready: true, policy, ...shadow, ...log }
}

function shadowHealth({
  file,
  plan,
}: Candidate): NonNullable<Extract<EdgeReadiness, { readonly ready: true }>['shadow']> {
  return plan.ok
    ? { digest: plan.value.digest, file, problems: [] }
    : { file, problems: plan.error }
}

interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly about: string
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
  const up = { name: 'livegate_log_up', type: 'gauge', about: '1 when the log answers, else 0' }
  const policy = {
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
    ...(await mediaMetrics(parts.servers ?? [])),
    ...shadowSamples((await parts.shadow?.().catch(() => null)) ?? null),
    ...(await webhookSamples(parts)),
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
  const endpoints = (await webhooks?.list().catch(() => null)) ?? []
  if (endpoints.length === 0) return []
  const waiting = {
    name: 'livegate_webhooks_waiting',
    about: 'log entries a webhook endpoint has not been told of yet, letters that wait included',
  }
  return [
    ...headOf({ ...waiting, type: 'gauge' }),
    ...endpoints.map((one) => sample(waiting.name, { endpoint: one.id }, one.behind + one.waiting)),
  ]
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

interface Found {
  readonly origin: string
  /** Null when the log does not answer. */
  readonly status: SequencerStatus | null
}

function statuses({ logs }: HealthParts): Promise<readonly Found[]> {
  return Promise.all(
    logs.map(async ({ origin, sequencer }) => {
      const status = await opened(sequencer.status()).catch(() => null)
      return { origin, status }
    }),
  )
}

function headOf(family: {
  readonly name: string
  readonly type: string
  readonly about: string
}): readonly string[] {
  return [`# HELP ${family.name} ${family.about}`, `# TYPE ${family.name} ${family.type}`]
}

function sample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const shown = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}{${shown.join(',')}} ${value}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
