/**
 * Nothing is opened that the log does not know of: what becomes of an access record, and of the answer behind it.
 */
import { describe, expect, it } from 'vitest'
import { LivegateError } from '../../src/core/errors.ts'
import { DECISION_BUDGET_MS, OPENINGS_BURST, OPENINGS_PER_S } from '../../src/core/limits.ts'
import type { RecordDraft } from '../../src/core/record/drafts.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { type Access, createAccessBook, type RecordAccess } from '../../src/gate/access.ts'
import { aFixture, idOf, standingClock } from '../support/http.ts'

const ACCESS: Access = { by: 'auditor', via: 'records', groups: ['chain'], ids: ['a', 'b'] }

interface Book {
  readonly access: RecordAccess
  readonly written: RecordDraft[]
  readonly clock: ReturnType<typeof standingClock>
  /** Fires every timer. */
  pass(): void
}

function aBook(append?: (draft: RecordDraft) => Promise<unknown>): Book {
  const written: RecordDraft[] = []
  const timers = new Set<() => void>()
  const clock = standingClock()
  const access = createAccessBook({
    clock,
    append: async (draft) => {
      await append?.(draft)
      written.push(draft)
    },
    after: (delay_ms, fire) => {
      expect(delay_ms).toBe(DECISION_BUDGET_MS)
      timers.add(fire)
      return () => timers.delete(fire)
    },
  })
  const pass = (): void => {
    for (const fire of timers) fire()
  }
  return { access, written, clock, pass }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => 'done',
    (thrown: unknown) => thrown,
  )
  return error instanceof LivegateError ? error.code : String(error)
}

describe('an access record', () => {
  it('says who, how, which groups, how many and which', async () => {
    const { access, written } = aBook()
    await access(ACCESS)
    const digest = portableHasher.digestText('a\nb')
    const claims = { by: 'auditor', via: 'records', groups: ['chain'], count: 2, digest }
    expect(written).toEqual([{ kind: 'access', claims, groups: null }])
  })

  it('is written for the same answer each time', async () => {
    const { access, written } = aBook()
    await access(ACCESS)
    await access(ACCESS)
    expect(written).toHaveLength(2)
  })

  for (const [code, told] of [
    ['log_unavailable', 'log_unavailable'],
    ['overloaded', 'overloaded'],
    ['halted', 'halted'],
    ['conflict', 'log_unavailable'],
    ['internal', 'log_unavailable'],
  ] as const)
    it(`that fails with ${code} is told as ${told}`, async () => {
      const { access } = aBook(() => Promise.reject(new LivegateError(code, 'Cannot append')))
      expect(await codeOf(access(ACCESS))).toBe(told)
    })

  it('for a log that is closed says that, and what can be done before', async () => {
    const closed = new LivegateError(
      'halted',
      'Cannot write: the log is closed and goes on in next',
    )
    const { access } = aBook(() => Promise.reject(closed))
    await expect(access(ACCESS)).rejects.toMatchObject({
      code: 'halted',
      message:
        'Cannot open records: the log is closed and goes on in next, and what the log does not say may not be opened',
      hint: 'Export disclosures before a log is closed: `livegate log disclosures`.',
    })
  })

  it('for a log that is halted says why, and no more', async () => {
    const { access } = aBook(() =>
      Promise.reject(new LivegateError('halted', 'Cannot append: two roots of one size')),
    )
    const told = await access(ACCESS).catch((error: unknown) => error as LivegateError)
    expect(told).toMatchObject({
      message:
        'Cannot open records: two roots of one size, and what the log does not say may not be opened',
      hint: undefined,
    })
  })

  it('that fails with anything else is told as log_unavailable', async () => {
    const { access } = aBook(() => Promise.reject(new TypeError('a bug')))
    expect(await codeOf(access(ACCESS))).toBe('log_unavailable')
  })

  it('that was written and is told lost opens nothing, and is written again with the next answer', async () => {
    const log: RecordDraft[] = []
    let lost = true
    const { access } = aBook(async (draft) => {
      log.push(draft)
      if (lost) throw new LivegateError('log_unavailable', 'Cannot append')
    })
    expect(await codeOf(access(ACCESS))).toBe('log_unavailable')
    lost = false
    expect(await codeOf(access(ACCESS))).toBe('done')
    expect(log).toHaveLength(2)
  })

  it('that hangs is told as log_unavailable after the budget of an answer', async () => {
    const { access, pass } = aBook(() => new Promise(() => {}))
    const waiting = codeOf(access(ACCESS))
    pass()
    expect(await waiting).toBe('log_unavailable')
  })
})

describe('the rate of openings', () => {
  it('is a burst, then so many a second, for each caller alone', async () => {
    const { access, clock, written } = aBook()
    for (let i = 0; i < OPENINGS_BURST; i++) await access(ACCESS)
    expect(await codeOf(access(ACCESS))).toBe('rate_limited')
    await access({ ...ACCESS, by: 'another' })
    clock.set(clock.now() + 1_000)
    for (let i = 0; i < OPENINGS_PER_S; i++) await access(ACCESS)
    expect(await codeOf(access(ACCESS))).toBe('rate_limited')
    expect(written).toHaveLength(OPENINGS_BURST + 1 + OPENINGS_PER_S)
  })

  it('gains nothing from a clock that steps back', async () => {
    const { access, clock } = aBook()
    for (let i = 0; i < OPENINGS_BURST; i++) await access(ACCESS)
    clock.set(clock.now() - 3_600_000)
    expect(await codeOf(access(ACCESS))).toBe('rate_limited')
  })

  it('is kept in bounded memory, and forgets whoever asked longest ago', async () => {
    const { access } = aBook()
    for (let i = 0; i < OPENINGS_BURST; i++) await access(ACCESS)
    for (let i = 0; i < 10_000; i++) await access({ ...ACCESS, by: `other-${i}` })
    expect(await codeOf(access(ACCESS))).toBe('done')
  })
})

describe('an answer that opens records', () => {
  const PATHS = [`/v1/decisions/${idOf(1)}`, '/v1/records']
  const FAILURES = [
    { code: 'log_unavailable', status: 503 },
    { code: 'overloaded', status: 503 },
    { code: 'halted', status: 503 },
    { code: 'rate_limited', status: 429 },
  ] as const

  async function asked(): Promise<ReturnType<typeof aFixture>> {
    const fixture = aFixture()
    const body = { subject: 'u_1' }
    await fixture.send({ method: 'POST', path: '/v1/decisions', as: 'decide', body })
    return fixture
  }

  for (const path of PATHS)
    for (const { code, status } of FAILURES)
      it(`does not leave when the access fails with ${code}: ${path}`, async () => {
        const { send, world } = await asked()
        world.access_failure = new LivegateError(code, 'Cannot append')
        const response = await send({ path, as: 'audit' })
        const text = await response.text()
        expect([response.status, JSON.parse(text).code]).toEqual([status, code])
        expect(text).not.toContain('~')
        expect(text).not.toContain('u_1')
        world.access_failure = null
        expect((await send({ path, as: 'audit' })).status).toBe(200)
        expect(world.accesses).toHaveLength(1)
      })

  for (const path of PATHS)
    it(`does not leave before the log has the access: ${path}`, async () => {
      const order: string[] = []
      const { world, deps } = await asked()
      let logged: () => void = () => {}
      const held = new Promise<void>((resolve) => {
        logged = resolve
      })
      const [served] = deps.logs
      if (served === undefined) throw new Error('no log')
      const access = async (): Promise<void> => {
        order.push('access asked for')
        await held
        order.push('access durable')
      }
      const { send } = aFixture({
        deps: { directory: deps.directory, logs: [{ ...served, access }] },
      })
      const answer = send({ path, as: 'audit' }).then(() => order.push('answered'))
      while (order.length === 0) await Promise.resolve()
      logged()
      await answer
      expect(order).toEqual(['access asked for', 'access durable', 'answered'])
      expect(world.accesses).toEqual([])
    })

  it('names the groups asked for and what there was of them', async () => {
    const { send, world } = await asked()
    const query = 'groups=facts,chain'
    const answer = await (await send({ path: `${PATHS[0]}?${query}`, as: 'audit' })).json()
    expect(Object.keys((answer as { disclosed: object }).disclosed)).toEqual(['chain', 'facts'])
    await send({ path: `/v1/records?${query}&for=challenge`, as: ['audit', 'identity'] })
    expect(world.accesses.map(({ via, groups }) => [via, groups])).toEqual([
      ['decision', ['chain', 'facts']],
      ['challenge', ['chain', 'facts']],
    ])
  })

  it('leaves no record when what it would open is erased', async () => {
    const { send, world } = await asked()
    const stored = world.records.get(idOf(1))
    if (stored !== undefined) world.records.set(stored.id, { ...stored, openings: {} })
    for (const path of PATHS) expect((await send({ path, as: 'audit' })).status).toBe(200)
    expect(world.accesses).toEqual([])
  })

  for (const { query, as, status } of [
    { query: 'groups=subject', as: ['audit'], status: 403 },
    { query: 'groups=chain,subject', as: ['audit'], status: 403 },
    { query: 'groups=subject', as: ['audit', 'identity'], status: 200 },
    { query: 'groups=', as: ['audit'], status: 400 },
    { query: 'groups=chain,chain', as: ['audit'], status: 400 },
    { query: 'groups=chain,', as: ['audit'], status: 400 },
    { query: 'groups=Chain', as: ['audit'], status: 400 },
    { query: 'groups=jws', as: ['audit'], status: 400 },
    { query: 'for=fun', as: ['audit'], status: 400 },
  ] as const)
    it(`is ${status} for ${query} with ${as.join(' and ')}, and only then opens`, async () => {
      const { send, world } = await asked()
      expect((await send({ path: `/v1/records?${query}`, as })).status).toBe(status)
      expect(world.accesses).toHaveLength(status === 200 ? 1 : 0)
    })

  it('holds for a caller of several logs in the log of the records', async () => {
    const { world, deps } = await asked()
    const told: string[] = []
    const [served] = deps.logs
    if (served === undefined) throw new Error('no log')
    const log = (origin: string) => ({
      ...served,
      log: { ...served.log, origin },
      access: async () => void told.push(origin),
    })
    const stored = world.records.get(idOf(1))
    const logs = [log('zero'), log(stored?.receipt.origin ?? '')]
    const { send } = aFixture({ deps: { directory: deps.directory, logs } })
    await send({ path: `${PATHS[0]}`, as: 'audit' })
    expect(told).toEqual([stored?.receipt.origin])
  })

  it('of a record of a closed log is in the first that is served', async () => {
    const { world, deps } = await asked()
    const stored = world.records.get(idOf(1))
    if (stored === undefined) throw new Error('no record')
    const receipt = { ...stored.receipt, origin: 'old.example/log' }
    world.records.set(stored.id, { ...stored, receipt })
    const accesses: Access[] = []
    const [served] = deps.logs
    if (served === undefined) throw new Error('no log')
    const access = async (one: Access): Promise<void> => void accesses.push(one)
    const { send } = aFixture({
      deps: { directory: deps.directory, logs: [{ ...served, access }] },
    })
    expect((await send({ path: `${PATHS[0]}`, as: 'audit' })).status).toBe(200)
    expect(accesses).toHaveLength(1)
  })
})
