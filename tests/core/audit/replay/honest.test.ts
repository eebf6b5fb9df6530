/**
 * G4: whatever happens to an honest gate, its log is never accused, and every decision follows again: random histories of a whole gate in memory, with clocks
 * that step back, writes that fail or whose answer is lost, callers that do everything at once, and policies that change.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuditReport } from '../../../../src/core/audit/audit.ts'
import { utf8 } from '../../../../src/core/encoding.ts'
import { epochMs } from '../../../../src/core/time.ts'
import type { ActivationRequest } from '../../../../src/gate/policy-desk.ts'
import { auditOf } from '../../../support/forge.ts'
import {
  aGate,
  aStrike,
  ask,
  askOnce,
  HOUR,
  MINUTE,
  policyOf,
  STRIKE_RULE,
  type TestGate,
} from '../../../support/gate.ts'

const WAIT =
  '  - { id: wait, ground: terms, when: "subject.followers < 10", outcome: delay, hold: 15m }'
const ONE = '  - { id: one, ground: terms, when: "subject.open_broadcasts > 1", outcome: deny }'
const LOOK =
  '  - { id: look, ground: terms, when: "\'odd\' in subject.labels", outcome: delay, review: { queue: night, within: 1h, at_deadline: deny } }'
const POLICIES = [
  policyOf(`${STRIKE_RULE}\n${WAIT}`),
  policyOf(`${WAIT}\n${ONE}`),
  policyOf(`${STRIKE_RULE}\n${ONE}\n${LOOK}`, 'max_age: 2h\non_stale: deny\n'),
]

const subject = fc.constantFrom('a', 'b', 'c', 'd')
const strike = fc.constantFrom('s1', 's2', 's3', 's4', 's5')

type Step =
  | {
      readonly do: 'decide'
      readonly subject: string
      readonly hosts: readonly string[]
      readonly stream: string
      readonly followers: number
      readonly key: string | null
      readonly session: string | null
      readonly labels: readonly string[]
    }
  | { readonly do: 'strike'; readonly subject: string; readonly id: string; readonly ago: number }
  | { readonly do: 'reverse'; readonly id: string }
  | { readonly do: 'facts'; readonly subject: string; readonly followers: number }
  | { readonly do: 'end'; readonly session: string }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'fail'; readonly fate: 'before' | 'after' }
  | { readonly do: 'activate'; readonly policy: number }
  | { readonly do: 'rollback' }

const step: fc.Arbitrary<Step> = fc.oneof(
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
    }),
  },
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
      ms: fc.constantFrom(1, 1500, 20_000, 61_000, 16 * MINUTE, 5 * HOUR, -90_000, -2 * HOUR),
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
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'rollback' as const }) },
)

/** What a gate may answer instead of doing it. */
const REFUSALS = ['conflict', 'not_found', 'in_progress', 'log_unavailable', 'rate_limited']

async function perform(world: TestGate, one: Step): Promise<void> {
  switch (one.do) {
    case 'decide': {
      const { key, session, stream, hosts, followers, labels } = one
      const request = ask(one.subject, {
        stream: {
          ...(stream === '' ? {} : { id: stream }),
          hosts: hosts.map((host) => ({ subject: host, facts: { followers } })),
        },
        facts: { followers, labels },
        ...(session === null ? {} : { session: { server: 'm', session } }),
      })
      await world.gate.decide(key === null ? request : askOnce(key, request, JSON.stringify(one)))
      return
    }
    case 'strike': {
      const issued_at = epochMs(world.clock.now() - one.ago)
      await world.gate.strike(aStrike(one.id, one.subject, { issued_at }))
      return
    }
    case 'reverse':
      await world.gate.reverse({ strike: one.id, reason: 'upheld' })
      return
    case 'facts':
      await world.gate.putFacts(
        one.subject,
        { followers: one.followers },
        world.clock.now() as never,
      )
      return
    case 'end':
      await world.gate.endSession('m', one.session)
      return
    case 'pass':
      if (one.ms > 0) world.pass(one.ms)
      else world.clock.set(world.clock.now() + one.ms)
      return
    case 'fail':
      world.fates.push(one.fate)
      return
    case 'activate': {
      const text = POLICIES[one.policy] ?? ''
      if (world.policies.active().plan.revision === null) await world.activate(text)
      else await oneByOne(world, () => world.desk.activate(asked(text)))
      return
    }
    case 'rollback':
      if (world.policies.active().plan.revision !== null)
        await oneByOne(world, () => world.desk.rollback(BY))
  }
}

/** Hosts put activations into their log one after the other; the desk of the tests leaves that to its caller. */
const desks = new WeakMap<TestGate, Promise<unknown>>()
async function oneByOne(world: TestGate, act: () => Promise<unknown>): Promise<void> {
  const turn = (desks.get(world) ?? Promise.resolve()).then(act)
  desks.set(
    world,
    turn.catch(() => undefined),
  )
  await turn
}

const BY = { by: 'key_1', note: null, expect_revision: null }

function asked(text: string): ActivationRequest {
  return { ...BY, bytes: utf8(text), activate_at: null, dry_run: false, decisions: 0 }
}

/** Each caller does its steps one after the other; callers run at once. */
async function lived(plan: readonly (readonly Step[])[], numbered: boolean): Promise<AuditReport> {
  const policy = POLICIES[0] ?? ''
  const world = await aGate(numbered ? { policy, numbered } : { policy })
  await Promise.all(
    plan.map(async (steps) => {
      for (const one of steps)
        await perform(world, one).catch((error: { code?: string }) => {
          if (!REFUSALS.includes(error.code ?? '') && error.code !== 'idempotency_mismatch')
            throw error
        })
    }),
  )
  return auditOf(world.store.entries())
}

describe('an honest log', () => {
  it('of one caller after the other is never accused', async () => {
    let replayed = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60 }),
        fc.boolean(),
        async (steps, numbered) => {
          const { findings, counts } = await lived([steps], numbered)
          expect(findings).toEqual([])
          expect(counts.replay).toMatchObject({ believed: 0, other_engine: 0, without_policy: 0 })
          expect(counts.replay?.replayed).toBe(counts.by_kind.decision ?? 0)
          replayed += counts.replay?.replayed ?? 0
        },
      ),
      { numRuns: 40 },
    )
    expect(replayed).toBeGreaterThan(100)
  })

  it('of callers at once is never accused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 20 }), { minLength: 2, maxLength: 5 }),
        async (plan) => {
          // A clock that jumps a minute while an activation is being written outruns what hosts are given to hear of it.
          const { findings, counts } = await lived(plan, false)
          expect(findings).toEqual([])
          expect(counts.replay?.replayed).toBe(counts.by_kind.decision ?? 0)
        },
      ),
      { numRuns: 40 },
    )
  })
})
