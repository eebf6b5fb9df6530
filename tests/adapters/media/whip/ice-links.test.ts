import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { iceLinksIn } from '../../../../src/adapters/media/whip/ice-links.ts'

const STUN = '<stun:stun.example.net>; rel="ice-server"'
const TURN =
  '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="a\\"b,c;d"; credential-type="password"'

describe('of the links of a WHIP server an encoder sees', () => {
  test.each([
    ['one ICE server', STUN, STUN],
    ['two, with a comma in a password', `${STUN}, ${TURN}`, `${STUN}, ${TURN}`],
    ['a relation without quotes', '<stun:a>;rel=ice-server', '<stun:a>;rel=ice-server'],
    ['one relation of several', '<stun:a>; rel="x ICE-Server"', '<stun:a>; rel="x ICE-Server"'],
    [
      'no extension of the server',
      `<https://inside.example/ev>; rel="urn:ietf:params:whip:ext:core:server-sent-events", ${STUN}`,
      STUN,
    ],
    [
      'no page that calls itself an ICE server',
      '<https://inside.example/>; rel="ice-server"',
      null,
    ],
    ['nothing whose second relation is the right one', '<stun:a>; rel=x; rel=ice-server', null],
    ['nothing without a relation', '<stun:a>', null],
    ['nothing of what is no Link header', `${STUN}, stun:a; rel="ice-server"`, null],
    ['nothing of an open quote', '<stun:a>; rel="ice-server', null],
    ['nothing of too much', `${STUN}, `.repeat(100), null],
    ['nothing of nothing', '', null],
    ['nothing where none is sent', null, null],
  ])('%s', (_what, header, seen) => {
    expect(iceLinksIn(header)).toBe(seen)
  })

  test('nothing but ICE servers, whatever is sent', () => {
    const part = fc.constantFrom(STUN, TURN, '<https://inside/>', ';', ',', '"', '\\', ' rel=', 'x')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        const seen = iceLinksIn(parts.join(''))
        if (seen === null) return
        expect(iceLinksIn(seen)).toBe(seen)
        expect(seen).toMatch(/^<(stun|turn)s?:/)
      }),
    )
  })
})
