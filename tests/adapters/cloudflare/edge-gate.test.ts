/** The gate of the Worker: whom it asks, and what it makes of silence. */
import { describe, expect, it } from 'vitest'
import { createEdgeGate } from '../../../src/adapters/cloudflare/edge-gate.ts'
import type { Stubs } from '../../../src/adapters/cloudflare/rpc.ts'
import { carried, type Reply } from '../../../src/adapters/cloudflare/rpc.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { epochMs } from '../../../src/core/time.ts'
import { createEnforcement } from '../../../src/gate/enforcement.ts'
import type { DecideRequest, Gate, StrikeRequest } from '../../../src/gate-types.ts'

const pepper = { hash: (what: string, text: string) => `hash of ${what} ${text}` }
const NOW = epochMs(Date.UTC(2026, 10, 20, 12))

interface Asked {
  readonly gate: Gate
  /** Object and method of each call, in order. */
  readonly calls: string[]
  /** Timers that were set and not cancelled. */
  readonly timers: Set<() => void>
  /** What goes on when the answer is out. */
  readonly kept: Promise<unknown>[]
}

/** Objects that answer every method with `reply`, the directory with who owns what. */
function over(reply: () => Promise<Reply<unknown>>, owner: unknown = null): Asked {
  const calls: string[] = []
  const kept: Promise<unknown>[] = []
  const keep = (work: Promise<unknown>): void => void kept.push(work)
  const timers = new Set<() => void>()
  const object = (name: string, answer: () => Promise<Reply<unknown>>): object =>
    new Proxy(
      {},
      {
        get: (_target, method) => () => {
          calls.push(`${name}.${String(method)}`)
          return answer()
        },
      },
    )
  const stubs = {
    subject: (name: string) => object(name, reply),
    directory: (name: string) => object(name, async () => ({ ok: true, value: owner })),
  } as unknown as Stubs
  const after = (_delay: number, fire: () => void): (() => void) => {
    timers.add(fire)
    return () => timers.delete(fire)
  }
  return { gate: createEdgeGate({ stubs, pepper, after, keep }), calls, timers, kept }
}

const ask = {
  subject: 'u',
  stream: {},
  request: {},
  facts: {},
  supports: [],
  caller: 'k',
} as DecideRequest
const strike: StrikeRequest = {
  ...{ id: 's', subject: 'u', category: 'spam', severity: 'low', issued_at: NOW },
}
const CALLS: readonly (readonly [method: string, call: (gate: Gate) => Promise<unknown>])[] = [
  ['decide', (gate) => gate.decide(ask)],
  ['explain', (gate) => gate.explain(ask)],
  ['strike', (gate) => gate.strike(strike)],
  ['putFacts', (gate) => gate.putFacts('u', {}, NOW)],
  ['patchFacts', (gate) => gate.patchFacts('u', {}, NOW)],
  ['view', (gate) => gate.subject('u')],
]

describe('each question', () => {
  for (const [method, call] of CALLS) {
    it(`${method} goes to the object of its subject, and its answer comes back`, async () => {
      const { gate, calls, timers } = over(async () => ({ ok: true, value: 'answer' }))
      expect(await call(gate)).toBe('answer')
      expect(calls).toEqual([`hash of subject u.${method}`])
      expect(timers.size).toBe(0)
    })

    it(`${method} fails as the object says`, async () => {
      const failure = new LivegateError('conflict', 'Cannot: x', { hint: 'y', retry_after_s: 3 })
      const { gate } = over(() =>
        carried(
          () => Promise.reject(failure),
          () => {},
        ),
      )
      await expect(call(gate)).rejects.toMatchObject({ ...failure, message: 'Cannot: x' })
    })

    it(`${method} is to be asked again when the object is gone, or says nothing`, async () => {
      const { gate: alone } = over(() => Promise.reject(new Error('gone')))
      const again = { code: 'log_unavailable', retry_after_s: 1 }
      await expect(call(alone)).rejects.toMatchObject(again)
      const { gate, timers } = over(() => new Promise(() => {}))
      const waiting = call(gate)
      for (const fire of timers) fire()
      await expect(waiting).rejects.toMatchObject(again)
    })
  }
})

describe('a number for a media server', () => {
  const failed = { code: 'log_unavailable', message: 'Cannot', hint: null, retry_after_s: 1 }
  const FATES: readonly (readonly [what: string, reply: () => Promise<unknown>, next: number])[] = [
    ['is used by a record', async () => ({ ok: true, value: 'answer' }), 2],
    ['is free after an earlier record', async () => ({ ok: true, number_free: true }), 1],
    [
      'is free when nothing was recorded',
      async () => ({ ok: false, error: { ...failed, faults: [] }, number_free: true }),
      1,
    ],
    [
      'counts as used when the object cannot say',
      async () => ({ ok: false, error: { ...failed, faults: [] } }),
      2,
    ],
    ['counts as used when the call is lost', () => Promise.reject(new Error('gone')), 2],
  ]
  for (const [what, reply, next] of FATES)
    it(`${what}: ${next} is next`, async () => {
      const { gate, kept } = over(reply as () => Promise<Reply<unknown>>)
      const enforcement = createEnforcement({ bytes: (length) => new Uint8Array(length) })
      await gate.decide({ ...ask, enforcement }).catch(() => null)
      await Promise.all(kept)
      expect(enforcement.take()).toBe(next)
    })
})

describe('a decision', () => {
  const allow = { id: 'd', repeated: false, decision: { lease_until: NOW } }
  const LATE: readonly (readonly [what: string, value: object, calls: readonly string[]])[] = [
    ['an allow is handed back', allow, ['decide', 'unheard']],
    ['one given before is not', { ...allow, repeated: true }, ['decide']],
    ['a refusal opened nothing', { ...allow, decision: { lease_until: null } }, ['decide']],
  ]
  for (const [what, value, expected] of LATE)
    it(`comes when nobody waits any more: ${what}`, async () => {
      let answer = (_: Reply<unknown>): void => {}
      const late = new Promise<Reply<unknown>>((resolve) => {
        answer = resolve
      })
      const { gate, calls, timers, kept } = over(() => late)
      const waiting = gate.decide(ask)
      for (const fire of timers) fire()
      await expect(waiting).rejects.toMatchObject({ code: 'log_unavailable' })
      answer({ ok: true, value })
      await Promise.all(kept)
      expect(calls).toEqual(expected.map((method) => `hash of subject u.${method}`))
    })

  it('that was heard is not handed back, and nothing is kept on for it', async () => {
    const heard = over(async () => ({ ok: true, value: allow }))
    await heard.gate.decide(ask)
    expect(heard.kept).toEqual([])
    expect(heard.calls).toEqual(['hash of subject u.decide'])
  })

  it('whose object died with it has its record sent by whoever wakes that; one that has too much to do is left alone', async () => {
    for (const [lost, woken] of [
      [new Error('gone'), ['view']],
      [Object.assign(new Error('too much'), { overloaded: true }), []],
    ] as const) {
      const { gate, kept, calls } = over(() => Promise.reject(lost))
      await expect(gate.decide(ask)).rejects.toMatchObject({ code: 'log_unavailable' })
      await Promise.all(kept)
      expect(calls).toEqual(['decide', ...woken].map((method) => `hash of subject u.${method}`))
    }
  })
})

describe('what is known by an id', () => {
  const reverse = (gate: Gate): Promise<unknown> => gate.reverse({ strike: 's', reason: 'x' })

  it('a strike nobody has is not found, and no object is asked', async () => {
    const { gate, calls } = over(() => Promise.reject(new Error('asked')))
    await expect(reverse(gate)).rejects.toMatchObject({ code: 'not_found' })
    expect(calls).toHaveLength(1)
  })

  it('a strike is reversed by the object of whom the directory names', async () => {
    const { gate, calls } = over(async () => ({ ok: true, value: 'reversed' }), 'v')
    expect(await reverse(gate)).toBe('reversed')
    expect(calls[1]).toBe('hash of subject v.reverse')
  })

  it('a session nobody opened ends nothing; another is ended where it runs', async () => {
    expect(await over(() => Promise.reject(new Error('asked'))).gate.endSession('edge', '4')).toBe(
      false,
    )
    const owner = { subject: 'v', broadcast: 'b' }
    const { gate, calls } = over(async () => ({ ok: true, value: true }), owner)
    expect(await gate.endSession('edge', '4')).toBe(true)
    expect(calls).toEqual(['server-edge.session', 'hash of subject v.endSession'])
  })
})
