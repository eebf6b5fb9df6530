/**
 * Reading what nginx-rtmp lists and dropping what it runs; the page of a real one is tests/e2e/nginx-cuts.test.ts.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ControlAccess } from '../../../src/adapters/media/control.ts'
import {
  nginxHandle,
  nginxRtmpControl,
  readStatistics,
} from '../../../src/adapters/media/nginx-rtmp-control.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { err, ok } from '../../../src/core/result.ts'
import { statisticsOf } from '../../support/control-server.ts'

const TWO = new Map([
  ['41', { app: 'live', name: 'live_AAAAAAAAAAAAAAAAAAAAAA', address: '203.0.113.9', time: 4321 }],
  ['7', { app: 'a b', name: 'k&"y<', address: '::1', time: 10 }],
])

function answering(status: number, body: string): { access: ControlAccess; paths: string[] } {
  const paths: string[] = []
  const access: ControlAccess = {
    call: async ({ method, path }) => {
      paths.push(`${method} ${path}`)
      return ok({ status, content_type: '', body: utf8(body) })
    },
  }
  return { access, paths }
}

describe('the statistics page', () => {
  it('tells of every publisher: number, where to find it, name, address, time', () => {
    expect(readStatistics(statisticsOf(TWO))).toEqual(
      ok([
        {
          session: '41',
          handle: 'app=live',
          app: 'live',
          name: 'live_AAAAAAAAAAAAAAAAAAAAAA',
          client_ip: '203.0.113.9',
          running_ms: 4321,
        },
        {
          session: '7',
          handle: '',
          app: 'a b',
          name: 'k&"y<',
          client_ip: '::1',
          running_ms: 10,
        },
      ]),
    )
  })

  it('viewers are no publishers', () => {
    const page = statisticsOf(TWO).replace('<publishing/><active/></client>', '</client>')
    const quiet = page.replace('<publishing/>\r\n', '')
    expect(readStatistics(quiet)).toMatchObject({ ok: true, value: [{ session: '7' }] })
  })

  it('a publisher of another server block is dropped there', () => {
    const page = statisticsOf(TWO).replace('<server>', '<server>\r\n</server>\r\n<server>')
    const read = readStatistics(page)
    expect(read.ok && read.value.map(({ handle }) => handle)).toEqual(['srv=1&app=live', 'srv=1'])
  })

  it('a name with a space may have been any other byte, so it is not told', () => {
    const page = statisticsOf(new Map([['1', { app: 'live', name: 'm  ller' }]]))
    expect(readStatistics(page)).toMatchObject({ ok: true, value: [{ name: null }] })
  })

  const page = statisticsOf(TWO)
  const LIES: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['an HTML page', '<!doctype html><html><body>nginx</body></html>'],
    ['well-formed HTML', '<html><body>It works</body></html>'],
    ['cut off', page.slice(0, -20)],
    ['two roots', page + page],
    ['text behind the end', `${page}0`],
    ['a document type', page.replace('<rtmp>', '<!DOCTYPE rtmp [<!ENTITY a "b">]><rtmp>')],
    ['an entity of its own', page.replace('live_', '&boom;')],
    ['half an entity', page.replace('live_', '&amp')],
    ['a comment', page.replace('<server>', '<!-- --><server>')],
    ['CDATA', page.replace('live_A', '<![CDATA[live_A]]>')],
    ['attributes', page.replace('<server>', '<server id="1">')],
    ['elements that cross', page.replace('</live>\r\n</application>', '</application></live>')],
    ['a number that is none', page.replace('<id>41<', '<id>4-1<')],
    ['no number', page.replace('<id>41</id>', '')],
    ['one number twice', page.replace('<id>7<', '<id>41<')],
    ['an application without a name', page.replace('<name>live</name>', '')],
    ['a stream without a name', page.replace(/<name>live_A+<\/name>/, '')],
    ['streams without clients', page.replaceAll(/<client>.*<\/client>\r\n/g, '')],
    ['too deep', `<rtmp>${'<a>'.repeat(40)}${'</a>'.repeat(40)}</rtmp>`],
  ]
  for (const [name, text] of LIES)
    it(`${name}: unreadable, never an empty list`, () => {
      expect(text).not.toBe(page)
      expect(readStatistics(text)).toEqual({ ok: false, error: 'unreadable' })
    })

  it('whatever comes, reading ends in a list of numbered publishers or in `unreadable`', () => {
    const edits = fc.record({
      at: fc.nat(page.length),
      cut: fc.nat(40),
      put: fc.string({ maxLength: 12 }),
    })
    fc.assert(
      fc.property(edits, ({ at, cut, put }) => {
        const read = readStatistics(page.slice(0, at) + put + page.slice(at + cut))
        if (!read.ok) return read.error === 'unreadable'
        // What still reads as a page says of each stream that has a publisher who it is.
        return read.value.every(({ session }) => /^[0-9]{1,20}$/.test(session))
      }),
    )
  })

  it('is read in time that grows with its length only', { timeout: 2_000 }, () => {
    const many = new Map(
      Array.from({ length: 5_000 }, (_, i) => [String(i), { app: 'live', name: `live_${i}` }]),
    )
    const large = statisticsOf(many)
    expect(readStatistics(large)).toMatchObject({ ok: true })
    expect(readStatistics('<'.repeat(1_000_000)).ok).toBe(false)
    expect(readStatistics('<a>'.repeat(1_000_000)).ok).toBe(false)
    expect(readStatistics(`<a${' '.repeat(1_000_000)}`).ok).toBe(false)
    expect(readStatistics(`<a>${'&'.repeat(1_000_000)}`).ok).toBe(false)
  })

  it('a list that is not the page is a fault', async () => {
    for (const [status, body] of [
      [404, '<html></html>'],
      [200, 'ok'],
      [500, page],
      [204, ''],
    ] as const)
      expect(await nginxRtmpControl.list(answering(status, body).access)).toEqual({
        ok: false,
        error: 'unreadable',
      })
  })
})

const NAME = 'live_AAAAAAAAAAAAAAAAAAAAAA'
const COPY = `live_delayed/${NAME}`

describe('a drop of what has a late copy', () => {
  const publisher = 'GET /control/drop/publisher?app=live&clientid=41'
  const copy = `GET /control/drop/publisher?app=live_delayed&name=${NAME}`

  it('drops the copy in the same moment, and counts the publisher', async () => {
    const { access, paths } = answering(200, '1')
    const handle = nginxHandle('live', 0, COPY)
    expect(await nginxRtmpControl.cut(access, { session: '41', handle })).toEqual(
      ok({ dropped: 1 }),
    )
    expect(paths).toEqual([publisher, copy])
  })

  const answers: readonly (readonly [string, Awaited<ReturnType<ControlAccess['call']>>])[] = [
    ['of which there is none yet', ok({ status: 200, content_type: '', body: utf8('0') })],
    ['that cannot be reached', err('timeout')],
    ['about which nginx says nothing clear', ok({ status: 200, content_type: '', body: utf8('') })],
  ]
  for (const [name, answer] of answers)
    it(`a copy ${name} confirms and denies nothing`, async () => {
      const access: ControlAccess = {
        call: async ({ path }) =>
          path.includes('clientid')
            ? ok({ status: 200, content_type: '', body: utf8('1') })
            : answer,
      }
      const ref = { session: '41', handle: nginxHandle('live', 0, COPY) }
      expect(await nginxRtmpControl.cut(access, ref)).toEqual(ok({ dropped: 1 }))
    })

  it('a copy that was dropped does not confirm that the publisher was', async () => {
    const access: ControlAccess = {
      call: async ({ path }) =>
        ok({ status: 200, content_type: '', body: utf8(path.includes('clientid') ? '0' : '1') }),
    }
    const ref = { session: '41', handle: nginxHandle('live', 0, COPY) }
    expect(await nginxRtmpControl.cut(access, ref)).toEqual(ok({ dropped: 0 }))
  })

  it('is found where only the copy has a plain address', async () => {
    const { access, paths } = answering(200, '1')
    await nginxRtmpControl.cut(access, { session: '41', handle: nginxHandle('a b', 0, COPY) })
    expect(paths).toEqual(['GET /control/drop/publisher?clientid=41', copy])
  })

  it('names only what the gate itself has named', async () => {
    const { access, paths } = answering(200, '1')
    for (const evil of [
      'live_delayed/x',
      `a/b/${NAME}`,
      `../${NAME}`.slice(2),
      `a&b/${NAME}`,
      `${COPY}x`,
    ])
      await nginxRtmpControl.cut(access, { session: '41', handle: `app=live ${evil}` })
    expect(new Set(paths)).toEqual(new Set(['GET /control/drop/publisher?clientid=41']))
  })
})

describe('a drop', () => {
  it('names the connection and where it is, never the stream', async () => {
    const { access, paths } = answering(200, '1')
    for (const handle of ['app=live', 'srv=2&app=live', 'srv=2', ''])
      expect(await nginxRtmpControl.cut(access, { session: '41', handle })).toEqual(
        ok({ dropped: 1 }),
      )
    expect(paths).toEqual([
      'GET /control/drop/publisher?app=live&clientid=41',
      'GET /control/drop/publisher?srv=2&app=live&clientid=41',
      'GET /control/drop/publisher?srv=2&clientid=41',
      'GET /control/drop/publisher?clientid=41',
    ])
  })

  it('of nobody is 0, which is no fault', async () => {
    const { access } = answering(200, '0')
    expect(await nginxRtmpControl.cut(access, { session: '41', handle: '' })).toEqual(
      ok({ dropped: 0 }),
    )
  })

  it('a handle that is none of ours is left out, a session that is no number is not sent', async () => {
    const { access, paths } = answering(200, '1')
    for (const handle of ['app=a&name=b', 'app=live&clientid=1', 'x', 'srv=99999'])
      await nginxRtmpControl.cut(access, { session: '41', handle })
    expect(new Set(paths)).toEqual(new Set(['GET /control/drop/publisher?clientid=41']))
    for (const session of ['', '1&app=x', '-1', 'a'])
      expect((await nginxRtmpControl.cut(access, { session, handle: '' })).ok).toBe(false)
    expect(paths).toHaveLength(4)
  })

  for (const [status, body] of [
    [200, ''],
    [200, '<h1>1</h1>'],
    [200, '1 '],
    [200, '-1'],
    [200, '1e3'],
    [200, '12345678'],
    [404, '1'],
    [500, '1'],
    [201, '1'],
  ] as const)
    it(`answered ${status} \`${body}\` says nothing`, async () => {
      const { access } = answering(status, body)
      expect(await nginxRtmpControl.cut(access, { session: '41', handle: '' })).toEqual({
        ok: false,
        error: 'unreadable',
      })
    })

  it('a handle holds the application where nginx can compare it', () => {
    expect(nginxHandle('live')).toBe('app=live')
    expect(nginxHandle('live', 3)).toBe('srv=3&app=live')
    for (const app of ['a b', 'a&b', 'ä', '', 'a'.repeat(129)]) expect(nginxHandle(app)).toBe('')
  })
})
