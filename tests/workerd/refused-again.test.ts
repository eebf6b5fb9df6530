/**
 * A denied encoder that comes back, on the edge: answered by its subject's object from memory, with the record of its denial, until
 * something changes; whichever isolate it is asked through, and whoever else changes what. Docs: docs/adr/0025-refusals-kept-with-the-state.md.
 */
import { evictDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createEdgeGate } from '../../src/adapters/cloudflare/edge-gate.ts'
import { FRESH_MS } from '../../src/adapters/cloudflare/sequencer-revisions.ts'
import { systemClock as clock } from '../../src/adapters/cloudflare/worker-system.ts'
import { DAY_MS, epochMs, HOUR_MS } from '../../src/core/time.ts'
import type { Answer, DecideRequest, Gate } from '../../src/gate-types.ts'
import { aStrike, ask, policyOf, STRIKE_RULE } from '../support/gate.ts'
import { auditLogs, chainOf, chainsOf, pepper, stubs, subjectStub } from './deployment.ts'
import { aWorld, lost, NEXT_KEY } from './subject-world.ts'

/** The gate as an isolate of the Worker makes it: it remembers nothing. */
const isolate = (): Gate => createEdgeGate({ stubs, pepper, after: () => () => {}, keep: () => {} })
const everybody: string[] = []

/** As a hook asks: nothing given, nobody shown the proof. */
const hook = (subject: string, given: Partial<DecideRequest> = {}): DecideRequest =>
  ask(subject, { facts: {}, terse: true, caller: 'hook:edge', ...given })
const again = (subject: string): Promise<Answer> => isolate().decide(hook(subject))

/** From memory: what nobody is shown is not even read. */
const isKept = ({ repeated, jws }: Answer): boolean => repeated && jws === ''

/** Struck, and denied so often that it is remembered. */
async function denied(strikes = 1): Promise<{ readonly subject: string; readonly first: Answer }> {
  const subject = `denied-${crypto.randomUUID()}`
  everybody.push(subject)
  const now = clock.now()
  const facts = { created_at: epochMs(now - 400 * DAY_MS), followers: 100 }
  await isolate().putFacts(subject, facts, now)
  for (let i = 0; i < strikes; i++) await struck(subject, i)
  const first = await again(subject)
  expect([first.outcome, first.repeated]).toEqual(['deny', false])
  await vi.waitFor(async () => expect(isKept(await again(subject))).toBe(true))
  return { subject, first }
}
const struck = (subject: string, i: number) =>
  isolate().strike(aStrike(`s-${i}-${subject}`, subject, { issued_at: clock.now() }))

async function api(method: string, path: string, body?: unknown): Promise<Response> {
  return exports.default.fetch(
    new Request(`https://gate.example${path}`, {
      method,
      headers: {
        authorization: `Bearer ${env.LIVEGATE_ADMIN_KEY}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
}

afterAll(async () => auditLogs(await chainsOf(everybody)))

describe('a denied encoder that comes back', () => {
  it('gets the record of its denial from memory, through any isolate; no log grows', async () => {
    const { subject, first } = await denied()
    const { length } = await chainOf(subject)
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        isolate().decide(hook(subject, { session: { server: 'edge', session: `c${i}` } })),
      ),
    )
    for (const one of all) expect(one).toEqual({ ...first, repeated: true, jws: '', openings: {} })
    expect(await chainOf(subject)).toHaveLength(length)
    const { terse: _terse, ...full } = hook(subject)
    expect(await isolate().decide(full)).toEqual({ ...first, repeated: true })
  })

  it('gets it again after its object was put away: it is judged, then remembered', async () => {
    const { subject, first } = await denied()
    await evictDurableObject(subjectStub(subject) as never)
    const woken = await again(subject)
    expect([woken.id, woken.repeated, isKept(woken)]).toEqual([first.id, true, false])
    const kept = await again(subject)
    expect([kept.id, isKept(kept)]).toEqual([first.id, true])
  })

  it('is remembered by its own object: what happens to another subject changes nothing', async () => {
    const [one, other] = [await denied(), await denied()]
    await struck(other.subject, 1)
    expect(isKept(await again(one.subject))).toBe(true)
    const changed = await again(other.subject)
    expect([changed.repeated, isKept(changed)]).toEqual([false, false])
    const shared = { id: 'b', hosts: [{ subject: other.subject }] }
    const together = await isolate().decide(hook(one.subject, { stream: shared }))
    expect([together.outcome, together.repeated]).toEqual(['deny', false])
  })

  it('is admitted by the first question after the last strike was reversed, by another isolate', async () => {
    const { subject } = await denied(2)
    const take = (i: number) => isolate().reverse({ strike: `s-${i}-${subject}`, reason: 'appeal' })
    await take(0)
    const less = await again(subject)
    expect([less.outcome, less.repeated]).toEqual(['deny', false])
    await again(subject)
    expect(isKept(await again(subject))).toBe(true)
    await take(1)
    expect((await again(subject)).outcome).toBe('allow')
  })

  it('is denied by every question that begins after a strike, while many ask', async () => {
    const { subject } = await denied(1)
    const asking = Array.from({ length: 30 }, () => again(subject))
    const strike = struck(subject, 1)
    const { restrictions } = await strike
    const after = await Promise.all(Array.from({ length: 10 }, () => again(subject)))
    expect(restrictions).toHaveLength(1)
    for (const { outcome } of await Promise.all(asking)) expect(outcome).toBe('deny')
    // None of them is an answer from before the second strike.
    for (const { decision } of after)
      expect(decision.reasons.flatMap(({ strikes }) => strikes)).toContain(`s-1-${subject}`)
  })

  it('is judged anew under an incident, and when that is over', async () => {
    const { subject, first } = await denied()
    const body = {
      ...{ scope: 'all', reason: 'a drill' },
      expires_at: new Date(Date.now() + HOUR_MS),
    }
    expect((await api('PUT', '/v1/incident', body)).status).toBe(201)
    const during = await again(subject)
    expect([during.outcome, isKept(during)]).toEqual(['deny', false])
    expect((await api('DELETE', '/v1/incident')).status).toBe(200)
    const over = await again(subject)
    expect([over.id, isKept(over)]).toEqual([first.id, false])
  }, 60_000)

  it('is admitted from the instant another policy decides, and before gets the record it had', async () => {
    const { subject, first } = await denied()
    const asked = await api('PUT', '/v1/policies', { policy: policyOf('') })
    expect(asked.status).toBe(201)
    const { active_from } = (await asked.json()) as { readonly active_from: string }
    const before: Answer[] = []
    for (;;) {
      const sent_at = clock.now()
      const one = await again(subject)
      if (one.outcome === 'allow') {
        expect(one.decided_at).toBeGreaterThanOrEqual(Date.parse(active_from))
        break
      }
      // Whoever asks after it decides may not hear what was.
      expect(sent_at).toBeLessThan(Date.parse(active_from) + FRESH_MS)
      before.push(one)
      await new Promise((go) => setTimeout(go, 250))
    }
    expect(new Set(before.map(({ id }) => id))).toEqual(new Set([first.id]))
  }, 60_000)
})

describe('what is remembered in an object', () => {
  const NEWS = FRESH_MS + 1
  async function remembered() {
    const world = aWorld(policyOf(STRIKE_RULE))
    const decide = (given: Partial<DecideRequest> = {}) =>
      world.ask('u1', (host) => host.decide(hook('u1', given)))
    await world.ask('u1', (host) => host.strike(aStrike('s1', 'u1')))
    const first = await decide()
    await decide()
    expect(isKept(await decide())).toBe(true)
    return { world, decide, first }
  }

  it('is no answer while the log cannot be asked what decides, and is one again when it can', async () => {
    const { world, decide, first } = await remembered()
    world.around = async (step, call) => {
      if (step === 'ready') throw lost()
      return call()
    }
    expect(isKept(await decide())).toBe(true)
    await world.pass('u1', NEWS)
    await expect(decide()).rejects.toMatchObject({ code: 'log_unavailable' })
    world.around = (_step, call) => call()
    expect(await decide()).toMatchObject({ id: first.id, repeated: true })
    await world.verify('u1')
  })

  it('names its record also when another key signs by now, and the next change is signed by that', async () => {
    const { world, decide, first } = await remembered()
    for (const step of ['begin', 'finish'] as const) {
      await world.log.exchange(step)
      await world.pass('u1', NEWS)
      expect(await decide()).toMatchObject({ id: first.id, outcome: 'deny', repeated: true })
    }
    await world.ask('u1', (host) => host.strike(aStrike('s2', 'u1')))
    const next = await decide()
    expect([next.repeated, kidOf(next.jws)]).toEqual([false, NEXT_KEY.signer.kid])
    await world.verify('u1')
  })

  it('is gone with whoever is erased: what outlives that is on a chain of its own', async () => {
    const { world, decide, first } = await remembered()
    await world.ask('u1', (host) => host.erase({ subject: 'u1', scope: 'subject', basis: 'art17' }))
    const anew = await decide()
    expect([anew.outcome, anew.repeated, anew.id === first.id]).toEqual(['deny', false, false])
    expect(anew.decision.reasons.map(({ code }) => code)).toContain('restriction_kept')
  })

  it('is not an answer past the instant the clock alone changes it', async () => {
    const { world, decide, first } = await remembered()
    const until = first.decision.until as number
    world.clock.set(until - 1)
    expect((await decide()).outcome).toBe('deny')
    world.clock.set(until)
    expect((await decide()).outcome).toBe('allow')
    await world.verify('u1')
  })
})

function kidOf(jws: string): string {
  const [head = ''] = jws.split('.')
  return (JSON.parse(atob(head.replaceAll('-', '+').replaceAll('_', '/'))) as { kid: string }).kid
}
