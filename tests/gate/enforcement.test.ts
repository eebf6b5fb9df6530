/** Numbers of a media server's records: which is next, and what becomes of one whose record was not made. */
import { describe, expect, it } from 'vitest'
import { createEnforcement, givenNumber, numbered } from '../../src/gate/enforcement.ts'
import type { Directory, StoredRecord } from '../../src/ports.ts'

const random = { bytes: (length: number) => new Uint8Array(length).fill(7) }
const found = {} as StoredRecord
const RECORDS: readonly (readonly [what: string, record: Directory['record'], next: number])[] = [
  ['is not there: the number is free', () => null, 1],
  ['is there after all: it has the number', async () => found, 2],
  ['cannot be looked for: it may have the number', () => Promise.reject(new Error('no')), 2],
]

describe('numbers', () => {
  it('count from 1; what is free is given before what is new, the lowest first', () => {
    const { enforcer, take, free } = createEnforcement(random)
    expect(enforcer).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect([take(), take(), take(), take()]).toEqual([1, 2, 3, 4])
    for (const number of [3, 1, 2]) free(number)
    expect([take(), take(), take(), take()]).toEqual([1, 2, 3, 5])
  })

  it('are in the record that is made', async () => {
    const enforcement = createEnforcement(random)
    const directory = { record: () => null }
    const made = await numbered({ directory }, { enforcement, id: 'x' }, async (number) => number)
    expect(made).toEqual({ enforcer: enforcement.enforcer, enf_seq: 1 })
    expect(enforcement.take()).toBe(2)
  })

  it('are left out where nobody numbers', async () => {
    const directory = { record: () => null }
    const work = { enforcement: undefined, id: 'x' }
    expect(await numbered({ directory }, work, async (number) => number)).toEqual({})
  })

  for (const [what, record, next] of RECORDS)
    it(`when making fails and the record ${what}`, async () => {
      const enforcement = createEnforcement(random)
      const failure = new Error('failed')
      const make = (): Promise<never> => Promise.reject(failure)
      const work = { enforcement, id: 'x' }
      await expect(numbered({ directory: { record } }, work, make)).rejects.toBe(failure)
      expect(enforcement.take()).toBe(next)
    })
})

describe('a number that was taken elsewhere', () => {
  it('is given once', () => {
    const { enforcement } = givenNumber({ enforcer: 'e', enf_seq: 5 })
    expect([enforcement.enforcer, enforcement.take(), enforcement.take()]).toEqual(['e', 5, null])
  })

  it('is free until it is taken, and when it is given back; then it can be taken again', () => {
    const { enforcement, isFree } = givenNumber({ enforcer: 'e', enf_seq: 5 })
    const seen = [isFree()]
    for (const step of [enforcement.take, () => enforcement.free(5), enforcement.take]) {
      step()
      seen.push(isFree())
    }
    expect(seen).toEqual([true, false, true, false])
  })
})
