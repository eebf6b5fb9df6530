import { describe, expect, it } from 'vitest'
import { fromBase64Url } from '../../src/core/encoding.ts'
import { epochMs } from '../../src/core/time.ts'
import { numberedRecordIds, randomRecordIds } from '../../src/gate/record-ids.ts'
import { countedRandom } from '../core/record/samples.ts'

const T0 = 1_800_000_000_000

const makers = { numbered: numberedRecordIds, random: randomRecordIds }

function partsOf(id: string): { second: number; number: number; rest: string } {
  const bytes = fromBase64Url(id) ?? new Uint8Array()
  expect(bytes.length).toBe(16)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const rest = Buffer.from(bytes.subarray(6)).toString('hex')
  return { second: view.getUint32(0), number: view.getUint16(4), rest }
}

describe.each(Object.entries(makers))('%s record ids', (name, make) => {
  const ids = (...instants: readonly number[]): ReturnType<typeof partsOf>[] => {
    const newId = make({ bytes: countedRandom(name) })
    return instants.map((at) => partsOf(newId(epochMs(at))))
  }

  it('begin with the second, whatever the millisecond', () => {
    const seconds = ids(T0, T0 + 999, T0 + 1_000, 0, 4_102_444_800_000).map((id) => id.second)
    expect(seconds).toEqual([T0 / 1000, T0 / 1000, T0 / 1000 + 1, 0, 4_102_444_800])
  })

  it('end with 80 bits of their own', () => {
    const made = ids(...Array.from({ length: 500 }, () => T0))
    expect(new Set(made.map((id) => id.rest)).size).toBe(500)
  })
})

describe('numbers of record ids', () => {
  const cases = [
    { name: 'count in one second', at: [0, 1, 999], numbers: [0, 1, 2] },
    { name: 'begin anew with each second', at: [0, 0, 1_000, 1_500], numbers: [0, 1, 0, 1] },
    { name: 'begin anew when the clock goes back', at: [5_000, 5_000, 0], numbers: [0, 1, 0] },
  ]
  for (const { name, at, numbers } of cases)
    it(name, () => {
      const newId = numberedRecordIds({ bytes: countedRandom('n') })
      expect(at.map((ms) => partsOf(newId(epochMs(T0 + ms))).number)).toEqual(numbers)
    })

  it('stay the last one when a second has more records than numbers', () => {
    const newId = numberedRecordIds({ bytes: () => new Uint8Array(16) })
    for (let i = 0; i < 65_535; i++) newId(epochMs(T0))
    const last = [0, 0, 1_000].map((ms) => partsOf(newId(epochMs(T0 + ms))).number)
    expect(last).toEqual([65_535, 65_535, 0])
  })

  it('are random where they would tell whose records are one person’s', () => {
    const newId = randomRecordIds({ bytes: countedRandom('r') })
    const numbers = Array.from({ length: 20 }, () => partsOf(newId(epochMs(T0))).number)
    expect(new Set(numbers).size).toBeGreaterThan(15)
  })
})
