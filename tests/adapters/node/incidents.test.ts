/**
 * Incident mode in a Node process: each write broken every way, two at once, restarts, clocks that step. After each test the
 * whole log is audited with every disclosure: no decision by an incident the log did not have, none past one it had.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logPolicy } from '../../../src/adapters/node/bootstrap.ts'
import { createNodeIncidents, type NodeIncidents } from '../../../src/adapters/node/incidents.ts'
import { createSystemRandom } from '../../../src/adapters/node/system.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { type Incident, UNCONFIRMED_MS } from '../../../src/core/incident.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { addMs, type EpochMs, HOUR_MS, MINUTE_MS } from '../../../src/core/time.ts'
import { createIncidentDesk, type IncidentDesk } from '../../../src/gate/incident.ts'
import { incidentReport } from '../../../src/gate/incident-report.ts'
import type { Gate } from '../../../src/gate-types.ts'
import { auditOf } from '../../support/forge.ts'
import { aNodeGate, ISSUER, type NodeGate, ORIGIN } from '../../support/node-gate.ts'

const POLICY = utf8(
  'livegate: policy/v1\nname: p\nrules: [{ id: closed, when: incident.active, outcome: deny }]\n',
)

type Append = NodeGate['scribe']['append']

interface House {
  readonly incidents: NodeIncidents
  readonly desk: IncidentDesk
  readonly gate: Gate
  readonly changes: number[]
  readonly errors: unknown[]
  ring(): void
  readonly timer: () => number | null
}

let world: NodeGate
let append: Append
let house: House
let begun: EpochMs

async function open(): Promise<House> {
  await logPolicy(world.scribe, world.store.log, world.store.signer, POLICY)
  const compiled = compilePolicy(POLICY, { file: 'p.yaml' })
  if (!compiled.ok) throw new Error('the policy does not compile')
  const { plan } = compiled.value
  let timer: { readonly ms: number; readonly fire: () => void } | null = null
  const changes: number[] = []
  const errors: unknown[] = []
  const incidents = createNodeIncidents({
    store: world.store,
    scribe: { append: (drafts, requires) => append(drafts, requires) },
    clock: world.time,
    random: createSystemRandom(),
    after(ms, fire) {
      timer = { ms, fire }
      return () => {
        timer = null
      }
    },
    onChange: () => void changes.push(incidents.changes().length),
    onError: (error) => void errors.push(error),
  })
  const gate = world.gateUnder(
    { active: () => ({ plan, bytes: POLICY }) },
    { incident: (at = world.time.now()) => incidents.facts(at), platform: () => ({}) },
  )
  const desk = createIncidentDesk({ ...incidents, clock: world.time })
  return {
    ...{ incidents, desk, gate, changes, errors },
    ring: () => timer?.fire(),
    timer: () => timer?.ms ?? null,
  }
}

async function restart(): Promise<void> {
  world = await world.restart()
  append = world.scribe.append
  house = await open()
}

beforeEach(async () => {
  world = await aNodeGate()
  begun = world.time.now()
  append = world.scribe.append
  house = await open()
})
afterEach(async () => {
  const { findings } = await audited()
  await world.close()
  expect(findings).toEqual([])
})

/** With everything that was disclosed. */
async function audited(): ReturnType<typeof auditOf> {
  const { records } = await world.store.directory.records({ from: 0, limit: 500 })
  const opened = new Map(records.map(({ jws, openings }) => [jws, openings]))
  const entries = world.bytes().map((jws) => ({
    ...{ jws, kind: 'decision' as const, openings: opened.get(jws) ?? {} },
  }))
  return auditOf(entries, { origin: ORIGIN, issuer: ISSUER })
}

let people = 0
async function outcome(): Promise<string> {
  const request = { stream: {}, request: {}, facts: {}, supports: [], caller: 'k' }
  return (await house.gate.decide({ ...request, subject: `u${++people}` })).outcome
}

/** The same wish for every call of a test. */
function wish(by = 'key_a'): Parameters<IncidentDesk['start']>[0] {
  return { scope: 'all', reason: 'copies', expires_at: addMs(begun, 6 * HOUR_MS), by }
}

async function running(): Promise<Incident> {
  return (await house.desk.start(wish())).incident
}

describe('an incident', () => {
  it('is seen by the next decision, and by none after its end', async () => {
    expect(await outcome()).toBe('allow')
    const { id } = await running()
    expect(await outcome()).toBe('deny')
    expect(house.timer()).toBe(UNCONFIRMED_MS)
    await house.desk.confirm(id, 'key_b')
    world.time.pass(UNCONFIRMED_MS)
    expect(await outcome()).toBe('deny')
    await house.desk.end('key_c')
    expect(await outcome()).toBe('allow')
    expect([house.changes, house.timer()]).toEqual([[1, 2, 3], null])
  })

  it('ends by its instant, before anything was written, then in the log', async () => {
    await running()
    world.time.pass(UNCONFIRMED_MS)
    expect(await outcome()).toBe('allow')
    expect(house.incidents.changes()).toHaveLength(1)
    house.ring()
    await expect.poll(() => house.incidents.changes().length).toBe(2)
    expect(house.incidents.changes().at(-1)).toMatchObject({ active: false, by: 'livegate' })
    expect(house.changes).toEqual([1, 2])
  })

  it('survives a restart, and one over its end ended when it did', async () => {
    const { id, until } = await running()
    await restart()
    expect(await outcome()).toBe('deny')
    world.time.pass(3 * HOUR_MS)
    await restart()
    expect(await outcome()).toBe('allow')
    await house.incidents.resume()
    expect(house.incidents.changes().at(-1)).toMatchObject({ active: false, id, at: until })
    expect(await house.desk.list()).toMatchObject([{ ended: { at: until, by: 'livegate' } }])
  })

  it('that was started stays so when the clock steps back', async () => {
    await running()
    world.time.pass(-HOUR_MS)
    expect(await outcome()).toBe('deny')
    await house.desk.end('key_a')
    expect(await outcome()).toBe('allow')
    world.time.pass(HOUR_MS)
    expect(await outcome()).toBe('allow')
  })

  it('of two at once is one’s', async () => {
    const both = await Promise.allSettled([
      house.desk.start(wish('key_a')),
      house.desk.start(wish('key_b')),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'conflict', message: 'Cannot start incident mode: another one runs' },
    })
  })

  it('gives a repeated question a new record, although the person is the same', async () => {
    const request = { stream: {}, request: {}, facts: {}, supports: [], caller: 'k', subject: 'z' }
    const idempotency = { key: 'one', fingerprint: 'f'.repeat(43) }
    const first = await house.gate.decide({ ...request, idempotency })
    await running()
    const second = await house.gate.decide({ ...request, idempotency })
    expect([first.outcome, second.outcome, second.supersedes]).toEqual(['allow', 'deny', first.id])
  })
})

/** How a write goes wrong, and whether the change is in the log then. */
const FATES: readonly {
  readonly name: string
  readonly fails: (drafts: Parameters<Append>[0], requires: Parameters<Append>[1]) => Promise<void>
  readonly done: boolean
}[] = [
  { name: 'fails', fails: () => Promise.reject(lost()), done: false },
  {
    name: 'is done, but reported failed',
    async fails(...given) {
      await world.scribe.append(...given)
      throw lost()
    },
    done: true,
  },
]
const lost = (): LivegateError => new LivegateError('log_unavailable', 'lost')

const WRITES: readonly {
  readonly name: string
  readonly before: () => Promise<unknown>
  readonly write: () => Promise<unknown>
  /** Outcome when it was not done, and when it was. */
  readonly outcomes: readonly [string, string]
}[] = [
  {
    name: 'a start',
    before: async () => {},
    write: () => house.desk.start(wish()),
    outcomes: ['allow', 'deny'],
  },
  {
    name: 'a confirmation',
    before: running,
    async write() {
      const [one] = await house.desk.list()
      return house.desk.confirm(one?.id ?? '', 'key_b')
    },
    outcomes: ['deny', 'deny'],
  },
  {
    name: 'an end',
    before: running,
    write: () => house.desk.end('key_b'),
    outcomes: ['deny', 'allow'],
  },
]

describe('a write that goes wrong', () => {
  for (const write of WRITES)
    for (const fate of FATES)
      for (const crash of [false, true])
        it(`${write.name} that ${fate.name}${crash ? ', then a crash' : ''}: all or nothing, and again is fine`, async () => {
          await write.before()
          const known = house.incidents.changes().length
          append = fate.fails
          await expect(write.write()).rejects.toMatchObject({ code: 'log_unavailable' })
          append = world.scribe.append
          if (crash) await restart()
          expect(house.incidents.changes()).toHaveLength(known + (fate.done ? 1 : 0))
          expect(await outcome()).toBe(write.outcomes[fate.done ? 1 : 0])
          await write.write()
          expect(house.incidents.changes()).toHaveLength(known + 1)
          expect(await outcome()).toBe(write.outcomes[1])
        })

  it('of an end that came by itself is tried again, and nobody decides by it', async () => {
    await running()
    world.time.pass(UNCONFIRMED_MS)
    append = () => Promise.reject(lost())
    house.ring()
    await expect.poll(() => house.errors.length).toBe(1)
    expect([house.timer(), await outcome()]).toEqual([30_000, 'allow'])
    append = world.scribe.append
    house.ring()
    await expect.poll(() => house.incidents.changes().length).toBe(2)
  })
})

describe('the report', () => {
  it('lists what was decided under it other than allow, counted by rule, and nobody else', async () => {
    const before = await outcome()
    world.time.pass(MINUTE_MS)
    const incident = await running()
    for (let n = 0; n < 5; n++) await outcome()
    await house.desk.end('key_a')
    await outcome()
    expect(before).toBe('allow')
    const sources = { directory: world.store.directory, shards: 1 }
    const ended = (await house.desk.list())[0] ?? incident
    const pages = []
    let cursor: string | null = null
    do {
      const given: { cursor?: string } = cursor === null ? {} : { cursor }
      const page = await incidentReport(sources, ended, { limit: 2, ...given })
      pages.push(page)
      cursor = page.next
    } while (cursor !== null)
    const decisions = pages.flatMap((page) => page.decisions)
    expect(new Set(decisions.map(({ id }) => id)).size).toBe(5)
    expect(decisions.every(({ outcome: found }) => found === 'deny')).toBe(true)
    expect(pages[0]?.counts).toEqual([{ rule: 'closed', outcome: 'deny', count: 2 }])
    expect(pages.flatMap((page) => page.revoked)).toEqual([])
    await expect(incidentReport(sources, ended, { cursor: 'x' })).rejects.toThrow(
      'Cannot continue the report: the cursor is not one of ours',
    )
  })
})
