/**
 * Stored facts: what a later decision may know of them, and what unknown ones do (G3).
 */
import { describe, expect, it } from 'vitest'
import type { SubjectFacts } from '../../src/core/model.ts'
import { epochMs } from '../../src/core/time.ts'
import type { FactsPatch } from '../../src/gate-types.ts'
import { ask, DAY, MINUTE, NOW, opened, policyOf, useGates } from '../support/gate.ts'

const gates = useGates()
const NEW_ACCOUNT =
  '  - { id: new-account, ground: terms, when: \'now - subject.created_at < duration("24h")\', outcome: deny }'
const policy = policyOf(NEW_ACCOUNT)
const at = (ms: number) => epochMs(NOW + ms)
const OLD = { created_at: epochMs(Date.UTC(2020, 0)) }
const SMALL = "  - { id: small, ground: terms, when: 'subject.followers < 10', outcome: deny }"
const MANY = { followers: 1000 }

describe('stored facts', () => {
  const before: SubjectFacts = { followers: 5, verified: true }
  const updates: readonly {
    readonly name: string
    readonly how: 'putFacts' | 'patchFacts'
    readonly facts: FactsPatch
    readonly as_of: number
    readonly after: object
  }[] = [
    {
      name: 'put replaces all of them',
      ...{ how: 'putFacts', facts: { followers: 6 }, as_of: 1 },
      after: { followers: { value: 6, as_of: NOW + 1 } },
    },
    {
      name: 'patch changes those it names',
      ...{ how: 'patchFacts', facts: { followers: 6 }, as_of: 1 },
      after: { followers: { value: 6, as_of: NOW + 1 }, verified: { value: true, as_of: NOW } },
    },
    {
      name: 'null forgets one',
      ...{ how: 'patchFacts', facts: { followers: null }, as_of: 1 },
      after: { verified: { value: true, as_of: NOW } },
    },
    {
      name: 'an older patch changes nothing',
      ...{ how: 'patchFacts', facts: { followers: 6, verified: null }, as_of: -1 },
      after: { followers: { value: 5, as_of: NOW }, verified: { value: true, as_of: NOW } },
    },
    {
      name: 'an older put forgets nothing newer, and adds what is not known yet',
      ...{ how: 'putFacts', facts: { followers: 6, age_band: '18+' }, as_of: -1 },
      after: {
        followers: { value: 5, as_of: NOW },
        verified: { value: true, as_of: NOW },
        age_band: { value: '18+', as_of: NOW - 1 },
      },
    },
    {
      name: 'of two with the same instant the later call counts',
      ...{ how: 'patchFacts', facts: { followers: 6 }, as_of: 0 },
      after: { followers: { value: 6, as_of: NOW }, verified: { value: true, as_of: NOW } },
    },
    {
      name: 'an empty put forgets all',
      ...{ how: 'putFacts', facts: {}, as_of: 1 },
      after: {},
    },
  ]
  it.each(updates)('$name', async ({ how, facts, as_of, after }) => {
    const world = await gates({ policy })
    await world.gate.putFacts('u1', before, NOW)
    expect(await world.gate[how]('u1', facts, at(as_of))).toEqual(after)
    expect((await world.gate.subject('u1')).facts).toEqual(after)
  })

  it('count for the next decision, and are disclosed with where they come from', async () => {
    const world = await gates({ policy })
    await world.gate.putFacts('u1', { ...OLD, followers: 5 }, NOW)
    const answer = await world.gate.decide(ask('u1', { facts: { followers: 7 } }))
    expect(answer.outcome).toBe('allow')
    const { hosts } = opened<{ hosts: unknown[] }>(answer.openings, 'facts')
    expect(hosts).toMatchObject([
      {
        facts: { ...OLD, followers: 7 },
        sources: {
          created_at: { from: 'stored', as_of: NOW },
          followers: { from: 'request', as_of: NOW },
        },
      },
    ])
  })

  it.each([
    { name: 'just within the age that is allowed', age: 30 * DAY, outcome: 'allow' },
    { name: 'a millisecond older', age: 30 * DAY + 1, outcome: 'delay' },
  ])('$name: $outcome', async ({ age, outcome }) => {
    const world = await gates({ policy: policyOf(SMALL) })
    await world.gate.putFacts('u1', MANY, NOW)
    world.pass(age)
    const answer = await world.gate.decide(ask('u1', { facts: {} }))
    expect(answer.outcome).toBe(outcome)
  })

  it('are stale by the age the deployment sets', async () => {
    const world = await gates({ policy: policyOf(SMALL), settings: { facts_max_age_ms: MINUTE } })
    await world.gate.putFacts('u1', MANY, NOW)
    world.pass(MINUTE + 1)
    const answer = await world.gate.decide(ask('u1', { facts: {} }))
    expect(answer.decision.unknown).toEqual([
      { rule: 'small', host: 0, facts: ['subject.followers'] },
    ])
  })

  it('that cannot change are never stale: when an account was made stays so', async () => {
    const world = await gates({ policy })
    await world.gate.putFacts('u1', OLD, NOW)
    world.pass(400 * DAY)
    expect((await world.gate.decide(ask('u1', { facts: {} }))).outcome).toBe('allow')
  })

  it('do not stand in for one the request named and nobody could read', async () => {
    const world = await gates({ policy })
    await world.gate.putFacts('u1', OLD, NOW)
    const answer = await world.gate.decide(ask('u1', { facts: { created_at: null } }))
    expect(answer.decision.unknown).toEqual([
      { rule: 'new-account', host: 0, facts: ['subject.created_at'] },
    ])
  })

  it('that claim to be from the future are refused, for nothing could correct them', async () => {
    const world = await gates({ policy })
    await world.gate.putFacts('u1', OLD, at(MINUTE))
    const error = await world.gate.putFacts('u1', OLD, at(MINUTE + 1)).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'invalid_request', faults: [{ pointer: '/as_of' }] })
  })

  it('are not a record: only a decision discloses what it saw', async () => {
    const world = await gates({ policy })
    await world.gate.putFacts('u1', OLD, NOW)
    expect(world.kinds().slice(2)).toEqual([])
    expect((await world.state('u1')).pseudonym).toBeNull()
  })
})

describe('an unknown fact', () => {
  it.each([
    { name: 'retry', rest: '', mode: 'retry', outcome: 'delay' },
    { name: 'deny', rest: 'deny', mode: null, outcome: 'deny' },
  ])('never opens the gate: on_unknown is $name', async ({ rest, mode, outcome }) => {
    const text = rest === '' ? policy : policy.replace('{ retry_after: 30s }', '{ outcome: deny }')
    const world = await gates({ policy: text })
    const answer = await world.gate.decide(ask('u1', { facts: {} }))
    expect(answer).toMatchObject({ outcome, decision: { mode } })
    expect(answer.decision.unknown).toEqual([
      { rule: 'new-account', host: 0, facts: ['subject.created_at'] },
    ])
    world.pass(365 * DAY)
    expect((await world.gate.decide(ask('u1', { facts: {} }))).outcome).toBe(outcome)
    expect((await world.gate.decide(ask('u1', { facts: OLD }))).outcome).toBe('allow')
  })

  it('of a co-host is as unknown as one of the host', async () => {
    const world = await gates({ policy })
    const stream = { id: 'b', hosts: [{ subject: 'u2' }] }
    const answer = await world.gate.decide(ask('u1', { stream }))
    expect(answer.decision.unknown).toEqual([
      { rule: 'new-account', host: 1, facts: ['subject.created_at'] },
    ])
  })
})
