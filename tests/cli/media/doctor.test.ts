/** The doctor leaves nothing behind, also when he is interrupted. */
import { expect, it } from 'vitest'
import { examine } from '../../../src/cli/media/doctor.ts'

it('takes everything away that he made up although a person stopped him', async () => {
  const asked: string[] = []
  const interrupted = async (_method: string, path: string): Promise<unknown> => {
    if (path !== '/v1/stream-keys') throw new Error('Cannot complete: it was interrupted')
    return { id: 'sk_1', key: 'k' }
  }
  const examined = examine({
    gate: { ask: interrupted },
    cleaner: { ask: async (method, path) => void asked.push(`${method} ${path}`) },
    server: { id: 'edge-1', playback: 'keep', when_down: 'deny', cuts: true },
    ...{ publish: 'rtmp://127.0.0.1/live', play: 'rtmp://127.0.0.1/live', subject: 'd', facts: {} },
    send: () => {
      throw new Error('nothing is published')
    },
    canPlay: async () => false,
    ...{ elapsed: () => 0, now: () => '', sleep: async () => {}, told: () => {} },
  })
  await expect(examined).rejects.toThrow('interrupted')
  expect(asked).toEqual([
    'POST /v1/strikes/doctor-d/reversal',
    'DELETE /v1/stream-keys/sk_1',
    'DELETE /v1/subjects/d',
  ])
})
