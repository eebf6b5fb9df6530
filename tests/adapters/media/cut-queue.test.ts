/**
 * Cutting until it is confirmed: what confirms, how often it is tried, at what pace, when it is given up.
 */
import { describe, expect, it } from 'vitest'
import { createBudget } from '../../../src/adapters/media/budget.ts'
import type { ControlFault } from '../../../src/adapters/media/control.ts'
import { type Cut, createCutQueue } from '../../../src/adapters/media/cut-queue.ts'
import { err, ok, type Result } from '../../../src/core/result.ts'
import { epochMs } from '../../../src/core/time.ts'
import { type HandTime, handTime, START, settled } from './hand-time.ts'

type Dropped = Result<{ readonly dropped: number | 'unknown' }, ControlFault>

const MINUTES_5 = 300_000

function order(n = 1, changes: Partial<Cut> = {}): Cut {
  return {
    key: `d${n}`,
    broadcast: `d${n}`,
    session: String(n),
    handle: 'app=live',
    until: epochMs(START + MINUTES_5),
    ...changes,
  }
}

function scene(answer: ((cut: Cut, attempt: number) => Dropped | Promise<Dropped>) | null) {
  const time: HandTime = handTime()
  const calls: { at: number; session: string; handle: string }[] = []
  const ends: string[] = []
  const faults: ControlFault[] = []
  const errors: unknown[] = []
  let refuse = 0
  const queue = createCutQueue({
    cut:
      answer === null
        ? null
        : async (cut) => {
            calls.push({ at: time.elapsed(), session: cut.session, handle: cut.handle })
            return answer(cut, calls.length)
          },
    async done(cut, { confirmed, attempts }) {
      if (refuse-- > 0) throw new Error('the log is full')
      ends.push(`${cut.key} ${confirmed} ${attempts}`)
    },
    budget: createBudget({ ...time, at_once: 8, per_second: 200 }),
    ...{ clock: time.clock, after: time.after },
    onFault: (fault) => faults.push(fault),
    onError: (error) => errors.push(error),
  })
  return {
    ...{ time, calls, ends, faults, errors, queue },
    refuseNext: (times: number) => {
      refuse = times
    },
  }
}

describe('one order', () => {
  it('goes out at once, and one dropped publisher is the end of it', async () => {
    const { queue, calls, ends } = scene(() => ok({ dropped: 1 }))
    queue.push(order())
    await settled()
    expect([calls.length, ends, queue.size()]).toEqual([1, ['d1 dropped 1'], 0])
  })

  it('"0 dropped" is no confirmation: it is tried again with growing pauses until somebody was there', async () => {
    const { queue, calls, ends, time } = scene((_cut, attempt) =>
      ok({ dropped: attempt === 8 ? 1 : 0 }),
    )
    queue.push(order())
    await time.advance(60_000)
    expect(calls.map(({ at }) => at)).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300, 11_300])
    expect(ends).toEqual(['d1 dropped 8'])
  })

  for (const fault of ['unreachable', 'timeout', 'unreadable', 'refused', 'redirect'] as const)
    it(`${fault} confirms nothing, is told and tried again`, async () => {
      const { queue, ends, faults, time } = scene((_cut, attempt) =>
        attempt === 1 ? err(fault) : ok({ dropped: 1 }),
      )
      queue.push(order())
      await time.advance(100)
      expect([faults, ends]).toEqual([[fault], ['d1 dropped 2']])
    })

  it('a server that does not say what it dropped is asked until the end is seen elsewhere', async () => {
    const { queue, ends, time } = scene(() => ok({ dropped: 'unknown' }))
    queue.push(order())
    await time.advance(1_000)
    expect(ends).toEqual([])
    expect(queue.confirm('d1', 'absent')).toBe(true)
    await settled()
    expect([ends, queue.size()]).toEqual([['d1 absent 4'], 0])
  })

  it('is given up when its time is over, and says that nobody confirmed it', async () => {
    const { queue, ends, time } = scene(() => err('unreachable'))
    queue.push(order())
    await time.advance(MINUTES_5 - 1)
    expect(ends).toEqual([])
    await time.advance(6_000)
    expect(ends.map((end) => end.split(' ')[1])).toEqual(['none'])
    expect(time.timers()).toEqual([])
  })

  it('without a control interface there is nothing to call, only somebody to wait for', async () => {
    const { queue, ends, time } = scene(null)
    queue.push(order())
    queue.push(order(2))
    await time.advance(10_000)
    queue.forgetSession('1')
    await time.advance(MINUTES_5)
    expect(ends).toEqual(['d2 none 0'])
  })

  it('a reported end takes it out, even while a call is under way', async () => {
    let answer: (result: Dropped) => void = () => {}
    const { queue, ends, time } = scene(
      () =>
        new Promise<Dropped>((resolve) => {
          answer = resolve
        }),
    )
    queue.push(order())
    await settled()
    queue.forgetSession('1')
    answer(ok({ dropped: 1 }))
    await time.advance(60_000)
    expect([ends, queue.size(), time.timers()]).toEqual([[], 0, []])
  })

  it('is confirmed once, however many say so', async () => {
    let answer: (result: Dropped) => void = () => {}
    const { queue, ends } = scene(
      () =>
        new Promise<Dropped>((resolve) => {
          answer = resolve
        }),
    )
    queue.push(order())
    await settled()
    expect([queue.confirm('d1', 'absent'), queue.confirm('d1', 'absent')]).toEqual([true, false])
    answer(ok({ dropped: 1 }))
    await settled()
    expect(ends).toEqual(['d1 absent 1'])
    expect(queue.confirm('d1', 'absent')).toBe(false)
  })

  it('pushed again it is one order still, with the newer handle', async () => {
    const { queue, calls, time } = scene((_cut, attempt) => ok({ dropped: attempt === 2 ? 1 : 0 }))
    queue.push(order())
    await settled()
    queue.push(order(1, { handle: 'srv=1&app=live' }))
    await time.advance(100)
    expect(calls.map(({ handle }) => handle)).toEqual(['app=live', 'srv=1&app=live'])
  })

  it('whose end cannot be recorded stays, and the server is not asked again', async () => {
    const { queue, calls, ends, errors, refuseNext, time } = scene(() => ok({ dropped: 1 }))
    refuseNext(2)
    queue.push(order())
    await settled()
    expect([ends, errors.length, queue.size()]).toEqual([[], 1, 1])
    await time.advance(1_000)
    expect([ends, calls.length, errors.length]).toEqual([['d1 dropped 1'], 1, 2])
  })

  it('after a stop no call begins', async () => {
    const { queue, calls, time } = scene(() => ok({ dropped: 0 }))
    queue.push(order())
    await settled()
    await queue.stop()
    queue.push(order(2))
    await time.advance(60_000)
    expect([calls.length, queue.size(), time.timers()]).toEqual([1, 0, []])
  })

  it('a stop waits for the calls under way, and for the record of what they confirmed', async () => {
    const answers: ((result: Dropped) => void)[] = []
    const { queue, calls, ends } = scene(
      () => new Promise<Dropped>((resolve) => void answers.push(resolve)),
    )
    for (let n = 1; n <= 9; n++) queue.push(order(n))
    await settled()
    let stopped = false
    const stop = queue.stop().then(() => {
      stopped = true
    })
    await settled()
    expect([stopped, calls.length]).toEqual([false, 8])
    for (const answer of answers) answer(ok({ dropped: 1 }))
    await stop
    expect(ends).toHaveLength(8)
    expect(calls).toHaveLength(8)
  })
})

describe('a thousand orders', () => {
  it('go out eight at once, 200 a second, in order, and all are done within ten seconds', async () => {
    let under_way = 0
    let most = 0
    const { queue, calls, ends, time } = scene(async () => {
      most = Math.max(most, ++under_way)
      await Promise.resolve()
      under_way--
      return ok({ dropped: 1 })
    })
    for (let n = 1; n <= 1_000; n++) queue.push(order(n))
    await time.advance(10_000)
    expect(ends).toHaveLength(1_000)
    expect(most).toBeLessThanOrEqual(8)
    expect(calls.map(({ session }) => session)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => String(n + 1)),
    )
    expect(calls.at(-1)?.at).toBeLessThanOrEqual(5_100)
    for (let from = 0; from < 5_000; from += 250) {
      const in_a_second = calls.filter(({ at }) => at >= from && at < from + 1_000).length
      expect(in_a_second).toBeLessThanOrEqual(208)
    }
  })

  it('at a server that hangs hold eight calls, not a thousand', async () => {
    const { queue, calls, time } = scene(() => new Promise<Dropped>(() => {}))
    for (let n = 1; n <= 1_000; n++) queue.push(order(n))
    await time.advance(60_000)
    expect(calls).toHaveLength(8)
  })
})
