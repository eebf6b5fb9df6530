/**
 * What stays of a record's openings once a co-host it names is to be forgotten.
 */
import { expect, test } from 'vitest'
import { textToBase64Url } from '../../../src/core/encoding.ts'
import { cohostsIn, groupIn, withoutCohosts } from '../../../src/core/record/cohost-openings.ts'

const opening = (group: string, value: unknown): string =>
  textToBase64Url(JSON.stringify(['c2FsdA', group, value]))

const CHAIN = opening('chain', { sub: 'me', seq: 3 })
const ALL = {
  chain: CHAIN,
  subject: opening('subject', { subject: 'u_me', cohosts: ['u_other'] }),
  request: opening('request', { caller: 'api' }),
  facts: opening('facts', { hosts: [] }),
}

const cases: readonly [string, unknown, boolean][] = [
  ['no restriction keeps the result', { restrictions: [] }, true],
  ['a result that has no such member stays', {}, true],
  ['one of the asking subject keeps the result', { restrictions: [{ subject: 'me' }] }, true],
  ['one of a co-host takes the result', { restrictions: [{ subject: 'other' }] }, false],
  ['one of each takes it', { restrictions: [{ subject: 'me' }, { subject: 'other' }] }, false],
]

test.each(cases)('%s', (_name, result, stays) => {
  const openings = { ...ALL, result: opening('result', result) }
  const kept = stays ? { result: openings.result } : {}
  expect(withoutCohosts(openings)).toEqual({ chain: CHAIN, request: ALL.request, ...kept })
})

test('without the chain nobody knows whose a restriction is, so it goes', () => {
  const result = opening('result', { restrictions: [{ subject: 'me' }] })
  expect(withoutCohosts({ result })).toEqual({})
})

test.each([
  ['an opening that is not there', {}],
  ['one that is no base64url', { chain: '!' }],
  ['one that is no JSON', { chain: textToBase64Url('[') }],
])('%s discloses nothing', (_name, openings) => {
  expect(groupIn(openings, 'chain')).toBeUndefined()
})

const HOSTS = [{ subject: 'me' }, { subject: 'p_other' }]
const THIRD = { subject: opening('subject', { subject: 'u_me', cohosts: ['u_other', 'u_third'] }) }

test.each([
  ['a decision', opening('facts', { hosts: HOSTS }), 'p_other'],
  [
    'what was looked at again',
    opening('facts', { event: 'cut', facts: { hosts: HOSTS } }),
    'p_other',
  ],
  ['what tells of nobody', opening('facts', { event: 'ended' }), null],
])(
  'co-hosts have the name the facts of %s call them by, where there is one',
  (_name, facts, called) => {
    expect(cohostsIn({ ...THIRD, facts })).toEqual([
      { subject: 'u_other', called },
      { subject: 'u_third', called: null },
    ])
  },
)

test('without the group that names people nobody is named', () =>
  expect(cohostsIn({ facts: ALL.facts })).toEqual([]))
