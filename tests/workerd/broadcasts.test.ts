/**
 * The list of everything that runs, over real objects: of a media server, of everybody in every log, page after page while
 * things begin, go on and end, and when an object does not answer.
 */
import { reset } from 'cloudflare:test'
import { afterAll, describe, expect, it } from 'vitest'
import {
  ASKED_A_PAGE,
  createEdgeBroadcasts,
} from '../../src/adapters/cloudflare/edge-broadcasts.ts'
import { createEdgeDirectory } from '../../src/adapters/cloudflare/edge-directory.ts'
import { createEdgeGate } from '../../src/adapters/cloudflare/edge-gate.ts'
import { shardOf, subjectObjectName } from '../../src/adapters/cloudflare/names.ts'
import type { SequencerRpc } from '../../src/adapters/cloudflare/rpc.ts'
import type { RunningQuery } from '../../src/adapters/cloudflare/rpc-keeper.ts'
import { systemClock as clock } from '../../src/adapters/cloudflare/worker-system.ts'
import { utf8 } from '../../src/core/encoding.ts'
import { DAY_MS, epochMs, MINUTE_MS } from '../../src/core/time.ts'
import type { BroadcastQuery, BroadcastView, OpenBroadcasts } from '../../src/ports.ts'
import { ask, policyOf } from '../support/gate.ts'
import { config, pepper, stubs } from './deployment.ts'
import { lost } from './subject-world.ts'

const { shards } = config
const directory = createEdgeDirectory({ stubs, pepper, shards })
const gate = createEdgeGate({
  ...{ stubs, pepper, after: () => () => {}, keep: () => {}, recordOf: directory.record },
})
const list = createEdgeBroadcasts({ stubs, pepper, shards })

interface Begun {
  readonly subject: string
  readonly id: string
}

let made = 0
async function begun(
  given: { server?: string; session?: string; subject?: string } = {},
): Promise<Begun> {
  const { server, session = 's', subject = `listed-${++made}` } = given
  const at = server === undefined ? {} : { session: { server, session } }
  const { id, outcome } = await gate.decide(ask(subject, at))
  expect(outcome).toBe('allow')
  return { subject, id }
}
const many = (count: number): Promise<readonly Begun[]> =>
  Promise.all(Array.from({ length: count }, () => begun()))

/** Every page; `between` two of them. */
async function pages(
  query: Partial<BroadcastQuery> = {},
  between: () => Promise<void> = async () => {},
  from: OpenBroadcasts = list,
): Promise<readonly (readonly BroadcastView[])[]> {
  const found: (readonly BroadcastView[])[] = []
  let after: string | undefined
  for (;;) {
    const asked = { limit: 200, ...query, ...(after === undefined ? {} : { after }) }
    const { items, next } = await from.list(asked, clock.now())
    found.push(items)
    if (next === null) return found
    after = next
    await between()
  }
}
const ids = (found: readonly (readonly BroadcastView[])[]): readonly string[] =>
  found.flat().map(({ id }) => id)

/** The deployment's objects, some of whose calls are answered otherwise. */
function listWith(
  sequencer: (log: SequencerRpc, shard: number) => Partial<SequencerRpc>,
): OpenBroadcasts {
  const of = (shard: number): SequencerRpc => {
    const log = stubs.sequencer(shard)
    const other = sequencer(log, shard)
    return new Proxy(log, {
      get: (_, name) => Reflect.get({ [name]: Reflect.get(log, name), ...other }, name),
    })
  }
  return createEdgeBroadcasts({ stubs: { ...stubs, sequencer: of }, pepper, shards })
}

afterAll(reset)

describe('the sessions of a media server', () => {
  it('are listed in pages, each with what its subject runs under it, and only its own', async () => {
    const [one, two] = [
      await begun({ server: 'a', session: '1' }),
      await begun({ server: 'a', session: '2' }),
    ]
    const same = await begun({ server: 'a', session: '3', subject: one.subject })
    await begun({ server: 'b', session: '1' })
    await begun({ subject: one.subject })
    for (const limit of [1, 2, 200]) {
      const found = await pages({ server: 'a', limit })
      expect(ids(found)).toEqual([one.id, two.id, same.id])
      for (const page of found) expect(page.length).toBeLessThanOrEqual(limit)
    }
    await gate.endSession('a', '2')
    expect(ids(await pages({ server: 'a' }))).toEqual([one.id, same.id])
  })

  it('are told apart by whether they are being cut', async () => {
    const [runs, cut] = [
      await begun({ server: 'c', session: '1' }),
      await begun({ server: 'c', session: '2' }),
    ]
    const { subject } = cut
    const strike = {
      id: `s-${subject}`,
      subject,
      category: 'terrorism.link',
      severity: 'high',
    } as const
    await gate.strike({ ...strike, issued_at: clock.now() })
    expect(ids(await pages({ server: 'c', cutting: false }))).toEqual([runs.id])
    const [found] = (await pages({ server: 'c', cutting: true })).flat()
    expect(found).toMatchObject({ id: cut.id, server: 'c', cutting: { cause: 'strike' } })
    expect(ids(await pages({ cutting: true }))).toContain(cut.id)
  })
})

describe('everything that runs', () => {
  it('is listed, of every log, though it is more than a page may ask', async () => {
    const all = await many(ASKED_A_PAGE + 20)
    const found = await pages({ limit: 1_000 })
    expect(found.length).toBeGreaterThan(1)
    for (const page of found)
      expect(new Set(page.map(({ subject }) => subject)).size).toBeLessThanOrEqual(ASKED_A_PAGE)
    const [listed, once] = [ids(found), new Set(ids(found))]
    expect(listed).toHaveLength(once.size)
    for (const { id } of all) expect(once).toContain(id)
    const logs = new Set(
      found.flat().map(({ subject }) => shardOf(subjectObjectName(pepper, subject), shards)),
    )
    expect(logs.size).toBe(shards)
  })

  it('is listed though it is renewed between two pages, and pages end though more begins than they bring', async () => {
    const before = await many(24)
    const later: Begun[] = []
    let turn = 0
    const found = await pages({ limit: 4 }, async () => {
      const one = before[turn++ % before.length]
      if (one !== undefined) await gate.renew({ broadcast: one.id, caller: 'test' })
      later.push(...(await many(20)))
    })
    expect(turn).toBeGreaterThan(1)
    const listed = new Set(ids(found))
    for (const { id } of before) expect(listed).toContain(id)
    expect(later.some(({ id }) => !listed.has(id))).toBe(true)
  })

  it('is not said to be all there is while somebody’s object or a log does not answer', async () => {
    const { subject } = await begun({ server: 'd', session: '1' })
    const name = subjectObjectName(pepper, subject)
    const silent: typeof stubs.subject = (asked) =>
      asked === name
        ? { ...stubs.subject(asked), life: () => Promise.reject(lost()) }
        : stubs.subject(asked)
    const with_silent = createEdgeBroadcasts({
      stubs: { ...stubs, subject: silent },
      pepper,
      shards,
    })
    const without_log = listWith((_log, shard) =>
      shard === 0 ? {} : { running: () => Promise.reject(lost()) },
    )
    const gone = { code: 'log_unavailable' }
    await expect(pages({}, undefined, with_silent)).rejects.toMatchObject(gone)
    await expect(pages({ server: 'd' }, undefined, with_silent)).rejects.toMatchObject(gone)
    await expect(pages({}, undefined, without_log)).rejects.toMatchObject(gone)
  })

  it('is looked for over the longest lease, and over the time a cut is tried for when that is longer', async () => {
    const asked: RunningQuery[] = []
    const short = (lease: string): OpenBroadcasts =>
      listWith((log) => ({
        running: (query) => {
          asked.push(query)
          return log.running(query)
        },
        activations: async () => {
          const one = { revision: 1, digest: `lease-${lease}`, active_from: epochMs(0) }
          return { ok: true as const, value: [one as never] }
        },
        policyText: async () => {
          const text = policyOf('').replace('lease: 4h', `lease: ${lease}`)
          return { ok: true as const, value: utf8(text) }
        },
      }))
    const now = epochMs(clock.now() + DAY_MS)
    await short('2m').list({ limit: 1 }, now)
    expect(asked[0]).toMatchObject({ since: now - 6 * MINUTE_MS, until: 'size' })
    await short('1h').list({ limit: 1 }, now)
    expect(asked.at(-1)?.since).toBe(now - 61 * MINUTE_MS)
  })

  it.each(['', 'x', '0.5', '99', '0.1.x', '0.1.2.3', '-1.0.1'])(
    'has no page behind %j',
    async (after) => {
      await expect(list.list({ limit: 1, after }, clock.now())).rejects.toMatchObject({
        code: 'invalid_request',
      })
    },
  )
})
