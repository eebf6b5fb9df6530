/** Subjects, logs and directories as the objects they are, over RPC: many at once, and evicted at any moment. */
import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, it } from 'vitest'
import {
  directoryName,
  sequencerName,
  serverName,
  shardOf,
  subjectObjectName,
} from '../../src/adapters/cloudflare/names.ts'
import { opened } from '../../src/adapters/cloudflare/rpc.ts'
import { LivegateError } from '../../src/core/errors.ts'
import { epochMs } from '../../src/core/time.ts'
import type { Answer, DecideRequest, StrikeAnswer } from '../../src/gate-types.ts'
import type { Receipt } from '../../src/ports.ts'
import { ask, askOnce } from '../support/gate.ts'
import {
  auditLogs,
  chainOf,
  chainsOf,
  config,
  gate,
  inSubject,
  pepper,
  stubs,
  subjectStub,
} from './deployment.ts'

const everybody: string[] = []
let count = 0
/** A subject nobody has asked about. */
function someone(): string {
  const subject = `u_${++count}`
  everybody.push(subject)
  return subject
}
const answers: Answer[] = []
async function decide(request: DecideRequest): Promise<Answer> {
  const answer = await gate.decide(request)
  answers.push(answer)
  return answer
}
/** As callers do: who is told to come back comes back. */
async function decideUntilHeard(subject: string): Promise<Answer> {
  for (;;)
    try {
      return await decide(ask(subject))
    } catch (error) {
      if (!(error instanceof LivegateError) || error.retry_after_s === undefined) throw error
      await scheduler.wait(1_000 * error.retry_after_s)
    }
}
const receipts: Receipt[] = []
async function strike(id: string, subject: string): Promise<StrikeAnswer> {
  const answer = await gate.strike({
    ...{ id, subject, category: 'terrorism.link', severity: 'critical' },
    issued_at: epochMs(Date.now()),
  })
  if (answer.receipt !== null) receipts.push(answer.receipt)
  return answer
}

/** Once, over all that every test did: what was answered is never changed, so what one of them broke is still broken. */
afterAll(async () => {
  const chains = await chainsOf(everybody)
  await auditLogs(chains)
  const all = [...chains.values()].flat()
  const stored = new Map(all.map((record) => [record.id, record]))
  for (const { id, jws, receipt } of answers) expect(stored.get(id)).toMatchObject({ jws, receipt })
  const places = new Set(all.map(({ receipt }) => JSON.stringify(receipt)))
  for (const receipt of receipts) expect(places).toContain(JSON.stringify(receipt))
  expect(answers.length).toBeGreaterThan(0)
}, 120_000)

describe('subjects as objects', () => {
  it('decide, strike and reverse through the gate the Worker has', async () => {
    const subject = someone()
    const allowed = await decide(ask(subject))
    expect(allowed.outcome).toBe('allow')
    expect(await strike(`s_${subject}`, subject)).toMatchObject({ created: true })
    const denied = await decide(ask(subject))
    expect(denied.outcome).toBe('deny')
    const reversal = await gate.reverse({ strike: `s_${subject}`, reason: 'appeal' })
    expect(reversal).toMatchObject({ created: true, decisions: [{ id: denied.id }] })
    expect((await decide(ask(subject))).outcome).toBe('allow')
    expect((await gate.subject(subject)).broadcasts).toHaveLength(1)
  })

  it('give forty decisions at once forty consecutive places', async () => {
    const subject = someone()
    const streams = Array.from({ length: 40 }, (_, i) => ({ id: `b_${i}` }))
    await Promise.all(streams.map((stream) => decide(ask(subject, { stream }))))
    const seqs = (await chainOf(subject)).map(({ seq }) => seq)
    expect(seqs).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
  })

  it('let no decision start unknowing after a strike was answered', async () => {
    const subject = someone()
    let struck = false
    const wrong: string[] = []
    const asking = Array.from({ length: 10 }, async (_, i) => {
      for (let turn = 0; turn < 10; turn++) {
        const knew = struck
        const { outcome } = await decide(ask(subject, { stream: { id: `b_${i}_${turn}` } }))
        if (knew && outcome !== 'deny') wrong.push(outcome)
      }
    })
    const striking = Array.from({ length: 10 }, async (_, i) => {
      await strike(`s_${subject}_${i}`, subject)
      struck = true
    })
    await Promise.all([...asking, ...striking])
    expect(wrong).toEqual([])
  })

  it('own a strike id each: for another subject it is a conflict', async () => {
    const [a, b] = [someone(), someone()]
    const results = await Promise.allSettled([strike(`s_${a}`, a), strike(`s_${a}`, b)])
    const codes = results.map((result) =>
      result.status === 'fulfilled' ? 'ok' : (result.reason as { code: string }).code,
    )
    expect(codes.toSorted()).toEqual(['conflict', 'ok'])
  })

  it('refuse a subject that is not theirs', async () => {
    const [a, b] = [someone(), someone()]
    const object = stubs.subject(subjectObjectName(pepper, a))
    expect(await object.view(b)).toMatchObject({ ok: false, error: { code: 'internal' } })
  })

  it('end a session where it runs, and forget it in its server’s directory', async () => {
    const subject = someone()
    const session = { server: 'edge-1', session: `77-${subject}` }
    await decide(ask(subject, { session }))
    expect(await gate.endSession('edge-1', session.session)).toBe(true)
    expect(await gate.endSession('edge-1', session.session)).toBe(false)
    expect((await gate.subject(subject)).broadcasts).toEqual([])
    const directory = stubs.directory(serverName('edge-1'))
    const gone = async (): Promise<boolean> =>
      (await opened(directory.session(session.session))) === null
    while (!(await gone())) await new Promise((go) => setTimeout(go, 0))
  })
})

describe('co-hosts in other objects', () => {
  const together = (subject: string, ...hosts: readonly string[]): DecideRequest =>
    ask(subject, {
      stream: {
        id: `b_${subject}`,
        hosts: hosts.map((host) => ({ subject: host, facts: ask(host).facts })),
      },
    })

  it('name each other at once', async () => {
    const [a, b] = [someone(), someone()]
    for (let round = 0; round < 5; round++) {
      const [one, two] = await Promise.all([decide(together(a, b)), decide(together(b, a))])
      expect([one.outcome, two.outcome]).toEqual(['allow', 'allow'])
    }
    const roles = (await gate.subject(a)).broadcasts.map(({ role }) => role)
    expect(roles.toSorted()).toEqual(['cohost', 'host'])
  })

  it('answer for the broadcast with their own strikes', async () => {
    const [a, b] = [someone(), someone()]
    expect((await decide(together(a, b))).outcome).toBe('allow')
    expect((await gate.subject(b)).broadcasts.map(({ role }) => role)).toEqual(['cohost'])
    await strike(`s_${b}`, b)
    expect((await decide(together(a, b))).outcome).toBe('deny')
    // What ran has to stop, at its host and so with everybody who had joined it.
    for (const subject of [a, b]) expect((await gate.subject(subject)).broadcasts).toEqual([])
  })

  it('twelve in a ring, each with the next three, all at once', async () => {
    const ring = Array.from({ length: 12 }, someone)
    const requests = ring.map((subject, i) =>
      together(subject, ...[1, 2, 3].map((step) => ring[(i + step) % 12] ?? '')),
    )
    const results = await Promise.allSettled(requests.map(decide))
    const failed = results.filter((result) => result.status === 'rejected')
    expect(failed).toEqual([])
    for (const subject of ring) expect((await gate.subject(subject)).broadcasts).toHaveLength(4)
  })
})

/** Whoever has a record that may not be in the log has an alarm that will bring it there. */
function isLookedAfter(subject: string): Promise<boolean> {
  return inSubject(subject, async ({ storage }) => {
    const { sql } = storage
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'records'").toArray().length === 0)
      return true
    const newest =
      'SELECT (SELECT max(idx) FROM records) IS (SELECT placed FROM subjects) AS placed'
    return sql.exec(newest).one().placed === 1 || (await storage.getAlarm()) !== null
  })
}

/** The log of a subject, and the directory of the strike the test gives it. */
function othersOf(subject: string): readonly DurableObjectStub[] {
  const shard = shardOf(subjectObjectName(pepper, subject), config.shards)
  const slice = directoryName(pepper, 'strike', `s_${subject}`)
  return [
    env.SEQUENCERS.getByName(sequencerName(shard)),
    env.DIRECTORIES.getByName(slice),
  ] as readonly object[] as readonly DurableObjectStub[]
}

/** A broadcast with the next subject as co-host, through a media server. */
function busy(subject: string, subjects: readonly string[], round: number): DecideRequest {
  const next = subjects[(subjects.indexOf(subject) + 1) % subjects.length] ?? subject
  const hosts = [{ subject: next, facts: ask(next).facts }]
  const stream = { id: `b_${round}`, ...(round % 2 === 0 ? { hosts } : {}) }
  const session = { server: 'edge-2', session: `${subject}-${round}` }
  return ask(subject, { stream, session })
}

describe('objects that are evicted', () => {
  const evict = (subject: string): Promise<void> => evictDurableObject(subjectStub(subject))

  it('between questions lose nothing', async () => {
    const subject = someone()
    const first = await decide(askOnce('key', ask(subject)))
    await evict(subject)
    await strike(`s_${subject}`, subject)
    await evict(subject)
    expect((await decide(ask(subject))).outcome).toBe('deny')
    await evict(subject)
    expect(await runDurableObjectAlarm(subjectStub(subject))).toBe(true)
    await evict(subject)
    const [record] = await chainOf(subject)
    expect(record).toMatchObject({ id: first.id, receipt: first.receipt })
  })

  it('while questions run answer them or leave them to be asked again', async () => {
    const subjects = Array.from({ length: 10 }, someone)
    const before = answers.length
    let evicting = true
    const evictions = (async () => {
      while (evicting) for (const subject of subjects) await evict(subject).catch(() => {})
    })()
    const asking = subjects.map(async (subject) => {
      for (let i = 0; i < 20; i++)
        await decide(ask(subject, { stream: { id: `b_${i}` } })).catch(() => {})
    })
    await Promise.all(asking)
    evicting = false
    await evictions
    expect(answers.length - before).toBeGreaterThan(100)
  })

  it('in the middle of everything, logs and directories too, keep what they answered', async () => {
    const subjects = Array.from({ length: 8 }, someone)
    let heard = 0
    let lost = 0
    for (let round = 0; round < 24; round++) {
      const asking = subjects.flatMap((subject, i) => [
        decide(askOnce(`k_${round}`, busy(subject, subjects, round))),
        ...(i === round % 8 ? [strike(`s_${subject}_${round}`, subject)] : []),
      ])
      const settled = Promise.allSettled(asking)
      // A little longer each time, so that every step is interrupted sooner or later.
      for (let tick = 0; tick < round % 12; tick++) await env.LOG.head('nothing')
      await abortAllDurableObjects()
      for (const { status } of await settled) status === 'fulfilled' ? heard++ : lost++
      for (const subject of subjects) expect(await isLookedAfter(subject)).toBe(true)
    }
    expect(heard).toBeGreaterThan(0)
    expect(lost).toBeGreaterThan(0)
  })

  it('outlive the objects they call', async () => {
    const subject = someone()
    await decide(ask(subject, { stream: { id: 'a' } }))
    for (const stub of othersOf(subject)) {
      const aborted = runInDurableObject(stub, (_object, state) => state.abort('for the test'))
      await aborted.catch(() => {})
    }
    await decide(ask(subject, { stream: { id: 'b' } }))
    expect(await strike(`s_${subject}`, subject)).toMatchObject({ created: true })
  })

  it('keep their alarm: it brings places down and is set again for what is left', async () => {
    const subject = someone()
    const { receipt } = await decide(askOnce('key', ask(subject)))
    expect(await runDurableObjectAlarm(subjectStub(subject))).toBe(true)
    const { places, alarm } = await inSubject(subject, async ({ storage }) => ({
      places: storage.sql.exec('SELECT placed, place FROM subjects').one(),
      alarm: await storage.getAlarm(),
    }))
    expect(places).toEqual({ placed: 0, place: receipt.index })
    expect((alarm ?? 0) - Date.now()).toBeGreaterThan(23 * 3_600_000)
  })
})

describe('many subjects', () => {
  it('are decided at once: a thousand', async () => {
    const subjects = Array.from({ length: 1_000 }, someone)
    const outcomes = await Promise.all(subjects.map(decideUntilHeard))
    expect(outcomes.filter(({ outcome }) => outcome === 'allow')).toHaveLength(1_000)
  })
})
