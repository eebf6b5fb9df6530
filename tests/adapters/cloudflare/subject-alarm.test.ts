/** One alarm for everything an object has to look after: what is asked for happens in time, what can wait does not interrupt. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Alarm, createAlarm } from '../../../src/adapters/cloudflare/subject-alarm.ts'
import { epochMs } from '../../../src/core/time.ts'

const at = (ms: number): ReturnType<typeof epochMs> => epochMs(ms)

describe('the alarm of a subject', () => {
  let stored: number | null
  let written: number
  let alarm: Alarm

  function wake(): void {
    written = 0
    alarm = createAlarm({
      getAlarm: async () => stored,
      setAlarm: async (time) => {
        stored = Number(time)
        written++
      },
    })
  }
  beforeEach(() => {
    stored = null
    wake()
  })

  it('fires at the earliest that was asked for', async () => {
    for (const ms of [9_000, 5_000, 7_000]) await alarm.arm(at(ms))
    expect([stored, written]).toEqual([5_000, 2])
  })

  it('what can wait moves on while the object is busy, and writes only when it is due soon', async () => {
    for (const ms of [7_000, 8_000, 10_000]) await alarm.defer(at(ms))
    expect([stored, written]).toEqual([7_000, 1])
    await alarm.defer(at(11_000))
    expect([stored, written]).toEqual([11_000, 2])
  })

  it('nothing moves it past what was asked for, whether that came first or later', async () => {
    await alarm.arm(at(9_000))
    await alarm.defer(at(20_000))
    expect(stored).toBe(9_000)
    alarm.fired()
    await alarm.defer(at(17_000))
    await alarm.arm(at(18_000))
    await alarm.defer(at(30_000))
    expect(stored).toBeLessThanOrEqual(18_000)
  })

  it('an alarm of a former life is not moved', async () => {
    stored = 9_000
    await alarm.known()
    await alarm.defer(at(30_000))
    expect([stored, written]).toEqual([9_000, 0])
  })

  it('an object that is never quiet is looked after once a minute', async () => {
    for (let now = 0; now < 120_000; now += 1_000) await alarm.defer(at(now + 7_000))
    expect(stored).toBe(67_000)
  })

  it('after it has fired it begins anew', async () => {
    await alarm.arm(at(5_000))
    alarm.fired()
    await alarm.defer(at(20_000))
    expect(stored).toBe(20_000)
  })
})
