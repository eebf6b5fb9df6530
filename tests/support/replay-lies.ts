/**
 * A gate that lies with a valid key about what it decided, or what it says it saw: everything else about its log is in order.
 *
 * `replayHistory` is what honestly happened, taken apart; each of REPLAY_LIES changes a copy of it and says what an auditor
 * must find, at which index. Used by the audit's own tests and, from outside, by faults/dishonest-gate.test.ts.
 */
import { erasureDraft } from '../../src/core/record/drafts.ts'
import { type Unfolded, unfold } from './forge.ts'
import { aGate, aStrike, ask, HOUR, MINUTE, NOW, policyOf, STRIKE_RULE } from './gate.ts'

const WAIT =
  '  - { id: wait, ground: terms, when: "subject.followers < 10", outcome: delay, hold: 15m }'
const POLICY = policyOf(`${STRIKE_RULE}\n${WAIT}`)

/** 0 key, 1 policy, then what happened, a minute apart. */
export const HAPPENED = {
  allowed: 2, // a goes live on x
  second: 3, // and on y
  struck: 4,
  denied: 5,
  reversed: 6,
  again: 7,
  small: 8, // b opens a hold
  smaller: 9, // and asks again
  strikeB: 10,
  quiet: [11, 12, 13, 14, 15, 16, 17, 18],
  joined: 19, // c with b as co-host
} as const

export async function replayHistory(): Promise<readonly Unfolded[]> {
  const { gate, pass, store } = await aGate({ policy: POLICY })
  const asking = (subject: string, stream: string, followers = 100) =>
    gate.decide(ask(subject, { stream: { id: stream }, facts: { followers } }))
  await asking('a', 'x')
  pass(10_000)
  await asking('a', 'y')
  // Both have ended by themselves: what a strike ends is in broadcast-lies.ts.
  pass(4 * HOUR)
  await gate.strike(aStrike('s1', 'a'))
  pass(MINUTE)
  await asking('a', 'x')
  pass(MINUTE)
  await gate.reverse({ strike: 's1', reason: 'upheld' })
  pass(MINUTE)
  await asking('a', 'x')
  pass(MINUTE)
  await asking('b', 'z', 1)
  pass(20 * MINUTE)
  await asking('b', 'z', 1)
  pass(4 * HOUR)
  await gate.strike(aStrike('s2', 'b'))
  for (const i of HAPPENED.quiet) {
    pass(MINUTE)
    await asking(`quiet${i}`, 'q')
  }
  pass(MINUTE)
  await gate.decide(ask('c', { stream: { id: 'w', hosts: [{ subject: 'b' }] } }))
  return unfold(store.entries())
}

export type Json = Record<string, unknown>

/** What stands at a path; there must be something. */
export function dig(value: unknown, ...path: readonly (string | number)[]): Json {
  let found: unknown = value
  for (const name of path) found = (found as Json | undefined)?.[name]
  if (typeof found !== 'object' || found === null) throw new Error(`nothing at ${path.join('.')}`)
  return found as Json
}

const factsOf = (log: Unfolded[], index: number): Json => dig(log, index, 'groups', 'facts')
const resultOf = (log: Unfolded[], index: number): Json => dig(log, index, 'groups', 'result')
export const host = (log: Unfolded[], index: number, which = 0): Json =>
  dig(factsOf(log, index), 'hosts', which)
const strike = (log: Unfolded[], index: number, which = 0): Json =>
  dig(host(log, index), 'strikes', which)
export const subOf = (log: Unfolded[], index: number): string =>
  String(dig(log, index, 'groups', 'chain').sub)
const twin = (log: Unfolded[], index: number): Unfolded => ({
  ...(structuredClone(log[index]) as Unfolded),
  jti: 'A'.repeat(22),
})
export function erasure(log: Unfolded[], of: number, after: number, more: object): Unfolded {
  const what = {
    sub: subOf(log, of),
    scope: 'subject',
    basis: 'art17',
    counts: {},
    ...more,
  } as const
  const { kind, claims } = erasureDraft(what)
  const iat = log[after]?.iat ?? 0
  return { kind, claims: claims as Json, groups: null, jti: 'E'.repeat(22), iat }
}
const { assign } = Object
/** Of what `again` let start. */
function renewal(log: Unfolded[], more: object, claims?: Json): Unfolded {
  const one = twin(log, HAPPENED.again)
  const { outcome: _outcome, ...under } = one.claims
  const facts = { event: 'renewed', broadcast: log[HAPPENED.again]?.jti ?? '', ...more }
  return {
    ...{ ...one, kind: 'broadcast', claims: claims ?? under },
    groups: { ...one.groups, result: {}, facts },
  }
}

export interface ReplayLie {
  readonly name: string
  readonly tell: (log: Unfolded[]) => void
  /** `index code`. */
  readonly expect: readonly string[]
  readonly says?: RegExp
}

const { allowed, second, struck, denied, reversed, again, small, smaller, joined } = HAPPENED

export const REPLAY_LIES: readonly ReplayLie[] = [
  {
    name: 'an allow is called a deny',
    tell: (log) => assign(dig(log, allowed, 'claims'), { outcome: 'deny' }),
    expect: [`${allowed} replay_outcome`],
    says: /recorded as deny; policy and facts give allow/,
  },
  {
    name: 'a restriction ends later than the ladder says',
    tell: (log) => assign(resultOf(log, denied), { until: 'forever' }),
    expect: [`${denied} replay_field`],
    says: /`until` is recorded as "forever"; policy and facts give [0-9]+/,
  },
  {
    name: 'a lease is longer than the policy gives',
    tell: (log) => assign(resultOf(log, allowed), { lease_until: NOW + 999 * MINUTE }),
    expect: [`${allowed} replay_field`],
    says: /`lease_until`/,
  },
  {
    name: 'a rule is named that did not match',
    tell: (log) => assign(resultOf(log, allowed), { rules: ['struck'] }),
    expect: [`${allowed} replay_field`],
    says: /`rules` is recorded as \["struck"\]; policy and facts give \[\]/,
  },
  {
    name: 'a strike is left out of the facts, and the decision follows from them',
    tell: (log) => {
      const { at } = factsOf(log, denied)
      assign(host(log, denied), { strikes: [] })
      assign(dig(log, denied, 'claims'), { outcome: 'allow' })
      const lease_until = Number(at) + 240 * MINUTE
      assign(dig(log, denied, 'groups'), { result: { ...resultOf(log, again), lease_until } })
    },
    expect: [`${denied} strike_ignored`],
    says: new RegExp(`index ${struck}`),
  },
  {
    name: 'a strike is in the facts that nobody recorded',
    tell: (log) => log.splice(struck, 1),
    expect: [
      `${struck} strike_invented`,
      `${struck + 1} reversal_invented`,
      `${struck + 2} strike_invented`,
    ],
  },
  {
    name: 'facts give a strike more weight than was recorded',
    tell: (log) => assign(strike(log, denied), { weight: 3 }),
    expect: [`${denied} strike_altered`],
  },
  {
    name: 'a strike is recorded twice under one id',
    tell: (log) => log.splice(struck, 0, twin(log, struck)),
    expect: [`${struck + 1} strike_altered`],
  },
  {
    name: 'a reversal counts for nothing',
    tell: (log) => {
      assign(strike(log, again), { status: 'active' })
    },
    expect: [`${again} replay_outcome`, `${again} replay_field`, `${again} reversal_ignored`],
    says: new RegExp(`reversed at index ${reversed}`),
  },
  {
    name: 'a strike is called reversed before it was',
    tell: (log) => assign(strike(log, denied), { status: 'reversed' }),
    expect: [`${denied} replay_outcome`, `${denied} replay_field`, `${denied} reversal_invented`],
  },
  {
    name: 'a strike is reversed twice',
    tell: (log) => log.splice(again, 0, twin(log, reversed)),
    expect: [`${again} reversal_invented`],
  },
  {
    name: 'a hold is forgotten, so that waiting begins anew',
    tell: (log) => assign(host(log, smaller), { holds: [] }),
    expect: [`${smaller} replay_outcome`, `${smaller} replay_field`, `${smaller} hold_false`],
    says: new RegExp(`index ${small}`),
  },
  {
    name: 'a review released somebody, says the gate alone',
    tell: (log) =>
      assign(host(log, allowed), { reviews: [{ rule: 'look', result: 'released', at: NOW }] }),
    expect: [`${allowed} review_false`],
  },
  {
    name: 'a running broadcast is not counted',
    tell: (log) => assign(host(log, second), { open_broadcasts: 0 }),
    expect: [`${second} broadcasts_false`],
  },
  {
    name: 'a strike of a co-host is left out long after it was recorded',
    tell: (log) => assign(host(log, joined, 1), { strikes: [] }),
    expect: [`${joined} replay_outcome`, `${joined} replay_field`, `${joined} strike_ignored`],
    says: /of co-host 1 at index 10/,
  },
  {
    name: 'a co-host has a strike nobody recorded',
    tell: (log) => {
      const had = dig(host(log, joined, 1), 'strikes', 0)
      assign(host(log, joined, 1), { strikes: [had, { ...had, id: 's9' }] })
    },
    expect: [`${joined} replay_field`, `${joined} strike_invented`],
  },
  {
    name: 'a lease goes on, and nobody is told from what that follows',
    tell: (log) => log.splice(again + 1, 0, renewal(log, {})),
    expect: [`${again + 1} renewal_incomplete`],
    says: /nothing of the facts/,
  },
  {
    name: 'a lease goes on under no policy',
    tell: (log) => log.splice(again + 1, 0, renewal(log, { facts: factsOf(log, again) }, {})),
    expect: [`${again + 1} renewal_incomplete`],
    says: /nothing of the policy/,
  },
  {
    name: 'the second a record was signed in is not that of its instant',
    tell: (log) => assign(dig(log, denied), { iat: (log[denied]?.iat ?? 0) + 1 }),
    expect: [`${denied} instant_false`],
  },
  {
    name: 'a strike was received after it was recorded',
    tell: (log) => assign(factsOf(log, struck), { received_at: NOW + 999 * MINUTE }),
    expect: [`${struck} instant_false`],
  },
  {
    name: 'a strike counts from another instant than it was issued or received at',
    tell: (log) => {
      const recorded = dig(factsOf(log, struck), 'strike')
      for (const one of [recorded, strike(log, denied), strike(log, again)])
        assign(one, { effective_at: NOW - MINUTE })
    },
    expect: [`${struck} instant_false`, `${denied} replay_field`],
  },
  {
    name: 'a record follows on the chain of an erased subject',
    tell: (log) => log.splice(struck, 0, erasure(log, allowed, second, { last_seq: 2 })),
    expect: [struck + 1, denied + 1, reversed + 1, again + 1].map(
      (index) => `${index} erased_chain`,
    ),
  },
]
