/** What is shed is told once for each request, wherever inside it found no room; G9. */
import { describe, expect, it } from 'vitest'
import { MAX_WAITERS } from '../../../src/gate/turns.ts'
import { aGateApp, GATE_URL, type GateApp } from '../../support/gate-app.ts'

const FACTS = { created_at: '2020-01-01T00:00:00Z' }

function decide(world: GateApp, subject: string): Promise<Response> {
  return world.fetch(`${GATE_URL}/v1/decisions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${world.key('decide')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ subject, stream: { id: 'b' }, facts: FACTS }),
  })
}

const shedEvents = ({ world }: GateApp): number =>
  world.events.filter(({ type }) => type === 'shed').length

const LATE = 5

describe('a request that is shed', () => {
  it('for want of a turn is answered 503 with Retry-After and told once', async () => {
    const app = await aGateApp()
    let release = (): void => {}
    const until = new Promise<void>((go) => {
      release = go
    })
    app.world.hold = { when: 'before', until }
    const all = Array.from({ length: MAX_WAITERS + LATE }, () => decide(app, 'u1'))
    while (shedEvents(app) < LATE) await new Promise((go) => setImmediate(go))
    app.world.hold = null
    release()
    const answers = await Promise.all(all)
    const shed = answers.filter(({ status }) => status === 503)
    expect(shed.map(({ headers }) => headers.get('retry-after'))).toEqual(Array(LATE).fill('1'))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(MAX_WAITERS)
    expect(shedEvents(app)).toBe(LATE)
    await app.world.verify()
  })
})
