/**
 * A gate that lies with a valid key about incident mode: what it decided by it, and who said so.
 *
 * `incidentHistory` is what honestly happened, taken apart; each of INCIDENT_LIES changes a copy of it and says what an auditor
 * must find, at which index. Used by the audit's own tests and, from outside, by faults/dishonest-gate.test.ts.
 */
import { type Unfolded, unfold } from './forge.ts'
import { aGate, ask, HOUR, MINUTE, policyOf } from './gate.ts'
import type { Json, ReplayLie } from './replay-lies.ts'
import { dig } from './replay-lies.ts'

const RULE =
  '  - { id: closed, ground: terms, when: incident.active && incident.scope == "all", outcome: deny }'

/** 0 key, 1 policy, then what happened. */
export const MODE = {
  before: 2,
  started: 3,
  denied: 4,
  confirmed: 5,
  /** A minute apart. */
  during: [6, 7, 8, 9, 10, 11, 12, 13],
  ended: 14,
  /** A minute apart. */
  after: [15, 16, 17, 18, 19, 20, 21, 22],
  other: 23,
  late: 24,
} as const

export async function incidentHistory(): Promise<readonly Unfolded[]> {
  const { gate, pass, store, incidents, clock } = await aGate({ policy: policyOf(RULE) })
  let people = 0
  const goLive = (): Promise<unknown> => gate.decide(ask(`p${++people}`))
  const expires_at = (ms: number) => (clock.now() + ms) as ReturnType<typeof clock.now>
  const what = { scope: 'all', reason: 'copies' }
  await goLive()
  pass(MINUTE)
  const { incident } = await incidents.start({
    ...{ ...what, expires_at: expires_at(6 * HOUR), by: 'key_a' },
  })
  await goLive()
  pass(MINUTE)
  await incidents.confirm(incident.id, 'key_b')
  for (const _ of MODE.during) {
    pass(MINUTE)
    await goLive()
  }
  await incidents.end('key_c')
  for (const _ of MODE.after) {
    pass(MINUTE)
    await goLive()
  }
  // Nobody writes that it is over: by its instant it is.
  await incidents.start({ ...what, expires_at: expires_at(HOUR), by: 'key_b' })
  pass(HOUR)
  await goLive()
  return unfold(store.entries())
}

const { before, started, denied, confirmed, during, ended, after, other, late } = MODE
const LAST_DURING = 13
const LAST_AFTER = 22
const { assign } = Object
const claims = (log: Unfolded[], index: number): Json => dig(log, index, 'claims')
const facts = (log: Unfolded[], index: number): Json => dig(log, index, 'groups', 'facts')
const closed = (log: Unfolded[], index: number): unknown =>
  structuredClone(facts(log, index).incident)

/** The decision of another index, as it follows from what that saw. */
function decideAs(log: Unfolded[], index: number, like: number): void {
  const ms = Number(facts(log, index).at) - Number(facts(log, like).at)
  const result = structuredClone(dig(log, like, 'groups', 'result'))
  const until = result.lease_until
  if (typeof until === 'number') assign(result, { lease_until: until + ms })
  assign(facts(log, index), { incident: closed(log, like) })
  assign(claims(log, index), { outcome: claims(log, like).outcome })
  assign(dig(log, index, 'groups'), { result })
}

export const INCIDENT_LIES: readonly ReplayLie[] = [
  {
    name: 'somebody is refused for an incident nobody started',
    tell: (log) => {
      decideAs(log, late, denied)
      assign(dig(log, late, 'groups', 'facts', 'incident'), { id: 'another' })
    },
    expect: [`${late} incident_false`],
    says: /say of incident mode another \(all\) runs; the log says none runs/,
  },
  {
    name: 'somebody is refused for an incident that has ended',
    tell: (log) => decideAs(log, LAST_AFTER, denied),
    expect: [`${LAST_AFTER} incident_false`],
  },
  {
    name: 'somebody is refused for an incident that is over by its instant',
    tell: (log) => {
      decideAs(log, late, denied)
      const { id, scope } = claims(log, other)
      assign(facts(log, late), { incident: { active: true, id, scope } })
    },
    expect: [`${late} incident_false`],
  },
  {
    name: 'somebody is let through although incident mode is on',
    tell: (log) => decideAs(log, LAST_DURING, before),
    expect: [`${LAST_DURING} incident_false`],
    says: /none runs; the log says .+ \(all\) runs/,
  },
  {
    name: 'the scope of an incident is another for one person',
    tell: (log) => {
      decideAs(log, LAST_DURING, before)
      const incident = { ...(closed(log, denied) as Json), scope: 'elsewhere' }
      assign(facts(log, LAST_DURING), { incident })
    },
    expect: [`${LAST_DURING} incident_false`],
  },
  {
    name: 'the start of an incident is left out, and with it its confirmation',
    tell: (log) => {
      log.splice(confirmed, 1)
      log.splice(started, 1)
    },
    // Of what came before the first change the log has, nobody can say anything.
    expect: [`${ended - 2} incident_order`],
    says: /change 3 comes after 0/,
  },
  {
    name: 'an incident is written into the log after it was decided by',
    tell: (log) => {
      const [one] = log.splice(ended, 1)
      log.splice(denied, 0, ...log.splice(confirmed, 1))
      if (one !== undefined) log.splice(ended, 0, one)
      const [start] = log.splice(started, 1)
      if (start !== undefined) log.splice(denied, 0, start)
    },
    expect: [`${started} incident_order`, `${denied} incident_order`],
  },
  {
    name: 'one key confirms what it started',
    tell: (log) => assign(claims(log, confirmed), { by: 'key_a' }),
    expect: [`${confirmed} incident_order`],
    says: /confirmation by the key that started it/,
  },
  {
    name: 'one key runs an incident for longer than half an hour',
    tell: (log) => assign(claims(log, other), { until: claims(log, other).expires_at }),
    expect: [`${other} incident_order`],
    says: /30 minutes with one key/,
  },
  {
    name: 'an incident has no end within three days',
    tell: (log) => {
      const at = Number(claims(log, started).at)
      for (const index of [started, confirmed])
        assign(claims(log, index), { expires_at: at + 73 * HOUR })
    },
    expect: [`${started} incident_order`],
    says: /more than 72 hours/,
  },
  {
    name: 'a change of incident mode is left out',
    tell: (log) => log.splice(ended, 1),
    expect: [`${other - 1} incident_order`, ...after.map((index) => `${index - 1} incident_false`)],
    says: /change 4 comes after 2/,
  },
]

/** What an honest gate may do, too: decide by what it knew, for as long as it may not have heard. */
export const HONEST_DELAYS: readonly {
  readonly name: string
  readonly tell: (log: Unfolded[]) => void
}[] = [
  { name: 'not having heard of the start', tell: (log) => decideAs(log, denied, before) },
  { name: 'not having heard of the end', tell: (log) => decideAs(log, after[0], during[0]) },
]
