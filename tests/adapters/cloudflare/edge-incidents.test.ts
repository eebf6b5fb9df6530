/**
 * Incident mode over several logs: one numbers, all have it before anybody is told, and no decision that starts after an
 * answer can have heard less.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createEdgeIncidents,
  type EdgeIncidents,
  HEARD_MS,
} from '../../../src/adapters/cloudflare/edge-incidents.ts'
import { COMPARE_MS } from '../../../src/adapters/cloudflare/sequencer-compare.ts'
import { FRESH_MS } from '../../../src/adapters/cloudflare/sequencer-revisions.ts'
import {
  createReady,
  type KnownReady,
  type Ready,
} from '../../../src/adapters/cloudflare/subject-ready.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { UNCONFIRMED_MS } from '../../../src/core/incident.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { addMs, type EpochMs, epochMs, HOUR_MS } from '../../../src/core/time.ts'
import { createIncidentDesk, type IncidentDesk } from '../../../src/gate/incident.ts'
import type { ActivePolicy } from '../../../src/ports.ts'
import { aLog, KEY, type PolicyRpc, type TestLog } from '../../support/edge-logs.ts'

let now: EpochMs
const clock = { now: (): EpochMs => now }
let logs: readonly [TestLog, TestLog, TestLog]
let incidents: EdgeIncidents
let desk: IncidentDesk
/** Answers that wait until everybody has heard. */
let waiting: { readonly ms: number; readonly fire: () => void }[]

const RULE = 'rules: [{ id: all, when: incident.active, outcome: deny }]'

function bundled(): ActivePolicy {
  const bytes = utf8(`livegate: policy/v1\nname: p\n${RULE}\n`)
  const compiled = compilePolicy(bytes, { file: 'p.yaml' })
  if (!compiled.ok) throw new Error('the policy does not compile')
  return { plan: compiled.value.plan, bytes }
}

beforeEach(() => {
  now = epochMs(Date.UTC(2026, 10, 20, 12))
  waiting = []
  const first = aLog('gate.example/log/0', clock)
  const more = (shard: number): TestLog => aLog(`gate.example/log/${shard}`, clock, first.rpc)
  logs = [first, more(1), more(2)]
  incidents = createEdgeIncidents({
    logs: logs.map(({ rpc }) => rpc),
    after(ms, fire) {
      waiting.push({ ms, fire })
      return () => {}
    },
  })
  desk = createIncidentDesk({ ...incidents, clock })
})

/** What a subject of a shard sees, in an isolate of its own. */
function subjectOf(shard: 0 | 1 | 2, log: PolicyRpc = logs[shard].rpc): Ready {
  const caller = { kid: KEY.signer.kid, shards: logs.length, pepper: 'p' }
  const names = { object: `log-${shard}`, origin: `gate.example/log/${shard}` }
  const known: KnownReady = new Map()
  const asked = { log, first: logs[0].rpc }
  return createReady({ known, ...names, bundled: bundled(), caller, clock, ...asked })
}

async function seenBy(ready: Ready): Promise<boolean> {
  await ready.known()
  return ready.incident(now).active
}

/** Lets calls between logs come back. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise<void>((done) => setImmediate(done))
}

const start = (by = 'key_a') =>
  desk.start({ scope: 'all', reason: 'copies', expires_at: addMs(now, 6 * HOUR_MS), by })

/** Until the answer waits for those who have not heard; then time passes, and it comes. */
async function answered<T>(work: Promise<T>): Promise<T> {
  await settle()
  for (const { ms, fire } of waiting.splice(0)) {
    now = addMs(now, ms)
    fire()
  }
  return work
}

describe('a change', () => {
  it('is in every log under its number before it is answered, and then by nobody unseen', async () => {
    const early = [subjectOf(0), subjectOf(1), subjectOf(2)] as const
    for (const ready of early) expect(await seenBy(ready)).toBe(false)
    let told = false
    const work = start().then((done) => {
      told = true
      return done
    })
    await settle()
    expect(told).toBe(false)
    for (const { incidents: own } of logs)
      expect(own.list().map(({ change }) => change)).toEqual([1])
    // Who asked just before may go on by what they know, and not a millisecond longer than the answer waits.
    now = addMs(now, FRESH_MS - 1)
    expect(await seenBy(early[1])).toBe(false)
    now = addMs(now, HEARD_MS - FRESH_MS + 1)
    expect(waiting.map(({ ms }) => ms)).toEqual([HEARD_MS])
    for (const { fire } of waiting) fire()
    expect(await work).toMatchObject({ changed: true, incident: { ended: null } })
    for (const ready of early) expect(await seenBy(ready)).toBe(true)
  })

  it('of each kind is heard of like that', async () => {
    const { incident } = await answered(start())
    const ready = subjectOf(2)
    await answered(desk.confirm(incident.id, 'key_b'))
    now = addMs(now, UNCONFIRMED_MS)
    expect(await seenBy(ready)).toBe(true)
    await answered(desk.end('key_a'))
    expect(await seenBy(ready)).toBe(false)
  })

  it('that was so already is waited for as well: who asked before may not have been answered', async () => {
    const expires_at = addMs(now, 6 * HOUR_MS)
    const wish = { scope: 'all', reason: 'copies', expires_at, by: 'key_a' }
    await answered(desk.start(wish))
    const again = desk.start(wish)
    await settle()
    expect(waiting).toHaveLength(1)
    expect(await answered(again)).toMatchObject({ changed: false })
    expect(logs[0].incidents.list()).toHaveLength(1)
  })

  it('that is refused is answered at once', async () => {
    await answered(start())
    await expect(start('key_b')).rejects.toMatchObject({ code: 'conflict' })
    expect(waiting).toEqual([])
  })
})

describe('a log that is away', () => {
  it('makes the answer 503; the same again carries it there', async () => {
    logs[2].away = true
    const expires_at = addMs(now, HOUR_MS)
    const wish = { scope: 'all', reason: 'copies', expires_at, by: 'key_a' }
    await expect(desk.start(wish)).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(logs[1].incidents.list()).toHaveLength(1)
    logs[2].away = false
    expect(await answered(desk.start(wish))).toMatchObject({ changed: false })
    expect(logs[2].incidents.list()).toEqual(logs[0].incidents.list())
  })

  it('learns from the first one when it is asked, or by the tick', async () => {
    // Begun before: one without any revision does not compare itself.
    expect(await seenBy(subjectOf(1))).toBe(false)
    expect(await seenBy(subjectOf(2))).toBe(false)
    logs[1].away = true
    logs[2].away = true
    await expect(start()).rejects.toMatchObject({ code: 'log_unavailable' })
    logs[1].away = false
    now = addMs(now, COMPARE_MS)
    expect(await seenBy(subjectOf(1))).toBe(true)
    logs[2].away = false
    await incidents.tick()
    expect(logs[2].incidents.list()).toHaveLength(1)
  })

  it('that numbers changes nothing', async () => {
    logs[0].away = true
    await expect(start()).rejects.toMatchObject({ code: 'log_unavailable' })
    for (const { incidents: own } of logs) expect(own.list()).toEqual([])
  })
})

describe('an end that came by itself', () => {
  it('is seen by instant, and written into every log by the tick', async () => {
    await answered(start())
    const ready = subjectOf(1)
    now = addMs(now, UNCONFIRMED_MS)
    expect(await seenBy(ready)).toBe(false)
    expect(logs[1].incidents.list()).toHaveLength(1)
    await incidents.tick()
    for (const { incidents: own } of logs)
      expect(own.list().map(({ active }) => active)).toEqual([true, false])
    await incidents.tick()
    expect(logs[0].incidents.list()).toHaveLength(2)
  })
})

describe('two at once', () => {
  it('are one incident and a conflict, with one number in every log', async () => {
    const both = Promise.allSettled([start('key_a'), start('key_b')])
    await answered(both)
    const states = (await both).map(({ status }) => status).toSorted()
    expect(states).toEqual(['fulfilled', 'rejected'])
    for (const { incidents: own } of logs)
      expect(own.list().map(({ change }) => change)).toEqual([1])
  })
})

describe('numbers that are missing between', () => {
  it('are not passed over', async () => {
    await answered(start())
    const [one] = logs[0].incidents.list()
    if (one === undefined) throw new Error('nothing was written')
    const jump = logs[1].incidents.learn([{ ...one, change: 3 }])
    await expect(jump).rejects.toThrow(
      'Cannot learn of incidents: 3 comes after 1, expected all between',
    )
  })
})

describe('an answer of the log that was long on its way', () => {
  it('is not decided by: it is asked again, and given up after three', async () => {
    let asked = 0
    let slow = 1
    const late: PolicyRpc = {
      ...logs[1].rpc,
      async ready(...args) {
        asked++
        const reply = await logs[1].rpc.ready(...args)
        if (slow-- > 0) now = addMs(now, FRESH_MS)
        return reply
      },
    }
    expect(await seenBy(subjectOf(1, late))).toBe(false)
    expect(asked).toBe(2)
    asked = 0
    slow = 9
    await expect(seenBy(subjectOf(1, late))).rejects.toThrow('the log answers too late')
    expect(asked).toBe(3)
  })
})
