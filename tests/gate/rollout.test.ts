/**
 * What is not enforced: whom a rule or a door spares, what their records say, and that what runs under it runs on. Every gate
 * is audited after each test: what is recorded follows again from policy, facts and pseudonym.
 */
import { describe, expect, it } from 'vitest'
import { textFromBase64Url } from '../../src/core/encoding.ts'
import type { Facts } from '../../src/core/model.ts'
import { bucketOf } from '../../src/core/policy/rollout.ts'
import { type RolloutReport, rolloutReport } from '../../src/gate/rollout-report.ts'
import { createShadow, withShadow } from '../../src/gate/shadow.ts'
import { createSweeps } from '../../src/gate/sweep.ts'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import {
  activePolicy,
  aStrike,
  ask,
  askOnce,
  HOLD_RULE,
  HOUR,
  MINUTE,
  NOW,
  opened,
  policyOf,
  STRIKE_RULE,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
const caller = 'key_2'
const rule = (enforce: string, text = STRIKE_RULE): string =>
  text.replace(/ \}$/, `, enforce: ${enforce} }`)
const claimsOf = ({ jws = '' }: { readonly jws?: string }): Record<string, unknown> =>
  JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? '')
const factsOf = ({ openings }: Pick<Answer, 'openings'>): Facts => opened<Facts>(openings, 'facts')

/** Somebody struck, and the answer they get. */
async function struck(
  world: TestGate,
  subject: string,
  given: Partial<DecideRequest> = {},
): Promise<Answer> {
  await world.gate.strike(aStrike(`s_${subject}`, subject))
  return world.gate.decide(ask(subject, given))
}

/** Every page of the report. */
async function whole(world: TestGate, from: number, to?: number): Promise<RolloutReport> {
  const sources = { directory: world.store.directory, shards: 1 }
  const range = { from: from as never, ...(to === undefined ? {} : { to: to as never }) }
  let page = await rolloutReport(sources, range, { limit: 2 })
  const all = { ...page, counts: [...page.counts] }
  while (page.next !== null) {
    page = await rolloutReport(sources, range, { limit: 2, cursor: page.next })
    all.decisions = [...all.decisions, ...page.decisions]
    all.renewals = [...all.renewals, ...page.renewals]
    all.counts = [...all.counts, ...page.counts]
    all.erased += page.erased
  }
  return all
}

describe('a rule that is off', () => {
  it('lets start, in a record that says what it would have done', async () => {
    const world = await gates({ policy: policyOf(rule('off')) })
    const answer = await struck(world, 'u1')
    expect(answer).toMatchObject({ outcome: 'allow', decision: { rules: [], reasons: [] } })
    expect(claimsOf(answer)).toMatchObject({ outcome: 'allow', enforced: false })
    expect(opened(answer.openings, 'result')).toMatchObject({
      rules: [],
      would: { outcome: 'deny', rules: [{ host: 0, rule: 'struck' }] },
    })
    expect(factsOf(answer).hosts[0]).not.toHaveProperty('bucket')
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'decided', would: { outcome: 'deny', rules: ['struck'] } }),
    )
  })

  it('and nothing that would apply: nothing of it in the record', async () => {
    const world = await gates({ policy: policyOf(rule('off')) })
    const answer = await world.gate.decide(ask('u1'))
    expect(claimsOf(answer)).not.toHaveProperty('enforced')
    expect(opened(answer.openings, 'result')).not.toHaveProperty('would')
  })

  it('imposes no restriction anybody is shown, and ends nothing that runs', async () => {
    const world = await gates({ policy: policyOf(rule('off')) })
    const { id } = await world.gate.decide(ask('u1'))
    const strike = await world.gate.strike(aStrike('s1', 'u1'))
    expect([strike.restrictions, strike.revoked]).toEqual([[], []])
    expect((await world.gate.subject('u1')).restrictions).toEqual([])
    expect(await world.gate.broadcast(id)).toMatchObject({ cutting: null })
    world.pass(2 * HOUR)
    const renewal = await world.gate.renew({ broadcast: id, caller })
    expect(renewal).toMatchObject({ event: 'renewed', decision: { would: { outcome: 'deny' } } })
    expect(claimsOf(renewal)).toMatchObject({ enforced: false })
  })

  it('has on record whom a strike would have stopped while they ran, once, also when nobody asks again', async () => {
    const world = await gates({ policy: policyOf(rule('off')) })
    const { id } = await world.gate.decide(ask('u1'))
    world.pass(HOUR)
    await world.gate.strike(aStrike('s1', 'u1'))
    expect(world.kinds().filter((kind) => kind === 'broadcast')).toHaveLength(1)
    const { lease_until, renewed } = (await world.gate.broadcast(id)) ?? {}
    expect(lease_until).toBe(NOW + 5 * HOUR)
    const record = await world.store.directory.record(renewed ?? '')
    expect(claimsOf(record ?? {})).toMatchObject({ enforced: false })
    expect(opened(record?.openings ?? {}, 'facts')).toMatchObject({
      ...{ event: 'renewed', broadcast: id, reason: 'strike' },
    })
    // What looks at everybody, or again, adds nothing.
    for (const cause of ['policy', 'incident', 'restart', 'strike'] as const)
      await world.gate.recheck('u1', cause, cause === 'strike')
    expect(world.kinds().filter((kind) => kind === 'broadcast')).toHaveLength(1)
    expect((await whole(world, NOW)).renewals).toMatchObject([
      { broadcast: id, stopped: true, would: { outcome: 'deny', rules: [{ rule: 'struck' }] } },
    ])
    expect(await world.gate.end({ broadcast: id, caller })).toBe(true)
  })

  it('has nothing on record of a strike that would have stopped nobody', async () => {
    const warned = rule('off').replace('["*"]', '["spam"]')
    const world = await gates({ policy: policyOf(warned) })
    await world.gate.decide(ask('u1'))
    await world.gate.strike(aStrike('s1', 'u1'))
    expect(world.kinds()).not.toContain('broadcast')
  })

  it('whose record of a strike the log did not take has it when the mark is looked for', async () => {
    const world = await gates({ policy: policyOf(rule('off')) })
    const { id } = await world.gate.decide(ask('u1'))
    world.fates.push('done', 'before')
    await world.gate.strike(aStrike('s1', 'u1'))
    expect((await world.state('u1')).broadcasts).toMatchObject([{ id, recheck: 'strike' }])
    await world.gate.recheck('u1', 'restart', true)
    expect(world.kinds().filter((kind) => kind === 'broadcast')).toHaveLength(1)
    expect((await world.state('u1')).broadcasts).toMatchObject([
      { id, renewed: expect.any(String) },
    ])
  })

  it('turned on ends what it spared, and refuses from then on', async () => {
    const world = await gates({ policy: policyOf(rule('off')) })
    const answer = await struck(world, 'u1')
    await world.activate(policyOf(rule('on')))
    expect(await world.gate.recheck('u1', 'policy')).toEqual([answer.id])
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('deny')
  })

  it('begins no hold; the first ask after it is on does', async () => {
    const world = await gates({ policy: policyOf(rule('off', HOLD_RULE)) })
    const small = { facts: { followers: 1 } }
    expect((await world.gate.decide(ask('u1', small))).outcome).toBe('allow')
    expect((await world.state('u1')).holds).toEqual([])
    world.pass(30 * MINUTE)
    await world.activate(policyOf(HOLD_RULE))
    const after = await world.gate.decide(ask('u1', small))
    expect(after.decision).toMatchObject({ mode: 'hold', not_before: NOW + 45 * MINUTE })
  })
})

describe('a canary', () => {
  const people = Array.from({ length: 24 }, (_, i) => `p${i}`)

  it('is in earnest for those whose bucket is below it, by the pseudonym in their records', async () => {
    const world = await gates({ policy: policyOf(rule('canary 50%')) })
    const met = new Set<string>()
    for (const subject of people) {
      const answer = await struck(world, subject)
      const { bucket, subject: pseudonym } = factsOf(answer).hosts[0]
      expect(bucket).toBe(bucketOf(pseudonym))
      expect((await world.state(subject)).pseudonym).toBe(pseudonym)
      expect(answer.outcome).toBe((bucket ?? 0) < 50 ? 'deny' : 'allow')
      met.add(answer.outcome)
    }
    expect([...met].toSorted()).toEqual(['allow', 'deny'])
  })

  it('stays the same people ask after ask, and raised it only adds', async () => {
    const world = await gates({ policy: policyOf(rule('canary 20%')) })
    for (const subject of people) await world.gate.strike(aStrike(`s_${subject}`, subject))
    const refused = async (): Promise<readonly string[]> => {
      const found: string[] = []
      for (const subject of people)
        if ((await world.gate.decide(ask(subject))).outcome === 'deny') found.push(subject)
      return found
    }
    const first = await refused()
    world.pass(MINUTE)
    expect(await refused()).toEqual(first)
    await world.activate(policyOf(rule('canary 70%')))
    const more = await refused()
    expect(more).toEqual(expect.arrayContaining([...first]))
    expect(more.length).toBeGreaterThan(first.length)
    await world.activate(policyOf(rule('on')))
    expect(await refused()).toEqual(people)
  })

  it('meets a co-host by the co-host’s own bucket, and one who has no record yet whatever it is', async () => {
    const world = await gates({ policy: policyOf(`${rule('canary 1%', HOLD_RULE)}`) })
    const host = { subject: 'new', facts: { followers: 1 } }
    const joined = ask('u1', { stream: { id: 'b', hosts: [host] } })
    const stranger = await world.gate.decide(joined)
    expect(stranger.decision).toMatchObject({ mode: 'hold', reasons: [{ host: 1 }] })
    expect(factsOf(stranger).hosts[1]).not.toHaveProperty('bucket')
    // Whoever has gone live once has a pseudonym, and with it a bucket.
    for (const i of [1, 2, 3, 4]) await world.gate.decide(ask(`known${i}`))
    const spared: boolean[] = []
    for (const i of [1, 2, 3, 4]) {
      const known = { subject: `known${i}`, facts: { followers: 1 } }
      const answer = await world.gate.decide(ask('u1', { stream: { id: `b${i}`, hosts: [known] } }))
      const { bucket, subject } = factsOf(answer).hosts[1] ?? { bucket: -1, subject: '' }
      expect(bucket).toBe(bucketOf(subject))
      spared.push(answer.outcome === 'allow')
      if (answer.outcome === 'allow')
        expect(answer.decision.would?.rules).toEqual([{ host: 1, rule: 'wait' }])
    }
    expect(spared).toContain(true)
  })

  it('is no lot to draw again by being forgotten: a restriction that outlives it stays', async () => {
    const world = await gates({ policy: policyOf(rule('canary 50%')) })
    for (const subject of people.slice(0, 12)) {
      const before = await struck(world, subject)
      await world.erasure.erase({ subject, scope: 'subject', basis: 'art17' })
      const after = await world.gate.decide(ask(subject))
      expect(after.outcome).toBe(before.outcome)
    }
  })
})

describe('a door', () => {
  it('that is off lets everybody start and records what the policy says', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const answer = await struck(world, 'u1', { enforce: 'off' })
    expect(answer).toMatchObject({
      ...{ outcome: 'allow', decision: { lease_until: NOW + 4 * HOUR } },
    })
    expect(factsOf(answer).enforce).toBe('off')
    expect(claimsOf(answer)).toMatchObject({ outcome: 'allow', enforced: false })
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('deny')
  })

  it('that is on leaves no trace', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const answer = await world.gate.decide(ask('u1', { enforce: 'on' }))
    expect(factsOf(answer)).not.toHaveProperty('enforce')
  })

  it('holds for everything that is asked of the broadcast later: strikes, sweeps, renewals, who joins', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const { gate, clock, store } = world
    const { id } = await gate.decide(ask('u1', { enforce: 'off' }))
    const strike = await gate.strike(aStrike('s1', 'u1'))
    expect(strike.revoked).toEqual([])
    expect(await gate.recheck('u1', 'incident')).toEqual([])
    const onError = (error: unknown): never => {
      throw error
    }
    const after = (_ms: number, fire: () => void): (() => void) => {
      queueMicrotask(fire)
      return () => {}
    }
    const sweeps = createSweeps({ gate, clock, after, onError, broadcasts: store.broadcasts })
    expect(await sweeps.sweep('policy')).toEqual({ looked: 1, revoked: 0 })
    expect(world.revoked).toEqual([])
    world.pass(2 * HOUR)
    const renewal = await gate.renew({ broadcast: id, caller })
    expect(renewal).toMatchObject({ event: 'renewed', lease_until: NOW + 6 * HOUR })
    expect(claimsOf(renewal)).toMatchObject({ enforced: false })
    const again = await gate.renew({ broadcast: id, caller, facts: { followers: 7 } })
    expect(again.event).toBe('renewed')
    const joined = await gate.join({ broadcast: id, cohost: { subject: 'u2' }, caller })
    expect(joined).toMatchObject({ outcome: 'allow', decision: { would: { outcome: 'deny' } } })
    expect(factsOf(joined).enforce).toBe('off')
  })

  it('that was on goes on being so: what began in earnest is ended by a strike', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const { id } = await world.gate.decide(ask('u1', { enforce: 'canary 99%' }))
    const { bucket } = factsOf((await world.store.directory.record(id)) ?? { openings: {} })
      .hosts[0]
    const strike = await world.gate.strike(aStrike('s1', 'u1'))
    expect(strike.revoked).toEqual((bucket ?? 0) < 99 ? [id] : [])
  })

  it('is forgotten with what began there: then nothing extends it, and a strike ends it', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    const { gate, erasure, store } = world
    const { id } = await gate.decide(
      ask('u1', { enforce: 'off', stream: { id: 'b', hosts: [{ subject: 'u2' }] } }),
    )
    await erasure.erase({ subject: 'u2', scope: 'subject', basis: 'art17' })
    expect((await store.directory.record(id))?.openings).not.toHaveProperty('facts')
    expect((await gate.strike(aStrike('s1', 'u1'))).revoked).toEqual([id])
  })

  it('lets what ran ungated run on, recorded as late and not enforced', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.strike(aStrike('s1', 'u1'))
    const late = await world.gate.decide(
      ask('u1', {
        ...{ enforce: 'off', ungated: 'gate_unreachable', caller: 'hook:m' },
        session: { server: 'm', session: 'p' },
      }),
    )
    expect(late).toMatchObject({ outcome: 'allow', decision: { would: { outcome: 'deny' } } })
    expect(await world.gate.broadcast(late.id)).toMatchObject({ cutting: null })
    expect(world.events).toContainEqual({ type: 'ungated', cause: 'gate_unreachable', kept: true })
  })

  it('asked again under the same key answers with the same record, as long as nothing has changed', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.strike(aStrike('s1', 'u1'))
    const once = askOnce('k', ask('u1', { enforce: 'off' }))
    const first = await world.gate.decide(once)
    expect(await world.gate.decide(once)).toMatchObject({
      ...{ id: first.id, repeated: true, decision: { would: { outcome: 'deny' } } },
    })
    await world.gate.strike(aStrike('s2', 'u1'))
    expect(await world.gate.decide(once)).toMatchObject({
      ...{ supersedes: first.id, outcome: 'allow', repeated: false },
    })
  })

  it('asked for the same person twice at once, in earnest and not, gives each its own', async () => {
    const world = await gates({ policy: policyOf(STRIKE_RULE) })
    await world.gate.strike(aStrike('s1', 'u1'))
    const both = await Promise.all([
      world.gate.decide(ask('u1', { enforce: 'off' })),
      world.gate.decide(ask('u1')),
      world.gate.decide(ask('u1', { enforce: 'off' })),
    ])
    expect(both.map(({ outcome }) => outcome)).toEqual(['allow', 'deny', 'allow'])
  })
})

describe('the report', () => {
  it('has everybody who was spared, once, with what would have been, where, and whether it would have stopped them', async () => {
    const world = await gates({ policy: policyOf(`${rule('off')}\n${rule('off', HOLD_RULE)}`) })
    const { gate } = world
    await gate.decide(ask('nobody'))
    const a = await struck(world, 'a')
    const b = await struck(world, 'b', { session: { server: 'm1', session: 'x' } })
    const c = await gate.decide(ask('c', { facts: { followers: 1 } }))
    world.pass(2 * HOUR)
    const renewed = await gate.renew({ broadcast: a.id, caller })
    const report = await whole(world, NOW)
    expect(report.decisions.map(({ record }) => record.id).toSorted()).toEqual(
      [a.id, b.id, c.id].toSorted(),
    )
    expect(report.decisions.every(({ stopped }) => stopped)).toBe(true)
    expect(report.renewals).toMatchObject([
      { record: { id: renewed.id }, broadcast: a.id, outcome: 'allow', stopped: true },
    ])
    expect(report.decisions.find(({ record }) => record.id === b.id)).toMatchObject({
      ...{ server: 'm1', people: ['b'], outcome: 'allow', would: { outcome: 'deny' } },
    })
    const counted = report.counts.map(
      ({ rule: of, server, would, count, stopped }) =>
        `${would} ${of} ${server} ${count} ${stopped}`,
    )
    expect(counted.toSorted()).toEqual([
      ...['delay wait null 1 1', 'deny struck m1 1 1', 'deny struck null 1 1'],
    ])
  })

  it('is of the time asked for, and says nothing of what was enforced', async () => {
    const world = await gates({ policy: policyOf(rule('off')) })
    await struck(world, 'a')
    world.pass(HOUR)
    const b = await struck(world, 'b')
    world.pass(HOUR)
    await world.gate.renew({ broadcast: b.id, caller })
    world.pass(HOUR)
    await world.activate(policyOf(rule('on')))
    await struck(world, 'c')
    const ids = ({ decisions }: RolloutReport) => decisions.map(({ record }) => record.subject)
    const later = await whole(world, NOW + HOUR)
    expect([ids(later), later.renewals.length]).toEqual([['b'], 1])
    const early = await whole(world, NOW, NOW + MINUTE)
    expect([ids(early), early.renewals]).toEqual([['a'], []])
    expect(await whole(world, NOW + 3 * HOUR)).toMatchObject({ decisions: [], renewals: [] })
  })

  it('does not call stopped who was refused anyway', async () => {
    const quick =
      '  - { id: quick, ground: terms, count: { category: ["*"] }, ladder: { 1: 90d }, outcome: deny, enforce: off }'
    const world = await gates({ policy: policyOf(`${STRIKE_RULE}\n${quick}`) })
    await struck(world, 'a')
    expect((await whole(world, NOW)).decisions).toMatchObject([
      { outcome: 'deny', would: { rules: [{ rule: 'quick' }] }, stopped: false },
    ])
  })

  it.each(['deny.x', 'renewals.', 'renewals.1000.1', 'decisions.', ''])(
    'goes on from no cursor like %j',
    async (cursor) => {
      const world = await gates({ policy: policyOf(rule('off')) })
      const sources = { directory: world.store.directory, shards: 1 }
      await expect(rolloutReport(sources, { from: NOW }, { cursor })).rejects.toThrow(
        'Cannot continue the report: the cursor is not one of ours',
      )
    },
  )
})

it('a person is told of it in their export', async () => {
  const world = await gates({ policy: policyOf(rule('off')) })
  await struck(world, 'u1')
  const { records } = await world.erasure.exported('u1', null)
  const said = records.find(({ kind }) => kind === 'decision')?.decision
  expect(said).toMatchObject({ outcome: 'allow', rules: [], would: { outcome: 'deny' } })
})

it('a candidate in the shadow is asked with the bucket of who asked', async () => {
  const world = await gates({ policy: policyOf(STRIKE_RULE) })
  const fire: (() => void)[] = []
  const shadow = createShadow({
    ...{ clock: world.clock, elapsed: () => 0, observe: () => {} },
    after: (_ms, work) => {
      fire.push(work)
      return () => {}
    },
  })
  shadow.use(activePolicy(policyOf(rule('canary 50%'))).plan)
  const gate = withShadow(world.gate, shadow)
  let spared = 0
  for (let i = 0; i < 12; i++) {
    await gate.strike(aStrike(`s${i}`, `u${i}`))
    const { openings } = await gate.decide(ask(`u${i}`))
    spared += Number(bucketOf(factsOf({ openings }).hosts[0].subject) >= 50)
  }
  while (fire.length > 0) fire.shift()?.()
  expect(spared).toBeGreaterThan(0)
  expect(shadow.report()?.compared.changes).toEqual({ deny_to_allow: spared })
})
