/** A record that waits in an outbox while its key ends: signed anew, unless the log has it after all; and never two of it. */
import { describe, expect, it } from 'vitest'
import { createDoSql } from '../../src/adapters/cloudflare/do-sql.ts'
import { renewing } from '../../src/adapters/cloudflare/outbox-renewal.ts'
import type { ChainEntry, Reply } from '../../src/adapters/cloudflare/rpc.ts'
import { kidOf } from '../../src/adapters/cloudflare/sequencer-chains.ts'
import { FRESH_MS } from '../../src/adapters/cloudflare/sequencer-revisions.ts'
import { subjectSql } from '../../src/adapters/cloudflare/subject-schema.ts'
import { createTurnWriter } from '../../src/adapters/cloudflare/turn-writer.ts'
import { bytes, integer, text } from '../../src/adapters/sqlite/sql.ts'
import { toBase64Url } from '../../src/core/encoding.ts'
import type { Openings } from '../../src/core/record/groups.ts'
import type { DecideRequest } from '../../src/gate-types.ts'
import { aStrike, ask, chainOf, policyOf, RECORD_KEY, STRIKE_RULE } from '../support/gate.ts'
import { type Around, aWorld, lost, NEXT_KEY, type World } from './subject-world.ts'

const OLD = RECORD_KEY.signer.kid
const NEW = NEXT_KEY.signer.kid

const decide = (world: World, request: DecideRequest) =>
  world.ask(request.subject, (host) => host.decide(request))
const strike = (world: World) => world.ask('u_1', (host) => host.strike(aStrike('s_1', 'u_1')))
const open: Around = (_step, call) => call()

/** Another key signs, the old one has ended, and everybody has heard of it. */
async function exchange(world: World): Promise<void> {
  await world.log.exchange('begin')
  await world.log.exchange('finish')
  world.clock.set(world.clock.now() + FRESH_MS)
}

const before: Around = (step, call) => (step === 'append' ? Promise.reject(lost()) : call())
const after: Around = async (step, call) => {
  const result = await call()
  if (step === 'append') throw lost()
  return result
}

/** A decision and a strike; the strike is in the outbox, in the log or not. */
async function waiting(around: Around): Promise<World> {
  const world = aWorld(policyOf(STRIKE_RULE))
  await decide(world, ask('u_1'))
  world.around = around
  await expect(strike(world)).rejects.toMatchObject({ code: 'log_unavailable' })
  world.around = open
  await exchange(world)
  return world
}

/** Who signed the records of u_1, oldest first. */
async function signers(world: World): Promise<readonly string[]> {
  const records = await world.verify('u_1')
  return [...records].sort((a, b) => a.seq - b.seq).map(({ jws }) => kidOf(jws))
}

describe('a record whose key ended before the log had it', () => {
  it('is signed anew when the subject is asked about, and its chain goes on', async () => {
    const world = await waiting(before)
    expect(await decide(world, ask('u_1'))).toMatchObject({ outcome: 'deny' })
    expect(await signers(world)).toEqual([OLD, NEW, NEW])
  })

  it('is signed anew by the alarm, late, twice, and by an object that lost its memory', async () => {
    const world = await waiting(before)
    world.wake('u_1')
    await world.alarm('u_1', 2)
    // The decision, the strike, and the end it puts to what the decision had let start.
    expect(await signers(world)).toEqual([OLD, NEW, NEW])
    expect(await strike(world)).toMatchObject({ created: false })
  })

  it('stays as it is where the log had it after all', async () => {
    const world = await waiting(after)
    world.wake('u_1')
    expect(await decide(world, ask('u_1'))).toMatchObject({ outcome: 'deny' })
    expect(await signers(world)).toEqual([OLD, OLD, NEW])
  })

  const faults: readonly { readonly name: string; readonly around: Around }[] = [
    {
      name: 'the log cannot be asked how far the chain is',
      around: (step, call) => (step === 'head' ? Promise.reject(lost()) : call()),
    },
    { name: 'the new bytes do not arrive', around: before },
    { name: 'the new bytes arrive, and their answer does not', around: after },
  ]
  for (const { name, around } of faults)
    for (const memory of ['keeps', 'loses'])
      it(`is one record, when ${name} and the object ${memory} its memory`, async () => {
        const world = await waiting(before)
        world.around = around
        for (let i = 0; i < 2; i++) {
          await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'log_unavailable' })
          if (memory === 'loses') world.wake('u_1')
        }
        world.around = open
        await decide(world, ask('u_1'))
        expect(await signers(world)).toEqual([OLD, NEW, NEW])
      })

  it('waits for a log that does not say which keys it has', async () => {
    const world = await waiting(before)
    world.around = (step, call) => (step === 'ready' ? Promise.reject(lost()) : call())
    await world.alarm('u_1')
    world.around = open
    expect(world.calls.get('head') ?? 0).toBe(0)
    await decide(world, ask('u_1'))
    expect(await signers(world)).toEqual([OLD, NEW, NEW])
  })

  it('costs nothing while keys are exchanged and both are in force', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    world.around = before
    await expect(strike(world)).rejects.toMatchObject({ code: 'log_unavailable' })
    world.around = open
    await world.log.exchange('begin')
    world.clock.set(world.clock.now() + FRESH_MS)
    await decide(world, ask('u_1'))
    expect(world.calls.get('head') ?? 0).toBe(0)
    expect(await signers(world)).toEqual([OLD, NEW])
  })

  it('is not what anybody is answered with', async () => {
    const world = aWorld(policyOf(STRIKE_RULE))
    await decide(world, ask('u_1'))
    world.around = async (step, call) => {
      // Between the signature and the log.
      if (step === 'claimStrike') await exchange(world)
      return call()
    }
    await expect(strike(world)).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(await signers(world)).toEqual([OLD, NEW])
    expect(await strike(world)).toMatchObject({ created: false })
  })

  it('is refused where the log ended it just now, and taken at the next question', async () => {
    const world = aWorld()
    await decide(world, ask('u_1', { stream: { id: 'first' } }))
    let ended = false
    world.around = async (step, call) => {
      if (step === 'append' && !ended) {
        ended = true
        await world.log.exchange('begin')
        await world.log.exchange('finish')
      }
      return call()
    }
    await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'log_unavailable' })
    await decide(world, ask('u_1', { stream: { id: 'last' } }))
    expect(await signers(world)).toEqual([OLD, NEW, NEW, NEW])
  })
})

describe('several that wait', () => {
  const refused: Reply<never> = {
    ok: false,
    error: { code: 'log_unavailable', message: 'no', hint: null, retry_after_s: 1, faults: [] },
  }

  /** Three records of u_1 of which the log has `known`, as it is after the new bytes were sent. */
  async function sent(known: number, meanwhile: (sql: SqlStorage) => void = () => {}) {
    const world = aWorld()
    for (const id of ['a', 'b', 'c']) await decide(world, ask('u_1', { stream: { id } }))
    return world.storage('u_1', async (storage) => {
      const sql = subjectSql(createDoSql(storage))
      const rows = () => sql.all('SELECT idx, jws, leaf, openings FROM records ORDER BY idx')
      const appended: (readonly ChainEntry[])[] = []
      const entries = rows().map((row): ChainEntry => {
        const [seq, at] = [integer(row, 'idx') + 1, world.clock.now()]
        const record = { id: `${seq}`, kind: 'decision' as const, jws: text(row, 'jws') }
        return {
          ...{ object: 'o', seq, at, decision: null },
          record: { ...record, leaf: bytes(row, 'leaf') },
        }
      })
      let asked = 0
      const log = renewing({
        ...{ sql, writer: createTurnWriter(sql), object: 'o', reread: () => {} },
        signer: {
          kid: NEW,
          sign(message) {
            if (asked++ === 0) meanwhile(storage.sql)
            return NEXT_KEY.signer.sign(message)
          },
        },
        random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
        hasEnded: async (kid) => kid === OLD,
        log: {
          head: async () => ({ ok: true, value: known }),
          async append(given) {
            appended.push(given)
            return given.some(({ seq, record }) => seq > known && kidOf(record.jws) === OLD)
              ? refused
              : { ok: true, value: given.map(({ seq }) => 100 + seq) }
          },
        },
      })
      const reply = await log.append(entries)
      return {
        reply,
        appended,
        head: text(sql.get('SELECT head FROM subjects') ?? {}, 'head'),
        rows: rows().map((row) => ({
          kid: kidOf(text(row, 'jws')),
          jws: text(row, 'jws'),
          leaf: toBase64Url(bytes(row, 'leaf')),
          prev: chainOf(JSON.parse(text(row, 'openings')) as Record<string, string>).prev,
          openings: JSON.parse(text(row, 'openings')) as Openings,
        })),
      }
    })
  }

  for (const known of [0, 1, 2, 3])
    it(`are signed anew in one go, each behind the one before, when the log has ${known}`, async () => {
      const { reply, appended, head, rows } = await sent(known)
      expect(reply).toEqual({ ok: true, value: [101, 102, 103] })
      expect(rows.map(({ kid }) => kid)).toEqual(
        [OLD, OLD, OLD].map((kid, i) => (i < known ? kid : NEW)),
      )
      expect(rows.map(({ prev }) => prev)).toEqual([null, rows[0]?.leaf, rows[1]?.leaf])
      expect(head).toBe(rows[2]?.leaf)
      const jws = appended.flat().map(({ record }) => record.jws)
      expect(jws).toEqual(rows.map((row) => row.jws))
    })

  it('stay as they are when the chain goes on meanwhile', async () => {
    const { reply, appended, rows } = await sent(1, (sql) =>
      sql.exec("UPDATE subjects SET head = 'x'"),
    )
    expect(reply).toMatchObject({ ok: false, error: { code: 'log_unavailable' } })
    expect(rows.map(({ kid }) => kid)).toEqual([OLD, OLD, OLD])
    expect(appended.map((given) => given.length)).toEqual([1])
  })

  it('are sent as they are to a log that was set back, which finds that out', async () => {
    const world = aWorld()
    await decide(world, ask('u_1'))
    world.around = before
    await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'log_unavailable' })
    world.around = open
    world.log.forget(1)
    await exchange(world)
    await expect(decide(world, ask('u_1'))).rejects.toMatchObject({ code: 'halted' })
    const { kids } = await world.storage('u_1', ({ sql }) => ({
      kids: [...sql.exec<{ jws: string }>('SELECT jws FROM records')].map(({ jws }) => kidOf(jws)),
    }))
    expect(kids).toEqual([OLD, OLD])
  })
})
