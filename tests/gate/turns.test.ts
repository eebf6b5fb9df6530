/**
 * Turns: in order, fair between subjects, bounded (beyond that they shed, G9), and freed by whatever happens.
 */
import { describe, expect, it } from 'vitest'
import { createTurns, MAX_UNDER_WAY, MAX_WAITERS } from '../../src/gate/turns.ts'

const OVERLOADED = { code: 'overloaded', retry_after_s: 1 }

function gateway(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

describe('turns of one subject', () => {
  it('come one after the other, in order of arrival', async () => {
    const turns = createTurns()
    const seen: string[] = []
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        turns.run('a', async () => {
          seen.push(`in ${i}`)
          for (let pause = i % 3; pause > 0; pause--) await Promise.resolve()
          seen.push(`out ${i}`)
        }),
      ),
    )
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => [`in ${i}`, `out ${i}`]).flat())
  })

  it.each([
    {
      name: 'rejects',
      work: async (): Promise<void> => {
        await Promise.resolve()
        throw new Error('broken')
      },
    },
    {
      name: 'throws before its first await',
      work: (): Promise<void> => {
        throw new Error('broken')
      },
    },
  ])('are freed when the work $name, first or waiting', async ({ work }) => {
    const turns = createTurns()
    const results = await Promise.allSettled([
      turns.run('a', work),
      turns.run('a', work),
      turns.run('a', async () => 'done'),
    ])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(turns.size()).toBe(0)
  })

  it('are shed beyond their number, and taken again when one has ended', async () => {
    const turns = createTurns()
    const { promise, open } = gateway()
    const waiting = Array.from({ length: MAX_WAITERS }, () => turns.run('a', () => promise))
    await expect(turns.run('a', async () => 'late')).rejects.toMatchObject(OVERLOADED)
    expect(await turns.run('b', async () => 'other')).toBe('other')
    open()
    await Promise.all(waiting)
    expect(await turns.run('a', async () => 'again')).toBe('again')
  })
})

describe('a turn that finishes what was let in', () => {
  it('is taken beyond every limit, in its order', async () => {
    const turns = createTurns()
    const { promise, open } = gateway()
    const seen: string[] = []
    const waiting = Array.from({ length: MAX_WAITERS }, () => turns.run('a', () => promise))
    const last = turns.run('a', async () => seen.push('last'), 'always')
    await expect(turns.run('a', async () => 1)).rejects.toMatchObject(OVERLOADED)
    open()
    await Promise.all([...waiting.map((turn) => turn.then(() => seen.push('first'))), last])
    expect(seen.at(-1)).toBe('last')
    expect(turns.size()).toBe(0)
  })
})

describe('turns of all subjects', () => {
  it('are not held up by one that hangs', async () => {
    const turns = createTurns()
    const { promise, open } = gateway()
    const hung = turns.run('a', () => promise)
    expect(await turns.run('b', async () => 1)).toBe(1)
    open()
    await hung
  })

  it('are shed beyond their number, so that a log that hangs does not fill the memory', async () => {
    const turns = createTurns()
    const { promise, open } = gateway()
    const hung = Array.from({ length: MAX_UNDER_WAY }, (_, i) => turns.run(`u${i}`, () => promise))
    await expect(turns.run('one-more', async () => 1)).rejects.toMatchObject(OVERLOADED)
    open()
    await Promise.all(hung)
    expect(await turns.run('one-more', async () => 1)).toBe(1)
  })

  it('leave nothing behind', async () => {
    const turns = createTurns()
    await Promise.all(Array.from({ length: 500 }, (_, i) => turns.run(`u${i % 50}`, async () => i)))
    expect(turns.size()).toBe(0)
  })
})
