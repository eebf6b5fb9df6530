/**
 * G2 as a property: whatever a handful of callers do at once, the chain is one order of events that explains every
 * answer, and it never contradicts what anybody could know: what was answered before something began comes before it.
 *
 * Schedules are random interleavings of every load, signature and commit; a failing one shrinks to a few steps.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, Strike } from '../../src/core/model.ts'
import type { SignedRecord } from '../../src/ports.ts'
import {
  aGate,
  aStrike,
  ask,
  askOnce,
  chainOf,
  opened,
  policyOf,
  STRIKE_RULE,
  type TestGate,
} from '../support/gate.ts'

type Step =
  | {
      readonly do: 'decide'
      readonly subject: string
      readonly cohost: string
      readonly key: number
    }
  | { readonly do: 'strike'; readonly subject: string; readonly id: string }
  | { readonly do: 'reverse'; readonly id: string }
  | { readonly do: 'facts'; readonly subject: string; readonly followers: number }

const SUBJECTS = ['a', 'b', 'c'] as const
const subject = fc.constantFrom(...SUBJECTS)
const strikeId = fc.constantFrom('s1', 's2', 's3', 's4')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      subject,
      cohost: fc.constantFrom('', ...SUBJECTS),
      key: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('strike' as const), subject, id: strikeId }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reverse' as const), id: strikeId }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('facts' as const), subject, followers: fc.nat(9) }),
  },
)
/** Each caller does its steps one after the other; callers run at once. */
const callers = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), {
  minLength: 2,
  maxLength: 4,
})

/** Something that was answered: when it began and ended, and where it stands. */
interface Event {
  readonly began: number
  readonly ended: number
  readonly step: Step
  /** Index of the record it made; null for an earlier one. */
  readonly index: number | null
  readonly openings: Readonly<Record<string, string>> | null
  readonly outcome: string | null
}

async function run(world: TestGate, plan: readonly (readonly Step[])[]): Promise<readonly Event[]> {
  const events: Event[] = []
  let clock = 0
  const one = async (step: Step): Promise<void> => {
    const began = ++clock
    const done = await perform(world, step).catch((error) => {
      if (['conflict', 'not_found', 'in_progress', 'log_unavailable'].includes(error.code))
        return null
      throw error
    })
    if (done !== null) events.push({ began, ended: ++clock, step, ...done })
  }
  await Promise.all(
    plan.map(async (steps) => {
      for (const next of steps) await one(next)
    }),
  )
  return events
}

async function perform(
  { gate, clock }: TestGate,
  step: Step,
): Promise<Pick<Event, 'index' | 'openings' | 'outcome'>> {
  const nothing = { index: null, openings: null, outcome: null }
  switch (step.do) {
    case 'decide': {
      const hosts = step.cohost === '' ? {} : { hosts: [{ subject: step.cohost }] }
      const request = ask(step.subject, { stream: { id: `b_${step.subject}`, ...hosts } })
      const keyed = step.key === 0 ? request : askOnce(`k${step.key}`, request, step.cohost)
      const answer = await gate.decide(keyed).catch((error) => {
        if (error.code === 'idempotency_mismatch') return null
        throw error
      })
      if (answer === null) return nothing
      const { outcome, openings, receipt, repeated } = answer
      return { index: repeated ? null : receipt.index, openings, outcome }
    }
    case 'strike': {
      const { receipt } = await gate.strike(aStrike(step.id, step.subject))
      return { ...nothing, index: receipt?.index ?? null }
    }
    case 'reverse': {
      const { receipt } = await gate.reverse({ strike: step.id, reason: 'appeal' })
      return { ...nothing, index: receipt?.index ?? null }
    }
    case 'facts': {
      await gate.patchFacts(step.subject, { followers: step.followers }, clock.now())
      return nothing
    }
  }
}

/** Ids of the strikes active for a subject after the first `end` entries of the log. */
function activeAt(log: readonly SignedRecord[], end: number, subject: string): string[] {
  const active = new Set<string>()
  for (const { kind, openings } of log.slice(0, end)) {
    if (kind === 'strike') {
      const { strike } = opened<{ strike: Strike }>(openings, 'facts')
      if (strike.subject === subject) active.add(strike.id)
    }
    if (kind === 'reversal') active.delete(opened<{ strike: string }>(openings, 'facts').strike)
  }
  return [...active].sort()
}

function seen(openings: Readonly<Record<string, string>>, host: number): string[] {
  const { hosts } = opened<Facts>(openings, 'facts')
  const strikes = hosts[host]?.strikes ?? []
  return strikes
    .filter((strike) => strike.status === 'active')
    .map((strike) => strike.id)
    .sort()
}

/** Every decision saw exactly the strikes that stand before it on its subject's chain. */
function expectOneOrder(log: readonly SignedRecord[]): void {
  for (const [index, { kind, openings }] of log.entries()) {
    if (kind !== 'decision') continue
    const [first] = opened<Facts>(openings, 'facts').hosts
    expect(seen(openings, 0)).toEqual(activeAt(log, index, first.subject))
  }
}

/** What was answered before something began is before it; an answer fits what was answered before it began. */
function expectKnown(log: readonly SignedRecord[], events: readonly Event[]): void {
  for (const later of events)
    for (const earlier of events) {
      if (earlier.ended >= later.began) continue
      if (earlier.index !== null && later.index !== null)
        expect(earlier.index).toBeLessThan(later.index)
    }
  for (const event of events) {
    if (event.step.do !== 'decide' || event.outcome === null) continue
    const names = [event.step.subject, ...(event.step.cohost === '' ? [] : [event.step.cohost])]
    const struckBefore = names.some((name) => certainlyStruck(log, events, event, name))
    if (struckBefore) expect(event.outcome).toBe('deny')
    if (names.every((name) => certainlyClean(events, event, name)))
      expect(event.outcome).toBe('allow')
  }
}

/** A strike was answered before the decision began, and no reversal of it began before the decision's answer. */
function certainlyStruck(
  log: readonly SignedRecord[],
  events: readonly Event[],
  decision: Event,
  name: string,
): boolean {
  return events.some(({ step, index, ended }) => {
    if (step.do !== 'strike' || index === null || step.subject !== name) return false
    const reversed = events.some(
      (other) =>
        other.step.do === 'reverse' && other.step.id === step.id && other.began < decision.ended,
    )
    return ended < decision.began && !reversed && log[index]?.kind === 'strike'
  })
}

/** No strike of this subject even began before the decision was answered. */
function certainlyClean(events: readonly Event[], decision: Event, name: string): boolean {
  return !events.some(
    ({ step, began }) => step.do === 'strike' && step.subject === name && began < decision.ended,
  )
}

describe('decisions, strikes, reversals and facts of a few subjects at once', () => {
  it('are one order of events that explains every answer, and nothing waits for ever', async () => {
    await fc.assert(
      fc.asyncProperty(callers, fc.scheduler(), async (plan, scheduler) => {
        const world = await aGate({
          policy: policyOf(STRIKE_RULE),
          around: async (what, work) => {
            await scheduler.schedule(Promise.resolve(), what)
            return work()
          },
        })
        const events = await scheduler.waitFor(run(world, plan))
        const log = world.store.entries()
        expectOneOrder(log)
        expectKnown(log, events)
        for (const name of SUBJECTS) {
          const { broadcasts } = await world.state(name)
          // What a strike has revoked is not pending: it is being cut.
          const pending = broadcasts.filter(
            (open) => open.cutting === undefined && open.lease_until - open.opened_at <= 60_000,
          )
          expect(pending).toEqual([])
        }
        expect(world.timers()).toBe(0)
        await world.verify()
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('stay one order when the log fails before or after any write', async () => {
    const fate = fc.constantFrom(
      'done' as const,
      'done' as const,
      'before' as const,
      'after' as const,
    )
    await fc.assert(
      fc.asyncProperty(callers, fc.array(fate, { maxLength: 30 }), async (plan, fates) => {
        const world = await aGate({ policy: policyOf(STRIKE_RULE) })
        world.fates.push(...fates)
        const events = await run(world, plan)
        const log = world.store.entries()
        expectOneOrder(log)
        const answered = events.filter((event) => event.index !== null)
        for (const { index, openings } of answered)
          if (openings !== null) expect(log[index ?? -1]?.openings).toEqual(openings)
        for (const later of answered)
          for (const earlier of answered)
            if (earlier.ended < later.began) expect(earlier.index).toBeLessThan(later.index ?? 0)
        await world.verify()
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('have consecutive places on each chain', async () => {
    await fc.assert(
      fc.asyncProperty(callers, async (plan) => {
        const world = await aGate({ policy: policyOf(STRIKE_RULE) })
        await run(world, plan)
        const next = new Map<string, number>()
        for (const { kind, openings } of world.store.entries()) {
          if (kind === 'key' || kind === 'policy') continue
          const { sub, seq } = chainOf(openings)
          expect(seq).toBe((next.get(sub) ?? 0) + 1)
          next.set(sub, seq)
        }
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})
