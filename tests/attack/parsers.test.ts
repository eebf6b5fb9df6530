/**
 * The strict parsers under damaged input: they refuse and never throw, and what they accept has one spelling, because
 * writing it again gives the same text. Seeds are good texts; a case changes one a little, as an attacker would.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashSecret, parseApiKey } from '../../src/adapters/http/api-key.ts'
import { parseJson } from '../../src/adapters/http/body.ts'
import { isDecodable } from '../../src/adapters/http/escapes.ts'
import { parseIdempotencyKey } from '../../src/adapters/http/idempotency.ts'
import { logFileOf } from '../../src/adapters/http/log-path.ts'
import { splitForm, unescapeStrictly } from '../../src/adapters/media/form.ts'
import { nginxRtmp } from '../../src/adapters/media/nginx-rtmp.ts'
import { bearerOf } from '../../src/adapters/media/server-secret.ts'
import { parseGiven } from '../../src/cli/log/given-record.ts'
import { fromBase64, fromBase64Url, fromHex, toBase64, utf8 } from '../../src/core/encoding.ts'
import { LivegateError } from '../../src/core/errors.ts'
import { openDisclosures } from '../../src/core/record/disclosure.ts'
import { parseRecord } from '../../src/core/record/parse.ts'
import { parsePresentation } from '../../src/core/record/presentation.ts'
import { formatInstant, parseDuration, parseInstant } from '../../src/core/time.ts'
import { decodeBundle, encodeBundle } from '../../src/core/tlog/bundle.ts'
import { formatCheckpoint, parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { formatNote, parseNote } from '../../src/core/tlog/note.ts'
import { formatVkey, isKeyName, parseVkey } from '../../src/core/tlog/note-key.ts'
import { formatTlogProof, parseTlogProof } from '../../src/core/tlog/proof.ts'
import { parseTilePath, tilePath } from '../../src/core/tlog/tile.ts'

const vector = (path: string): string =>
  readFileSync(new URL(`../vectors/${path}`, import.meta.url), 'utf8')
const NOTE = vector('tlog/worked-example.checkpoint')
const VKEY = (JSON.parse(vector('tlog/worked-example.json')) as { log_vkey: string }).log_vkey
const GOLDEN = JSON.parse(vector('record/golden.json')) as {
  readonly records: readonly {
    readonly jws: string
    readonly openings: Readonly<Record<string, string>>
  }[]
}
const PRESENTATIONS = GOLDEN.records.map(({ jws, openings }) =>
  [jws, ...Object.values(openings), ''].join('~'),
)
const HASH = toBase64(new Uint8Array(32))
const PROOF = `c2sp.org/tlog-proof@v1\nindex 1\n${HASH}\n${HASH}\n\n${NOTE}`
const BODY = NOTE.slice(0, NOTE.indexOf('\n\n') + 1)

interface Codec {
  readonly name: string
  readonly seeds: readonly string[]
  /** What writing the accepted value again gives; null when it was refused. */
  readonly again: (text: string) => string | null
}

const codecs: readonly Codec[] = [
  {
    name: 'notes',
    seeds: [NOTE],
    again: (text) => {
      const note = parseNote(text)
      return note.ok ? formatNote(note.value) : null
    },
  },
  {
    name: 'checkpoints',
    seeds: [BODY],
    again: (text) => {
      const read = parseCheckpoint(text)
      // Extension lines and loose origins are somebody else's checkpoints, kept as they are.
      if (!read.ok || read.value.extensions.length > 0 || !isKeyName(read.value.origin))
        return read.ok ? text : null
      return formatCheckpoint(read.value)
    },
  },
  {
    name: 'tlog-proofs',
    seeds: [PROOF, PROOF.replace('index', 'extra AAAA\nindex')],
    again: (text) => {
      const proof = parseTlogProof(text)
      return proof.ok ? formatTlogProof(proof.value) : null
    },
  },
  {
    name: 'verifier keys',
    seeds: [VKEY],
    again: (text) => {
      const key = parseVkey(text)
      return key.ok ? formatVkey(key.value) : null
    },
  },
  {
    name: 'tile paths',
    seeds: ['tile/0/x001/x234/067.p/5', 'tile/entries/000', 'tile/entries/x001/000.p/255'],
    again: (text) => {
      const ref = parseTilePath(text)
      return ref === null ? null : tilePath(ref)
    },
  },
  {
    name: 'request paths of the log',
    seeds: ['/log/tile/0/x001/000', '/log/tile/entries/000.p/1'],
    again: (text) => {
      const file = logFileOf(text)
      return file === null ? null : `/log/${tilePath(file.ref)}`
    },
  },
  {
    name: 'presentations',
    seeds: PRESENTATIONS,
    again: (text) => {
      const read = parsePresentation(text)
      if (!read.ok) return null
      const { jws, disclosures } = read.value
      return text.includes('~') ? [jws, ...disclosures, ''].join('~') : jws
    },
  },
  {
    name: 'API keys',
    seeds: [`lg_test-1_${'Ab-_'.repeat(11)}`, `lg_0_${'x'.repeat(22)}`],
    again: (text) => {
      const key = parseApiKey(text)
      if (key === null) return null
      expect(hashSecret(key.secret).length).toBe(32)
      return `lg_${key.id}_${key.secret}`
    },
  },
  {
    name: 'bare Idempotency-Keys',
    seeds: ['8e03978e-40d5-43dd-bc93-6894a57f9324', '"a \\"b\\\\ c"'],
    again: (text) => {
      const key = parseIdempotencyKey(text)
      if (!key.ok) return null
      expect(key.value).toMatch(/^[\x20-\x7e]{1,64}$/)
      const quoted = `"${key.value.replaceAll(/["\\]/g, '\\$&')}"`
      return text.startsWith('"') ? quoted : key.value
    },
  },
  {
    name: 'bearer secrets of hooks',
    seeds: [`Bearer ${'Ab+/'.repeat(8)}==`],
    again: (text) => {
      const token = bearerOf(text)
      return token === '' ? null : text.slice(0, 7) + token
    },
  },
  {
    name: 'instants in their long form',
    seeds: ['2026-01-31T00:00:00.000Z', '9999-12-31T23:59:59.999Z', '0001-01-01T00:00:00.000Z'],
    again: (text) => {
      const at = parseInstant(text)
      if (!at.ok) return null
      const canonical = formatInstant(at.value)
      // Other spellings of an instant are RFC 3339's; reading the canonical one gives the same instant.
      expect(parseInstant(canonical)).toEqual(at)
      return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) ? canonical : text
    },
  },
]

/** Characters that parsers stumble over, and any other. */
const snippet = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\n',
      '\r\n',
      '\r',
      '\t',
      '\0',
      '\n\n',
      '+',
      '-',
      '_',
      '/',
      '=',
      '==',
      '%',
      '~',
      '.',
      '..',
      '"',
      '\\',
    ],
    ...[
      '0',
      '00',
      '1',
      '9'.repeat(20),
      '-1',
      '1e3',
      'x',
      '— ',
      '\u2014',
      '\ufeff',
      '\u0085',
      '\u2028',
      '\ud800',
      '😀',
      'Ａ',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
)

/** A seed with one to three places cut out, doubled or replaced. */
function damaged(seeds: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.integer({ min: 0, max: 4 }),
    put: snippet,
  })
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([seed, changes]) =>
      changes.reduce((text, { at, cut, put }) => {
        const place = Math.floor(at * (text.length + 1))
        return text.slice(0, place) + put + text.slice(place + cut)
      }, seed),
    )
}

const RUNS = { numRuns: 1_500 }

describe('one value has one spelling among', () => {
  for (const { name, seeds, again } of codecs) {
    it(`${name}: good ones are accepted as they are`, () => {
      for (const seed of seeds) expect(again(seed)).toBe(seed)
    })
    it(`${name}: damaged ones are refused or written back the same`, () => {
      fc.assert(
        fc.property(
          fc.oneof({ weight: 9, arbitrary: damaged(seeds) }, fc.string({ unit: 'binary' })),
          (text) => {
            const written = again(text)
            if (written !== null) expect(written).toBe(text)
          },
        ),
        RUNS,
      )
    })
  }

  it('bundles: damaged ones are refused or written back the same', () => {
    const good = encodeBundle([utf8('a'), new Uint8Array(0), utf8('ccc')])
    const change = fc.tuple(fc.nat(good.length), fc.nat(3), fc.uint8Array({ maxLength: 3 }))
    fc.assert(
      fc.property(change, fc.integer({ min: 1, max: 5 }), ([at, cut, put], width) => {
        const bytes = Uint8Array.from([...good.slice(0, at), ...put, ...good.slice(at + cut)])
        const entries = decodeBundle(bytes, width)
        if (entries.ok) expect(encodeBundle(entries.value)).toEqual(bytes)
      }),
      RUNS,
    )
  })
})

describe('never anything but the documented refusal from', () => {
  it('records, disclosures and lines that hold them', () => {
    const kinds = ['decision', 'strike', 'broadcast'] as const
    fc.assert(
      fc.property(damaged(PRESENTATIONS), fc.constantFrom(...kinds), (text, kind) => {
        parseRecord(text.split('~')[0] ?? '')
        parseGiven(text)
        parseGiven(JSON.stringify({ record: text, receipt: { index: text.length } }))
        const [, ...disclosures] = text.split('~')
        const opened = openDisclosures({ kind, digests: [] }, disclosures)
        expect(opened.ok).toBe(disclosures.length === 0)
      }),
      RUNS,
    )
  })

  it('disclosures of deeply nested or strange JSON', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const salt = 'A'.repeat(22)
    for (const value of [
      deep,
      `{"a":${deep}}`,
      '{"__proto__":{"sub":"x"}}',
      'null',
      '1e999',
      '{"sub":{"sub":{}}}',
    ])
      for (const group of [
        'chain',
        'result',
        'subject',
        'request',
        'facts',
        '__proto__',
        'constructor',
      ]) {
        const text = Buffer.from(`["${salt}","${group}",${value}]`).toString('base64url')
        const opened = openDisclosures({ kind: 'decision', digests: [] }, [text])
        expect(opened.ok).toBe(false)
      }
  })

  it('JSON bodies', () => {
    const seeds = ['{"subject":"u","stream":{"hosts":[{"subject":"v"}]},"x":[1,-0,1e3,"\\u0000"]}']
    fc.assert(
      fc.property(damaged(seeds), (text) => {
        try {
          parseJson(utf8(text))
        } catch (error) {
          expect(error).toBeInstanceOf(LivegateError)
        }
      }),
      RUNS,
    )
  })

  it('hook bodies, whose accepted fields are well-formed text without control characters', () => {
    const seed =
      'app=live&flashver=x&swfurl=&tcurl=rtmp://h/live&pageurl=&addr=203.0.113.9&clientid=41&call=publish&name=k7%C3%A9&type=live&sig=a'
    const query = { method: 'POST', query: '', content_type: 'application/x-www-form-urlencoded' }
    fc.assert(
      fc.property(damaged([seed]), (text) => {
        const event = nginxRtmp.parse({ ...query, body: utf8(text) })
        if (event.ok && event.value.kind === 'start') {
          const { name, app } = event.value
          expect(/[\p{Cc}\p{Cs}]/u.test(name + app)).toBe(false)
          expect(splitForm(text).filter((field) => field.name === 'name').length).toBe(1)
        }
      }),
      RUNS,
    )
  })

  it('escapes, base64, hexadecimal, durations', () => {
    fc.assert(
      fc.property(
        damaged(['a%41%c3%a9b', 'AAECAw==', 'AAECAw', '00ff', 'P1DT2H', '30d']),
        (text) => {
          unescapeStrictly(text)
          isDecodable(text)
          fromBase64(text)
          fromBase64Url(text)
          fromHex(text)
          const length = parseDuration(text)
          if (length.ok) expect(Number.isSafeInteger(length.value) && length.value >= 0).toBe(true)
        },
      ),
      RUNS,
    )
  })
})
