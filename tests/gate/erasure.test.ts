/** Erasing a subject: what goes, what goes on, what the log says, and that nothing can be lost or doubled on the way. */
import { describe, expect, it } from 'vitest'
import { textFromBase64Url } from '../../src/core/encoding.ts'
import { ERASURE_KNOWN_MS } from '../../src/core/limits.ts'
import { epochMs } from '../../src/core/time.ts'
import type { ErasureAnswer } from '../../src/gate/erasure.ts'
import {
  aStrike,
  ask,
  askOnce,
  chainOf,
  DAY,
  NOW,
  policyOf,
  STRIKE_RULE,
  type TestGate,
  useGates,
} from '../support/gate.ts'

const newGate = useGates()
const BASIS = 'Art. 17 GDPR, request of 2026-11-20'

const erase = (gate: TestGate, scope: 'subject' | 'full' = 'subject'): Promise<ErasureAnswer> =>
  gate.erasure.erase({ subject: 'u_1', scope, basis: BASIS })

/** Public claims of the newest entry. */
function newest(gate: TestGate): Readonly<Record<string, unknown>> {
  const jws = gate.store.entries().at(-1)?.jws ?? ''
  return JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}')
}

async function struckGate(): Promise<TestGate> {
  const gate = await newGate({ policy: policyOf(STRIKE_RULE) })
  await gate.gate.strike(aStrike('s_1', 'u_1'))
  return gate
}

describe('erasing a subject (G7)', () => {
  it('ends its chain in the log, with numbers and no personal data', async () => {
    const gate = await struckGate()
    const decided = await gate.gate.decide(ask('u_1'))
    const { sub } = chainOf(decided.openings)
    const answer = await erase(gate)
    expect(answer).toMatchObject({ state: 'done', erasure: { scope: 'subject', suppressed: 1 } })
    expect(gate.kinds().at(-1)).toBe('erasure')
    expect(newest(gate)).toMatchObject({
      ...{ sub, last_seq: 2, scope: 'subject', basis: BASIS },
      counts: { records: 2, strikes: 1, facts: 0 },
    })
    expect(JSON.stringify(newest(gate))).not.toContain('u_1')
    expect(answer.erasure?.receipt?.index).toBe(gate.store.log.size() - 1)
  })

  it('does not lift a running ban: it goes on under a new pseudonym until its end, and says so', async () => {
    const gate = await struckGate()
    const before = await gate.gate.decide(ask('u_1'))
    await erase(gate)
    const after = await gate.gate.decide(ask('u_1'))
    expect(after.outcome).toBe('deny')
    expect(after.decision.until).toBe(before.decision.until)
    expect(chainOf(after.openings).seq).toBe(1)
    expect(chainOf(after.openings).sub).not.toBe(chainOf(before.openings).sub)
    expect(after.decision.reasons).toMatchObject([
      { rule: 'struck', code: 'restriction_kept', strikes: [], until: NOW + 30 * DAY },
    ])
    expect(after.decision.restrictions).toMatchObject([
      { id: before.decision.restrictions[0]?.id, rule: 'struck', strikes: [] },
    ])
    gate.pass(30 * DAY)
    expect((await gate.gate.decide(ask('u_1'))).outcome).toBe('allow')
  })

  it('lifts everything when it is full, also what an earlier erasure kept', async () => {
    const gate = await struckGate()
    await erase(gate)
    expect((await gate.gate.decide(ask('u_1'))).outcome).toBe('deny')
    expect(await erase(gate, 'full')).toMatchObject({ erasure: { scope: 'full', suppressed: 0 } })
    expect((await gate.gate.decide(ask('u_1'))).outcome).toBe('allow')
    const other = await struckGate()
    await erase(other)
    expect(await erase(other, 'full')).toMatchObject({ erasure: { record: null, suppressed: 0 } })
    expect((await other.gate.decide(ask('u_1'))).outcome).toBe('allow')
  })

  it('keeps a restriction through a second erasure, and adds what came since', async () => {
    const gate = await struckGate()
    await erase(gate)
    gate.pass(DAY)
    await gate.gate.strike(aStrike('s_2', 'u_1', { issued_at: gate.clock.now() }))
    expect(await erase(gate)).toMatchObject({ erasure: { suppressed: 1 } })
    const { decision } = await gate.gate.decide(ask('u_1'))
    expect(decision.until).toBe(NOW + 31 * DAY)
  })

  it('answers the same question with the same erasure', async () => {
    const gate = await struckGate()
    const first = await erase(gate)
    expect(await erase(gate)).toEqual(first)
    expect(gate.kinds().filter((kind) => kind === 'erasure')).toHaveLength(1)
  })

  it('happens once when two ask at once', async () => {
    const gate = await struckGate()
    const [one, two] = await Promise.all([erase(gate), erase(gate)])
    expect(one).toEqual(two)
    expect(gate.kinds().filter((kind) => kind === 'erasure')).toHaveLength(1)
  })

  it('tells nobody whether an unknown subject was ever known', async () => {
    const gate = await newGate()
    expect(await erase(gate)).toEqual({ state: 'nothing_left', erasure: null })
    expect(gate.kinds()).not.toContain('erasure')
  })

  it('is told for a day, also when nobody else is erased, and then as of somebody never seen', async () => {
    const gate = await struckGate()
    const first = await erase(gate)
    gate.pass(ERASURE_KNOWN_MS - 1)
    expect(await erase(gate)).toEqual(first)
    gate.pass(1)
    expect(await erase(gate)).toEqual({ state: 'nothing_left', erasure: null })
  })

  it('takes a hold that is over with it, also of somebody of whom nothing else is known', async () => {
    const gate = await newGate()
    const until = epochMs(NOW + DAY)
    await gate.erasure.hold({ subject: 'u_1', until, basis: 'court order 7', by: 'key_1' })
    gate.pass(DAY)
    expect(await erase(gate)).toEqual({ state: 'nothing_left', erasure: null })
    expect(await gate.store.erasures.legalHold('u_1')).toBeNull()
  })

  it('leaves no answer behind an Idempotency-Key, and no opening of a record', async () => {
    const gate = await struckGate()
    const request = askOnce('k', ask('u_1'))
    const before = await gate.gate.decide(request)
    await erase(gate)
    expect(await gate.store.directory.record(before.id)).toBeNull()
    const after = await gate.gate.decide(request)
    expect(after).toMatchObject({ repeated: false, supersedes: null })
    expect(after.id).not.toBe(before.id)
  })

  it('ends broadcasts with it, those co-hosts joined included', async () => {
    const gate = await newGate({ policy: policyOf('') })
    const stream = { id: 'b_1', hosts: [{ subject: 'u_2' }] }
    const session = { server: 'nginx', session: '7' }
    await gate.gate.decide(ask('u_1', { stream, session }))
    expect((await gate.state('u_2')).broadcasts).toHaveLength(1)
    await erase(gate)
    expect((await gate.state('u_2')).broadcasts).toEqual([])
    expect(await gate.gate.endSession('nginx', '7')).toBe(false)
  })

  it('takes what names it out of the records of others', async () => {
    const gate = await newGate({ policy: policyOf('') })
    const stream = { id: 'b_2', hosts: [{ subject: 'u_1' }] }
    const { id } = await gate.gate.decide(ask('u_2', { stream }))
    await erase(gate)
    const left = await gate.store.directory.record(id)
    expect(Object.keys(left?.openings ?? {}).sort()).toEqual(['chain', 'request', 'result'])
    expect(JSON.stringify(left)).not.toContain('u_1')
  })

  const named = ['request of u_José', 'U_JOSÉ', 'u_Jose\u0301 asked', 'ticket：ｕ＿ｊｏｓé']
  for (const basis of named)
    it(`refuses a basis that names the subject: ${basis}`, async () => {
      const gate = await newGate()
      const request = { subject: 'u_José', scope: 'subject', basis } as const
      await expect(gate.erasure.erase(request)).rejects.toMatchObject({ code: 'invalid_request' })
    })
})

describe('a legal hold', () => {
  const until = epochMs(NOW + 10 * DAY)
  const hold = { subject: 'u_1', until, basis: 'court order 7', by: 'key_1' }

  it('keeps everything and says until when; afterwards it is none', async () => {
    const gate = await struckGate()
    await gate.erasure.hold(hold)
    await expect(erase(gate)).rejects.toMatchObject({
      code: 'conflict',
      message: 'Cannot erase: a legal hold keeps the subject until 2026-11-30T12:00:00.000Z',
    })
    expect((await gate.state('u_1')).strikes).toHaveLength(1)
    gate.pass(10 * DAY)
    expect(await erase(gate)).toMatchObject({ state: 'done' })
  })

  it('is over when it is lifted', async () => {
    const gate = await struckGate()
    await gate.erasure.hold(hold)
    expect(await gate.erasure.lift('u_1')).toBe(true)
    expect(await gate.erasure.lift('u_1')).toBe(false)
    expect(await erase(gate)).toMatchObject({ state: 'done' })
  })

  it('lies in the future, and not further than can be meant', async () => {
    const gate = await newGate()
    for (const ms of [0, -DAY, 20 * 365 * DAY])
      await expect(gate.erasure.hold({ ...hold, until: epochMs(NOW + ms) })).rejects.toMatchObject({
        code: 'invalid_request',
      })
  })
})

describe('when a write fails', () => {
  const cases = [
    { name: 'before it happened', fate: 'before', erased: false },
    { name: 'after it happened, reported as failed', fate: 'after', erased: true },
  ] as const
  for (const { name, fate, erased } of cases)
    for (const times of [1, 2])
      it(`${name}, ${times === 1 ? 'once' : 'twice in a row'}: the caller is told, and repeating ends it`, async () => {
        const gate = await struckGate()
        for (let i = 0; i < times; i++) {
          // What has happened is only looked up again, so nothing is left to fail.
          if (i > 0 && erased) continue
          gate.fates.push(fate)
          await expect(erase(gate)).rejects.toMatchObject({ code: 'log_unavailable' })
        }
        expect((await gate.state('u_1')).seq).toBe(erased ? 0 : 1)
        expect(await erase(gate)).toMatchObject({ state: 'done', erasure: { suppressed: 1 } })
        expect(gate.kinds().filter((kind) => kind === 'erasure')).toHaveLength(1)
        expect((await gate.gate.decide(ask('u_1'))).outcome).toBe('deny')
      })

  for (const fate of ['before', 'after'] as const)
    it(`a hold or its end that failed ${fate} it happened is repeated`, async () => {
      const gate = await struckGate()
      const hold = { subject: 'u_1', until: epochMs(NOW + DAY), basis: 'order', by: 'key_1' }
      gate.fates.push(fate)
      await expect(gate.erasure.hold(hold)).rejects.toMatchObject({ code: 'log_unavailable' })
      await gate.erasure.hold(hold)
      await expect(erase(gate)).rejects.toMatchObject({ code: 'conflict' })
      gate.fates.push(fate)
      await expect(gate.erasure.lift('u_1')).rejects.toMatchObject({ code: 'log_unavailable' })
      await gate.erasure.lift('u_1')
      expect(await erase(gate)).toMatchObject({ state: 'done' })
    })
})
