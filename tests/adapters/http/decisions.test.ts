import { describe, expect, it } from 'vitest'
import { aDeny, aFixture, DIGEST, idOf, receiptAt } from '../../support/http.ts'

describe('POST /v1/decisions', () => {
  it('answers a deny with 200, its reasons and its record', async () => {
    const { world, send } = aFixture()
    world.decisions.set('u_81f', aDeny())
    const response = await send({
      method: 'POST',
      path: '/v1/decisions',
      as: 'decide',
      body: { subject: 'u_81f', stream: { id: 'b_204', audience: 'public' } },
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      id: idOf(1),
      outcome: 'deny',
      until: '2026-12-20T00:00:00.000Z',
      decided_at: '2026-11-20T12:00:00.000Z',
      policy: { name: 'one-strike', digest: DIGEST },
      receipt: receiptAt(1),
    })
  })
})
