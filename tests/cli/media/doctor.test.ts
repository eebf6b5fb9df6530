/** The doctor leaves nothing behind, also when he is interrupted. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { examine } from '../../../src/cli/media/doctor.ts'
import { aDirectory, run } from '../a-world.ts'

it('takes everything away that he made up although a person stopped him', async () => {
  const asked: string[] = []
  const interrupted = async (_method: string, path: string): Promise<unknown> => {
    if (path !== '/v1/stream-keys') throw new Error('Cannot complete: it was interrupted')
    return { id: 'sk_1', key: 'k' }
  }
  const examined = examine({
    gate: { ask: interrupted },
    cleaner: { ask: async (method, path) => void asked.push(`${method} ${path}`) },
    server: { id: 'edge-1', playback: 'keep', when_down: 'deny', cuts: true, delayed: null },
    ...{ publish: 'rtmp://127.0.0.1/live', play: 'rtmp://127.0.0.1/live', subject: 'd', facts: {} },
    send: () => {
      throw new Error('nothing is published')
    },
    canPlay: async () => false,
    watch: () => {
      throw new Error('nothing is watched')
    },
    late: null,
    ...{ elapsed: () => 0, now: () => '', sleep: async () => {}, told: () => {} },
  })
  await expect(examined).rejects.toThrow('interrupted')
  expect(asked).toEqual([
    'POST /v1/strikes/doctor-d/reversal',
    'DELETE /v1/stream-keys/sk_1',
    'DELETE /v1/subjects/d',
  ])
})

it('examines no server that spares people: what is not enforced there is neither refused nor cut', async () => {
  const dir = aDirectory()
  const servers = `servers:
  - { id: edge-1, kind: nginx-rtmp, secret: c2VjcmV0LW9mLWVkZ2UtMQ==, subject: { from: stream_key }, enforce: canary 5% }
`
  writeFileSync(join(dir, 'servers.yaml'), servers)
  const words = ['--server', 'edge-1', '--servers', 'servers.yaml']
  const ran = await run(dir, ['media', 'doctor', ...words, '--publish', 'rtmp://127.0.0.1/live'])
  expect([ran.exit, ran.err]).toEqual([
    2,
    expect.stringContaining('its `enforce` is `canary 5%`, expected `on`'),
  ])
})
