/** A deployment that moves from one data directory into another: nothing is lost, nothing begins anew. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeLog } from '../../../src/adapters/node/closing.ts'
import { exportDeployment } from '../../../src/adapters/node/export.ts'
import { createNodeImporter } from '../../../src/adapters/node/import.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { checkHeader, MoveCheck } from '../../../src/core/move/check.ts'
import type { MoveHeader, MoveLine } from '../../../src/core/move/lines.ts'
import { closingDraft, heartbeatDraft } from '../../../src/core/record/drafts.ts'
import { DAY_MS, epochMs } from '../../../src/core/time.ts'
import type { SubjectState } from '../../../src/ports.ts'
import {
  activate,
  anOldHouse,
  aRoot,
  decide,
  type Happening,
  type House,
  happen,
  makeNew,
  moveOut,
  NEW,
  OLD,
  openHouse,
  openStore,
  scribeOf,
} from '../../support/moving.ts'
import { aTime } from '../../support/node-gate.ts'

function paused(length: string): string {
  return `livegate: policy/v1
name: paused
rules:
  - id: one
    ground: terms
    count: { category: [terrorism.*] }
    ladder: { 1: ${length} }
    outcome: deny
    because: { en: "Live is paused until {until}." }
`
}

const SUBJECTS = ['u_1', 'u_2', 'ü_3 🎥', 'u_4'] as const

const HISTORY: readonly Happening[] = [
  { do: 'facts', subject: 'u_4', followers: 7 },
  { do: 'decide', subject: 'u_1', stream: 'b_1' },
  { do: 'decide', subject: 'u_2', stream: 'b_2', cohost: 'ü_3 🎥', session: 'live/2' },
  { do: 'strike', subject: 'u_1', id: 's_1', category: 'terrorism.content' },
  { do: 'pass', ms: 1500 },
  { do: 'decide', subject: 'u_1', stream: 'b_1' },
  { do: 'strike', subject: 'ü_3 🎥', id: 's_2', category: 'spam.bulk' },
  { do: 'strike', subject: 'ü_3 🎥', id: 's_3', category: 'spam.bulk' },
  { do: 'reverse', id: 's_2' },
  { do: 'decide', subject: 'u_2', stream: 'b_3', cohost: 'u_1' },
]

/** What a deployment knows, subject by subject. */
async function statesOf({ store }: House): Promise<readonly SubjectState[]> {
  return Promise.all(SUBJECTS.map((subject) => store.ledger.load(subject)))
}

interface Lines {
  readonly header: MoveHeader
  readonly rest: readonly MoveLine[]
}

/** The lines of a file, which the check must find whole. */
function checked(values: readonly unknown[]): Lines {
  const [first, ...rest] = values
  const header = checkHeader(first)
  if (!header.ok) throw new Error(header.error)
  const check = new MoveCheck(header.value)
  for (const value of rest) expect(check.line(value)).toMatchObject({ ok: true })
  expect(check.finish()).toMatchObject({ ok: true })
  return { header: header.value, rest: rest as MoveLine[] }
}

/** Moves everything in, and opens the house. */
async function moveIn(root: string, from: string, lines: Lines): Promise<string> {
  const { header, rest } = lines
  const dir = await makeNew(root, from, (parts) => createNodeImporter(parts).begin(header))
  const store = await openStore(dir, true)
  const importer = createNodeImporter({ store, scribe: scribeOf(store) })
  expect(await importer.put({ header, from: 1, lines: rest })).toEqual({
    lines: rest.length + 1,
    finished: true,
  })
  await store.close()
  return dir
}

describe('a deployment that moves', () => {
  it('is the same afterwards: states, records, strikes, sessions, keys, policies', async () => {
    const root = await aRoot()
    const time = aTime()
    const old = await anOldHouse(root, time)
    const decisions = await happen(old.gate, time, HISTORY)
    const key = {
      ...{ id: 'sk_1', subject: 'u_2', key_hash: old.store.pepper.hash('stream_key', 'secret') },
      ...{ created_at: time.now(), revoked_at: null },
    }
    await old.store.streamKeys.bind(key)
    await old.store.apiKeys.create({
      ...{ id: 'k1', secret_hash: 'A'.repeat(43), scopes: ['decide'], owner: 'backend' },
      ...{ audience: null, created_at: time.now(), revoked_at: null },
    })
    const before = await statesOf(old)
    const records = await Promise.all(decisions.map((id) => old.store.directory.record(id)))
    const relying = await old.store.directory.decisionsRelyingOn('s_1')
    expect(relying).toHaveLength(2)
    const policies = old.store.policyTexts.list().map(({ digest }) => digest)

    const lines = checked(await moveOut(old, join(root, 'file')))
    const fresh = await openHouse(await moveIn(root, old.dir, lines), time)

    expect(await statesOf(fresh)).toEqual(before)
    expect(await Promise.all(decisions.map((id) => fresh.store.directory.record(id)))).toEqual(
      records,
    )
    expect(records.every((record) => record?.receipt.origin === OLD)).toBe(true)
    expect(await fresh.store.directory.decisionsRelyingOn('s_1')).toEqual(relying)
    expect(await fresh.store.directory.subjectOfStrike('s_3')).toBe('ü_3 🎥')
    expect(await fresh.store.directory.broadcastOfSession('nginx', 'live/2')).toMatchObject({
      subject: 'u_2',
    })
    expect(
      await fresh.store.streamKeys.byHash(fresh.store.pepper.hash('stream_key', 'secret')),
    ).toEqual(key)
    expect(await fresh.store.apiKeys.list()).toMatchObject([{ id: 'k1', owner: 'backend' }])
    for (const digest of policies) expect(fresh.store.policyTexts.text(digest)).not.toBeNull()
    const keys = fresh.store.recordKeys().map(({ x }) => x)
    expect(keys).toEqual([...lines.header.keys, fresh.store.recordJwk.x])
    await fresh.close()
  })

  it('goes on where it was: chains, restrictions, searches, reversals', async () => {
    const root = await aRoot()
    const time = aTime()
    const old = await anOldHouse(root, time)
    await happen(old.gate, time, HISTORY)
    const denied = await decide(old.gate, { subject: 'u_1', stream: 'b_5' })
    expect(denied.outcome).toBe('deny')
    const { seq, head, pseudonym } = await old.store.ledger.load('u_1')
    const lines = checked(await moveOut(old, join(root, 'file')))
    const fresh = await openHouse(await moveIn(root, old.dir, lines), time)

    const again = await decide(fresh.gate, { subject: 'u_1', stream: 'b_6' })
    expect(again.decision).toEqual({ ...denied.decision, obligations: again.decision.obligations })
    expect(again.receipt).toMatchObject({ origin: NEW, index: 4 })
    const [, , chain] = JSON.parse(Buffer.from(again.openings.chain ?? '', 'base64url').toString())
    expect(chain).toMatchObject({ sub: pseudonym, seq: seq + 1, prev: head })

    const found = await fresh.store.directory.searchDecisions({ outcome: 'deny', limit: 200 })
    expect(found.records.map(({ receipt }) => receipt.origin)).toEqual([NEW, OLD, OLD, OLD])
    const first = await fresh.store.directory.searchDecisions({ outcome: 'deny', limit: 2 })
    const rest = await fresh.store.directory.searchDecisions({
      ...{ outcome: 'deny', limit: 200 },
      ...(first.next === null ? {} : { cursor: first.next }),
    })
    expect([...first.records, ...rest.records]).toEqual(found.records)

    const reversal = await fresh.gate.reverse({ strike: 's_1', reason: 'appeal' })
    expect(reversal.decisions.map(({ id }) => id)).toEqual(found.records.map(({ id }) => id))
    expect((await decide(fresh.gate, { subject: 'u_1', stream: 'b_7' })).outcome).toBe('allow')
    await expect(
      fresh.gate.strike({
        ...{ id: 's_3', subject: 'u_1', category: 'spam.bulk', severity: 'low' },
        issued_at: time.now(),
      }),
    ).rejects.toMatchObject({ code: 'conflict' })
    await fresh.close()
  })

  it('goes on with its revisions: numbers, what is to come, and what earlier ones promised', async () => {
    const root = await aRoot()
    const time = aTime()
    const old = await anOldHouse(root, time)
    const begun = time.now()
    await activate(old, paused('7d'), begun)
    time.pass(1000)
    await old.close()
    const house = await openHouse(old.dir, time)
    await happen(house.gate, time, [
      { do: 'strike', subject: 'u_1', id: 's_1', category: 'terrorism.content' },
      { do: 'pass', ms: 60_000 },
    ])
    await activate(house, paused('30d'), time.now())
    const coming = epochMs(time.now() + 40 * DAY_MS)
    await activate(house, paused('60d'), coming, true)
    const activations = house.store.activations()
    expect(activations.map(({ revision }) => revision)).toEqual([1, 2, 3])
    await house.store.close()
    const before = await openHouse(old.dir, time)
    const denied = await decide(before.gate, { subject: 'u_1', stream: 'b_1' })
    expect(denied.decision.until).toBe(begun + 1000 + 7 * DAY_MS)

    const lines = checked(await moveOut(before, join(root, 'file')))
    expect(lines.header.counts).toMatchObject({ activations: 3 })
    const fresh = await openHouse(await moveIn(root, old.dir, lines), time)
    expect(fresh.store.activations()).toEqual(activations)
    const again = await decide(fresh.gate, { subject: 'u_1', stream: 'b_2' })
    expect(again.decision.until).toBe(denied.decision.until)
    expect(again.policy).toMatchObject({ revision: 2 })
    await activate(fresh, paused('1d'), time.now())
    expect(fresh.store.activations().at(-1)).toMatchObject({ revision: 4, previous: 3 })
    await fresh.close()
  })

  it('numbers what moves in after what was activated there before anybody was decided about', async () => {
    const root = await aRoot()
    const time = aTime()
    const old = await anOldHouse(root, time)
    await activate(old, paused('7d'), time.now())
    time.pass(1000)
    await activate(old, paused('9d'), time.now())
    const { header, rest } = checked(await moveOut(old, join(root, 'file')))
    const dir = await makeNew(root, old.dir, async () => undefined)
    const store = await openStore(dir, true)
    const scribe = scribeOf(store, time)
    time.pass(1000)
    await activate({ store, scribe }, paused('8d'), time.now())
    const importer = createNodeImporter({ store, scribe })
    const all = { header, from: 1, lines: rest }
    // Interrupted within, and begun again.
    await importer.put({ ...all, lines: rest.slice(0, 4) })
    await importer.put(all)
    const numbers = store.activations().map(({ revision, previous }) => [revision, previous])
    expect(numbers).toEqual([
      [1, null],
      [2, 1],
      [3, 2],
    ])
    await store.close()
    const fresh = await openHouse(dir, time)
    const { policy } = await decide(fresh.gate, { subject: 'u_1', stream: 'b_1' })
    expect(policy).toMatchObject({ revision: 3, name: 'paused' })
    expect(fresh.store.activations().at(-1)?.digest).toBe(policy.digest)
    await fresh.close()
  })

  it('moves on once more with what it brought', async () => {
    const root = await aRoot()
    const time = aTime()
    const old = await anOldHouse(root, time)
    const decisions = await happen(old.gate, time, HISTORY)
    const records = await Promise.all(decisions.map((id) => old.store.directory.record(id)))
    const lines = checked(await moveOut(old, join(root, 'file')))
    const second = await openHouse(await moveIn(root, old.dir, lines), time)
    const later = await decide(second.gate, { subject: 'u_1', stream: 'b_6' })
    const stored = await second.store.directory.record(later.id)
    const before = await statesOf(second)
    const third = 'edge.example/log/third'
    const { header, rest } = checked(await moveOut(second, join(root, 'file2'), [third]))
    expect(header.predecessors).toEqual([{ origin: OLD, size: lines.header.size }])
    const begin = (parts: Parameters<typeof createNodeImporter>[0]): Promise<unknown> =>
      createNodeImporter(parts).begin(header)
    const dir = await makeNew(root, second.dir, begin, third)
    const store = await openStore(dir, true)
    await createNodeImporter({ store, scribe: scribeOf(store) }).put({
      header,
      from: 1,
      lines: rest,
    })
    await store.close()
    const last = await openHouse(dir, time)
    expect(await statesOf(last)).toEqual(before)
    expect(await last.store.directory.record(later.id)).toEqual(stored)
    for (const record of records)
      expect(await last.store.directory.record(record?.id ?? '')).toEqual(record)
    await last.close()
  })

  const subject = fc.constantFrom(...SUBJECTS)
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    fc.record(
      {
        do: fc.constant('decide' as const),
        subject,
        stream: fc.constantFrom('b_1', 'b_2', ''),
        cohost: subject,
        session: fc.constantFrom('x', 'y'),
      },
      { requiredKeys: ['do', 'subject', 'stream'] },
    ),
    fc.record({
      do: fc.constant('strike' as const),
      subject,
      id: fc.constantFrom('s1', 's2', 's3', 's4'),
      category: fc.constantFrom('terrorism.content', 'spam.bulk', 'made.up'),
    }),
    fc.record({ do: fc.constant('reverse' as const), id: fc.constantFrom('s1', 's2', 's3') }),
    fc.record({ do: fc.constant('facts' as const), subject, followers: fc.nat(9) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 9e6 }) }),
  )

  it('whatever happened before, every state and record is equal after', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (happenings) => {
        const root = await aRoot()
        const time = aTime()
        const old = await anOldHouse(root, time)
        const decisions = await happen(old.gate, time, happenings)
        const before = await statesOf(old)
        const records = await Promise.all(decisions.map((id) => old.store.directory.record(id)))
        const lines = checked(await moveOut(old, join(root, 'file')))
        const fresh = await openHouse(await moveIn(root, old.dir, lines), time)
        expect(await statesOf(fresh)).toEqual(before)
        for (const record of records)
          expect(await fresh.store.directory.record(record?.id ?? '')).toEqual(record)
        await fresh.close()
      }),
      { numRuns: 10 },
    )
  }, 60_000)
})

describe('a closed log', () => {
  it('takes nothing more, says where it goes on, and stays so', async () => {
    const root = await aRoot()
    const old = await anOldHouse(root)
    await decide(old.gate, { subject: 'u_1', stream: 'b_1' })
    await closeLog(old.store, old.scribe, [NEW])
    for (let i = 0; i < 2; i++) {
      const house = i === 0 ? old : await openHouse(old.dir)
      const { status, log } = house.store
      expect(status()).toMatchObject({
        halted: `it is closed and goes on in ${NEW}`,
        successors: [NEW],
      })
      expect(status().published).toBe(status().entries)
      expect((await log.checkpoint()).split('\n')[1]).toBe(String(status().entries))
      const refused = { code: 'halted', message: expect.stringContaining('closed') as string }
      await expect(decide(house.gate, { subject: 'u_1', stream: 'b_2' })).rejects.toMatchObject(
        refused,
      )
      await expect(
        house.gate.putFacts('u_1', { followers: 1 }, aTime().now()),
      ).rejects.toMatchObject(refused)
      await expect(house.scribe.append([], [])).rejects.toMatchObject(refused)
      const key = { id: 'sk_2', subject: 'u_1', key_hash: 'x', created_at: aTime().now() }
      await expect(house.store.streamKeys.bind({ ...key, revoked_at: null })).rejects.toMatchObject(
        refused,
      )
      await closeLog(house.store, house.scribe, [NEW])
      await expect(closeLog(house.store, house.scribe, ['other/log'])).rejects.toThrow(
        /closed already/,
      )
      expect(await house.store.close()).toBe(true)
    }
  })

  it.each([
    [[], /no name/],
    [['a b'], /no name/],
    [[OLD], /cannot succeed itself/],
    [[NEW, NEW], /named twice/],
  ])('is not closed in favour of %j', async (successors, message) => {
    const old = await anOldHouse(await aRoot())
    await expect(closeLog(old.store, old.scribe, successors)).rejects.toThrow(message)
    expect(old.store.status()).toMatchObject({ successors: null, halted: null })
    await old.close()
  })

  it('must be there before anything is exported', async () => {
    const root = await aRoot()
    const old = await anOldHouse(root)
    const path = join(root, 'file')
    await expect(exportDeployment({ ...old, path })).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('--close') as string,
    })
    await expect(readFile(path)).rejects.toThrow()
    await old.close()
  })

  it('is closed at one moment, whatever is asked in the same one', async () => {
    const root = await aRoot()
    const old = await anOldHouse(root)
    const asked = (n: number): Promise<unknown>[] =>
      Array.from({ length: n }, (_, i) =>
        decide(old.gate, { subject: `u_${i}`, stream: `b_${n}` }).catch((error: unknown) => error),
      )
    const all = [...asked(20), closeLog(old.store, old.scribe, [NEW]), ...asked(21)]
    const answers = await Promise.all(all)
    expect(old.store.status().successors).toEqual([NEW])
    const refused = answers.filter((answer) => answer instanceof LivegateError)
    expect(refused.length).toBeGreaterThan(0)
    for (const { code } of refused) expect(['halted', 'log_unavailable']).toContain(code)
    const { header, rest } = checked(await moveOut(old, join(root, 'file')))
    const records = rest.filter((line) => 'record' in line)
    // Key and checkpoint key, policy, heartbeat, closing: everything else is a decision that was answered.
    expect(records.length).toBe(header.size - 5)
    expect(records.length).toBe(answers.length - 1 - refused.length)
  })

  it.each(['before it is published', 'before anything says so'])(
    'is closed after a crash as well: %s',
    async (when) => {
      const root = await aRoot()
      const old = await anOldHouse(root)
      await decide(old.gate, { subject: 'u_1', stream: 'b_1' })
      const { heartbeats, signer, status } = old.store
      const span = { from_index: heartbeats.uncovered(), to_index: status().entries }
      const beat = heartbeatDraft({ ...span, totals: heartbeats.totals(span), shed: 0 })
      await old.scribe.append([beat, closingDraft([NEW])], [signer.kid])
      if (when === 'before anything says so') while (await old.store.publish());
      const copy = join(root, 'copy')
      // A file still being written may be gone before it is copied.
      const stays = (path: string): boolean =>
        path !== join(old.dir, 'lock.db') && !path.endsWith('.tmp')
      await cp(old.dir, copy, { recursive: true, filter: stays })
      await old.close()
      const store = await openStore(copy)
      const { entries } = store.status()
      expect(store.status()).toMatchObject({ successors: [NEW], published: entries })
      expect(store.status().halted).toMatch(/^it is closed/)
      await exportDeployment({ store, dir: copy, path: join(root, 'file') })
      await store.close()
    },
  )

  it('is not exported when its files are not its own', async () => {
    const root = await aRoot()
    const old = await anOldHouse(root)
    await decide(old.gate, { subject: 'u_1', stream: 'b_1' })
    await closeLog(old.store, old.scribe, [NEW])
    await old.close()
    await writeFile(join(old.dir, 'log', 'checkpoint'), 'someone else’s')
    const store = await openStore(old.dir)
    const path = join(root, 'file')
    await expect(exportDeployment({ store, dir: old.dir, path })).rejects.toMatchObject({
      code: 'halted',
    })
    await expect(readFile(path)).rejects.toThrow()
    await store.close()
  })

  it('gives the same file however often it is exported', async () => {
    const root = await aRoot()
    const time = aTime()
    const old = await anOldHouse(root, time)
    await happen(old.gate, time, HISTORY)
    await moveOut(old, join(root, 'one'))
    await moveOut(await openHouse(old.dir), join(root, 'two'))
    expect(await readFile(join(root, 'two'), 'utf8')).toBe(
      await readFile(join(root, 'one'), 'utf8'),
    )
  })
})
