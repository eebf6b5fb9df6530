/** What is peculiar to kinds that sign: OvenMediaEngine and the generic hook. */
import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { generic } from '../../../src/adapters/media/generic.ts'
import { ServerSecret } from '../../../src/adapters/media/server-secret.ts'
import { epochMs } from '../../../src/core/time.ts'
import { aDesk, anAnswer, DENY, NOW } from './desk.ts'
import {
  type Fields,
  isYes,
  knock,
  PUBLIC_NAME,
  proofOf,
  read,
  SIGNING_SECRET,
  STARTS,
  serverOf,
  startBody,
} from './knock.ts'

describe('OvenMediaEngine', () => {
  const lease = anAnswer({ outcome: 'allow', lease_until: epochMs(NOW + 90_000) })
  const body = (request: Fields) => {
    const start = STARTS.ovenmediaengine
    return JSON.stringify({ ...start, request: { ...(start.request as Fields), ...request } })
  }

  it('is told the public name in the publisher’s own address', async () => {
    const desk = aDesk({ servers: [serverOf('ovenmediaengine')], decide: () => lease })
    const reply = await knock(desk, 'ovenmediaengine', startBody('ovenmediaengine'))
    expect(JSON.parse(reply.body)).toEqual({
      allowed: true,
      new_url: `rtmp://h:1935/live/${PUBLIC_NAME}?sig=abc`,
    })
  })

  it('ends the stream by itself with the lease, in milliseconds, where it was told to', async () => {
    const servers = [serverOf('ovenmediaengine', { lifetime: true })]
    const desk = aDesk({ servers, decide: () => lease })
    const reply = await knock(desk, 'ovenmediaengine', startBody('ovenmediaengine'))
    expect(JSON.parse(reply.body)).toMatchObject({ lifetime: 90_000 })
  })

  it('never says 0, which would mean for ever', async () => {
    const over = anAnswer({ outcome: 'allow', lease_until: NOW })
    const servers = [serverOf('ovenmediaengine', { lifetime: true })]
    const desk = aDesk({ servers, decide: () => over })
    const reply = await knock(desk, 'ovenmediaengine', startBody('ovenmediaengine'))
    expect(JSON.parse(reply.body)).toMatchObject({ lifetime: 1 })
  })

  it('keeps whatever else the address holds', async () => {
    const addresses = [
      [
        'wss://h:3334/live/k7f3q9?direction=whip&x=%2F',
        `wss://h:3334/live/${PUBLIC_NAME}?direction=whip&x=%2F`,
      ],
      ['srt://h:9999/live/k7f3q9', `srt://h:9999/live/${PUBLIC_NAME}`],
      ['rtmp://[2001:db8::1]/live/k7f3q9/file', `rtmp://[2001:db8::1]/live/${PUBLIC_NAME}/file`],
    ]
    for (const [url, new_url] of addresses) {
      const desk = aDesk({ servers: [serverOf('ovenmediaengine')], decide: () => lease })
      const reply = await knock(desk, 'ovenmediaengine', body({ url }))
      expect(JSON.parse(reply.body)).toMatchObject({ new_url })
    }
  })

  for (const url of [
    'rtmp://h/live',
    'rtmp://h/live/',
    'rtmp://h//k',
    'rtmp://h/../k',
    'rtmp://h/live/..',
    'rtmp://h/live/.?x',
    'rtmp://u:p@h/live/k',
    'rtmp://h/live/k%2Fx',
    'rtmp://h/live/k#x',
    '/live/k',
    'rtmp:h/live/k',
  ])
    it(`the address ${url} has no stream`, () => {
      expect(read('ovenmediaengine', body({ url }))).toBe('url has no application and stream')
    })

  it('a header a client can set is not whom the guess limit looks at', () => {
    expect(read('ovenmediaengine', startBody('ovenmediaengine'))).toMatchObject({
      client_ip: '203.0.113.9',
    })
  })

  for (const client of [
    {},
    { address: 'x', port: 1 },
    { address: '::1', port: 0 },
    { address: '::1', port: '7' },
  ])
    it(`${JSON.stringify(client)} is no connection`, () => {
      expect(read('ovenmediaengine', startBody('ovenmediaengine', { client }))).toBe(
        'client has no address and port',
      )
    })

  it('a signature must be the whole signature, in its one spelling', async () => {
    const text = startBody('ovenmediaengine')
    const right = createHmac('sha1', SIGNING_SECRET).update(text).digest('base64url')
    const spoilt = [
      '',
      right.slice(1),
      `${right}=`,
      `${right}A`,
      right.toLowerCase(),
      'x'.repeat(1_000),
    ]
    for (const signature of spoilt) {
      const desk = aDesk({ servers: [serverOf('ovenmediaengine')] })
      const headers = { 'x-ome-signature': signature }
      expect((await knock(desk, 'ovenmediaengine', text, { headers })).status).toBe(401)
    }
  })

  it('an instant that is none is refused like a wrong signature', async () => {
    for (const time of [undefined, 7, '', 'now', '2026-13-01T00:00:00Z']) {
      const desk = aDesk({ servers: [serverOf('ovenmediaengine')] })
      expect((await knock(desk, 'ovenmediaengine', body({ time }))).status).toBe(401)
    }
  })
})

describe('the generic hook', () => {
  it('says the public name, the decision and what is left of the lease', async () => {
    const lease = anAnswer({ outcome: 'allow', lease_until: epochMs(NOW + 90_000) })
    const desk = aDesk({ servers: [serverOf('generic', { lifetime: true })], decide: () => lease })
    const reply = await knock(desk, 'generic', startBody('generic'))
    expect(JSON.parse(reply.body)).toEqual({
      allowed: true,
      decision: lease.id,
      playback_name: PUBLIC_NAME,
      lifetime_ms: 90_000,
    })
    expect(desk.asked[0]?.request).toEqual({ ingest: 'srt' })
  })

  it('says why in words of the protocol only', async () => {
    const desk = aDesk({ servers: [serverOf('generic')], decide: () => DENY })
    const reply = await knock(desk, 'generic', startBody('generic'))
    expect([reply.status, JSON.parse(reply.body)]).toEqual([
      403,
      { allowed: false, outcome: 'deny', decision: DENY.id },
    ])
  })

  it('polls and ends by session', () => {
    expect(read('generic', '{"event":"poll","session":"s-1"}')).toEqual({
      kind: 'poll',
      session: 's-1',
    })
    expect(read('generic', '{"event":"end","session":"s-1"}')).toEqual({
      kind: 'end',
      session: 's-1',
    })
    const start = read('generic', startBody('generic'))
    expect(read('generic', startBody('generic', { event: 'poll' }))).toEqual({
      kind: 'poll',
      session: 's-1',
      start,
    })
  })

  it('takes the key beside the name where the deployment pairs them', async () => {
    const desk = aDesk({ servers: [serverOf('generic', { playback: 'pair' })] })
    const body = startBody('generic', { name: PUBLIC_NAME, key: 'k7f3q9' })
    expect(isYes('generic', await knock(desk, 'generic', body))).toBe(true)
  })

  for (const change of [
    { app: 7 },
    { key: ['x'] },
    { client_ip: null },
    { protocol: 'S R T' },
    { session: 'a b' },
    { session: '' },
  ])
    it(`${JSON.stringify(change)} is refused`, () => {
      expect(read('generic', startBody('generic', change))).toEqual(expect.any(String))
    })

  it('accepts what the Standard Webhooks library signs, and one of several signatures', async () => {
    const body = startBody('generic')
    const signature = new Webhook(SIGNING_SECRET).sign('msg_1', new Date(NOW), body)
    const other = new Webhook(`whsec_${btoa('x'.repeat(32))}`).sign('msg_1', new Date(NOW), body)
    for (const [text, yes] of [
      [signature, true],
      [`${other} ${signature}`, true],
      [other, false],
      [`v1a,${signature.slice(3)}`, false],
      [signature.replace('v1,', 'v2,'), false],
      [signature.slice(0, -4), false],
      ['', false],
    ] as const) {
      const desk = aDesk({ servers: [serverOf('generic')] })
      const headers = {
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(NOW / 1000),
        'webhook-signature': text,
      }
      expect([text, isYes('generic', await knock(desk, 'generic', body, { headers }))]).toEqual([
        text,
        yes,
      ])
    }
  })

  it('two senders may use one id at one instant', async () => {
    const other = `whsec_${btoa('x'.repeat(32))}`
    const secret = new ServerSecret(other, generic.signingKey?.(other) ?? undefined)
    const servers = [serverOf('generic'), serverOf('generic', { id: 'edge-2', secret })]
    const desk = aDesk({ servers })
    const body = startBody('generic')
    for (const [server, key] of [
      ['edge-1', SIGNING_SECRET],
      ['edge-2', other],
    ] as const) {
      const headers = {
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(NOW / 1000),
        'webhook-signature': new Webhook(key).sign('msg_1', new Date(NOW), body),
      }
      expect(isYes('generic', await knock(desk, 'generic', body, { headers, server }))).toBe(true)
    }
  })

  it('covers id and instant by the signature', async () => {
    const body = startBody('generic')
    for (const change of [
      { 'webhook-id': 'msg_2' },
      { 'webhook-timestamp': String(NOW / 1000 + 1) },
      { 'webhook-id': 'a.b' },
      { 'webhook-timestamp': '1e9' },
      { 'webhook-timestamp': '' },
    ]) {
      const desk = aDesk({ servers: [serverOf('generic')] })
      const headers = { ...proofOf('generic', body), ...change }
      expect((await knock(desk, 'generic', body, { headers })).status).toBe(401)
    }
  })
})
