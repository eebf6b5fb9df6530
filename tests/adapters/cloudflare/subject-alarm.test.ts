/** One alarm for everything an object has to look after: what is asked for happens in time, and is written once. */
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

  it('is not set again for what it is early enough for, in a former life neither', async () => {
    stored = 9_000
    await alarm.known()
    await alarm.arm(at(30_000))
    expect([stored, written]).toEqual([9_000, 0])
  })

  it('after it has fired it begins anew', async () => {
    await alarm.arm(at(5_000))
    alarm.fired()
    await alarm.arm(at(20_000))
    expect(stored).toBe(20_000)
  })
})
