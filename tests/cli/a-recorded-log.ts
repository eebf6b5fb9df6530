/**
 * A log of decisions that follow from policies, as a gate makes one: texts and activations first, then what they decided.
 *
 * Every answer is what the plan in force gives, unless a step says otherwise. Also used by bench/backtest.ts.
 */
import { hash } from 'node:crypto'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Activation, Decision, Facts, Strike } from '../../src/core/model.ts'
import { decidesAt } from '../../src/core/policy/activation.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { planInForce } from '../../src/core/policy/in-force.ts'
import { ENGINE, type Plan } from '../../src/core/policy/plan.ts'
import { activationDraft, decisionDraft, type RecordDraft } from '../../src/core/record/drafts.ts'
import { createIssuer, type IssuedRecord } from '../../src/core/record/issue.ts'
import { ed25519Jwk, thumbprint } from '../../src/core/record/jwk.ts'
import { policyDrafts } from '../../src/core/record/policy-parts.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { AT, disclosureLine, ISSUER, keyOf, ORIGIN, publish, writeFiles } from './a-log.ts'

export type RecordedStep =
  | { readonly activate: Uint8Array; readonly from: EpochMs }
  | {
      readonly facts: Facts
      /** What the record says instead of what follows. */
      readonly says?: Partial<Decision>
      readonly engine?: string
    }

export interface RecordedLog {
  readonly entries: readonly IssuedRecord[]
  /** The decisions among them. */
  readonly decisions: readonly IssuedRecord[]
}

export function compiledPlan(bytes: Uint8Array): Plan {
  const made = compilePolicy(bytes, { file: 'policy.yaml' })
  if (!made.ok) throw new Error(made.error.map(({ message }) => message).join('\n'))
  return made.value.plan
}

/** Issues everything in order. Without an activation decisions name no revision, and are made under `policy`. */
export async function recordedLog(
  steps: readonly RecordedStep[],
  options: { readonly policy?: Uint8Array; readonly seed?: string } = {},
): Promise<RecordedLog> {
  const { policy, seed = 'r' } = options
  const key = keyOf(1)
  const signer = { kid: thumbprint(ed25519Jwk(key.publicKey)), sign: key.sign }
  let drawn = 0
  const random = (count: number): Uint8Array => {
    const bytes = Buffer.alloc(count)
    for (let i = 0; i < count; i += 32)
      hash('sha256', `${seed} ${drawn++}`, 'buffer').copy(bytes, i, 0, count - i)
    return new Uint8Array(bytes)
  }
  const hasher = {
    digest: (bytes: Uint8Array) => hash('sha256', bytes, 'buffer'),
    digestText: (text: string) => hash('sha256', text, 'base64url'),
  }
  const issuing = { issuer: ISSUER, log: ORIGIN, signer, random, hasher }
  const entries: IssuedRecord[] = []
  const decisions: IssuedRecord[] = []
  const issue = async (draft: RecordDraft, engine = ENGINE): Promise<IssuedRecord> => {
    const issued = await createIssuer({ ...issuing, engine })(draft, {
      iat_s: AT / 1000 + entries.length,
    })
    entries.push(issued)
    return issued
  }
  const texts = new Map<string, Plan>()
  const activations: Activation[] = []
  const plans = new Map<number, Plan>()
  const learn = async (bytes: Uint8Array): Promise<Plan> => {
    const plan = compiledPlan(bytes)
    if (!texts.has(plan.digest)) for (const draft of policyDrafts(bytes)) await issue(draft)
    texts.set(plan.digest, plan)
    return plan
  }
  const alone = policy === undefined ? null : await learn(policy)

  function planAt(at: EpochMs): Plan {
    const one = decidesAt(activations, at)
    if (one === null) {
      if (alone === null) throw new Error('nothing decides yet')
      return alone
    }
    const known = plans.get(one.revision)
    if (known !== undefined) return known
    const plan = texts.get(one.digest)
    const made =
      plan === undefined
        ? null
        : planInForce(activations, one, { plan, planOf: (digest) => texts.get(digest) ?? null })
    if (made?.ok !== true) throw new Error('no plan')
    plans.set(one.revision, made.value)
    return made.value
  }

  for (const step of steps) {
    if ('activate' in step) {
      const { digest, name } = await learn(step.activate)
      const revision = activations.length + 1
      const activation: Activation = {
        ...{ revision, digest, name, active_from: step.from, scheduled: false },
        ...{ previous: revision === 1 ? null : revision - 1, cause: 'activation', source: 'api' },
        ...{ by: 'key_1', note: null },
      }
      await issue(activationDraft(activation))
      activations.push(activation)
      continue
    }
    const { facts, says } = step
    const plan = planAt(facts.at)
    const decision = { ...evaluate(plan, facts), ...says }
    const [host] = facts.hosts
    const draft = decisionDraft({
      chain: { sub: host.subject, seq: 1, prev: null },
      policy: plan.digest,
      ...(plan.revision === null ? {} : { revision: plan.revision }),
      ...{ facts, decision, request: { caller: 'key_1' } },
      subject: { subject: 'u', cohosts: facts.hosts.slice(1).map(() => 'c') },
    })
    decisions.push(await issue(draft, step.engine))
  }
  return { entries, decisions }
}

/** `log/` and `disclosures.jsonl` in `dir`. */
export async function writeRecorded(
  dir: string,
  { entries }: Pick<RecordedLog, 'entries'>,
  disclosed: readonly IssuedRecord[] = entries.filter(({ kind }) => kind === 'decision'),
): Promise<void> {
  await writeFiles(join(dir, 'log'), await publish(entries))
  const path = join(dir, 'disclosures.jsonl')
  await writeFile(path, '')
  // One text of a large log would be longer than texts can be.
  for (let i = 0; i < disclosed.length; i += 1000) {
    const lines = disclosed.slice(i, i + 1000).map((record) => `${disclosureLine(record)}\n`)
    await appendFile(path, lines.join(''))
  }
}

/** 22 characters that differ for every subject. */
export function pseudonymOf(n: number): string {
  return Buffer.from(String(n).padStart(16, '0')).toString('base64url').slice(0, 22)
}

export interface FactsOf {
  readonly at: EpochMs
  readonly subject?: number
  readonly strikes?: readonly (Partial<Strike> & { readonly effective_at: EpochMs })[]
  readonly facts?: Facts['hosts'][0]['facts']
  readonly supports?: readonly string[]
}

export function factsOf({
  at,
  subject = 0,
  strikes = [],
  facts = {},
  supports = [],
}: FactsOf): Facts {
  const name = pseudonymOf(subject)
  return {
    at,
    hosts: [
      {
        ...{ subject: name, facts, sources: {}, holds: [], reviews: [], open_broadcasts: 0 },
        strikes: strikes.map((one, i) => ({
          ...{ id: `s_${subject}_${i}`, subject: name, category: 'spam.bulk', severity: 'low' },
          ...{ weight: 1, scope: 'any', status: 'active', issued_at: one.effective_at },
          ...one,
        })),
      },
    ],
    stream: { id: `b_${at}`, audience: 'public' },
    request: { territory: 'FR', ingest: 'whip' },
    incident: { active: false },
    platform: { moderation_available: true },
    supports,
  }
}

export const LATER = (ms: number): EpochMs => epochMs(AT + ms)
