import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HookCall, Verdict } from '../../../src/adapters/media/dialect.ts'
import { REFUSALS } from '../../../src/adapters/media/dialect.ts'
import { nginxRtmp } from '../../../src/adapters/media/nginx-rtmp.ts'
import { utf8 } from '../../../src/core/encoding.ts'

/** Captured from nginx-rtmp 1.2.2 (nginx 1.22.1) with ffmpeg 5.1; addresses and keys replaced. */
const CONNECTION =
  'app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:19350/live&pageurl=&addr=203.0.113.9&clientid=41'
const PUBLISH = `${CONNECTION}&call=publish&name=k7f3q9&type=live`

function post(body: string | Uint8Array): HookCall {
  return {
    method: 'POST',
    query: '',
    content_type: 'application/x-www-form-urlencoded',
    body: typeof body === 'string' ? utf8(body) : body,
  }
}

function startOf(body: string) {
  const event = nginxRtmp.parse(post(body))
  if (!event.ok || event.value.kind !== 'start') throw new Error(`no start: ${body}`)
  return event.value
}

/** Of the connection, as it was sent. */
const SAID =
  'live&FMLE/3.0%20(compatible%3B%20Lavf59.27&&rtmp://127.0.0.1:19350/live&&203.0.113.9&41'

/** Who publishes what, as a start and every poll say it. */
const STARTED = {
  kind: 'start',
  session: '41',
  connection: SAID,
  app: 'live',
  name: 'k7f3q9',
  args: [] as const,
  client_ip: '203.0.113.9',
}

describe('what nginx-rtmp sends', () => {
  const reads = [
    {
      name: 'a publish with a query of the publisher',
      body: `${PUBLISH}&sig=abc`,
      expect: {
        kind: 'start',
        session: '41',
        connection: SAID,
        app: 'live',
        name: 'k7f3q9',
        args: [['sig', 'abc']],
        client_ip: '203.0.113.9',
      },
    },
    {
      name: 'the poll of a running stream',
      body: `${CONNECTION}&call=update_publish&time=4&timestamp=3956&name=k7f3q9`,
      expect: { kind: 'poll', session: '41', start: STARTED },
    },
    {
      name: 'the poll that overtakes a held start',
      body: `${CONNECTION}&call=update_publish&time=0&timestamp=0&name=k7f3q9`,
      expect: { kind: 'poll', session: '41', start: STARTED },
    },
    {
      name: 'the poll of a stream whose name cannot be read',
      body: `${CONNECTION}&call=update_publish&time=4&timestamp=3956&name=%00`,
      expect: { kind: 'poll', session: '41' },
    },
    {
      name: 'the end of a stream',
      body: `${CONNECTION}&call=publish_done&name=k7f3q9`,
      expect: { kind: 'end', session: '41' },
    },
    {
      name: 'the end of a connection, which names the app twice by itself',
      body: `${CONNECTION}&call=disconnect&app=live`,
      expect: { kind: 'end', session: '41' },
    },
    {
      name: 'a connection, which has an epoch and no client id',
      body: 'app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=203.0.113.9&epoch=77&call=connect',
      expect: { kind: 'other' },
    },
    {
      name: 'a viewer',
      body: `${CONNECTION}&call=play&name=live_x&start=4294966296&duration=0&reset=0`,
      expect: { kind: 'other' },
    },
    {
      name: 'a finished recording',
      body: `${CONNECTION}&call=record_done&recorder=all&name=k7f3q9&path=/tmp/k7f3q9.flv`,
      expect: { kind: 'other' },
    },
  ]
  for (const { name, body, expect: event } of reads)
    it(`reads ${name}`, () => {
      expect(nginxRtmp.parse(post(body))).toEqual({ ok: true, value: event })
    })

  it('reads the same event from a GET query', () => {
    const call = { method: 'GET', query: PUBLISH, content_type: null, body: new Uint8Array() }
    expect(nginxRtmp.parse(call)).toEqual({ ok: true, value: startOf(PUBLISH) })
  })

  it('takes escaped and plain plus signs for plus signs, because nginx escapes a space', () => {
    expect(startOf(PUBLISH.replace('k7f3q9', 'a%2Bb+c%20d')).name).toBe('a+b+c d')
  })

  it('gives two calls of one connection the same connection and another clientid another one', () => {
    const first = startOf(PUBLISH)
    expect(startOf(`${PUBLISH}&sig=zzz`).connection).toBe(first.connection)
    expect(startOf(PUBLISH.replace('k7f3q9', 'other')).connection).toBe(first.connection)
    expect(startOf(PUBLISH.replace('=41', '=42')).connection).not.toBe(first.connection)
  })
})

describe('what a publisher may not do with his query string', () => {
  const owned =
    'app flashver swfurl tcurl pageurl addr clientid call name type epoch time timestamp'.split(' ')
  for (const field of owned.filter((name) => !/epoch|time/.test(name)))
    it(`refuses a second ${field}`, () => {
      for (const args of [`&${field}=FAKE`, `&x=1&${field}=FAKE`, `&x=1&${escaped(field)}=FAKE`])
        expect(nginxRtmp.parse(post(PUBLISH + args))).toEqual({
          ok: false,
          error: 'a field of the server is there twice',
        })
    })

  it('refuses a second time in a poll', () => {
    const poll = `${CONNECTION}&call=update_publish&time=4&timestamp=3956&name=k7f3q9&time=5`
    expect(nginxRtmp.parse(post(poll)).ok).toBe(false)
  })

  it('reads no field of the server from behind his own', () => {
    const body = 'app=live&addr=203.0.113.9&x=1&clientid=41&call=publish&name=FAKE&type=live'
    expect(nginxRtmp.parse(post(body))).toEqual({ ok: false, error: 'call is missing' })
  })

  it('never changes app, name, session or address, whatever it holds', () => {
    const clean = startOf(PUBLISH)
    const words = fc.constantFrom(...owned, 'sig', '%6eame', 'n%61me', '&', '=', '%', '+', '?', ';')
    fc.assert(
      fc.property(
        fc.array(fc.oneof(words, fc.string({ maxLength: 6 })), { maxLength: 12 }),
        (q) => {
          const event = nginxRtmp.parse(post(`${PUBLISH}&${q.join('')}`))
          if (!event.ok) return
          expect(event.value).toEqual({ ...clean, args: expect.any(Array) })
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('what is not a call of nginx-rtmp', () => {
  const broken = [
    { name: 'an empty body', body: '', error: 'call is missing' },
    { name: 'a body that is JSON', body: '{"call":"publish"}', error: 'call is missing' },
    {
      name: 'an unknown call',
      body: `${CONNECTION}&call=publish_now&name=k`,
      error: 'unknown call',
    },
    { name: 'a call by an inherited name', body: 'call=constructor', error: 'unknown call' },
    {
      name: 'a start without client id',
      body: 'app=live&call=publish&name=k7f3q9&type=live',
      error: 'clientid is not a number',
    },
    {
      name: 'a client id that is no number',
      body: PUBLISH.replace('clientid=41', 'clientid=4/1'),
      error: 'clientid is not a number',
    },
    {
      name: 'a start without name',
      body: PUBLISH.replace('name=k7f3q9', 'name='),
      error: 'name is missing or not clean text',
    },
    {
      name: 'a name that is not UTF-8',
      body: PUBLISH.replace('k7f3q9', '%ff%fe'),
      error: 'name is missing or not clean text',
    },
    {
      name: 'a broken escape in the name',
      body: PUBLISH.replace('k7f3q9', 'k%7'),
      error: 'name is missing or not clean text',
    },
    {
      name: 'a line break in the name',
      body: PUBLISH.replace('k7f3q9', 'k%0d%0aX'),
      error: 'name is missing or not clean text',
    },
    {
      name: 'a name as long as nginx can send, which may be cut off',
      body: PUBLISH.replace('k7f3q9', 'k'.repeat(255)),
      error: 'name is as long as the server can send',
    },
  ]
  for (const { name, body, error } of broken)
    it(`refuses ${name}`, () => {
      expect(nginxRtmp.parse(post(body))).toEqual({ ok: false, error })
    })

  it('refuses bytes that are not UTF-8', () => {
    const body = Uint8Array.from([...utf8(`${PUBLISH}&x=`), 0xff])
    expect(nginxRtmp.parse(post(body))).toEqual({ ok: false, error: 'body is not UTF-8' })
  })

  it('refuses other media types and methods', () => {
    expect(nginxRtmp.parse({ ...post(PUBLISH), content_type: 'text/plain' }).ok).toBe(false)
    expect(nginxRtmp.parse({ ...post(PUBLISH), content_type: null }).ok).toBe(false)
    expect(nginxRtmp.parse({ ...post(PUBLISH), method: 'PUT' }).ok).toBe(false)
  })
})

describe('the exact bytes of an answer', () => {
  const plain = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
  const answers: readonly { name: string; verdict: Verdict; expect: unknown }[] = [
    {
      name: 'an allow under a public name is a 302 with the name alone',
      verdict: { type: 'admit', playback_name: 'live_AbC', decision: 'd1' },
      expect: {
        status: 302,
        headers: {
          ...plain,
          'content-length': '3',
          'livegate-decision': 'd1',
          location: 'live_AbC',
        },
        body: 'ok\n',
      },
    },
    {
      name: 'an allow without rename is a 200',
      verdict: { type: 'admit', playback_name: null, decision: 'd1' },
      expect: {
        status: 200,
        headers: { ...plain, 'content-length': '3', 'livegate-decision': 'd1' },
        body: 'ok\n',
      },
    },
    {
      name: 'a deny is a 403',
      verdict: { type: 'deny', outcome: 'deny', decision: 'd1', retry_after_s: null },
      expect: {
        status: 403,
        headers: { ...plain, 'content-length': '5', 'livegate-decision': 'd1' },
        body: 'deny\n',
      },
    },
    {
      name: 'a delay is a 403 with the time to come back, in whole seconds, rounded up',
      verdict: { type: 'deny', outcome: 'delay', decision: 'd1', retry_after_s: 29.2 },
      expect: {
        status: 403,
        headers: {
          ...plain,
          'content-length': '6',
          'livegate-decision': 'd1',
          'retry-after': '30',
        },
        body: 'delay\n',
      },
    },
    {
      name: 'a noted call is a 200',
      verdict: { type: 'noted' },
      expect: { status: 200, headers: { ...plain, 'content-length': '3' }, body: 'ok\n' },
    },
    {
      name: 'trouble is a 503',
      verdict: { type: 'refused', why: 'unavailable', retry_after_s: 1 },
      expect: {
        status: 503,
        headers: { ...plain, 'content-length': '20', 'retry-after': '1' },
        body: 'refused unavailable\n',
      },
    },
  ]
  for (const { name, verdict, expect: reply } of answers)
    it(name, () => {
      expect(nginxRtmp.render(verdict)).toEqual(reply)
    })

  for (const why of REFUSALS)
    it(`refuses ${why} with a status nginx-rtmp cannot take for yes`, () => {
      const { status } = nginxRtmp.render({ type: 'refused', why, retry_after_s: null })
      expect(String(status)).toMatch(/^[45]/)
    })

  it('does not tell a revoked key from an unknown one', () => {
    const [revoked, unknown] = (['revoked_key', 'unknown_key'] as const).map((why) =>
      nginxRtmp.render({ type: 'refused', why, retry_after_s: null }),
    )
    expect(revoked).toEqual(unknown)
  })

  it('never puts an address into Location, which would send a copy of the stream there', () => {
    for (const name of ['rtmp://203.0.113.9/live/x', 'a/b', 'a?b', 'a b', '', 'a\r\nx: y'])
      expect(() =>
        nginxRtmp.render({ type: 'admit', playback_name: name, decision: 'd1' }),
      ).toThrow('Cannot rename a stream: the playback name is not a plain word')
  })
})

function escaped(field: string): string {
  return `%${field.charCodeAt(0).toString(16)}${field.slice(1)}`
}
