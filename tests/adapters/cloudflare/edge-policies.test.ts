/**
 * Activations over several logs: one numbers, the others are told; whoever decides hears of it in time or refuses.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createEdgePolicies,
  type EdgePolicies,
} from '../../../src/adapters/cloudflare/edge-policies.ts'
import { COMPARE_MS } from '../../../src/adapters/cloudflare/sequencer-compare.ts'
import { FRESH_MS, LEAD_MS } from '../../../src/adapters/cloudflare/sequencer-revisions.ts'
import {
  createReady,
  type KnownReady,
  type Ready,
} from '../../../src/adapters/cloudflare/subject-ready.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import type { Wish } from '../../../src/core/policy/activation.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { DAY_MS, type EpochMs, epochMs } from '../../../src/core/time.ts'
import type { ActivePolicy } from '../../../src/ports.ts'
import { aLog, KEY, type TestLog } from '../../support/edge-logs.ts'

let made = 0

function aPolicy(name = `p${++made}`): ActivePolicy {
  const bytes = utf8(
    `livegate: policy/v1\nname: ${name}\nrules: [{ id: all, when: incident.active, outcome: deny }]\n`,
  )
  const compiled = compilePolicy(bytes, { file: 'p.yaml' })
  if (!compiled.ok) throw new Error('the policy does not compile')
  return { plan: compiled.value.plan, bytes }
}

let now: EpochMs
const clock = { now: (): EpochMs => now }
let logs: readonly TestLog[]
let bundled: ActivePolicy
let policies: EdgePolicies

function worker(bundle: ActivePolicy): EdgePolicies {
  return createEdgePolicies({ logs: logs.map(({ rpc }) => rpc), bundled: bundle, clock })
}

/** What a subject of a shard asks, in an isolate of its own. */
function subjectOf(shard: number, known: KnownReady = new Map()): Ready {
  const [log, first] = [logs[shard], logs[0]]
  if (log === undefined || first === undefined) throw new Error('there is no such log')
  const caller = { kid: KEY.signer.kid, shards: logs.length, pepper: 'p' }
  const names = { object: `log-${shard}`, origin: `gate.example/log/${shard}` }
  return createReady({ known, ...names, bundled, caller, clock, log: log.rpc, first: first.rpc })
}

async function decidedBy(ready: Ready): Promise<string> {
  await ready.known()
  const { plan } = ready.policies.active(now)
  return `${plan.name} ${plan.revision}`
}

function wish({ plan }: ActivePolicy, more: Partial<Wish> = {}): Wish {
  const what = { cause: 'activation', source: 'api', digest: plan.digest, name: plan.name } as const
  const when = { by: 'author', note: null, activate_at: null, expect_revision: null }
  return { ...what, ...when, ...more } as Wish
}

const revisionsOf = (): readonly number[][] =>
  logs.map(({ revisions }) => revisions.list().map(({ revision }) => revision))

beforeEach(() => {
  now = epochMs(Date.UTC(2026, 10, 20, 12))
  const first = aLog('gate.example/log/0', clock)
  logs = [first, ...[1, 2].map((shard) => aLog(`gate.example/log/${shard}`, clock, first.rpc))]
  bundled = aPolicy()
  policies = worker(bundled)
})

describe('a deployment that begins', () => {
  it('has its bundle as revision 1 in each log that decides, whichever comes first', async () => {
    const name = bundled.plan.name
    expect(await decidedBy(subjectOf(2))).toBe(`${name} 1`)
    expect(revisionsOf()).toEqual([[1], [], [1]])
    expect(await decidedBy(subjectOf(0))).toBe(`${name} 1`)
    expect(await decidedBy(subjectOf(1))).toBe(`${name} 1`)
    expect(revisionsOf()).toEqual([[1], [1], [1]])
  })

  it('catches up a log that is asked for the first time after others have gone on', async () => {
    await decidedBy(subjectOf(0))
    const [, second] = logs
    const next = aPolicy()
    if (second !== undefined) second.away = true
    await expect(policies.commit(wish(next), next.bytes)).rejects.toThrow('Cannot reach an object')
    expect(revisionsOf()).toEqual([[1], [], []])
    if (second !== undefined) second.away = false
    await policies.commit(wish(next), next.bytes)
    expect(revisionsOf()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
  })
})

describe('an activation', () => {
  beforeEach(async () => {
    for (const shard of [0, 1, 2]) await decidedBy(subjectOf(shard))
  })

  it('decides in every log from the same instant on, and nobody has not heard of it by then', async () => {
    const isolates = [0, 1, 2].map((shard) => subjectOf(shard))
    for (const one of isolates) await decidedBy(one)
    const next = aPolicy()
    const done = await policies.commit(wish(next), next.bytes)
    expect(done).toMatchObject({
      is: 'new',
      activation: { revision: 2, active_from: now + LEAD_MS },
    })
    const { name } = bundled.plan
    for (let passed = 0; passed < LEAD_MS; passed += 2_500) {
      for (const one of isolates) expect(await decidedBy(one)).toBe(`${name} 1`)
      now = epochMs(now + 2_500)
    }
    for (const one of isolates) expect(await decidedBy(one)).toBe(`${next.plan.name} 2`)
  })

  it('refuses whoever cannot ask their log any more, sooner than it takes effect', async () => {
    const one = subjectOf(1)
    await decidedBy(one)
    const next = aPolicy()
    await policies.commit(wish(next), next.bytes)
    const [, second] = logs
    if (second !== undefined) second.away = true
    now = epochMs(now + FRESH_MS - 1)
    expect(await decidedBy(one)).toBe(`${bundled.plan.name} 1`)
    now = epochMs(now + 1)
    await expect(decidedBy(one)).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(FRESH_MS + 2_000).toBeLessThan(LEAD_MS)
  })

  it('that reached the first log only is carried on by the same request, or by the tick', async () => {
    for (const carry of [() => policies.spread(), () => policies.tick()]) {
      const next = aPolicy()
      await logs[0]?.revisions.activate(wish(next), next.bytes)
      const before = revisionsOf()
      expect(before[0]?.length).toBe((before[1]?.length ?? 0) + 1)
      await carry()
      expect(new Set(revisionsOf().map((all) => all.join())).size).toBe(1)
    }
  })

  it('that nobody carried on is in force everywhere in time all the same', async () => {
    const isolates = [0, 1, 2].map((shard) => subjectOf(shard))
    for (const one of isolates) await decidedBy(one)
    const next = aPolicy()
    // Whoever activated it died before any other log heard of it.
    await logs[0]?.revisions.activate(wish(next), next.bytes)
    expect(revisionsOf()).toEqual([[1, 2], [1], [1]])
    // Decisions at every moment from then on; each takes two seconds at most.
    for (let passed = 0; passed <= LEAD_MS + 2_000; passed += 500) {
      for (const one of isolates) {
        await one.known()
        const late = epochMs(now + 2_000)
        if (passed + 2_000 >= LEAD_MS) expect(one.policies.active(late).plan.revision).toBe(2)
      }
      now = epochMs(now + 500)
    }
    expect(FRESH_MS + COMPARE_MS + 2_000).toBeLessThan(LEAD_MS)
    expect(revisionsOf()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
  })

  it('is not waited for where the first log is away, and learned as soon as it is back', async () => {
    const one = subjectOf(1)
    await decidedBy(one)
    const next = aPolicy()
    await logs[0]?.revisions.activate(wish(next), next.bytes)
    const [first] = logs
    if (first === undefined) throw new Error('there is no first log')
    first.away = true
    now = epochMs(now + LEAD_MS)
    expect(await decidedBy(one)).toBe(`${bundled.plan.name} 1`)
    first.away = false
    now = epochMs(now + FRESH_MS)
    expect(await decidedBy(one)).toBe(`${next.plan.name} 2`)
  })

  it('is carried on by who made it, although the first log is away right after it said so', async () => {
    const [first] = logs
    if (first === undefined) throw new Error('there is no first log')
    const { activate } = first.rpc
    first.rpc.activate = async (...given) => {
      const answer = await activate(...given)
      first.away = true
      return answer
    }
    const next = aPolicy()
    await expect(worker(bundled).commit(wish(next), next.bytes)).rejects.toThrow('Cannot reach')
    expect(revisionsOf()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
  })

  it('that one of the others has heard of is heard of by all with the tick, while the first log is away', async () => {
    const [first, second] = logs
    if (first === undefined || second === undefined) throw new Error('there is no such log')
    const next = aPolicy()
    await first.revisions.activate(wish(next), next.bytes)
    await second.revisions.learn(first.revisions.list(), [
      { digest: next.plan.digest, bytes: next.bytes },
    ])
    first.away = true
    await expect(policies.tick()).rejects.toThrow('Cannot reach')
    expect(revisionsOf()[2]).toEqual([1, 2])
  })

  it('is not told before the one it follows', async () => {
    const [first] = logs
    if (first === undefined) throw new Error('there is no first log')
    const [unheard, next] = [aPolicy(), aPolicy()]
    // They have compared themselves just now.
    for (const shard of [1, 2]) await decidedBy(subjectOf(shard))
    await first.revisions.activate(wish(unheard), unheard.bytes)
    const { activate } = first.rpc
    first.rpc.activate = async (...given) => {
      const answer = await activate(...given)
      first.away = true
      return answer
    }
    await expect(worker(bundled).commit(wish(next), next.bytes)).rejects.toThrow('Cannot reach')
    expect(revisionsOf()).toEqual([[1, 2, 3], [1], [1]])
    first.away = false
    await policies.tick()
    expect(new Set(revisionsOf().map((all) => all.join()))).toEqual(new Set(['1,2,3']))
  })

  it('that a log has heard of but cannot take stops its answers', async () => {
    const [first, second] = logs
    const next = aPolicy()
    await first?.revisions.activate(wish(next), next.bytes)
    if (first === undefined || second === undefined) throw new Error('there is no such log')
    // Its text does not arrive.
    first.rpc.policyText = async () => ({ ok: true, value: null })
    now = epochMs(now + LEAD_MS)
    await expect(decidedBy(subjectOf(1))).rejects.toMatchObject({ code: 'internal' })
  })

  it('of two authors at once is one’s where they know the same revision', async () => {
    const [a, b] = [aPolicy(), aPolicy()]
    const both = await Promise.all(
      [a, b].map((one) => policies.commit(wish(one, { expect_revision: 1 }), one.bytes)),
    )
    expect(both.map(({ is }) => is).sort()).toEqual(['new', 'refused'])
  })

  it('learned twice, or out of a log that is behind, changes nothing', async () => {
    const all = logs[0]?.revisions.list() ?? []
    await logs[1]?.revisions.learn(all, [])
    await logs[1]?.revisions.learn([], [])
    expect(revisionsOf()[1]).toEqual([1])
  })
})

describe('a bundle', () => {
  it('that changed is activated by the tick, once, and not by one rolled out before it', async () => {
    for (const shard of [0, 1, 2]) await decidedBy(subjectOf(shard))
    await policies.tick()
    expect(revisionsOf()[0]).toEqual([1])
    now = epochMs(now + DAY_MS)
    const newer = worker(aPolicy())
    await newer.tick()
    await newer.tick()
    await policies.tick()
    expect(revisionsOf()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
  })

  it('does not begin a deployment nobody has asked anything', async () => {
    await policies.tick()
    expect(revisionsOf()).toEqual([[], [], []])
    expect((await policies.active()).plan.digest).toBe(bundled.plan.digest)
  })
})
