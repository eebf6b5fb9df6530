/**
 * What may befall a gate: random histories of callers, operators, clocks and disks, for whatever gate is given.
 *
 * `history` makes lists of steps, `perform` does one; what a gate refuses in good order is no failure. Hosts offer what they
 * have: a step that a `Life` cannot do is passed over. For core/audit/replay/honest.test.ts and properties/honest-log.test.ts.
 */
import * as fc from 'fast-check'
import type { Fate } from '../../src/adapters/memory/contract.ts'
import { LivegateError } from '../../src/core/errors.ts'
import type { KeyUse } from '../../src/core/record/key-history.ts'
import type { RetentionRules } from '../../src/core/retention.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import type { RecordAccess } from '../../src/gate/access.ts'
import type { Enforcement } from '../../src/gate/enforcement.ts'
import type { ErasureDesk } from '../../src/gate/erasure-desk.ts'
import type { ActivationRequest } from '../../src/gate/policy-desk.ts'
import type { Gate } from '../../src/gate-types.ts'
import type { LoggedRecord } from './forge.ts'
import { aStrike, ask, askOnce, DAY, HOUR, MINUTE, opened, policyOf, STRIKE_RULE } from './gate.ts'

const WAIT =
  '  - { id: wait, ground: terms, when: "subject.followers < 10", outcome: delay, hold: 15m }'
const ONE = '  - { id: one, ground: terms, when: "subject.open_broadcasts > 1", outcome: deny }'
const LOOK =
  '  - { id: look, ground: terms, when: "\'odd\' in subject.labels", outcome: delay, review: { queue: night, within: 1h, at_deadline: deny } }'
/** For one in two people. */
const HALF = (rule: string): string => rule.replace(/ \}$/, ', enforce: canary 50% }')
export const POLICIES: readonly string[] = [
  policyOf(`${STRIKE_RULE}\n${WAIT}`),
  policyOf(`${WAIT}\n${ONE}`),
  policyOf(`${STRIKE_RULE}\n${ONE}\n${LOOK}`, 'max_age: 2h\non_stale: deny\n'),
  policyOf(`${HALF(STRIKE_RULE)}\n${HALF(WAIT)}\n${HALF(LOOK)}\n${ONE}`),
]

/** Everybody there is. */
export const SUBJECTS: readonly string[] = ['a', 'b', 'c', 'd']
const subject = fc.constantFrom(...SUBJECTS)
const strike = fc.constantFrom('s1', 's2', 's3', 's4', 's5')

export type Step =
  | {
      readonly do: 'decide'
      readonly subject: string
      readonly hosts: readonly string[]
      readonly stream: string
      readonly followers: number
      readonly key: string | null
      readonly session: string | null
      readonly labels: readonly string[]
      /** With a session: it runs already, unasked. */
      readonly late?: boolean
      /** For whom the door enforces. */
      readonly enforce?: string | null
    }
  | { readonly do: 'renew' | 'cut' | 'stop'; readonly which: number }
  | { readonly do: 'join'; readonly which: number; readonly subject: string }
  | { readonly do: 'recheck'; readonly subject: string }
  | { readonly do: 'strike'; readonly subject: string; readonly id: string; readonly ago: number }
  | { readonly do: 'reverse'; readonly id: string }
  | { readonly do: 'facts'; readonly subject: string; readonly followers: number }
  | { readonly do: 'end'; readonly session: string }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'fail'; readonly fate: 'before' | 'after' }
  | {
      readonly do: 'activate'
      readonly policy: number
      /** Once it is in the log, and before those who decide have heard of it: the clock jumps, and somebody goes live. */
      readonly meanwhile: { readonly ms: number; readonly subject: string } | null
    }
  | { readonly do: 'erase'; readonly subject: string; readonly scope: 'subject' | 'full' }
  | { readonly do: 'hold'; readonly subject: string; readonly ms: number }
  | { readonly do: 'lift'; readonly subject: string }
  | { readonly do: 'rotate'; readonly use: KeyUse }
  | { readonly do: 'rollback' | 'sweep' | 'access' | 'beat' | 'restart' }

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      subject,
      hosts: fc.uniqueArray(subject, { maxLength: 2 }),
      stream: fc.constantFrom('', 'x', 'y'),
      followers: fc.constantFrom(1, 100),
      key: fc.option(fc.constantFrom('k1', 'k2')),
      session: fc.option(fc.constantFrom('p', 'q'), { freq: 4 }),
      labels: fc.constantFrom([], ['odd']),
      late: fc.boolean(),
      enforce: fc.option(fc.constantFrom('off', 'canary 50%', 'on'), { freq: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(...(['renew', 'renew', 'cut', 'stop'] as const)),
      which: fc.nat(5),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('join' as const), which: fc.nat(5), subject }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('recheck' as const), subject }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('strike' as const),
      subject,
      id: strike,
      ago: fc.constantFrom(0, MINUTE, 48 * HOUR),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reverse' as const), id: strike }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('facts' as const),
      subject,
      followers: fc.constantFrom(1, 100),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      session: fc.constantFrom('p', 'q'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(
        1,
        1500,
        20_000,
        61_000,
        16 * MINUTE,
        5 * HOUR,
        -90_000,
        -2 * HOUR,
        40 * DAY,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      fate: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('activate' as const),
      policy: fc.integer({ min: 0, max: POLICIES.length - 1 }),
      meanwhile: fc.option(fc.record({ ms: fc.constantFrom(61_000, HOUR, -HOUR), subject })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('erase' as const),
      subject,
      scope: fc.constantFrom('subject' as const, 'subject' as const, 'full' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      subject,
      ms: fc.constantFrom(HOUR, 90 * DAY),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lift' as const), subject }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rotate' as const),
      use: fc.constantFrom('record' as const, 'checkpoint' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['rollback', 'sweep', 'sweep', 'access', 'beat', 'restart'] as const),
      ),
    }),
  },
)

/** A gate, and what can be done to it. */
export interface Life {
  readonly gate: () => Gate
  readonly erasure: () => ErasureDesk
  readonly access: RecordAccess
  readonly enforcement: () => Enforcement
  now(): EpochMs
  /** Forwards or back. */
  pass(ms: number): void
  /** What becomes of the next write. */
  fail(fate: Fate): void
  /** `meanwhile`: once it is in the log, before anybody has heard of it; not done where it is not. */
  activate(text: string, meanwhile: (() => Promise<unknown>) | null): Promise<unknown>
  rollback(): Promise<unknown>
  /** Everything past its time goes. */
  sweep(): Promise<unknown>
  readonly beat?: () => Promise<unknown>
  readonly rotate?: (use: KeyUse) => Promise<unknown>
  readonly restart?: () => Promise<unknown>
}

/** What a gate may answer instead of doing it. */
const REFUSALS: ReadonlySet<string> = new Set([
  ...['conflict', 'not_found', 'in_progress', 'log_unavailable', 'rate_limited'],
  ...['idempotency_mismatch', 'invalid_request'],
])

/** Does a step; throws what no gate may answer. */
export async function perform(life: Life, one: Step): Promise<void> {
  try {
    await attempt(life, one)
  } catch (error) {
    if (!(error instanceof LivegateError) || !REFUSALS.has(error.code)) throw error
  }
}

async function attempt(life: Life, one: Step): Promise<unknown> {
  switch (one.do) {
    case 'decide':
      return decide(life, one)
    case 'strike': {
      const issued_at = epochMs(life.now() - one.ago)
      return life.gate().strike(aStrike(one.id, one.subject, { issued_at }))
    }
    case 'reverse':
      return life.gate().reverse({ strike: one.id, reason: 'upheld' })
    case 'facts':
      return life.gate().putFacts(one.subject, { followers: one.followers }, life.now())
    case 'end':
      return life.gate().endSession('m', one.session)
    case 'renew':
    case 'cut':
    case 'stop':
    case 'join':
      return broadcast(life, one)
    case 'recheck':
      return life.gate().recheck(one.subject, 'restart')
    case 'pass':
      return life.pass(one.ms)
    case 'fail':
      return life.fail(one.fate)
    case 'activate':
      return life.activate(POLICIES[one.policy] ?? '', one.meanwhile && (() => jumped(life, one)))
    case 'erase':
      return life.erasure().erase({ subject: one.subject, scope: one.scope, basis: 'art17' })
    case 'hold': {
      const until = epochMs(life.now() + one.ms)
      return life.erasure().hold({ subject: one.subject, until, basis: 'court', by: 'key_1' })
    }
    case 'lift':
      return life.erasure().lift(one.subject)
    case 'access':
      return life.access({ by: 'k', via: 'records', groups: ['chain'], ids: ['r'.repeat(22)] })
    case 'rotate':
      return life.rotate?.(one.use)
    default:
      return life[one.do]?.()
  }
}

/** A decision under what decided before, by a clock that has gone on. */
function jumped(life: Life, { meanwhile }: Extract<Step, { readonly do: 'activate' }>) {
  const { ms = 0, subject = '' } = meanwhile ?? {}
  life.pass(ms)
  return perform(life, {
    ...{ do: 'decide', subject, hosts: [], stream: 'x', followers: 100 },
    ...{ key: null, session: null, labels: [] },
  })
}

/** Ids of decisions, the newest last. */
const MADE = new WeakMap<Life, string[]>()

function broadcast(
  life: Life,
  one: Extract<Step, { readonly do: 'renew' | 'cut' | 'stop' | 'join' }>,
): Promise<unknown> {
  const id = MADE.get(life)?.at(-1 - one.which) ?? 'A'.repeat(22)
  switch (one.do) {
    case 'renew':
      return life.gate().renew({ broadcast: id, caller: 'key_1' })
    case 'stop':
      return life.gate().end({ broadcast: id, caller: 'key_1' })
    case 'cut':
      return life.gate().cutDone(id, { confirmed: 'dropped', attempts: 1 })
    case 'join':
      return life.gate().join({ broadcast: id, cohost: { subject: one.subject }, caller: 'key_1' })
  }
}

async function decide(life: Life, one: Extract<Step, { readonly do: 'decide' }>): Promise<void> {
  const { key, session, stream, hosts, followers, labels } = one
  const request = ask(one.subject, {
    stream: {
      ...(stream === '' ? {} : { id: stream }),
      hosts: hosts.map((host) => ({ subject: host, facts: { followers } })),
    },
    facts: { followers, labels },
    ...(session === null
      ? {}
      : { session: { server: 'm', session }, enforcement: life.enforcement() }),
    ...(session === null || one.late !== true ? {} : { ungated: 'unasked' as const }),
    ...(one.enforce == null ? {} : { enforce: one.enforce }),
  })
  const asked = key === null ? request : askOnce(key, request, JSON.stringify(one))
  const { id } = await life.gate().decide(asked)
  MADE.set(life, [...(MADE.get(life) ?? []), id])
}

const BY = { by: 'key_1', note: null, expect_revision: null }

/** To activate a text now. */
export function activationOf(bytes: Uint8Array): ActivationRequest {
  return { ...BY, bytes, activate_at: null, dry_run: false, decisions: 0 }
}

/** To go back to the revision before. */
export const ROLLBACK: typeof BY = BY

/** What is kept for how long, where anything goes. */
export const RULES: RetentionRules = {
  kinds: { decisions: 30 * DAY, broadcasts: 30 * DAY },
  strikes: new Map([['', 35 * DAY]]),
}

/** True for a record whose groups are here that a replay needs. */
export function isWhole(record: LoggedRecord | undefined): boolean {
  return ['chain', 'result', 'facts'].every((group) => record?.openings[group] !== undefined)
}

/** True for what can be derived again: a decision, or a broadcast looked at again, with what it saw. */
export function isEvaluated(record: LoggedRecord): boolean {
  if (!isWhole(record) || (record.kind !== 'decision' && record.kind !== 'broadcast')) return false
  return record.kind === 'decision' || opened(record.openings, 'facts').facts !== undefined
}
