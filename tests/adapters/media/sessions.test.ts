/** Who is spoken of when, and when a lease is looked at: the two memories of the keeper. */
import { describe, expect, it } from 'vitest'
import { createRenewals } from '../../../src/adapters/media/renewals.ts'
import { createSessions } from '../../../src/adapters/media/sessions.ts'
import { Start } from '../../../src/adapters/media/starts.ts'
import { epochMs } from '../../../src/core/time.ts'
import { START, settled } from './hand-time.ts'

describe('sessions', () => {
  it('are spoken of one thing after the other, whatever becomes of the first', async () => {
    const sessions = createSessions(() => 0)
    const order: string[] = []
    let fail: (error: Error) => void = () => {}
    const first = sessions.run('edge-1', '41', () => {
      order.push('first')
      return new Promise<void>((_resolve, reject) => {
        fail = reject
      })
    })
    const second = sessions.run('edge-1', '41', async () => void order.push('second'))
    await sessions.run('edge-2', '41', async () => void order.push('elsewhere'))
    expect(order).toEqual(['first', 'elsewhere'])
    fail(new Error('it did not work'))
    await expect(first).rejects.toThrow('it did not work')
    await second
    expect(order).toEqual(['first', 'elsewhere', 'second'])
  })

  it('are busy while something is said of them, and for whoever looked before it was over', async () => {
    let now = 10
    let over: () => void = () => {}
    const sessions = createSessions(() => now)
    expect(sessions.busySince('edge-1', '41', 0)).toBe(false)
    const work = sessions.run(
      'edge-1',
      '41',
      () =>
        new Promise<void>((resolve) => {
          over = resolve
        }),
    )
    await settled()
    expect(sessions.busySince('edge-1', '41', Number.POSITIVE_INFINITY)).toBe(true)
    expect(sessions.busySince('edge-1', '42', 0)).toBe(false)
    expect(sessions.busySince('edge-2', '41', 0)).toBe(false)
    now = 20
    over()
    await work
    expect(sessions.busySince('edge-1', '41', 20)).toBe(true)
    expect(sessions.busySince('edge-1', '41', 21)).toBe(false)
  })

  it('are heard of while their server asks in its rhythm, and half a minute after its first question', () => {
    let now = 0
    const sessions = createSessions(() => now)
    const heard = (at: number): boolean => {
      now = at
      return sessions.heard('edge-1', '41')
    }
    expect(heard(0)).toBe(false)
    sessions.polled('edge-1', '41')
    expect([heard(60_999), heard(61_000)]).toEqual([true, false])
    now = 70_000
    sessions.polled('edge-1', '41')
    now = 75_000
    sessions.polled('edge-1', '41')
    expect([heard(85_999), heard(86_000)]).toEqual([true, false])
    expect(sessions.heard('edge-1', '42')).toBe(false)
  })

  it('are over for a minute after their end, unless they ask to start again', async () => {
    let now = 0
    const sessions = createSessions(() => now)
    sessions.ended('edge-1', '41')
    now = 59_999
    expect(sessions.isOver('edge-1', '41')).toBe(true)
    now = 60_000
    expect(sessions.isOver('edge-1', '41')).toBe(false)
    sessions.ended('edge-1', '41')
    await sessions.run('edge-1', '41', async () => {})
    expect(sessions.isOver('edge-1', '41')).toBe(true)
    await sessions.run('edge-1', '41', async () => {}, 'asked')
    expect(sessions.isOver('edge-1', '41')).toBe(false)
  })

  it('keep what was begun until it is forgotten, however many are spoken of meanwhile', async () => {
    const sessions = createSessions(() => 0)
    const begun = new Start('n1', 'sk_1')
    await sessions.run('edge-1', '41', async (spoken) => {
      spoken.start = begun
      for (let i = 0; i < 50_001; i++) sessions.ended('edge-1', `other ${i}`)
    })
    expect(sessions.start('edge-1', '41')).toBe(begun)
    await sessions.run('edge-1', '41', async (spoken) => {
      expect(spoken.start).toBe(begun)
      spoken.start = null
    })
    expect([sessions.start('edge-1', '41'), sessions.start('edge-1', '42')]).toEqual([null, null])
  })

  it('were asked about only when they asked to start', async () => {
    const sessions = createSessions(() => 0)
    await sessions.run('edge-1', '41', async () => {})
    expect(sessions.asked('edge-1', '41')).toBe(false)
    await sessions.run('edge-1', '41', async () => {}, 'asked')
    expect([sessions.asked('edge-1', '41'), sessions.asked('edge-1', '4')]).toEqual([true, false])
  })
})

describe('a lease', () => {
  const at = (ms: number) => epochMs(START + ms)
  const lease = { id: 'd1', lease_until: at(1_000) }

  it('is due at half of what was left when it was first seen', () => {
    const renewals = createRenewals()
    expect([0, 499, 500, 900].map((ms) => renewals.due(lease, at(ms)))).toEqual([
      false,
      false,
      true,
      true,
    ])
  })

  it('first seen late is due at half of the rest', () => {
    const renewals = createRenewals()
    expect([600, 799, 800].map((ms) => renewals.due(lease, at(ms)))).toEqual([false, false, true])
  })

  it('that was extended begins anew; one that stayed as it was waits half of the rest', () => {
    const renewals = createRenewals()
    renewals.due(lease, at(0))
    const longer = { ...lease, lease_until: at(2_500) }
    expect([500, 1_499, 1_500].map((ms) => renewals.due(longer, at(ms)))).toEqual([
      false,
      false,
      true,
    ])
    renewals.looked(longer, at(1_500))
    expect([1_999, 2_000].map((ms) => renewals.due(longer, at(ms)))).toEqual([false, true])
  })
})
