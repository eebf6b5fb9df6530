/** Servers that can neither rename a stream nor send a header: keys beside names, secrets in addresses. */
import { describe, expect, it } from 'vitest'
import { aDesk, aStreamKey, SECRET } from './desk.ts'
import { isYes, knock, PUBLIC_NAME, serverOf, startBody } from './knock.ts'

const PAIRED = [
  ['srs', { param: '?key=k7f3q9' }, { param: '' }, { stream: 'live_BBBBBBBBBBBBBBBBBBBBBB' }],
  ['mediamtx', { token: 'k7f3q9' }, { token: '' }, { path: 'live/live_BBBBBBBBBBBBBBBBBBBBBB' }],
  [
    'node-media-server',
    { query: { key: 'k7f3q9' } },
    { query: {} },
    { name: 'live_BBBBBBBBBBBBBBBBBBBBBB' },
  ],
] as const

describe('a server that cannot rename: the publisher sends the public name, and the key beside it', () => {
  for (const [kind, right, none, other] of PAIRED) {
    const whys = (desk: ReturnType<typeof aDesk>) => desk.events.map((e) => 'why' in e && e.why)

    it(`${kind}: the key opens its own name`, async () => {
      const desk = aDesk({ servers: [serverOf(kind)] })
      expect(isYes(kind, await knock(desk, kind, startBody(kind, right)))).toBe(true)
    })

    it(`${kind}: the key opens no other name, which would be somebody else’s`, async () => {
      const desk = aDesk({ servers: [serverOf(kind)] })
      expect(isYes(kind, await knock(desk, kind, startBody(kind, other)))).toBe(false)
      expect([whys(desk), desk.asked]).toEqual([['wrong_name'], []])
    })

    it(`${kind}: without a key nothing is looked up, and nobody is a guesser for it`, async () => {
      const desk = aDesk({ servers: [serverOf(kind)] })
      for (let i = 0; i < 100; i++) await knock(desk, kind, startBody(kind, none))
      expect(whys(desk)).toEqual(Array(100).fill('no_key'))
      expect(isYes(kind, await knock(desk, kind, startBody(kind, right)))).toBe(true)
    })

    it(`${kind}: where the deployment says so the name is the key`, async () => {
      const desk = aDesk({
        servers: [serverOf(kind, { playback: 'keep' })],
        keys: [aStreamKey(PUBLIC_NAME)],
      })
      expect(isYes(kind, await knock(desk, kind, startBody(kind, none)))).toBe(true)
    })
  }

  it('a key that is there twice is none', async () => {
    const servers = [serverOf('srs'), serverOf('node-media-server', { id: 'edge-2' })]
    const desk = aDesk({ servers })
    await knock(desk, 'srs', startBody('srs', { param: '?key=FAKE&key=k7f3q9' }))
    await knock(
      desk,
      'node-media-server',
      startBody('node-media-server', { query: { key: ['FAKE', 'k7f3q9'] } }),
      { server: 'edge-2' },
    )
    expect(desk.events.map((event) => 'why' in event && event.why)).toEqual(['no_key', 'no_key'])
  })
})

describe('a server that can send no header', () => {
  const basic = (pair: string) => ({ authorization: `Basic ${btoa(pair)}` })
  const ways = [
    { name: 'a bearer', options: {}, yes: true },
    { name: 'a password in its address', options: { headers: basic(`gate:${SECRET}`) }, yes: true },
    {
      name: 'an argument of its address',
      options: { headers: {}, query: `?secret=${encodeURIComponent(SECRET)}` },
      yes: true,
    },
    { name: 'the password as a name', options: { headers: basic(`${SECRET}:`) }, yes: false },
    { name: 'no colon', options: { headers: basic(SECRET) }, yes: false },
    { name: 'broken Base64', options: { headers: { authorization: 'Basic =' } }, yes: false },
    {
      name: 'a wrong password beside the right argument',
      options: { headers: basic('gate:x'), query: `?secret=${encodeURIComponent(SECRET)}` },
      yes: false,
    },
    {
      name: 'two arguments',
      options: { headers: {}, query: `?secret=x&secret=${encodeURIComponent(SECRET)}` },
      yes: false,
    },
    { name: 'an empty argument', options: { headers: {}, query: '?secret=' }, yes: false },
    { name: 'a broken argument', options: { headers: {}, query: '?secret=%f' }, yes: false },
  ]
  for (const kind of ['srs', 'mediamtx', 'node-media-server'] as const)
    for (const { name, options, yes } of ways)
      it(`${kind} ${yes ? 'may show its secret as' : 'is a stranger with'} ${name}`, async () => {
        const desk = aDesk({ servers: [serverOf(kind)] })
        const reply = await knock(desk, kind, startBody(kind), options)
        expect([isYes(kind, reply), reply.status === 401]).toEqual([yes, !yes])
      })

  it('nginx-rtmp has a proxy for that: an argument or a password is none', async () => {
    const desk = aDesk({ servers: [serverOf('nginx-rtmp')] })
    for (const options of [
      { headers: basic(`gate:${SECRET}`) },
      { headers: {}, query: `?secret=${SECRET}` },
    ])
      expect((await knock(desk, 'nginx-rtmp', startBody('nginx-rtmp'), options)).status).toBe(401)
  })
})
