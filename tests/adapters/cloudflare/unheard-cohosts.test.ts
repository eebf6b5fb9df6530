/** After an object died: how many histories of co-hosts are held at once. */
import { expect, it } from 'vitest'
import { shortenWithCohosts } from '../../../src/adapters/cloudflare/unheard-cohosts.ts'
import { textToBase64Url } from '../../../src/core/encoding.ts'
import { MAX_COHOSTS } from '../../../src/core/limits.ts'
import type { CohostDesk } from '../../../src/gate/cohosts.ts'
import type { GateEvent, StoredRecord } from '../../../src/ports.ts'

it('asks the co-hosts of one decision at a time, and goes on when some do not answer', async () => {
  const decisions = Array.from({ length: 20 }, (_, i) => {
    const cohosts = Array.from({ length: MAX_COHOSTS }, (_, j) => `c_${i}_${j}`)
    const subject = textToBase64Url(JSON.stringify(['salt', 'subject', { subject: 'u', cohosts }]))
    return { id: `d_${i}`, openings: { subject } } as unknown as StoredRecord
  })
  const asked = new Set<string>()
  let [now, most] = [0, 0]
  const desk = {
    async standing(subject: string) {
      asked.add(subject)
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      now--
      if (subject.endsWith('_0')) throw new Error('away')
      return { broadcasts: [], version: 0 }
    },
  } as unknown as CohostDesk
  const events: GateEvent[] = []
  await shortenWithCohosts(desk, decisions, (event) => events.push(event))
  expect([asked.size, most]).toEqual([20 * MAX_COHOSTS, MAX_COHOSTS])
  expect(events).toHaveLength(20)
})
