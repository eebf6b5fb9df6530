/** A webhook leaves for public addresses only, once, in its time; whatever answers, nothing hangs and nothing is followed. */
import type { lookup } from 'node:dns'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { describe, expect, it, test } from 'vitest'
import { createPublicPost } from '../../../src/adapters/node/public-post.ts'
import { isPublic } from '../../../src/public-address.ts'
import { listening, postContract, sender } from '../../contract/post-contract.ts'

const send = sender(createPublicPost())
const serving = (listener: RequestListener) => listening(createServer(listener))

postContract('Node', createPublicPost())

describe('a message from Node', () => {
  it('takes what is no HTTP for no answer', async () => {
    const url = await listening(
      createTcpServer((socket) => socket.end('<html>hello</html>\r\n\r\n')),
    )
    expect(await send(url)).toEqual({ fault: 'unreadable' })
    const closing = await listening(createTcpServer((socket) => socket.destroy()))
    expect(await send(closing)).toEqual({ fault: 'unreachable' })
  })

  it('goes to no private address behind a name that was public a moment ago', async () => {
    const url = new URL(await serving((_request, response) => response.writeHead(204).end()))
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '10.0.0.1', family: 4 },
        { address: 'fe80::1', family: 6 },
      ],
    ]
    for (const found of answers) {
      const resolver = ((
        _name: string,
        _options: object,
        done: (error: null, all: object[]) => void,
      ) => done(null, found)) as unknown as typeof lookup
      const post = createPublicPost(resolver)
      const target = `http://rebound.example:${url.port}/`
      expect(
        await post({ url: target, private: false, headers: {}, body: '{}', timeout_ms: 500 }),
      ).toEqual({ fault: 'blocked' })
    }
  })
})

test.each([
  ['8.8.8.8', true],
  ['2001:4860:4860::8888', true],
  ['169.254.169.254', false],
  ['168.63.129.16', false],
  ['::ffff:168.63.129.16', false],
  ['168.63.129.17', true],
  ['10.1.2.3', false],
  ['172.16.0.1', false],
  ['192.168.1.1', false],
  ['100.64.0.1', false],
  ['192.0.2.1', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['fd00::1', false],
  ['fe80::1', false],
  ['::', false],
  ['64:ff9b::7f00:1', false],
  ['2002:7f00:1::', false],
  ['::7f00:1', false],
  ['64:ff9b:1::a00:1', false],
  ['fec0::1', false],
  ['4000::1', false],
  ['nonsense', false],
])('%s is public: %s', (address, expected) => {
  expect(isPublic(address)).toBe(expected)
})
