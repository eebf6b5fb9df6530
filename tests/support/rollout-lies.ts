/**
 * A gate that lies with a valid key about what is not enforced: people in another bucket, rules that were on called off.
 *
 * `rolloutHistory` is what honestly happened under a canary of half the people, taken apart; each of ROLLOUT_LIES changes a
 * copy of it and says what an auditor must find. In the ways of replay-lies.ts.
 */
import { type Unfolded, unfold } from './forge.ts'
import { aGate, aStrike, ask, HOUR, MINUTE, policyOf, STRIKE_RULE } from './gate.ts'
import { dig, host, type Json, type ReplayLie } from './replay-lies.ts'

const CANARY = STRIKE_RULE.replace(/ \}$/, ', enforce: canary 50% }')

export interface RolloutHistory {
  readonly log: readonly Unfolded[]
  /** Of somebody struck whom the canary meets, and of one whom it does not: their last decisions. */
  readonly inside: number
  readonly outside: number
  /** The same rule at a door that enforces nothing. */
  readonly door: number
  /** A strike while it ran, which would have stopped it. */
  readonly struck: number
  /** The renewal of what was let start there. */
  readonly renewal: number
}

/** Everybody is struck and asks; then one goes live at a door that is off, and goes on. */
export async function rolloutHistory(): Promise<RolloutHistory> {
  const { gate, pass, store } = await aGate({ policy: policyOf(CANARY) })
  const people = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const [i, subject] of people.entries()) {
    await gate.strike(aStrike(`s${i}`, subject))
    pass(MINUTE)
    await gate.decide(ask(subject))
  }
  pass(MINUTE)
  const { id } = await gate.decide(ask('g', { enforce: 'off' }))
  await gate.strike(aStrike('s9', 'g'))
  pass(2 * HOUR)
  await gate.renew({ broadcast: id, caller: 'key_1' })
  const log = unfold(store.entries())
  const last = (test: (one: Unfolded) => boolean): number => {
    const index = log.findLastIndex(test)
    if (index < 0) throw new Error('that did not happen')
    return index
  }
  const struck = (one: Unfolded, enforced: boolean): boolean =>
    one.kind === 'decision' &&
    dig(one.groups, 'facts').enforce === undefined &&
    'enforced' in one.claims !== enforced
  return {
    log,
    inside: last((one) => struck(one, true)),
    outside: last((one) => struck(one, false)),
    door: last((one) => one.kind === 'decision' && dig(one.groups, 'facts').enforce === 'off'),
    struck: log.findIndex((one) => one.kind === 'broadcast'),
    renewal: last((one) => one.kind === 'broadcast'),
  }
}

export interface RolloutLie extends Omit<ReplayLie, 'tell' | 'expect'> {
  readonly tell: (log: Unfolded[], at: RolloutHistory) => void
  readonly expect: (at: RolloutHistory) => readonly string[]
}

const { assign } = Object
const claims = (log: Unfolded[], i: number): Json => dig(log, i, 'claims')
const result = (log: Unfolded[], i: number): Json => dig(log, i, 'groups', 'result')
const facts = (log: Unfolded[], i: number): Json => dig(log, i, 'groups', 'facts')
/** What a friend is given: the allow of somebody the canary does not meet. */
function spared(log: Unfolded[], { inside, outside }: RolloutHistory): void {
  const { at } = facts(log, inside) as { at: number }
  const { at: then } = facts(log, outside) as { at: number }
  const { lease_until } = result(log, outside) as { lease_until: number }
  assign(claims(log, inside), { outcome: 'allow', enforced: false })
  const before = structuredClone(result(log, inside))
  assign(result(log, inside), {
    ...structuredClone(result(log, outside)),
    lease_until: lease_until - then + at,
    would: {
      ...{ outcome: 'deny', mode: null, until: before.until },
      rules: [{ host: 0, rule: 'struck' }],
    },
  })
}

export const ROLLOUT_LIES: readonly RolloutLie[] = [
  {
    name: 'somebody the canary meets is put into another bucket, and all else fits it',
    tell(log, at) {
      spared(log, at)
      assign(host(log, at.inside), { bucket: 99 })
    },
    expect: ({ inside }) => [`${inside} bucket_false`],
    says: /Host 0 is put into bucket 99; that of its pseudonym is \d+/,
  },
  {
    name: 'somebody the canary does not meet is put into another bucket, to be refused',
    tell(log, at) {
      assign(host(log, at.outside), { bucket: 0 })
    },
    expect: ({ outside }) => [
      `${outside} bucket_false`,
      `${outside} replay_field`,
      `${outside} replay_outcome`,
    ],
  },
  {
    name: 'a refusal by a rule that meets the person is called not enforced',
    tell: spared,
    expect: ({ inside }) => [`${inside} replay_field`, `${inside} replay_outcome`],
    says: /`enforced` is recorded as false; policy and facts give true/,
  },
  {
    name: 'what was not enforced is not said in public',
    tell: (log, { outside }) => {
      delete claims(log, outside).enforced
    },
    expect: ({ outside }) => [`${outside} replay_field`],
    says: /`enforced` is recorded as true; policy and facts give false/,
  },
  {
    name: 'what would have been is left out',
    tell: (log, { outside }) => {
      delete result(log, outside).would
    },
    expect: ({ outside }) => [`${outside} replay_field`],
    says: /`would` is recorded as nothing/,
  },
  {
    name: 'something would have been where everything was enforced',
    tell: (log, { inside }) => {
      assign(result(log, inside), {
        would: { outcome: 'deny', mode: null, until: null, rules: [{ host: 0, rule: 'struck' }] },
      })
    },
    expect: ({ inside }) => [`${inside} replay_field`],
    says: /`would` is recorded as \{.*; policy and facts give nothing/,
  },
  {
    name: 'what would have been was milder',
    tell: (log, { outside }) => {
      assign(dig(log, outside, 'groups', 'result', 'would'), { outcome: 'delay', mode: 'hold' })
    },
    expect: ({ outside }) => [`${outside} replay_field`],
  },
  {
    name: 'who asks is left without a bucket, so that the canary meets somebody it does not concern',
    tell(log, at) {
      delete host(log, at.inside).bucket
    },
    expect: ({ inside }) => [`${inside} replay_field`],
    says: /`bucket` of who asks is not in the facts/,
  },
  {
    name: 'a door that was off is left out of the facts',
    tell: (log, { renewal }) => {
      delete dig(facts(log, renewal), 'facts').enforce
    },
    expect: ({ renewal }) => ['outcome', 'field', 'recheck'].map((of) => `${renewal} replay_${of}`),
    says: /`enforce` is on; the decision that let it start says off/,
  },
  {
    name: 'what began in earnest is let run on at a door that spares',
    tell: (log, { door }) => {
      delete facts(log, door).enforce
    },
    expect: ({ struck: at, renewal }) => [`${at} replay_recheck`, `${renewal} replay_recheck`],
    says: /`enforce` is off; the decision that let it start says on/,
  },
]
