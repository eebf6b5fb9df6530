/** Checks of plain values: where they are wrong, and that what one object was like does not decide about the next. */
import { describe, expect, test } from 'vitest'
import {
  boolean,
  type Check,
  either,
  instant,
  integer,
  list,
  mapOf,
  nullable,
  object,
  oneOf,
  optional,
  required,
  text,
} from '../../../src/core/record/shape.ts'

const wrong = (path: string, expected: string): object => ({ path, problem: 'wrong', expected })

const TABLE: readonly (readonly [about: string, Check, unknown, object | null])[] = [
  ['a text of the least length', text(3), 'a', null],
  ['a text of the greatest length', text(3), 'abc', null],
  ['an empty text', text(3), '', wrong('', 'a text of 1 to 3 characters')],
  ['an empty text where it may be', text(3, { min: 0 }), '', null],
  ['a text too long', text(3), 'abcd', wrong('', 'a text of 1 to 3 characters')],
  ['a number for a text', text(3), 1, wrong('', 'a text of 1 to 3 characters')],
  ['a list as long as a text', text(3), ['a'], wrong('', 'a text of 1 to 3 characters')],
  ['a text like the pattern', text(3, { pattern: /^a/ }), 'ab', null],
  [
    'a text unlike the pattern',
    text(3, { pattern: /^a/ }),
    'ba',
    wrong('', 'a text of 1 to 3 characters like /^a/'),
  ],
  ['the least integer', integer(2, 4), 2, null],
  ['the greatest integer', integer(2, 4), 4, null],
  ['an integer too small', integer(2, 4), 1, wrong('', 'an integer of 2 to 4')],
  ['an integer too great', integer(2, 4), 5, wrong('', 'an integer of 2 to 4')],
  ['a fraction', integer(2, 4), 2.5, wrong('', 'an integer of 2 to 4')],
  ['the greatest safe integer', integer(0), Number.MAX_SAFE_INTEGER, null],
  [
    'an unsafe integer',
    integer(0),
    2 ** 53,
    wrong('', `an integer of 0 to ${Number.MAX_SAFE_INTEGER}`),
  ],
  ['an instant', instant, 0, null],
  ['half an instant', instant, 0.5, wrong('', 'an instant in milliseconds')],
  ['false', boolean, false, null],
  ['a word for true', boolean, 'true', wrong('', 'true or false')],
  ['one of the values', oneOf(['a', 2]), 2, null],
  ['a value like one of them', oneOf(['a', 2]), '2', wrong('', '"a" or 2')],
  ['the first of two', either(oneOf(['a']), integer(1)), 'a', null],
  ['the second of two', either(oneOf(['a']), integer(1)), 1, null],
  ['neither of two', either(oneOf(['a']), integer(1, 3)), 0, wrong('', 'an integer of 1 to 3')],
  ['null where it may be', nullable(boolean), null, null],
  ['nothing where null may be', nullable(boolean), undefined, wrong('', 'true or false')],
  ['an empty list', list(boolean, 2), [], null],
  ['the longest list', list(boolean, 2), [true, false], null],
  ['a list too long', list(boolean, 2), [true, false, true], wrong('', 'a list of 0 to 2 items')],
  ['a list too short', list(boolean, 2, 1), [], wrong('', 'a list of 1 to 2 items')],
  [
    'an object like a list',
    list(boolean, 2),
    { length: 1, 0: true },
    wrong('', 'a list of 0 to 2 items'),
  ],
  ['a list with a wrong item', list(boolean, 2), [true, 1], wrong('1', 'true or false')],
  ['an object for a map', mapOf(/^[a-z]$/, boolean, 2), { a: true, b: false }, null],
  [
    'a map too large',
    mapOf(/^[a-z]$/, boolean, 1),
    { a: true, b: true },
    wrong('', 'an object of at most 1 members'),
  ],
  ['a list for a map', mapOf(/^/, boolean, 1), [], wrong('', 'an object')],
  ['null for a map', mapOf(/^/, boolean, 1), null, wrong('', 'an object')],
  [
    'a map with a strange key',
    mapOf(/^[a-z]$/, boolean, 2),
    { a: true, A: true },
    { path: 'A', problem: 'unknown', expected: 'a key like /^[a-z]$/' },
  ],
  ['a map with a wrong value', mapOf(/^/, boolean, 2), { a: 1 }, wrong('a', 'true or false')],
]

test.each(TABLE)('%s', (_, check, value, fault) => expect(check(value)).toEqual(fault))

describe('an object', () => {
  const inner = object({ c: required(list(boolean, 2)) })
  const members = { a: required(boolean), b: optional(integer(0, 9)), in: optional(inner) }

  const OBJECTS: readonly (readonly [about: string, unknown, object | null])[] = [
    ['with what it needs', { a: true }, null],
    ['with all it may have', { a: true, b: 1, in: { c: [] } }, null],
    ['in another order', { b: 1, a: true }, null],
    ['with a member left undefined', { a: true, b: undefined }, null],
    ['without what it needs', { b: 1 }, { path: 'a', problem: 'missing', expected: 'the member' }],
    ['empty', {}, { path: 'a', problem: 'missing', expected: 'the member' }],
    ['with a needed member left undefined', { a: undefined }, wrong('a', 'true or false')],
    ['with more', { a: true, z: 1 }, { path: 'z', problem: 'unknown', expected: 'no member' }],
    ['with a wrong member', { a: true, b: 10 }, wrong('b', 'an integer of 0 to 9')],
    ['wrong deep inside', { a: true, in: { c: [true, 0] } }, wrong('in.c.1', 'true or false')],
    ['that is a list', [], wrong('', 'an object')],
    ['that is null', null, wrong('', 'an object')],
    ['that is a text', 'a', wrong('', 'an object')],
    [
      'with a member every object inherits',
      JSON.parse('{"a":true,"toString":1}'),
      { path: 'toString', problem: 'unknown', expected: 'no member' },
    ],
  ]

  test.each(OBJECTS)('%s', (_, value, fault) => expect(object(members)(value)).toEqual(fault))

  test.each(OBJECTS)('%s, whatever was looked at before', (_, value, fault) => {
    const check = object(members)
    for (const [, before] of OBJECTS) {
      check(before)
      expect(check(value), JSON.stringify(before)).toEqual(fault)
    }
  })

  test('without members may only be empty', () => {
    const check = object({})
    for (let i = 0; i < 2; i++) {
      expect(check({})).toBeNull()
      expect(check({ a: 1 })).toMatchObject({ problem: 'unknown' })
    }
  })
})
