/**
 * Activations in a Node process: each write broken every way, two authors at once, restarts, clocks that step. After each
 * test the whole log is audited: no decision under a revision the log did not have.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createNodePolicies,
  type NodePolicies,
} from '../../../src/adapters/node/policy-activations.ts'
import { nodeReportSources } from '../../../src/adapters/node/policy-sources.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { DAY_MS, epochMs, HOUR_MS, MINUTE_MS } from '../../../src/core/time.ts'
import {
  type Activating,
  createPolicyDesk,
  type PolicyDesk,
} from '../../../src/gate/policy-desk.ts'
import type { Gate } from '../../../src/gate-types.ts'
import type { GateEvent } from '../../../src/ports.ts'
import { aNodeGate, type NodeGate, START } from '../../support/node-gate.ts'

/** A policy that denies, or allows, everybody; `more` are further lines. */
function text(name: string, outcome: 'deny' | 'none', more = ''): string {
  const when = outcome === 'deny' ? "'true'" : "'false'"
  return `livegate: policy/v1\nname: ${name}\nrules: [{ id: all, when: ${when}, outcome: deny }]\n${more}`
}

function planOf(policy: string): Plan {
  const compiled = compilePolicy(utf8(policy), { file: 'p.yaml' })
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join('\n'))
  return compiled.value.plan
}

type Append = NodeGate['scribe']['append']

interface House {
  readonly policies: NodePolicies
  readonly desk: PolicyDesk
  readonly gate: Gate
  readonly events: GateEvent[]
  /** Fires the timer that is due. */
  ring(): void
  /** Milliseconds until it is. */
  readonly timer: () => number | null
}

let world: NodeGate
let append: Append
let house: House

function open(): House {
  const events: GateEvent[] = []
  let timer: { readonly ms: number; readonly fire: () => void } | null = null
  const policies = createNodePolicies({
    store: world.store,
    scribe: { append: (drafts, requires) => append(drafts, requires) },
    clock: world.time,
    after(ms, fire) {
      timer = { ms, fire }
      return () => {
        timer = null
      }
    },
    observe: (event) => events.push(event),
  })
  const desk = createPolicyDesk({
    ...{ clock: { now: policies.instant }, lead_ms: 0, text: world.store.policyTexts.text },
    ...{ activations: policies.activations, planOf: policies.planOf, commit: policies.commit },
    sources: () =>
      nodeReportSources({
        store: world.store,
        surroundings: { incident: () => ({ active: false }), platform: () => ({}) },
        facts_max_age_ms: 30 * DAY_MS,
      }),
  })
  return {
    ...{ policies, desk, events, gate: world.gateUnder(policies) },
    ring: () => timer?.fire(),
    timer: () => timer?.ms ?? null,
  }
}

beforeEach(async () => {
  world = await aNodeGate()
  append = world.scribe.append
  house = open()
})
afterEach(async () => {
  const { findings } = await world.audit()
  await world.close()
  expect(findings).toEqual([])
})

const fromFile = (policy: string): Promise<void> =>
  house.policies.fromFile(utf8(policy), planOf(policy))

interface Wish {
  readonly at?: number
  readonly expect?: number
  readonly dry?: boolean
}

async function put(policy: string, { at, expect: expected, dry }: Wish = {}): Promise<Activating> {
  return house.desk.activate({
    ...{ bytes: utf8(policy), by: 'author', note: null, decisions: null },
    ...{ dry_run: dry ?? false, expect_revision: expected ?? null },
    activate_at: at === undefined ? null : epochMs(START + at),
  })
}

function revisionOf(done: Activating): string {
  if (done.is === 'invalid') return 'invalid'
  return `${done.is} ${done.activation.revision}`
}

async function outcome(subject = 'u'): Promise<string> {
  const request = {
    subject,
    stream: { id: 'b' },
    request: {},
    facts: {},
    supports: [],
    caller: 'k',
  }
  const { policy, outcome: found } = await house.gate.decide(request)
  return `${policy.name} ${policy.revision} ${found}`
}

const change = { by: 'author', note: null, expect_revision: null }

describe('the file', () => {
  it('is the first revision, and is not activated again by a restart', async () => {
    await fromFile(text('file', 'none'))
    expect(await outcome()).toBe('file 1 allow')
    world = await world.restart()
    append = world.scribe.append
    house = open()
    expect(await outcome('v')).toBe('file 1 allow')
    await fromFile(text('file', 'none'))
    expect(house.policies.activations()).toHaveLength(1)
  })

  it('does not take over from the API until it changes', async () => {
    await fromFile(text('file', 'none'))
    await put(text('api', 'deny'))
    await fromFile(text('file', 'none'))
    expect(await outcome()).toBe('api 2 deny')
    await fromFile(text('edited', 'none'))
    expect(await outcome('v')).toBe('edited 3 allow')
  })

  it('counts as having said what the API had said before it', async () => {
    await fromFile(text('file', 'none'))
    await put(text('both', 'deny'))
    await fromFile(text('both', 'deny'))
    await put(text('later', 'none'))
    await fromFile(text('both', 'deny'))
    expect(await outcome()).toBe('later 4 allow')
  })
})

describe('an activation', () => {
  beforeEach(() => fromFile(text('file', 'none')))

  it('decides at once, under the next number, and says so', async () => {
    expect(revisionOf(await put(text('api', 'deny')))).toBe('new 2')
    expect(await outcome()).toBe('api 2 deny')
    expect(house.events).toMatchObject([
      { type: 'policy_active', name: 'file', revision: 1 },
      { type: 'policy_active', name: 'api', revision: 2 },
    ])
  })

  it('of what decides already changes nothing', async () => {
    expect(revisionOf(await put(text('file', 'none')))).toBe('same 1')
    expect(house.policies.activations()).toHaveLength(1)
  })

  it('of what does not compile changes nothing', async () => {
    expect(
      await put('livegate: policy/v1\nname: x\nrules: [{ id: a, outcme: deny }]\n'),
    ).toMatchObject({
      is: 'invalid',
      diagnostics: [
        { code: 'missing-key' },
        { code: 'unknown-key', hint: 'did you mean `outcome`?' },
      ],
    })
    expect(await outcome()).toBe('file 1 allow')
  })

  it('that is only tried changes nothing', async () => {
    expect(revisionOf(await put(text('api', 'deny'), { dry: true }))).toBe('dry 2')
    expect([await outcome(), house.policies.activations().length]).toEqual(['file 1 allow', 1])
  })

  it('of two authors who know the same revision is one’s', async () => {
    const both = await Promise.allSettled([
      put(text('a', 'deny'), { expect: 1 }),
      put(text('b', 'deny'), { expect: 1 }),
    ])
    const [won, lost] = both.toSorted((a, b) => (a.status < b.status ? -1 : 1))
    expect(won).toMatchObject({ status: 'fulfilled' })
    expect(lost).toMatchObject({
      reason: {
        code: 'conflict',
        message: 'Cannot activate the policy: the newest revision is 2, expected 1',
      },
    })
  })

  it('of many authors at once who expect nothing gets numbers of their own', async () => {
    const names = ['a', 'b', 'c']
    const done = await Promise.all(names.map((name) => put(text(name, 'deny'))))
    expect(done.map(revisionOf).sort()).toEqual(['new 2', 'new 3', 'new 4'])
  })

  it('repeated by somebody who missed the answer is the same one', async () => {
    await put(text('api', 'deny'), { expect: 1 })
    expect(revisionOf(await put(text('api', 'deny'), { expect: 1 }))).toBe('same 2')
  })

  it('gives the same question a new record, although nothing else changed', async () => {
    await put(text('api', 'deny'))
    expect([await outcome(), await outcome()]).toEqual(['api 2 deny', 'api 2 deny'])
    await put(text('other', 'none'))
    await house.desk.rollback(change)
    expect(await outcome()).toBe('api 4 deny')
    const decisions = world.entries().filter(({ typ }) => typ === 'livegate-decision+jwt')
    expect(decisions.map(({ claims }) => claims.revision)).toEqual([2, 4])
  })
})

describe('an activation at a time', () => {
  beforeEach(() => fromFile(text('file', 'none')))

  it('waits for it to the millisecond, also over a restart', async () => {
    await put(text('later', 'deny'), { at: HOUR_MS })
    world.time.pass(HOUR_MS - 1)
    expect(await outcome()).toBe('file 1 allow')
    world = await world.restart()
    append = world.scribe.append
    house = open()
    expect(await outcome('v')).toBe('file 1 allow')
    world.time.pass(1)
    expect(await outcome('w')).toBe('later 2 deny')
  })

  it('is told when it comes, by a timer that is never longer than a day', async () => {
    await put(text('later', 'deny'), { at: 3 * DAY_MS })
    for (const left of [DAY_MS, DAY_MS, DAY_MS]) {
      expect(house.timer()).toBe(left)
      world.time.pass(left)
      house.ring()
    }
    expect([house.timer(), house.events.at(-1)]).toMatchObject([null, { revision: 2 }])
  })

  it('can be called off, under a number of its own', async () => {
    await put(text('later', 'deny'), { at: HOUR_MS })
    const stopped = await house.desk.cancel(change)
    expect(stopped).toMatchObject({
      is: 'new',
      activation: { revision: 3, cause: 'cancellation' },
      supersedes: [2],
    })
    world.time.pass(2 * HOUR_MS)
    expect(await outcome()).toBe('file 3 allow')
    await expect(house.desk.cancel(change)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('gives way to one at once', async () => {
    await put(text('later', 'deny'), { at: HOUR_MS })
    expect(await put(text('now', 'none'))).toMatchObject({ supersedes: [2] })
    world.time.pass(2 * HOUR_MS)
    expect(await outcome()).toBe('now 3 allow')
  })

  const REFUSED: readonly (readonly [string, number, string])[] = [
    ['in the past', -1, '`activate_at` is not ahead of now'],
    ['more than thirty days ahead', 30 * DAY_MS + 1, 'more than 30 days ahead'],
  ]
  for (const [name, at, why] of REFUSED)
    it(`is refused ${name}`, () => expect(put(text('x', 'deny'), { at })).rejects.toThrow(why))

  it('is refused while another one is to come', async () => {
    await put(text('later', 'deny'), { at: HOUR_MS })
    await expect(put(text('x', 'none'), { at: 2 * HOUR_MS })).rejects.toThrow(
      'Cannot activate the policy: revision 2 takes effect at 2026-11-20T13:00:00.000Z; cancel it or wait',
    )
  })
})

describe('a rollback', () => {
  beforeEach(() => fromFile(text('file', 'none')))

  it('activates the text before, under a new number; again the one before that', async () => {
    await put(text('api', 'deny'))
    await put(text('third', 'deny'))
    expect(revisionOf(await house.desk.rollback(change))).toBe('new 4')
    expect(await outcome()).toBe('api 4 deny')
    expect(revisionOf(await house.desk.rollback(change))).toBe('new 5')
    expect(await outcome('v')).toBe('file 5 allow')
    await expect(house.desk.rollback(change)).rejects.toThrow('no other revision decided before')
  })

  it('undoes: a policy without a rule, in force for a minute, lifts nothing for good', async () => {
    const grave = `livegate: policy/v1\nname: grave\nrules:\n  - { id: grave, count: { category: '*' }, ladder: { 1: 10d }, outcome: deny }\n`
    await fromFile(grave)
    world.time.pass(MINUTE_MS)
    const strike = { category: 'spam', severity: 'high', issued_at: world.time.now() } as const
    await house.gate.strike({ ...strike, id: 's1', subject: 'u' })
    await put(text('mistake', 'none'))
    world.time.pass(MINUTE_MS)
    expect((await house.gate.subject('u')).restrictions).toEqual([])
    await house.desk.rollback(change)
    world.time.pass(1)
    const restored = [{ rule: 'grave', until: START + MINUTE_MS + 10 * DAY_MS }]
    expect((await house.gate.subject('u')).restrictions).toMatchObject(restored)
  })

  it('repeated by somebody who missed the answer does not roll forward', async () => {
    await put(text('api', 'deny'))
    await house.desk.rollback({ ...change, expect_revision: 2 })
    expect(revisionOf(await house.desk.rollback({ ...change, expect_revision: 2 }))).toBe('same 3')
  })

  it('needs a text before', async () => {
    await expect(house.desk.rollback(change)).rejects.toThrow(
      'Cannot roll the policy back: no other revision decided before, expected one',
    )
  })
})

describe('when the write of an activation', () => {
  const FAULTS: readonly {
    readonly name: string
    readonly fault: (
      drafts: Parameters<Append>[0],
      requires: Parameters<Append>[1],
    ) => Promise<void>
    readonly after: string
    readonly again: string
  }[] = [
    {
      name: 'is lost, nothing changes, and again it is done',
      fault: () => Promise.reject(new Error('lost')),
      after: 'file 1 allow',
      again: 'new 2',
    },
    {
      name: 'is done and said to be lost, it decides, and again it is the same',
      fault: async (drafts, requires) => {
        await world.scribe.append(drafts, requires)
        throw new Error('lost')
      },
      after: 'api 2 deny',
      again: 'same 2',
    },
    {
      name: 'puts the text there and not the activation, nothing changes, and again it is done',
      fault: async (drafts, requires) => {
        await world.scribe.append(
          drafts.filter(({ kind }) => kind === 'policy'),
          requires.slice(0, 1),
        )
        throw new Error('killed')
      },
      after: 'file 1 allow',
      again: 'new 2',
    },
    {
      name: 'is lost while the log has halted, nothing changes',
      fault: () => Promise.reject(new Error('halted')),
      after: 'file 1 allow',
      again: 'new 2',
    },
  ]
  for (const { name, fault, after, again } of FAULTS)
    for (const restarted of [false, true])
      it(`${name}${restarted ? ', also after a restart' : ''}`, async () => {
        await fromFile(text('file', 'none'))
        append = fault
        await expect(put(text('api', 'deny'))).rejects.toThrow()
        append = world.scribe.append
        if (restarted) {
          world = await world.restart()
          append = world.scribe.append
          house = open()
        }
        expect(await outcome()).toBe(after)
        expect(revisionOf(await put(text('api', 'deny')))).toBe(again)
        expect(await outcome('v')).toBe('api 2 deny')
      })
})

describe('when the clock steps back', () => {
  it('what decides goes on deciding, at no instant before it began, also after a restart', async () => {
    world.time.pass(HOUR_MS)
    await fromFile(text('file', 'none'))
    await put(text('api', 'deny'))
    world.time.pass(-30 * MINUTE_MS)
    expect(await outcome()).toBe('api 2 deny')
    world = await world.restart()
    append = world.scribe.append
    house = open()
    expect(await outcome('v')).toBe('api 2 deny')
    expect(revisionOf(await put(text('third', 'none')))).toBe('new 3')
    expect(await outcome('w')).toBe('third 3 allow')
  })

  it('what was scheduled and has begun goes on in this process', async () => {
    await fromFile(text('file', 'none'))
    await put(text('later', 'deny'), { at: HOUR_MS })
    world.time.pass(HOUR_MS)
    house.ring()
    world.time.pass(-MINUTE_MS)
    expect(await outcome()).toBe('later 2 deny')
  })
})

describe('a policy that grows stale', () => {
  const CASES = [
    { effect: 'keep', outcome: 'allow' },
    { effect: 'unknown', outcome: 'delay' },
    { effect: 'deny', outcome: 'deny' },
  ]
  for (const { effect, outcome: expected } of CASES)
    it(`\`${effect}\` answers ${expected} from that millisecond on`, async () => {
      const more = `max_age: 2d\non_stale: ${effect}\n`
      await fromFile(text('old', 'none', more))
      world.time.pass(2 * DAY_MS - 1)
      expect(await outcome()).toBe('old 1 allow')
      world.time.pass(1)
      expect(await outcome('v')).toBe(`old 1 ${expected}`)
    })

  it('says so once, at that instant and after a restart, and is young again with another text', async () => {
    await fromFile(text('old', 'none', 'max_age: 2d\non_stale: deny\n'))
    const said = (): readonly unknown[] =>
      house.events.filter(({ type }) => type === 'policy_stale').map((event) => ({ ...event }))
    for (const left of [DAY_MS, DAY_MS]) {
      expect([house.timer(), said()]).toEqual([left, []])
      world.time.pass(left)
      house.ring()
    }
    const stale = { type: 'policy_stale', name: 'old', revision: 1, effect: 'deny' }
    expect(said()).toMatchObject([stale])
    expect(house.timer()).toBeNull()
    world = await world.restart()
    append = world.scribe.append
    house = open()
    expect(said()).toMatchObject([stale])
    await put(text('new', 'none', 'max_age: 1h\n'))
    expect([said().length, house.timer()]).toEqual([1, HOUR_MS])
    world.time.pass(HOUR_MS)
    house.ring()
    expect(said().at(-1)).toMatchObject({ name: 'new', effect: 'keep' })
  })

  it('does not become young by the cancellation of another', async () => {
    await fromFile(text('old', 'none', 'max_age: 2d\non_stale: deny\n'))
    world.time.pass(DAY_MS)
    await put(text('later', 'none'), { at: DAY_MS + HOUR_MS })
    await house.desk.cancel(change)
    world.time.pass(DAY_MS)
    expect(await outcome()).toBe('old 3 deny')
  })
})

describe('the report', () => {
  beforeEach(() => fromFile(text('file', 'none')))

  it('counts what the last decisions would have been, and names them', async () => {
    await outcome('u')
    await outcome('v')
    const done = await put(text('api', 'deny'), { dry: true })
    expect(done).toMatchObject({
      report: {
        decisions: 2,
        unchanged: 0,
        changes: { allow_to_deny: 2 },
        rules: { all: { before: 0, after: 2, gained: 2, lost: 0 } },
        examples: [{ change: 'allow_to_deny' }, { change: 'allow_to_deny' }],
      },
    })
  })

  it('says whose restrictions move, by how much, and that earlier strikes keep their length', async () => {
    const ladder = (length: string, more = ''): string =>
      `livegate: policy/v1\nname: ladder\nrules:\n  - { id: grave, count: { category: '*' }, ladder: { 1: ${length} }, outcome: deny${more} }\n`
    await fromFile(ladder('10d'))
    world.time.pass(MINUTE_MS)
    const strike = {
      id: 's1',
      category: 'spam',
      severity: 'high',
      issued_at: world.time.now(),
    } as const
    await house.gate.strike({ ...strike, subject: 'u' })
    world.time.pass(DAY_MS)
    const shorter = await put(ladder('5d'), { dry: true })
    expect(shorter).toMatchObject({
      report: {
        restrictions: {
          ...{ subjects: 1, affected: 1, changes: { shortened: 1 } },
          examples: [{ subject: 'u', rule: 'grave', change: 'shortened', by: 5 * DAY_MS }],
        },
      },
    })
    const longer = await put(ladder('30d'), { dry: true })
    expect(longer).toMatchObject({ report: { restrictions: { subjects: 1, affected: 0 } } })
    const word = ', retroactive: { why: the first ladder was a mistake of ours }'
    const retroactive = await put(ladder('30d', word), { dry: true })
    expect(retroactive).toMatchObject({
      report: { restrictions: { affected: 1, changes: { lengthened: 1 } } },
    })
    await put(ladder('30d'))
    expect((await house.gate.subject('u')).restrictions).toMatchObject([
      { until: START + MINUTE_MS + 10 * DAY_MS },
    ])
  })
})
