/** Who an incident affected: every refusal under it and every broadcast it revoked, once each, whatever the page. */
import { describe, expect, it } from 'vitest'
import type { Incident } from '../../src/core/incident.ts'
import { addMs } from '../../src/core/time.ts'
import { type IncidentReport, incidentReport } from '../../src/gate/incident-report.ts'
import { createSweeps } from '../../src/gate/sweep.ts'
import { ask, HOUR, MINUTE, policyOf, type TestGate, useGates } from '../support/gate.ts'

const gates = useGates()
const CALM = `  - { id: calm, ground: terms, when: "incident.active && subject.followers > 10", outcome: deny }
  - { id: wait, ground: terms, when: "incident.active && subject.followers == 10", outcome: delay, hold: 30m }`

interface Affected {
  readonly world: TestGate
  readonly incident: Incident
  /** Decisions whose broadcasts were revoked. */
  readonly revoked: readonly string[]
  readonly refused: readonly string[]
  readonly delayed: readonly string[]
}

const decide = async (world: TestGate, subject: string, followers: number): Promise<string> =>
  (await world.gate.decide(ask(subject, { facts: { followers } }))).id

/** Seven live, four of them famous; then an incident that ends those and refuses three more; then another one. */
async function afterAnIncident(): Promise<Affected> {
  const world = await gates({ policy: policyOf(CALM) })
  const { gate, store, clock, incidents } = world
  const running: string[] = []
  for (let i = 0; i < 7; i++) running.push(await decide(world, `u_${i}`, i % 2 === 0 ? 100 : 1))
  world.pass(5 * MINUTE)
  const start = () =>
    incidents.start({
      ...{ scope: 'everywhere', reason: 'an attack is streamed', by: 'key_a' },
      expires_at: addMs(clock.now(), HOUR),
    })
  await start()
  const onError = (error: unknown): never => {
    throw error
  }
  const after = (_ms: number, fire: () => void): (() => void) => {
    queueMicrotask(fire)
    return () => {}
  }
  const sweeps = createSweeps({ ...{ gate, clock, after, onError }, broadcasts: store.broadcasts })
  expect(await sweeps.sweep('incident')).toEqual({ looked: 7, revoked: 4 })
  const refused = [await decide(world, 'u_10', 50), await decide(world, 'u_11', 50)]
  const delayed = [await decide(world, 'u_12', 10)]
  await decide(world, 'u_13', 1)
  world.pass(10 * MINUTE)
  const { incident } = await incidents.end('key_a')
  world.pass(10 * MINUTE)
  await start()
  await decide(world, 'u_14', 50)
  return { world, incident, revoked: running.filter((_, i) => i % 2 === 0), refused, delayed }
}

/** All pages, each no longer than it may be. */
async function whole({ world, incident }: Affected, limit?: number): Promise<IncidentReport> {
  const sources = { directory: world.store.directory, shards: 1 }
  const all = { decisions: [], counts: [], revoked: [], erased: 0, next: null } as IncidentReport
  const pages: IncidentReport[] = []
  let cursor: string | null = null
  do {
    const page: IncidentReport = await incidentReport(sources, incident, {
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === null ? {} : { cursor }),
    })
    expect(page.decisions.length + page.revoked.length).toBeLessThanOrEqual(limit ?? 200)
    pages.push(page)
    cursor = page.next
    expect(pages.length).toBeLessThan(200)
  } while (cursor !== null)
  return {
    ...all,
    decisions: pages.flatMap(({ decisions }) => decisions),
    counts: pages.flatMap(({ counts }) => counts),
    revoked: pages.flatMap(({ revoked }) => revoked),
    erased: pages.reduce((sum, { erased }) => sum + erased, 0),
  }
}

const sorted = (ids: readonly string[]): readonly string[] => ids.toSorted()

describe('the report of an incident', () => {
  it.each([undefined, 1, 2, 7])('names all it affected, once each, %s a page', async (limit) => {
    const affected = await afterAnIncident()
    const { decisions, revoked, erased } = await whole(affected, limit)
    const of = (outcome: string): readonly string[] =>
      sorted(decisions.filter((one) => one.outcome === outcome).map(({ id }) => id))
    expect(of('deny')).toEqual(sorted(affected.refused))
    expect(of('delay')).toEqual(affected.delayed)
    expect(sorted(revoked.map(({ broadcast }) => broadcast))).toEqual(sorted(affected.revoked))
    expect(erased).toBe(0)
  })

  it('counts what each rule refused', async () => {
    const affected = await afterAnIncident()
    expect((await whole(affected)).counts).toEqual([
      { rule: 'calm', outcome: 'deny', count: 2 },
      { rule: 'wait', outcome: 'delay', count: 1 },
    ])
  })

  it('names the record that revoked a broadcast', async () => {
    const affected = await afterAnIncident()
    const [first] = (await whole(affected)).revoked
    const { records } = await affected.world.store.directory.records({ from: 0, limit: 500 })
    const record = records.find(({ id }) => id === first?.record)
    expect(record).toMatchObject({ kind: 'broadcast', at: first?.at })
  })

  it('names nothing of somebody erased since', async () => {
    const affected = await afterAnIncident()
    const { world } = affected
    await world.erasure.erase({ subject: 'u_0', scope: 'subject', basis: 'Art. 17 GDPR' })
    await world.erasure.erase({ subject: 'u_10', scope: 'subject', basis: 'Art. 17 GDPR' })
    const { decisions, revoked } = await whole(affected)
    expect(decisions.map(({ id }) => id)).not.toContain(affected.refused[0])
    expect(decisions).toHaveLength(2)
    expect(revoked).toHaveLength(3)
    expect(revoked.map(({ broadcast }) => broadcast)).not.toContain(affected.revoked[0])
  })

  it.each(['', 'allow', 'deny.', 'revoked', 'revoked.x', `revoked.0.${'9'.repeat(16)}`, '../1'])(
    'does not go on from %j',
    async (cursor) => {
      const affected = await afterAnIncident()
      const sources = { directory: affected.world.store.directory, shards: 1 }
      const report = incidentReport(sources, affected.incident, { cursor })
      await expect(report).rejects.toMatchObject({ code: 'invalid_request' })
    },
  )
})
