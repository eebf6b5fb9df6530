/**
 * Records of a media server are numbered without a gap and without a repeat, whatever becomes of the commits.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createHooks, type Hooks } from '../../src/adapters/media/hooks.ts'
import type { Fate } from '../../src/adapters/memory/contract.ts'
import { disclosedRequest } from '../../src/gate/disclosed.ts'
import type { StoredRecord } from '../../src/ports.ts'
import { aServer, aStreamKey, hashOf, publishBody, SECRET } from '../adapters/media/desk.ts'
import { aGate, policyOf, type TestGate } from '../support/gate.ts'

const SERVERS = ['edge-1', 'edge-2'] as const
const POLICY = policyOf('')

function aDesk(world: TestGate): Hooks {
  return createHooks({
    ...{ gate: world.gate, clock: world.clock, observe: () => {}, after: () => () => {} },
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    pepper: { hash: (what, text) => hashOf(`${what} ${text}`) },
    servers: SERVERS.map((id) => aServer({ id, hold_max_ms: 0 })),
    streamKeys: {
      // Every name is somebody's key.
      byHash: (key_hash) => aStreamKey('', { key_hash, subject: `u_${key_hash.slice(0, 8)}` }),
      byId: () => null,
      bind: async () => ({ ok: true }),
      list: () => [],
      revoke: async () => false,
    },
  })
}

interface Call {
  readonly server: (typeof SERVERS)[number]
  readonly subject: number
  readonly session: number
}

async function publish(desk: Hooks, { server, subject, session }: Call): Promise<number> {
  const body = new TextEncoder().encode(
    publishBody({ name: `key-${subject}`, clientid: String(session) }),
  )
  const response = await desk.handle('nginx-rtmp', server, {
    ...{ method: 'POST', url: `https://gate.example/hooks/nginx-rtmp/${server}`, body },
    headers: new Headers({
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/x-www-form-urlencoded',
    }),
  })
  return response.status
}

/** The numbers in the log by server and instance, ascending. */
function numbersIn(world: TestGate): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>()
  for (const record of world.store.entries()) {
    if (record.kind !== 'decision') continue
    const request = disclosedRequest(record as unknown as StoredRecord)
    const { server, enforcer, enf_seq } = request ?? {}
    expect([server, enforcer, enf_seq]).not.toContain(undefined)
    const name = `${server} ${enforcer}`
    found.set(name, [...(found.get(name) ?? []), enf_seq ?? 0])
  }
  return new Map([...found].map(([name, list]) => [name, list.sort((a, b) => a - b)]))
}

let others = 100

/** What is free goes to whoever asks next: as many as can have been under way at once. */
async function useFreed(desk: Hooks): Promise<void> {
  for (const server of SERVERS)
    for (let i = 0; i < MOST_AT_ONCE; i++) {
      others++
      expect(await publish(desk, { server, subject: others, session: others })).toBe(302)
    }
}

const MOST_AT_ONCE = 6
const call: fc.Arbitrary<Call> = fc.record({
  server: fc.constantFrom(...SERVERS),
  subject: fc.nat(3),
  session: fc.nat(3),
})
const fate: fc.Arbitrary<Fate> = fc.constantFrom('done', 'before', 'after')
const rush = fc.array(call, { minLength: 1, maxLength: MOST_AT_ONCE })

it('concurrent hooks with failing commits leave the numbers of every life from 1 on, each once', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(rush, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      fc.array(fate, { maxLength: 24 }),
      async (lives, fates) => {
        const world = await aGate({ policy: POLICY })
        for (const rushes of lives) {
          world.fates.push(...fates)
          const desk = aDesk(world)
          for (const calls of rushes) await Promise.all(calls.map((one) => publish(desk, one)))
          world.fates.length = 0
          await useFreed(desk)
        }
        for (const numbers of numbersIn(world).values())
          expect(numbers).toEqual(numbers.map((_, i) => i + 1))
        await world.verify()
      },
    ),
    { numRuns: 60 },
  ))

it('a life begins with a name of its own, and with 1', async () => {
  const world = await aGate({ policy: POLICY })
  const calls: Call[] = [0, 1].map((subject) => ({ server: 'edge-1', subject, session: subject }))
  for (const one of calls) expect(await publish(aDesk(world), one)).toBe(302)
  const names = [...numbersIn(world)]
  expect(names.map(([, numbers]) => numbers)).toEqual([[1], [1]])
  expect(new Set(names.map(([name]) => name)).size).toBe(2)
  for (const [name] of names) expect(name).toMatch(/^edge-1 [A-Za-z0-9_-]{22}$/)
})

it('an answer that is an earlier record uses no number', async () => {
  const world = await aGate({ policy: POLICY })
  const desk = aDesk(world)
  const one: Call = { server: 'edge-1', subject: 1, session: 1 }
  for (let i = 0; i < 3; i++) await publish(desk, one)
  await publish(desk, { ...one, subject: 2, session: 2 })
  expect([...numbersIn(world).values()]).toEqual([[1, 2]])
})
