/** As on Node, with the platform's own way of asking; what a name leads to is the network's affair: tests/e2e/edge-networks.test.ts. */
import { expect, it } from 'vitest'
import { createEdgePost, type Send } from '../../../src/adapters/cloudflare/edge-post.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { epochMs } from '../../../src/core/time.ts'
import { postContract, sender } from '../../contract/post-contract.ts'

const anywhere: Send = (url, init) => fetch(url, init)
const clock = { now: () => epochMs(Date.now()) }

postContract('the edge', createEdgePost({ anywhere, publicly: anywhere, after, clock }))

it('goes by the network of public addresses unless its endpoint may be private', async () => {
  const asked: string[] = []
  const by = (network: string): Send => {
    return async (url) => {
      asked.push(`${network} ${url}`)
      return new Response(null, { status: 204 })
    }
  }
  const ports = { anywhere: by('any'), publicly: by('public'), after, clock }
  const send = sender(createEdgePost(ports))
  await send('https://hooks.example/', { private: false })
  await send('http://hooks.internal/', { private: true })
  expect(asked).toEqual(['public https://hooks.example/', 'any http://hooks.internal/'])
  for (const url of [
    'http://hooks.example/',
    'https://10.0.0.1/',
    'https://a.localhost./',
    'https://[fd00::1]/',
    'https://168.63.129.16/',
  ])
    expect(await send(url, { private: false }), url).toEqual({ fault: 'blocked' })
  expect(asked).toHaveLength(2)
})

it('is given up in time by a network that heeds no signal', async () => {
  const deaf: Send = () => new Promise(() => {})
  const send = sender(createEdgePost({ anywhere: deaf, publicly: deaf, after, clock }))
  expect(await send('http://hooks.internal/', { timeout_ms: 50 })).toEqual({ fault: 'timeout' })
})

it('that nobody takes is no error', async () => {
  const fails: Send = () => Promise.reject(new TypeError('connect failed'))
  const send = sender(createEdgePost({ anywhere: fails, publicly: fails, after, clock }))
  expect(await send('https://hooks.example/', { private: false })).toEqual({ fault: 'unreachable' })
})
