/**
 * A gate that lies with a valid key about what became of broadcasts: who was let go on, what ordered a cut.
 *
 * `broadcastHistory` is what honestly happened, taken apart; each of BROADCAST_LIES changes a copy of it and says what an auditor
 * must find, at which index. Used by the audit's own tests and, from outside, by faults/dishonest-gate.test.ts.
 */
import { type Unfolded, unfold } from './forge.ts'
import { aGate, aStrike, ask, HOLD_RULE, HOUR, MINUTE, NOW, policyOf, STRIKE_RULE } from './gate.ts'
import { dig, type Json, type ReplayLie } from './replay-lies.ts'

/** 0 key, 1 policy, then what happened. */
export const LIFE = {
  allowed: 2, // a goes live on x
  renewed: 3,
  struck: 4,
  revoked: 5,
  cut: 6,
  reversed: 7,
  again: 8, // a goes live on x
  struckAgain: 9,
  revokedAgain: 10,
  reversedAgain: 11,
  other: 12, // and at once on y: what was revoked does not count
  struckB: 13,
  late: 14, // b is seen running
  told: 15,
  cutLate: 16,
  waits: 17, // c opens a hold
  waited: 18,
  held: 19, // renewed long after its hold could be used
} as const

export async function broadcastHistory(): Promise<readonly Unfolded[]> {
  const { gate, pass, store } = await aGate({ policy: policyOf(`${STRIKE_RULE}\n${HOLD_RULE}`) })
  const asking = (subject: string, stream: string, followers = 100) =>
    gate.decide(ask(subject, { stream: { id: stream }, facts: { followers } }))
  const { id } = await asking('a', 'x')
  pass(HOUR)
  await gate.renew({ broadcast: id, caller: 'key_1' })
  pass(MINUTE)
  await gate.strike(aStrike('s1', 'a'))
  pass(700)
  await gate.cutDone(id, { confirmed: 'dropped', attempts: 1 })
  pass(MINUTE)
  await gate.reverse({ strike: 's1', reason: 'upheld' })
  await asking('a', 'x')
  pass(1000)
  await gate.strike(aStrike('s2', 'a'))
  await gate.reverse({ strike: 's2', reason: 'upheld' })
  pass(1000)
  await asking('a', 'y')
  pass(MINUTE)
  await gate.strike(aStrike('s3', 'b'))
  const session = { server: 'edge', session: 'c1' }
  const late = await gate.decide(ask('b', { session, ungated: 'gate_unreachable' }))
  pass(300)
  await gate.cutDone(late.id, { confirmed: 'absent', attempts: 3 })
  await asking('c', 'z', 1)
  pass(20 * MINUTE)
  const held = await asking('c', 'z', 1)
  pass(3 * HOUR)
  await gate.renew({ broadcast: held.id, caller: 'key_1' })
  return unfold(store.entries())
}

const { renewed, revoked, cut, told, cutLate, held, revokedAgain, again, allowed } = LIFE
const { assign } = Object
const facts = (log: Unfolded[], index: number): Json => dig(log, index, 'groups', 'facts')
const jti = (log: Unfolded[], index: number): string => log[index]?.jti ?? ''

export const BROADCAST_LIES: readonly ReplayLie[] = [
  {
    name: 'somebody goes on whose own result says no',
    tell: (log) => assign(facts(log, revoked), { event: 'renewed' }),
    expect: [`${revoked} replay_recheck`, `${cut} replay_cut`],
    says: /is renewed that its own result stops/,
  },
  {
    name: 'somebody goes on who may not, and the result says he may',
    tell(log) {
      const result = structuredClone(dig(log, renewed, 'groups', 'result'))
      assign(facts(log, revoked), { event: 'renewed' })
      assign(dig(log, revoked, 'groups'), { result })
    },
    expect: [`${revoked} replay_outcome`, `${revoked} replay_field`, `${cut} replay_cut`],
  },
  {
    name: 'somebody is stopped whose own result says yes',
    tell: (log) => assign(facts(log, renewed), { event: 'revoked' }),
    expect: [`${renewed} replay_recheck`],
    says: /is revoked that its own result lets go on/,
  },
  {
    name: 'somebody is stopped, and nobody is told from what that follows',
    tell(log) {
      const { facts: _facts, ...rest } = facts(log, revoked)
      assign(dig(log, revoked, 'groups'), { facts: rest })
    },
    expect: [`${revoked} renewal_incomplete`],
  },
  {
    name: 'a stream is said to run since before it was let start',
    tell: (log) => assign(dig(facts(log, held), 'facts'), { running_since: NOW + 90 * MINUTE }),
    expect: [`${held} replay_recheck`],
    says: /the decision that let it start was made at/,
  },
  {
    name: 'what runs is said to be such that it could still be shown late',
    tell: (log) =>
      assign(dig(facts(log, renewed), 'facts'), {
        supports: ['broadcast_delay', 'broadcast_delay:90', 'audience_cap'],
      }),
    expect: [`${renewed} replay_recheck`],
    says: /`supports` is not what the decision that let it start says/,
  },
  {
    name: 'what runs can do less than it said when it began',
    tell: (log) => assign(dig(facts(log, revoked), 'facts'), { supports: [] }),
    expect: [`${revoked} replay_recheck`],
  },
  {
    name: 'what runs has moved to another country',
    tell: (log) => assign(dig(facts(log, renewed), 'facts', 'request'), { territory: 'DE' }),
    expect: [`${renewed} replay_recheck`],
    says: /`request` or `supports` is not/,
  },
  {
    name: 'what runs is shown to fewer than when it began',
    tell: (log) => assign(dig(facts(log, held), 'facts', 'stream'), { audience: 'private' }),
    expect: [`${held} replay_recheck`],
    says: /`stream`, /,
  },
  {
    name: 'a stream is cut that nothing ordered',
    tell: (log) => log.splice(revoked, 1),
    expect: [`${revoked} replay_cut`],
    says: /names an order that its chain does not hold/,
  },
  {
    name: 'a stream is cut by the order of another',
    tell: (log) =>
      assign(facts(log, cut), { broadcast: jti(log, again), ordered: jti(log, revoked) }),
    expect: [`${cut} replay_cut`],
  },
  {
    name: 'a stream is cut by an order that comes later',
    tell: (log) =>
      assign(facts(log, cut), { broadcast: jti(log, again), ordered: jti(log, revokedAgain) }),
    expect: [`${cut} replay_cut`],
  },
  {
    name: 'a stream is cut by the decision that let it start',
    tell: (log) => assign(facts(log, cut), { ordered: jti(log, allowed) }),
    expect: [`${cut} replay_cut`],
  },
  {
    name: 'a cut does not say by what order',
    tell(log) {
      const { ordered: _ordered, ...rest } = facts(log, cut)
      assign(dig(log, cut, 'groups'), { facts: rest })
    },
    expect: [`${cut} replay_cut`],
    says: /does not say what ordered it/,
  },
  {
    name: 'a cut is said to have been faster than it was',
    tell: (log) => assign(facts(log, cut), { took_ms: 20 }),
    expect: [`${cut} replay_cut`],
    says: /took 20 ms by its own word, 700 ms by its chain/,
  },
  {
    name: 'a stream is cut twice by one order',
    tell: (log) => {
      const one = structuredClone(log[cut]) as Unfolded
      log.splice(cut + 1, 0, { ...one, jti: 'A'.repeat(22) })
    },
    expect: [`${cut + 1} replay_cut`],
  },
  {
    name: 'a refused stream is cut although it was never seen running',
    tell: (log) => log.splice(told, 1),
    expect: [`${cutLate - 1} replay_cut`],
  },
]
