/** The operator's calls against a real gate behind its real HTTP app. */
import { describe, expect, it } from 'vitest'
import {
  createOperator,
  GateUnanswered,
  type Operator,
} from '../../../src/adapters/client/operator.ts'
import type { Scope } from '../../../src/adapters/http/scopes.ts'
import { aStrike, ask, policyOf, STRIKE_RULE } from '../../support/gate.ts'
import { aGateApp, GATE_URL, type GateApp } from '../../support/gate-app.ts'

async function aScene(
  scope: Scope,
): Promise<{ readonly gate: GateApp; readonly operator: Operator }> {
  const gate = await aGateApp({ policy: policyOf(STRIKE_RULE) })
  const operator = createOperator({
    ...{ url: `${GATE_URL}/`, key: gate.key(scope) },
    fetch: gate.fetch,
  })
  return { gate, operator }
}

describe('broadcasts', () => {
  it('are listed, shown, renewed and ended', async () => {
    const { gate, operator } = await aScene('admin')
    const { id } = await gate.world.gate.decide(ask('u1'))
    expect(await operator.broadcasts({ limit: 1 })).toMatchObject({ broadcasts: [{ id }] })
    expect(await operator.broadcast(id)).toMatchObject({ id, subject: 'u1', stream: 'b_u1' })
    gate.world.pass(60_000)
    const renewed = await operator.renew(id, { followers: 101 })
    expect(renewed).toMatchObject({ broadcast: id, event: 'renewed', outcome: 'allow' })
    expect([await operator.end(id, 'lost'), await operator.end(id)]).toEqual([true, false])
    expect((await operator.broadcasts()).broadcasts).toEqual([])
  })

  it('that have to stop say so when they are renewed', async () => {
    const { gate, operator } = await aScene('admin')
    const { id } = await gate.world.gate.decide(ask('u1'))
    const { revoked } = await gate.world.gate.strike(aStrike('s1', 'u1'))
    expect(revoked).toEqual([id])
    expect((await operator.broadcasts({ cutting: true })).broadcasts).toMatchObject([
      { id, cutting: { cause: 'strike' } },
    ])
    await expect(operator.renew(id)).rejects.toBeInstanceOf(GateUnanswered)
  })

  it('take in one more, under a decision of its own', async () => {
    const { gate, operator } = await aScene('admin')
    const { id } = await gate.world.gate.decide(ask('u1'))
    const joined = await operator.join(id, { subject: 'u2' })
    expect(joined).toMatchObject({ outcome: 'allow' })
    expect(await operator.broadcast(String(joined.id))).toMatchObject({ cohosts: ['u2'] })
  })
})

describe('stream keys', () => {
  it('are bound, listed, exchanged under one Idempotency-Key, and revoked', async () => {
    const { operator } = await aScene('admin')
    const old = await operator.bindStreamKey({ subject: 'u 1&x', facts: { followers: 5 } })
    expect(old.key).toMatch(/^[\w-]{32}$/)
    const options = { overlap_s: 60, idempotency_key: 'a "quoted" one' }
    const fresh = await operator.rotateStreamKey(old.id, options)
    expect(fresh).toMatchObject({ subject: 'u 1&x', replaces: { id: old.id } })
    expect(await operator.rotateStreamKey(old.id, options)).toEqual(fresh)
    expect(await operator.revokeStreamKey(fresh.id)).toBeNull()
    const listed = await operator.streamKeys('u 1&x')
    expect(listed.map(({ id, revoked_at }) => [id, revoked_at !== undefined]).sort()).toEqual(
      [
        [old.id, true],
        [fresh.id, true],
      ].sort(),
    )
  })
})

describe('a call that is not answered', () => {
  it('is a TypeError when it is the caller’s fault', async () => {
    const { operator } = await aScene('read')
    await expect(operator.broadcast('nobody-knows')).rejects.toThrow(TypeError)
    await expect(operator.streamKeys('u1')).rejects.toThrow(/403/)
  })

  it('says when to come back where the gate said so', async () => {
    const busy = async (): Promise<Response> =>
      new Response('{}', { status: 503, headers: { 'retry-after': '7' } })
    const operator = createOperator({ url: GATE_URL, key: 'k', fetch: busy })
    await expect(operator.end('b')).rejects.toMatchObject({ retry_after_ms: 7_000 })
  })

  it('is one when nobody is there', async () => {
    const down = async (): Promise<Response> => Promise.reject(new TypeError('down'))
    const operator = createOperator({ url: GATE_URL, key: 'k', fetch: down })
    await expect(operator.broadcasts()).rejects.toBeInstanceOf(GateUnanswered)
  })
})
