/** Strikes past their time: when they go, what the log says of it, and that no answer changes. */
import { describe, expect, it } from 'vitest'
import { textFromBase64Url } from '../../src/core/encoding.ts'
import { parseRetention, type RetentionRules } from '../../src/core/retention.ts'
import { epochMs } from '../../src/core/time.ts'
import { aStrike, ask, DAY, policyOf, type TestGate, useGates } from '../support/gate.ts'

const newGate = useGates()
const EXPIRING =
  '  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d, 2: 90d }, outcome: deny }'
const REST = 'strikes: { expire: { default: 100d } }\n'

function rules(text: string): RetentionRules {
  const parsed = parseRetention(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const YEAR = rules('strikes=365d,strikes.child=forever')

async function struck(...ids: readonly string[]): Promise<TestGate> {
  const gate = await newGate({ policy: policyOf(EXPIRING, REST) })
  for (const id of ids) await gate.gate.strike(aStrike(id, 'u_1'))
  return gate
}

function newest(gate: TestGate): Readonly<Record<string, unknown>> {
  const jws = gate.store.entries().at(-1)?.jws ?? ''
  return JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}')
}

describe('strikes past their time', () => {
  it('go with a record that names them by leaf hash, and the chain goes on', async () => {
    const gate = await struck('s_1', 's_2')
    await gate.gate.reverse({ strike: 's_2', reason: 'wrong account' })
    const leaves = await gate.store.erasures.leaves('u_1', ['s_1', 's_2'])
    gate.pass(366 * DAY)
    expect(await gate.erasure.retain('u_1', YEAR)).toEqual({ strikes: 2, more: false })
    expect(newest(gate)).toMatchObject({
      ...{ scope: 'retention', counts: { strikes: 2 }, strikes: leaves, last_seq: 3 },
    })
    expect((await gate.state('u_1')).strikes).toEqual([])
    const chain = await gate.store.erasures.chain('u_1', { before_seq: null, limit: 9 })
    expect(chain.map(({ openings }) => Object.keys(openings).length)).toEqual([0, 0, 0])
    const { decision } = await gate.gate.decide(ask('u_1'))
    expect(decision.outcome).toBe('allow')
    expect(await gate.erasure.retain('u_1', YEAR)).toEqual({ strikes: 0, more: false })
  })

  it('stay while they are young, still count, or are kept for ever', async () => {
    const gate = await struck('s_1')
    await gate.gate.strike(aStrike('s_csam', 'u_1', { category: 'child.csam' }))
    gate.pass(300 * DAY)
    expect(await gate.erasure.retain('u_1', YEAR)).toMatchObject({ strikes: 0 })
    gate.pass(100 * DAY)
    expect(await gate.erasure.retain('u_1', YEAR)).toMatchObject({ strikes: 1 })
    expect((await gate.state('u_1')).strikes).toMatchObject([{ id: 's_csam' }])
    const other = await newGate({ policy: policyOf(EXPIRING) })
    await other.gate.strike(aStrike('s_1', 'u_1'))
    other.pass(4_000 * DAY)
    expect(await other.erasure.retain('u_1', YEAR)).toMatchObject({ strikes: 0 })
  })

  it('stay while a legal hold keeps them, and go when it is over', async () => {
    const gate = await struck('s_1')
    gate.pass(366 * DAY)
    const until = epochMs(gate.clock.now() + DAY)
    await gate.erasure.hold({ subject: 'u_1', until, basis: 'order', by: 'key_1' })
    expect(await gate.erasure.retain('u_1', YEAR)).toMatchObject({ strikes: 0 })
    gate.pass(DAY)
    expect(await gate.erasure.retain('u_1', YEAR)).toMatchObject({ strikes: 1 })
  })

  it('go in pieces that fit a record', async () => {
    const gate = await struck(...Array.from({ length: 100 }, (_, i) => `s_${i}`))
    gate.pass(400 * DAY)
    expect(await gate.erasure.retain('u_1', YEAR)).toEqual({ strikes: 64, more: true })
    expect(await gate.erasure.retain('u_1', YEAR)).toEqual({ strikes: 36, more: false })
    expect((await gate.state('u_1')).strikes).toEqual([])
  })

  for (const { fate, left } of [
    { fate: 'before', left: 1 },
    { fate: 'after', left: 0 },
  ] as const)
    it(`that failed ${fate} it happened go once`, async () => {
      const gate = await struck('s_1')
      gate.pass(366 * DAY)
      gate.fates.push(fate)
      await expect(gate.erasure.retain('u_1', YEAR)).rejects.toMatchObject({
        code: 'log_unavailable',
      })
      expect((await gate.state('u_1')).strikes).toHaveLength(left)
      expect(await gate.erasure.retain('u_1', YEAR)).toMatchObject({ strikes: left })
      expect(gate.kinds().filter((kind) => kind === 'erasure')).toHaveLength(1)
    })

  it('of a subject that has none, or was never seen, are nothing to do', async () => {
    const gate = await newGate()
    expect(await gate.erasure.retain('u_never', YEAR)).toEqual({ strikes: 0, more: false })
    expect(gate.kinds()).not.toContain('erasure')
  })
})
