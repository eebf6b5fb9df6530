/** What is peculiar to SRS, MediaMTX and node-media-server; what all kinds have in common is dialects.test.ts. */
import { describe, expect, it } from 'vitest'
import { aDesk, DENY } from './desk.ts'
import { type Fields, knock, read, SESSION_ID, serverOf, startBody } from './knock.ts'

describe('SRS', () => {
  it('a refused publisher over WebRTC has an end, which ends nothing else', async () => {
    const desk = aDesk({ servers: [serverOf('srs')], decide: () => DENY })
    await knock(desk, 'srs', startBody('srs', { tcUrl: '', param: 'key=k7f3q9' }))
    const end = await knock(desk, 'srs', startBody('srs', { action: 'on_unpublish' }))
    expect([end.status, end.body]).toEqual([200, '{"code":0}'])
    expect(new Set(desk.ended)).toEqual(new Set(['edge-1/175yx980']))
  })

  it('takes another process with the same client id for another connection', () => {
    const of = (changes: Fields) => {
      const event = read('srs', startBody('srs', changes))
      return typeof event === 'object' && event.kind === 'start' ? event.connection : event
    }
    expect(of({ param: '?other=1' })).toBe(of({}))
    expect(of({ service_id: 'pd9' })).not.toBe(of({}))
  })

  it('knows its other calls and no others', () => {
    for (const action of ['on_play', 'on_stop', 'on_dvr', 'on_hls', 'on_connect', 'on_close'])
      expect(read('srs', startBody('srs', { action }))).toEqual({ kind: 'other' })
    for (const action of ['on_forward', 'ON_PUBLISH', 'constructor', ''])
      expect(read('srs', startBody('srs', { action }))).toBe('unknown action')
  })
})

describe('MediaMTX', () => {
  it('asks for credentials where none were sent, and never for wrong ones', async () => {
    const desk = aDesk({ servers: [serverOf('mediamtx')] })
    const none = await knock(desk, 'mediamtx', startBody('mediamtx', { token: '' }))
    const wrong = await knock(desk, 'mediamtx', startBody('mediamtx', { token: 'guess' }))
    expect([none.status, wrong.status]).toEqual([401, 403])
  })

  it('viewers pass without being asked about; its own interfaces are not the gate’s to open', async () => {
    const desk = aDesk({ servers: [serverOf('mediamtx')] })
    for (const action of ['read', 'playback'])
      expect((await knock(desk, 'mediamtx', startBody('mediamtx', { action }))).status).toBe(200)
    for (const action of ['api', 'metrics', 'pprof', 'PUBLISH'])
      expect((await knock(desk, 'mediamtx', startBody('mediamtx', { action }))).status).toBe(400)
    expect(desk.asked).toEqual([])
  })

  it('decides nothing for a question without a session: no publisher asks so', async () => {
    const desk = aDesk({ servers: [serverOf('mediamtx')] })
    for (const id of [null, '', 'x', SESSION_ID.toUpperCase()])
      expect((await knock(desk, 'mediamtx', startBody('mediamtx', { id }))).status).toBe(400)
    expect(desk.asked).toEqual([])
  })

  const paths = [
    ['live/a', 'live', 'a'],
    ['a', '', 'a'],
    ['x/live/a', 'x/live', 'a'],
    ['/a', '', 'a'],
  ] as const
  for (const [path, app, name] of paths)
    it(`the path ${path} is application \`${app}\` and name \`${name}\``, () => {
      expect(read('mediamtx', startBody('mediamtx', { path }))).toMatchObject({ app, name })
    })

  for (const path of ['', '/', 'live/'])
    it(`the path \`${path}\` has no name`, () => {
      expect(read('mediamtx', startBody('mediamtx', { path }))).toBe(
        'path is missing or not clean text',
      )
    })

  it('tells policies what the publisher speaks', async () => {
    const desk = aDesk({ servers: [serverOf('mediamtx')] })
    for (const [i, protocol] of ['rtmp', 'rtsp', 'srt', 'webrtc'].entries())
      await knock(
        desk,
        'mediamtx',
        startBody('mediamtx', { protocol, id: SESSION_ID.replace(/.$/, `${i}`) }),
      )
    expect(desk.asked.map(({ request }) => request.ingest)).toEqual(['rtmp', 'rtsp', 'srt', 'whip'])
    expect(read('mediamtx', startBody('mediamtx', { protocol: 'gopher' }))).toBe('unknown protocol')
  })
})

describe('node-media-server', () => {
  it('is answered 200 to everything but a refused start: any other status would cut the stream', async () => {
    const desk = aDesk({ servers: [serverOf('node-media-server')], decide: () => DENY })
    for (const action of [
      'postPublish',
      'donePublish',
      'prePlay',
      'postPlay',
      'donePlay',
      'postRecord',
    ])
      expect(
        (await knock(desk, 'node-media-server', startBody('node-media-server', { action }))).status,
      ).toBe(200)
    expect((await knock(desk, 'node-media-server', startBody('node-media-server'))).status).toBe(
      403,
    )
  })

  it('reads addresses with their port, IPv6 included', () => {
    for (const [ip, client_ip] of [
      ['203.0.113.9:46894', '203.0.113.9'],
      ['::ffff:203.0.113.9:46894', '::ffff:203.0.113.9'],
      ['::1:46894', '::1'],
    ])
      expect(read('node-media-server', startBody('node-media-server', { ip }))).toMatchObject({
        client_ip,
      })
  })

  for (const query of [[], 'x', 7, null, { a: 1 }, { a: { b: 'c' } }, { a: ['b', 1] }])
    it(`a query of ${JSON.stringify(query)} is none`, () => {
      expect(read('node-media-server', startBody('node-media-server', { query }))).toBe(
        'query is not a list of texts',
      )
    })
})
