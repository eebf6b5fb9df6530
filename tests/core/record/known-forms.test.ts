/**
 * A reader with a memory accepts exactly the texts that are in their one spelling, whatever it has read before.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../../src/core/record/json.ts'
import { createReader } from '../../../src/core/record/known-forms.ts'

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
