import { describe, expect, it } from 'vitest'
import { createRateLimiter } from '../../../src/adapters/http/rate.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { aFixture, NOW, standingClock } from '../../support/http.ts'

const DECIDE = {
  method: 'POST',
  path: '/v1/decisions',
  as: 'decide',
  body: { subject: 'u' },
} as const

function taken(limiter: ReturnType<typeof createRateLimiter>, caller: string): boolean {
  try {
    limiter.take(caller)
    return true
  } catch {
    return false
  }
}

describe('rate limits', () => {
  it('count down in the headers, then answer 429 with Retry-After, then recover', async () => {
    const { send, world } = aFixture({ rate: { per_s: 0.5, burst: 2 } })
    const first = await send(DECIDE)
    expect(first.headers.get('ratelimit-policy')).toBe('"caller";q=2;w=4')
    expect(first.headers.get('ratelimit')).toBe('"caller";r=1;t=2')
    expect((await send(DECIDE)).headers.get('ratelimit')).toBe('"caller";r=0;t=2')
    const refused = await send(DECIDE)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(refused.headers.get('ratelimit')).toBe('"caller";r=0;t=2')
    expect(await refused.json()).toMatchObject({ code: 'rate_limited', retry_after: 2 })
    expect(world.events).toContainEqual({ type: 'shed', code: 'rate_limited' })
    world.clock.set(NOW + 1_999)
    expect((await send(DECIDE)).status).toBe(429)
    world.clock.set(NOW + 4_000)
    expect((await send(DECIDE)).status).toBe(200)
    expect(world.asked.length).toBe(3)
  })

  it('are each caller’s own', async () => {
    const { send } = aFixture({ rate: { per_s: 1, burst: 1 } })
    expect((await send(DECIDE)).status).toBe(200)
    expect((await send({ ...DECIDE, as: ['decide', 'audit'] })).status).toBe(200)
    expect((await send(DECIDE)).status).toBe(429)
  })

  it('are not spent by requests without the scope', async () => {
    const { send } = aFixture({ rate: { per_s: 1, burst: 1 } })
    expect((await send({ ...DECIDE, as: 'audit' })).status).toBe(403)
    expect((await send({ path: '/v1/decisions', as: 'audit' })).status).toBe(200)
  })

  it('never fill a bucket beyond its size, however long nobody asked', () => {
    const clock = standingClock()
    const limiter = createRateLimiter({ per_s: 10, burst: 3 }, clock)
    expect(taken(limiter, 'a')).toBe(true)
    clock.set(NOW + 86_400_000)
    expect([1, 2, 3, 4].map(() => taken(limiter, 'a'))).toEqual([true, true, true, false])
  })

  it('give nothing for a clock that stepped back', () => {
    const clock = standingClock()
    const limiter = createRateLimiter({ per_s: 1, burst: 1 }, clock)
    expect(taken(limiter, 'a')).toBe(true)
    clock.set(NOW - 3_600_000)
    expect(taken(limiter, 'a')).toBe(false)
    clock.set(NOW - 3_600_000 + 1_000)
    expect(taken(limiter, 'a')).toBe(true)
  })

  it('let exactly burst + rate × time through, whatever the pattern', () => {
    const clock = standingClock()
    const limiter = createRateLimiter({ per_s: 4, burst: 8 }, clock)
    let passed = 0
    for (let at = 0; at < 10_000; at += 125) {
      clock.set(NOW + at)
      for (let i = 0; i < 3; i++) if (taken(limiter, 'a')) passed++
    }
    expect(passed).toBe(8 + Math.floor((4 * 9_875) / 1_000))
  })
})

describe('capacity', () => {
  it('answers 503 before any work when too many requests are being worked on', async () => {
    const { send, world } = aFixture({ max_in_flight: 2 })
    let release: () => void = () => undefined
    world.hold = new Promise((resolve) => {
      release = resolve
    })
    const running = [send(DECIDE), send(DECIDE)]
    const shed = await send(DECIDE)
    expect(shed.status).toBe(503)
    expect(shed.headers.get('retry-after')).toBe('1')
    expect(await shed.json()).toMatchObject({ code: 'overloaded' })
    expect(world.events).toContainEqual({ type: 'shed', code: 'overloaded' })
    expect((await send({ path: '/healthz' })).status).toBe(200)
    expect((await send({ path: '/metrics' })).status).toBe(200)
    release()
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200])
    expect((await send(DECIDE)).status).toBe(200)
    expect(world.asked.length).toBe(3)
  })

  it('is not eaten by hooks that are held open, nor the other way round', async () => {
    let release: () => void = () => undefined
    const held = new Promise<Response>((resolve) => {
      release = () => resolve(new Response())
    })
    const hooks = { handle: () => held }
    const { send } = aFixture({ max_in_flight: 1, deps: { hooks } })
    const hook = { method: 'POST', path: '/hooks/nginx-rtmp/edge-1' }
    const first = send(hook)
    expect((await send(hook)).status).toBe(503)
    expect((await send(DECIDE)).status).toBe(200)
    release()
    expect((await first).status).toBe(200)
  })

  it('counts an overload of the gate once, where the request is answered', async () => {
    const { send, world } = aFixture()
    world.failure = new LivegateError('overloaded', 'Cannot commit: the queue is full')
    expect((await send(DECIDE)).status).toBe(503)
    expect(world.events).toEqual([{ type: 'shed', code: 'overloaded' }])
  })

  it('counts no other refusal as shed', async () => {
    const { send, world } = aFixture()
    for (const code of ['log_unavailable', 'halted', 'in_progress'] as const) {
      world.failure = new LivegateError(code, 'Cannot answer')
      expect((await send(DECIDE)).status).toBeGreaterThanOrEqual(409)
    }
    expect(world.events).toEqual([])
  })

  it('is given back by requests that failed', async () => {
    const { send, world } = aFixture({ max_in_flight: 1 })
    world.failure = new Error('broken')
    for (let i = 0; i < 3; i++) expect((await send(DECIDE)).status).toBe(500)
    for (let i = 0; i < 3; i++) expect((await send({ ...DECIDE, body: '' })).status).toBe(400)
    world.failure = null
    expect((await send(DECIDE)).status).toBe(200)
  })
})
