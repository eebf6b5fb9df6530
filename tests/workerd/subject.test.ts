/** One subject's object over real storage: turns, chain, outbox, and what a lost memory or a lost call leaves behind. */
import { describe, expect, it } from 'vitest'
import { PATIENCE_MS } from '../../src/adapters/cloudflare/subject-calls.ts'
import { DECISION_BUDGET_MS, UNCONFIRMED_BROADCAST_MS } from '../../src/core/limits.ts'
import type { Answer, DecideRequest } from '../../src/gate-types.ts'
import { aStrike, ask, askOnce, NOW, policyOf, STRIKE_RULE } from '../support/gate.ts'
import { type Around, aWorld, lost, never, type World } from './subject-world.ts'

const decide = (world: World, request: DecideRequest): Promise<Answer> =>
  world.ask(request.subject, (host) => host.decide(request))
const strike = (world: World, id: string, subject: string) =>
  world.ask(subject, (host) => host.strike(aStrike(id, subject)))
const broadcasts = async (world: World, subject: string) =>
  (await world.ask(subject, (host) => host.view(subject))).broadcasts

/** Waits until the world has made a call. */
function reached(world: World, step: Parameters<Around>[0]): Promise<void> {
  const count = world.calls.get(step) ?? 0
  return waitFor(() => (world.calls.get(step) ?? 0) > count)
}

async function waitFor(done: () => boolean): Promise<void> {
  while (!done()) await new Promise<void>((go) => setTimeout(go, 0))
}

describe('a subject’s object', () => {
  it('decides, and answers with the place in the log', async () => {
    const world = aWorld()
    const answer = await decide(world, ask('u_1'))
    expect(answer).toMatchObject({ outcome: 'allow', repeated: false })
    expect(answer.receipt.index).toBe(world.log.entries.length - 1)
    const [record] = await world.verify('u_1')
    expect(record).toMatchObject({
      id: answer.id,
      seq: 1,
      jws: answer.jws,
      receipt: answer.receipt,
    })
  })

  it('counts a strike at once, and no longer once it is reversed', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    expect(await decide(world, ask('u_1'))).toMatchObject({ outcome: 'allow' })
    await strike(world, 's_1', 'u_1')
    const denied = await decide(world, ask('u_1'))
    expect(denied.outcome).toBe('deny')
    const reversal = await world.ask('u_1', (host) =>
      host.reverse('u_1', { strike: 's_1', reason: 'a mistake' }),
    )
    expect(reversal).toMatchObject({ created: true, decisions: [{ id: denied.id }] })
    expect(await decide(world, ask('u_1'))).toMatchObject({ outcome: 'allow' })
    await world.verify('u_1')
  })

  it('takes a strike id for one subject: for another it is a conflict, for the same it is a repetition', async () => {
    const world = aWorld()
    await strike(world, 's_1', 'u_1')
    await expect(strike(world, 's_1', 'u_2')).rejects.toMatchObject({ code: 'conflict' })
    expect(await strike(world, 's_1', 'u_1')).toMatchObject({ created: false, receipt: null })
    await world.verify('u_1')
  })

  it('gives forty decisions at once forty consecutive places on the chain', async () => {
    const world = aWorld()
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        decide(world, ask('u_1', { stream: { id: `b_${i}`, audience: 'public' } })),
      ),
    )
    const records = await world.verify('u_1')
    expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set(records.map(({ id }) => id)))
  })

  it('shows every decision that starts after a strike was answered that strike, among forty of each', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    let struck = false
    const outcomes: { readonly knew: boolean; readonly outcome: string }[] = []
    const decisions = Array.from({ length: 40 }, async (_, i) => {
      for (let turn = 0; turn < 4; turn++) {
        const knew = struck
        const { outcome } = await decide(world, ask('u_1', { stream: { id: `b_${i}_${turn}` } }))
        outcomes.push({ knew, outcome })
      }
    })
    const strikes = Array.from({ length: 40 }, async (_, i) => {
      await strike(world, `s_${i}`, 'u_1')
      struck = true
    })
    await Promise.all([...decisions, ...strikes])
    expect(outcomes.filter(({ knew, outcome }) => knew && outcome !== 'deny')).toEqual([])
    expect(outcomes.some(({ knew }) => knew)).toBe(true)
    await world.verify('u_1')
  })

  it('refuses a subject that is not the one it is named after', async () => {
    const world = aWorld()
    await decide(world, ask('u_1'))
    const wrong = world.ask('u_1', (host) => host.decide(ask('u_2')))
    await expect(wrong).rejects.toMatchObject({ code: 'internal' })
    const stranger = world.ask('u_3', async (host) => host.desk('u_1').standing('u_1'))
    await expect(stranger).rejects.toMatchObject({ code: 'internal' })
  })

  it('stores nothing for whoever is only asked about', async () => {
    const world = aWorld()
    await world.ask('u_1', (host) => host.view('u_1'))
    await world.ask('u_1', (host) => host.explain(ask('u_1')))
    expect(await world.ask('u_1', (host) => host.records([1, 2]))).toEqual([])
    await world.alarm('u_1')
    const tables = await world.storage('u_1', ({ sql }) =>
      sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    )
    expect(tables).toEqual([])
  })

  it('asks the log once whether it has key and policy, however many subjects there are', async () => {
    const world = aWorld()
    for (const subject of ['u_1', 'u_2', 'u_3']) await decide(world, ask(subject))
    expect(world.calls.get('ready')).toBe(1)
  })

  it('writes once for a decision, not at all for one it repeats, and once for all that the alarm finds', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    const writes = async (work: () => Promise<unknown>): Promise<number> => {
      const before = world.writes
      await work()
      return world.writes - before
    }
    expect(await writes(() => decide(world, ask('u_1')))).toBe(1)
    expect(await writes(() => decide(world, ask('u_1')))).toBe(1)
    expect(await writes(() => decide(world, askOnce('key', ask('u_1'))))).toBe(1)
    expect(await writes(() => decide(world, askOnce('key', ask('u_1'))))).toBe(0)
    // The strike, and the end it puts to what runs.
    expect(await writes(() => strike(world, 's_1', 'u_1'))).toBe(2)
    expect(await writes(() => decide(world, ask('u_1')))).toBe(1)
    expect(await writes(() => decide(world, ask('u_1')))).toBe(0)
    const relied = (): Promise<unknown> =>
      world.storage('u_1', ({ sql }) => sql.exec('SELECT strike FROM reliance').toArray())
    expect(await relied()).toEqual([{ strike: 's_1' }])
    expect(await writes(() => world.alarm('u_1'))).toBe(1)
    expect(await writes(() => world.alarm('u_1'))).toBe(0)
    expect(await relied()).toEqual([])
    expect(await world.verify('u_1')).toHaveLength(6)
  })

  it('decides nothing while the log does not have the policy', async () => {
    const world = aWorld()
    world.around = (step, call) => (step === 'ready' ? Promise.reject(lost()) : call())
    await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(world.log.entries).toEqual([])
    world.around = (_step, call) => call()
    await decide(world, ask('u_1'))
    await world.verify('u_1')
  })

  it('decides nothing when the log is another one than it is named after', async () => {
    const world = aWorld()
    const other = { ok: true, value: 'gate.example/log/other' }
    world.around = async (step, call) => (step === 'ready' ? (other as never) : call())
    await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'halted' })
  })
})

describe('the session of a media server', () => {
  const session = { server: 'edge-1', session: '77' }

  it('is known before its answer, and forgotten when it is ended', async () => {
    const world = aWorld()
    const { id } = await decide(world, ask('u_1', { session }))
    expect(world.sessions.get('77')).toBe(id)
    expect(await world.ask('u_1', (host) => host.endSession('u_1', 'edge-1', '77'))).toBe(true)
    expect(world.sessions.has('77')).toBe(false)
    await world.verify('u_1')
  })

  it('is not decided on when its directory does not answer', async () => {
    const world = aWorld()
    world.around = (step, call) => (step === 'openSession' ? Promise.reject(lost()) : call())
    const refused = decide(world, ask('u_1', { session }))
    await expect(refused).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(await broadcasts(world, 'u_1')).toEqual([])
  })

  it('is forgotten when its lease is over and nobody ended it', async () => {
    const world = aWorld()
    await decide(world, ask('u_1', { session }))
    await world.alarm('u_1')
    const due = world.alarms.get('u_1') ?? 0
    expect(due).toBe(NOW + 4 * 3_600_000)
    world.clock.set(due)
    await world.alarm('u_1', 2)
    expect(world.sessions.has('77')).toBe(false)
    expect(world.alarms.has('u_1')).toBe(false)
    await world.verify('u_1')
  })
})

describe('the way into the log', () => {
  const faults: readonly { readonly name: string; readonly around: Around }[] = [
    {
      name: 'fails before it took effect',
      around: (step, call) => (step === 'append' ? Promise.reject(lost()) : call()),
    },
    {
      name: 'fails after it took effect',
      around: async (step, call) => {
        const result = await call()
        if (step === 'append') throw lost()
        return result
      },
    },
  ]
  for (const { name, around } of faults) {
    it(`${name}: nothing is answered, and the next question finds it done`, async () => {
      const world = aWorld()
      await decide(world, ask('u_1', { stream: { id: 'first' } }))
      world.around = around
      await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'log_unavailable' })
      await expect(world.ask('u_1', (host) => host.explain(ask('u_1')))).rejects.toMatchObject({
        code: 'log_unavailable',
      })
      world.around = (_step, call) => call()
      const open = await broadcasts(world, 'u_1')
      const unheard = open.find(({ stream }) => stream === 'b_u_1')
      expect(unheard?.lease_until).toBe(NOW + UNCONFIRMED_BROADCAST_MS)
      expect(open.find(({ stream }) => stream === 'first')?.lease_until).toBe(NOW + 4 * 3_600_000)
      await decide(world, ask('u_1'))
      expect(await world.verify('u_1')).toHaveLength(3)
    })

    it(`${name}, once: the unheard broadcast is ended on the chain`, async () => {
      const world = aWorld()
      let faulty = true
      world.around = (step, call) => {
        if (!faulty || step !== 'append') return call()
        faulty = false
        return around(step, call)
      }
      await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'log_unavailable' })
      expect(await broadcasts(world, 'u_1')).toEqual([])
      const records = await world.verify('u_1')
      expect(records.map(({ kind }) => kind)).toEqual(['decision', 'broadcast'])
    })

    it(`${name}, for a strike: it counts, and sending it again says so`, async () => {
      const world = aWorld(policyOf(STRIKE_RULE))
      world.around = around
      await expect(strike(world, 's_1', 'u_1')).rejects.toMatchObject({ code: 'log_unavailable' })
      world.around = (_step, call) => call()
      expect(await strike(world, 's_1', 'u_1')).toMatchObject({ created: false })
      expect(await decide(world, ask('u_1'))).toMatchObject({ outcome: 'deny' })
      expect(await world.verify('u_1')).toHaveLength(2)
    })

    it(`${name}: the alarm brings it there, late, twice, and with nobody asking`, async () => {
      const world = aWorld()
      world.around = around
      await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'log_unavailable' })
      const due = world.alarms.get('u_1') ?? 0
      expect(due - NOW).toBeLessThanOrEqual(1_250)
      world.clock.set(due + 3_600_000)
      await world.alarm('u_1', 2)
      expect((world.alarms.get('u_1') ?? 0) - world.clock.now()).toBeGreaterThanOrEqual(750)
      world.around = (_step, call) => call()
      world.wake('u_1')
      await world.alarm('u_1', 2)
      expect(world.log.entries.at(-1)).toMatchObject({ seq: 1 })
      expect(await world.verify('u_1')).toHaveLength(1)
    })
  }

  it('is not waited for without end: the next question sends the same record again', async () => {
    const world = aWorld()
    await decide(world, ask('u_1', { stream: { id: 'first' } }))
    world.around = (step, call) => (step === 'append' ? never() : call())
    const hanging = reached(world, 'append')
    const unanswered = decide(world, ask('u_1')).catch((error: unknown) => error)
    await hanging
    await world.pass('u_1', DECISION_BUDGET_MS)
    expect(await unanswered).toMatchObject({ code: 'log_unavailable' })
    world.around = (_step, call) => call()
    await world.pass('u_1', PATIENCE_MS)
    expect(await decide(world, ask('u_1'))).toMatchObject({ outcome: 'allow' })
    const kinds = (await world.verify('u_1')).map(({ kind }) => kind)
    expect(kinds).toEqual(['decision', 'decision', 'broadcast', 'decision'])
  })

  it('is given up for good when the log holds another chain, on every later question too', async () => {
    const world = aWorld()
    await decide(world, ask('u_1', { stream: { id: 'a' } }))
    await decide(world, ask('u_1', { stream: { id: 'b' } }))
    world.log.forget(1)
    await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'halted' })
    await expect(strike(world, 's_1', 'u_1')).rejects.toMatchObject({ code: 'halted' })
    expect(world.events.filter(({ type }) => type === 'halted')).toHaveLength(1)
    world.wake('u_1')
    await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'halted' })
  })
})

describe('an object that dies', () => {
  const deaths: readonly {
    readonly name: string
    readonly around: Around
  }[] = [
    {
      name: 'after its own commit, before the log was asked',
      around: (step, call) => (step === 'append' ? never() : call()),
    },
    {
      name: 'after the log has the record, before it heard of it',
      around: async (step, call) => {
        const result = await call()
        return step === 'append' ? never() : result
      },
    },
  ]
  for (const { name, around } of deaths)
    it(`${name}, finishes logging at the next question and shortens what nobody heard of`, async () => {
      const world = aWorld()
      world.clock.set(NOW - 2 * DECISION_BUDGET_MS)
      await decide(world, ask('u_1', { stream: { id: 'long ago' } }))
      world.clock.set(NOW)
      world.around = around
      const dying = reached(world, 'append')
      void decide(world, ask('u_1')).catch(() => {})
      await dying
      world.around = (_step, call) => call()
      world.wake('u_1')
      const open = await broadcasts(world, 'u_1')
      expect(open.map(({ stream, lease_until }) => [stream, lease_until - NOW])).toEqual([
        ['long ago', 4 * 3_600_000 - 2 * DECISION_BUDGET_MS],
        ['b_u_1', UNCONFIRMED_BROADCAST_MS],
      ])
      expect(await world.verify('u_1')).toHaveLength(2)
    })

  it('after the place was known and before it was written asks again, and gives the same place', async () => {
    const world = aWorld()
    const first = await decide(world, ask('u_1', { stream: { id: 'a' } }))
    world.wake('u_1')
    const [record] = await world.verify('u_1')
    expect(record?.receipt).toEqual(first.receipt)
    await world.alarm('u_1')
    const appends = world.calls.get('append')
    world.wake('u_1')
    const [again] = await world.verify('u_1')
    expect(again?.receipt).toEqual(first.receipt)
    expect(world.calls.get('append')).toBe(appends)
  })

  it('between any two of a hundred questions loses nothing that was answered', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    const answered: { readonly id: string; readonly index: number }[] = []
    for (let i = 0; i < 100; i++) {
      if (i % 3 === 1) world.wake('u_1')
      if (i % 7 === 2) await world.alarm('u_1')
      if (i % 25 === 24) {
        await strike(world, `s_${i}`, 'u_1')
        continue
      }
      const { id, receipt } = await decide(world, ask('u_1', { stream: { id: `b_${i}` } }))
      answered.push({ id, index: receipt.index })
    }
    const records = await world.verify('u_1')
    const places = new Map(records.map(({ id, receipt }) => [id, receipt.index]))
    expect(answered.filter(({ id, index }) => places.get(id) !== index)).toEqual([])
  })

  it('while its row is behind its newest record knows everything it knew, whatever is asked next', async () => {
    const nexts: readonly ((world: World) => Promise<unknown>)[] = [
      (world) => decide(world, ask('u_1', { stream: { id: 'c' } })),
      (world) => strike(world, 's_1', 'u_1'),
      (world) => world.ask('u_1', (host) => host.putFacts('u_1', { followers: 7 }, NOW)),
      (world) => world.alarm('u_1'),
      async () => {},
    ]
    for (const next of nexts) {
      const world = aWorld()
      for (const id of ['a', 'b']) await decide(world, ask('u_1', { stream: { id } }))
      const rows = await world.storage('u_1', ({ sql }) => [
        ...sql.exec('SELECT s.seq, (SELECT max(seq) FROM records) AS newest FROM subjects s'),
      ])
      expect(rows).toEqual([{ seq: 1, newest: 2 }])
      for (let i = 0; i < 2; i++) {
        world.wake('u_1')
        expect((await broadcasts(world, 'u_1')).map(({ stream }) => stream)).toEqual(
          expect.arrayContaining(['a', 'b']),
        )
        await next(world)
      }
      await world.verify('u_1')
    }
  })

  it('answers a key it answered before with the same record', async () => {
    const world = aWorld()
    const first = await decide(world, askOnce('key', ask('u_1')))
    await world.alarm('u_1')
    world.wake('u_1')
    const again = await decide(world, askOnce('key', ask('u_1')))
    expect(again).toMatchObject({ id: first.id, repeated: true, receipt: first.receipt })
  })

  it('forgets a used key once it expired', async () => {
    const world = aWorld()
    await decide(world, askOnce('key', ask('u_1')))
    await world.alarm('u_1')
    const due = world.alarms.get('u_1') ?? 0
    expect(due).toBe(NOW + 24 * 3_600_000)
    world.clock.set(due)
    await world.alarm('u_1')
    const left = await world.storage('u_1', ({ sql }) =>
      sql.exec('SELECT count(*) AS n FROM idempotency').one(),
    )
    expect(left).toEqual({ n: 0 })
    expect(world.alarms.has('u_1')).toBe(false)
  })
})
