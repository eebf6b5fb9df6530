/**
 * Strikes and reversals: recorded once, whatever is repeated, and counted from the moment they are answered (G2).
 */
import { describe, expect, it } from 'vitest'
import { MAX_RELIED_ON, MAX_STRIKES_PER_SUBJECT } from '../../src/core/limits.ts'
import { epochMs } from '../../src/core/time.ts'
import type { StrikeRequest } from '../../src/gate-types.ts'
import {
  aStrike,
  ask,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  opened,
  policyOf,
  STRIKE_RULE,
  useGates,
} from '../support/gate.ts'

const gates = useGates()
const policy = policyOf(STRIKE_RULE)

describe('a strike', () => {
  it('counts once it is answered, and says what it restricts', async () => {
    const world = await gates({ policy })
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
    const answer = await world.gate.strike(aStrike('s1', 'u1'))
    expect(answer).toMatchObject({ created: true, known_category: true })
    expect(answer.restrictions).toMatchObject([
      { rule: 'struck', from: NOW, until: NOW + 30 * DAY, opened_by: 's1' },
    ])
    const decision = await world.gate.decide(ask('u1'))
    expect(decision.decision.restrictions).toEqual(answer.restrictions)
    expect((await world.gate.subject('u1')).restrictions).toEqual(answer.restrictions)
  })

  it('gets what it leaves out: weight 1, any scope, from its issue, active', async () => {
    const world = await gates({ policy })
    const { strike, receipt } = await world.gate.strike({
      ...{ id: 's1', subject: 'u1', category: 'spam.x', severity: 'low' },
      ...{ issued_at: epochMs(NOW - HOUR), caller: 'key_7' },
    })
    expect(strike).toEqual({
      ...{ id: 's1', subject: 'u1', category: 'spam.x', severity: 'low', weight: 1, scope: 'any' },
      ...{ issued_at: NOW - HOUR, effective_at: NOW - HOUR, status: 'active' },
    })
    const { openings } = world.store.entries()[receipt?.index ?? -1] ?? { openings: {} }
    const { sub } = opened(openings, 'chain') as { sub: string }
    expect(opened(openings, 'facts')).toEqual({
      strike: { ...strike, subject: sub },
      received_at: NOW,
    })
    expect(opened(openings, 'request')).toEqual({ caller: 'key_7' })
  })

  it('of an unknown category is kept and flagged, and its word is in no event', async () => {
    const world = await gates({ policy })
    const answer = await world.gate.strike(aStrike('s1', 'u1', { category: 'house.rules' }))
    expect(answer).toMatchObject({ created: true, known_category: false })
    expect(answer.strike.category).toBe('house.rules')
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('deny')
    expect(JSON.stringify(world.events)).not.toContain('house.rules')
  })

  const same: readonly { readonly name: string; readonly again: StrikeRequest }[] = [
    { name: 'as it was', again: aStrike('s1', 'u1') },
    {
      name: 'with its defaults written out',
      again: aStrike('s1', 'u1', { weight: 1, scope: 'any' }),
    },
    { name: 'by another caller', again: aStrike('s1', 'u1', { caller: 'other' }) },
  ]
  it.each(same)('again, $name, is the first one', async ({ again }) => {
    const world = await gates({ policy })
    const first = await world.gate.strike(aStrike('s1', 'u1'))
    world.pass(MINUTE)
    expect(await world.gate.strike(again)).toEqual({ ...first, created: false, receipt: null })
    expect(world.kinds().filter((kind) => kind === 'strike')).toHaveLength(1)
  })

  const others: readonly { readonly name: string; readonly other: StrikeRequest }[] = [
    { name: 'another severity', other: aStrike('s1', 'u1', { severity: 'low' }) },
    { name: 'another weight', other: aStrike('s1', 'u1', { weight: 2 }) },
    { name: 'another issue', other: aStrike('s1', 'u1', { issued_at: epochMs(NOW - 1) }) },
    { name: 'an end', other: aStrike('s1', 'u1', { expires_at: epochMs(NOW + DAY) }) },
    { name: 'a source', other: aStrike('s1', 'u1', { source: { system: 'x', kind: 'human' } }) },
    { name: 'another subject', other: aStrike('s1', 'u2') },
  ]
  it.each(others)(
    'under a used id with $name is a conflict and changes nothing',
    async ({ other }) => {
      const world = await gates({ policy })
      await world.gate.strike(aStrike('s1', 'u1'))
      const error = await world.gate.strike(other).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'conflict' })
      expect(JSON.stringify([error.message, error.hint])).not.toMatch(/u1|u2|s1/)
      expect((await world.state('u1')).strikes).toHaveLength(1)
      expect((await world.state('u2')).seq).toBe(0)
    },
  )

  it.each([
    { name: 'a minute ahead is taken, and counts from now', ahead: MINUTE, taken: true },
    { name: 'more than a minute ahead is refused', ahead: MINUTE + 1, taken: false },
  ])('issued $name', async ({ ahead, taken }) => {
    const world = await gates({ policy })
    const request = aStrike('s1', 'u1', { issued_at: epochMs(NOW + ahead) })
    const given = world.gate.strike(request)
    if (taken) {
      expect((await given).strike.effective_at).toBe(NOW)
      expect((await world.gate.decide(ask('u1'))).outcome).toBe('deny')
    } else
      await expect(given).rejects.toMatchObject({
        code: 'invalid_request',
        faults: [{ pointer: '/issued_at' }],
      })
  })

  it.each([0, 1, Date.UTC(1970, 0, 2)])('issued at %i is ancient, not impossible', async (at) => {
    const world = await gates({ policy })
    const { strike } = await world.gate.strike(aStrike('s1', 'u1', { issued_at: epochMs(at) }))
    expect(strike.effective_at).toBe(at)
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
  })

  it('beyond 4,096 of one subject is a conflict; the subject is still decided', async () => {
    const world = await gates({ policy })
    const strikes = Array.from({ length: MAX_STRIKES_PER_SUBJECT }, (_, i) => ({
      ...aStrike(`s${i}`, 'u1'),
      ...{ weight: 1, scope: 'any', effective_at: NOW, status: 'active' as const },
    }))
    const load = world.store.ledger.load.bind(world.store.ledger)
    Object.assign(world.store.ledger, {
      load: async (subject: string) => ({ ...(await load(subject)), strikes }),
    })
    await expect(world.gate.strike(aStrike('more', 'u1'))).rejects.toMatchObject({
      code: 'conflict',
    })
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('deny')
    // Its audit would rightly say that nothing in the log holds these strikes.
    Object.assign(world, { verify: async () => undefined })
  })

  it('sent twice at once is recorded once', async () => {
    const world = await gates({ policy })
    const [one, two] = await Promise.all([
      world.gate.strike(aStrike('s1', 'u1')),
      world.gate.strike(aStrike('s1', 'u1')),
    ])
    expect([one.created, two.created]).toEqual([true, false])
  })

  it('claimed for two subjects at once belongs to one of them', async () => {
    const world = await gates({ policy })
    const claims = await Promise.allSettled([
      world.gate.strike(aStrike('s1', 'u1')),
      world.gate.strike(aStrike('s1', 'u2')),
    ])
    expect(claims.map((claim) => claim.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(world.kinds().filter((kind) => kind === 'strike')).toHaveLength(1)
  })
})

describe('a reversal', () => {
  it('finds a decision by no more than 64 strikes, of all it names', async () => {
    const world = await gates({ policy })
    const ids = Array.from({ length: MAX_RELIED_ON + 1 }, (_, i) => `s${100 + i}`)
    for (const id of ids) await world.gate.strike(aStrike(id, 'u1'))
    const { decision } = await world.gate.decide(ask('u1'))
    expect(decision.reasons[0]?.strikes).toEqual(ids)
    const found: number[] = []
    for (const strike of ids)
      found.push((await world.gate.reverse({ strike, reason: 'wrong' })).decisions.length)
    expect(found).toEqual([...ids.slice(1).map(() => 1), 0])
  })

  it('lets the next start through and lists the decisions that relied on the strike', async () => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    const first = await world.gate.decide(ask('u1'))
    const second = await world.gate.decide(ask('u1', { stream: { id: 'other' } }))
    const answer = await world.gate.reverse({ strike: 's1', reason: 'wrong', decided_by: 'ann' })
    expect(answer).toMatchObject({
      created: true,
      restrictions: [],
      strike: { status: 'reversed' },
    })
    expect(answer.decisions).toEqual([
      { id: second.id, outcome: 'deny', at: second.decided_at },
      { id: first.id, outcome: 'deny', at: first.decided_at },
    ])
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
  })

  it('again is the same answer and no record', async () => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    const first = await world.gate.reverse({ strike: 's1', reason: 'wrong' })
    const again = await world.gate.reverse({ strike: 's1', reason: 'another reason' })
    expect(again).toEqual({ ...first, created: false, receipt: null })
    expect(world.kinds().filter((kind) => kind === 'reversal')).toHaveLength(1)
  })

  it('makes the ladder a step shorter', async () => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    world.pass(DAY)
    const two = await world.gate.strike(aStrike('s2', 'u1', { issued_at: world.clock.now() }))
    expect(two.restrictions.map((one) => one.until)).toEqual([NOW + 91 * DAY])
    const { restrictions } = await world.gate.reverse({ strike: 's1', reason: 'wrong' })
    expect(restrictions.map((one) => one.until)).toEqual([NOW + 31 * DAY])
  })

  it('of a strike sent again is not undone', async () => {
    const world = await gates({ policy })
    await world.gate.strike(aStrike('s1', 'u1'))
    await world.gate.reverse({ strike: 's1', reason: 'wrong' })
    const again = await world.gate.strike(aStrike('s1', 'u1'))
    expect(again).toMatchObject({ created: false, strike: { status: 'reversed' } })
    expect((await world.gate.decide(ask('u1'))).outcome).toBe('allow')
  })

  it('of a strike nobody recorded is not found', async () => {
    const world = await gates({ policy })
    await expect(world.gate.reverse({ strike: 'none', reason: 'x' })).rejects.toMatchObject({
      code: 'not_found',
      message: 'Cannot reverse the strike: there is none with this id',
    })
  })

  it.each(['before', 'after'] as const)(
    'whose acknowledgement is lost (%s) is done once by sending it again',
    async (fate) => {
      const world = await gates({ policy })
      await world.gate.strike(aStrike('s1', 'u1'))
      world.fates.push(fate)
      await expect(world.gate.reverse({ strike: 's1', reason: 'x' })).rejects.toThrow()
      expect(await world.gate.reverse({ strike: 's1', reason: 'x' })).toMatchObject({
        created: fate === 'before',
      })
      expect(world.kinds().filter((kind) => kind === 'reversal')).toHaveLength(1)
    },
  )
})
