/**
 * A reader with a memory accepts exactly the texts that are in their one spelling, whatever it has read before.
 */
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { parseJson } from '../../../src/core/record/json.ts'
import { createReader, KnownForms, literal } from '../../../src/core/record/known-forms.ts'

const LEARNT = '["salt","facts",{"at":5,"list":[{"id":"a","n":1}],"flag":true,"none":null}]'

/** Each differs from a learnt text in one way that has another spelling. */
const RESPELT: readonly (readonly [name: string, text: string])[] = [
  ['a blank', '["salt","facts",{"at": 5,"list":[{"id":"a","n":1}],"flag":true,"none":null}]'],
  [
    'a member twice',
    '["salt","facts",{"at":5,"at":5,"list":[{"id":"a","n":1}],"flag":true,"none":null}]',
  ],
  ['an exponent', '["salt","facts",{"at":5e0,"list":[{"id":"a","n":1}],"flag":true,"none":null}]'],
  ['a fraction', '["salt","facts",{"at":5.0,"list":[{"id":"a","n":1}],"flag":true,"none":null}]'],
  ['minus zero', '["salt","facts",{"at":-0,"list":[{"id":"a","n":1}],"flag":true,"none":null}]'],
  [
    'too many digits',
    '["salt","facts",{"at":90071992547409931,"list":[{"id":"a","n":1}],"flag":true,"none":null}]',
  ],
  [
    'an escape',
    '["salt","facts",{"at":5,"list":[{"id":"\\u0061","n":1}],"flag":true,"none":null}]',
  ],
  ['a line feed after it', `${LEARNT}\n`],
]

describe('texts like one that was read', () => {
  test.each(RESPELT)('%s is refused as before', (_, text) => {
    const read = createReader()
    expect(read(LEARNT)).toEqual(JSON.parse(LEARNT))
    expect(read(text)).toBeUndefined()
  })

  test('other scalars, and more elements of the same form, are read', () => {
    const read = createReader()
    read(LEARNT)
    const text =
      '["tlas","x",{"at":-12,"list":[{"id":"","n":0},{"id":"b c","n":null}],"flag":"no","none":1}]'
    expect(read(text)).toEqual(JSON.parse(text))
  })
})

test('an empty list that was read is no form of lists with commas alone', () => {
  const read = createReader()
  expect(read('{"list":[]}')).toEqual({ list: [] })
  for (const text of ['{"list":[,]}', '{"list":[,,]}']) expect(read(text), text).toBeUndefined()
  expect(read('{"list":[]}')).toEqual({ list: [] })
})

describe('forms that are known', () => {
  /** Forms that fit the text that is their name, and the order in which they were asked. */
  const remembering = (
    ...learnt: readonly string[]
  ): { known: KnownForms<string>; asked: (text: string) => readonly string[] } => {
    const known = new KnownForms<string>()
    for (const text of learnt) known.learn(text, () => text)
    const asked = (text: string): readonly string[] => {
      const forms: string[] = []
      const value = known.fit(text, (form) => {
        forms.push(form)
        return form === text ? 'fits' : undefined
      })
      expect(value).toBe(forms.at(-1) === text ? 'fits' : undefined)
      return forms
    }
    return { known, asked }
  }

  test('are asked from the one learnt last, then from the one that fitted last', () => {
    const { asked } = remembering('a', 'b', 'c')
    expect(asked('a')).toEqual(['c', 'b', 'a'])
    expect(asked('c')).toEqual(['a', 'c'])
    expect(asked('c')).toEqual(['c'])
    expect(asked('b')).toEqual(['c', 'a', 'b'])
    expect(asked('none')).toEqual(['b', 'c', 'a'])
  })

  test('are eight, those that fitted longest ago forgotten first', () => {
    const { known, asked } = remembering(...'abcdefgh')
    expect(asked('none')).toEqual([...'hgfedcba'])
    asked('a')
    known.learn('i', () => 'i')
    expect(asked('none')).toEqual([...'iahgfedc'])
  })

  test('once they are eight, are learnt of one unknown text in sixteen', () => {
    const { known } = remembering(...'abcdefgh')
    const looked: number[] = []
    for (let i = 0; i < 40; i++)
      known.learn('z', () => {
        looked.push(i)
        return null
      })
    expect(looked).toEqual([0, 16, 32])
  })

  test('are none of a text without one, or of one longer than 8192 letters', () => {
    const { known, asked } = remembering('x'.repeat(8192), 'y'.repeat(8193))
    known.learn('q', () => null)
    expect(asked('none')).toEqual(['x'.repeat(8192)])
    expect(asked('x'.repeat(8192))).toHaveLength(1)
    expect(asked('y'.repeat(8193))).toEqual([])
  })
})

describe('a reader', () => {
  /** Whether `text` is read as one of the forms of `read`, so that not even its value is written again. */
  const isKnown = (read: (text: string) => unknown, text: string): boolean => {
    const written = vi.spyOn(JSON, 'stringify')
    const value = read(text)
    const isShort = written.mock.calls.length === 0
    written.mockRestore()
    expect(value).toEqual(JSON.parse(text))
    return isShort
  }

  test.each([
    ['{"a":1}', '{"a":"b"}', true],
    ['{"a":1}', '{"b":1}', false],
    ['{"a":1}', '{"a":{}}', false],
    ['{"a":[1]}', '{"a":[null,-7,"x"]}', true],
    ['{"a":[1]}', '{"a":[]}', false],
    ['{"a":[]}', '{"a":[]}', true],
    ['{"a":[]}', '{"a":[1]}', false],
    ['{"a":[1,[2]]}', '{"a":[3,[4,5]]}', true],
    ['{"a":[1,[2]]}', '{"a":[3,[4],[5]]}', false],
    ['{"a":null,"b":{"c":true}}', '{"a":0,"b":{"c":false}}', true],
    ['{"a.b":1}', '{"a.b":2}', true],
    ['{"a.b":1}', '{"axb":2}', false],
    ['{"a":1}', '{"a":"\\n"}', false],
    ['{"a":1}', '{"a":"é"}', false],
  ])('that has read %s takes %s the short way: %s', (learnt, text, short) => {
    const read = createReader()
    read(learnt)
    expect(isKnown(read, text)).toBe(short)
  })
})

test('a text as a regular expression fits itself alone', () => {
  const text = '\\^$.*+?()[]{}|/-a'
  expect(new RegExp(`^${literal(text)}$`).test(text)).toBe(true)
  for (let i = 0; i < text.length; i++)
    expect(new RegExp(`^${literal(text)}$`).test(`${text.slice(0, i)}b${text.slice(i + 1)}`)).toBe(
      false,
    )
})

/** Texts of one shape and near misses of it. */
const near = fc
  .tuple(
    fc.json({ maxDepth: 3 }),
    fc.array(
      fc.tuple(
        fc.nat(400),
        fc.nat(2),
        fc.constantFrom(
          '',
          '0',
          '1',
          '"',
          ',',
          ' ',
          '\\',
          '-',
          'e1',
          '.0',
          ':',
          '{}',
          '[]',
          'é',
          '\n',
          '"a":1,',
        ),
      ),
      {
        maxLength: 2,
      },
    ),
  )
  .map(([text, edits]) => {
    let made = JSON.stringify(JSON.parse(text))
    for (const [at, cut, put] of edits)
      made =
        made.slice(0, at % (made.length + 1)) + put + made.slice((at % (made.length + 1)) + cut)
    return made
  })

test('whatever was read before, it says what the long way says', () => {
  fc.assert(
    fc.property(fc.array(near, { minLength: 1, maxLength: 12 }), (texts) => {
      const read = createReader()
      for (const text of [...texts, ...texts.toReversed()])
        expect(read(text)).toEqual(parseJson(text))
    }),
    { numRuns: 1000 },
  )
})

test('a text and its edits: a form never covers a text with another spelling', () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 3 }),
      fc.nat(300),
      fc.nat(2),
      fc.string({ maxLength: 2 }),
      (json, at, cut, put) => {
        const learnt = JSON.stringify(JSON.parse(json))
        const read = createReader()
        read(learnt)
        const from = at % (learnt.length + 1)
        const text = learnt.slice(0, from) + put + learnt.slice(from + cut)
        expect(read(text)).toEqual(parseJson(text))
      },
    ),
    { numRuns: 2000 },
  )
})
