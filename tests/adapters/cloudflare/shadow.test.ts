/** A candidate in the shadow on the edge, without objects: where it is from, what it says of a record, how logs add up. */
import { describe, expect, it } from 'vitest'
import { candidateOf, planOf } from '../../../src/adapters/cloudflare/edge-candidate.ts'
import { edgeShadow } from '../../../src/adapters/cloudflare/edge-shadow.ts'
import type { ChainEntry, Reply, SequencerRpc } from '../../../src/adapters/cloudflare/rpc.ts'
import type { ShadowCounts } from '../../../src/adapters/cloudflare/rpc-shadow.ts'
import {
  createSubjectShadow,
  type ShadowSettings,
} from '../../../src/adapters/cloudflare/subject-shadow.ts'
import { edgeReadiness } from '../../../src/adapters/cloudflare/worker-health.ts'
import { edgeMetrics } from '../../../src/adapters/cloudflare/worker-metrics.ts'
import { createTally } from '../../../src/core/policy/compare/tally.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { Change, Ledger, SignedRecord } from '../../../src/ports.ts'
import { activePolicy, aGate, ask, policyOf } from '../../support/gate.ts'
import { aDecision, aDeny, NOW } from '../../support/http.ts'

const SHUT = "livegate: policy/v1\nname: shut\nrules: [{ id: shut, when: 'true', outcome: deny }]\n"
const OPEN = policyOf('')
const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
const bundled = (text: string) => ({ name: 'deploy/shadow.yaml', text })

describe('where it is from', () => {
  for (const text of ['', '# nothing\n', '\n  # a\r\n\t\n#b'])
    it(`nowhere: ${JSON.stringify(text)}`, () => {
      expect(candidateOf({ shadow_policy: null }, bundled(text))).toBe(null)
    })

  it('the bundle, or the variable in its place', () => {
    const found = candidateOf({ shadow_policy: null }, bundled(`# mine\n${SHUT}`))
    expect([found?.file, planOf(found)?.name]).toEqual(['deploy/shadow.yaml', 'shut'])
    const given = candidateOf({ shadow_policy: SHUT }, bundled(OPEN))
    expect([given?.file, planOf(given)?.name]).toEqual(['LIVEGATE_SHADOW_POLICY', 'shut'])
  })

  it('one that does not compile is no candidate, and readiness says where', async () => {
    const candidate = candidateOf({ shadow_policy: 'livegate: policy/v1\nrules: 3\n' }, bundled(''))
    expect(planOf(candidate)).toBe(null)
    const parts = { policy: async () => activePolicy(OPEN), file: 'default.yaml', logs: [] }
    const health = await edgeReadiness({ ...parts, candidate })
    if (!health.ready) throw new Error('a candidate makes nothing unready')
    expect(health.shadow?.digest).toBe(undefined)
    expect(health.shadow?.problems[0]).toContain('LIVEGATE_SHADOW_POLICY:')
    const fit = candidateOf({ shadow_policy: SHUT }, bundled(''))
    expect(await edgeReadiness({ ...parts, candidate: fit })).toMatchObject({
      shadow: { digest: planOf(fit)?.digest, problems: [] },
    })
    expect(await edgeReadiness(parts)).not.toHaveProperty('shadow')
  })
})

/** A decision of a real gate, as it is committed. */
const change: Change = await (async () => {
  const { gate } = await aGate({ policy: OPEN })
  const { id, jws, openings, decision } = await gate.decide(ask('u_1'))
  const { outcome, mode, rules } = decision
  const record = { id, jws, openings, kind: 'decision', leaf: new Uint8Array(32) } as SignedRecord
  return { record, decision: { outcome, mode, rules } } as unknown as Change
})()

/** What the log is sent with each of these changes. */
async function sent(
  settings: Partial<ShadowSettings>,
  changes: readonly Change[] = [change],
): Promise<readonly ChainEntry[]> {
  const plan = settings.plan ?? activePolicy(SHUT).plan
  const shadow = createSubjectShadow({ share: 1, ...settings, plan }, random)
  const entries: ChainEntry[] = []
  const log = shadow.log({
    append: async (given) => {
      entries.push(...given)
      return { ok: true, value: [] }
    },
  })
  const send = async ({ record, decision }: Change): Promise<void> => {
    if (record !== null)
      await log.append([{ record, decision: decision ?? null } as unknown as ChainEntry])
  }
  const ledger = shadow.ledger({
    async commit(given) {
      await send(given)
      return { ok: true, receipt: null }
    },
  } as Ledger)
  for (const one of changes) await ledger.commit(one)
  // Once more, as after a lost answer.
  for (const one of changes) await send(one)
  return entries
}

describe('what is sent with a record', () => {
  it('is how the candidate differs, once, and nothing of the subject', async () => {
    const [entry, again] = await sent({})
    expect(entry?.shadow).toMatchObject({
      digest: activePolicy(SHUT).plan.digest,
      lacking: [],
      counted: { decisions: 1, changes: { allow_to_deny: 1 }, directions: { stricter: 1 } },
    })
    expect(JSON.stringify(entry?.shadow)).not.toContain('u_1')
    expect(entry?.record).toBe(change.record)
    expect(again).not.toHaveProperty('shadow')
  })

  it('is what it lacked', async () => {
    const rule = "{ id: few, when: 'platform.moderation_available == false', outcome: deny }"
    const { plan } = activePolicy(`livegate: policy/v1\nname: few\nrules: [${rule}]\n`)
    expect((await sent({ plan }))[0]?.shadow?.lacking).toEqual(['platform.moderation_available'])
  })

  it('is a failure where it fails, or has nothing to judge', async () => {
    const { plan } = activePolicy(SHUT)
    const broken = { ...plan, rules: null } as unknown as ShadowSettings['plan']
    expect((await sent({ plan: broken }))[0]?.shadow?.counted).toBe(null)
    const emptied = { ...change, record: { ...change.record, openings: {} } } as Change
    expect((await sent({}, [emptied]))[0]?.shadow?.counted).toBe(null)
  })

  it('is a share of decisions, of decisions only', async () => {
    const many = Array.from({ length: 400 }, () => change)
    const asked = (await sent({ share: 0.25 }, many)).filter(({ shadow }) => shadow !== undefined)
    expect(asked.length).toBeGreaterThan(40)
    expect(asked.length).toBeLessThan(180)
    const { decision: _, ...strike } = change
    expect((await sent({}, [strike as Change]))[0]).not.toHaveProperty('shadow')
  })
})

describe('several logs', () => {
  const part = (id: string, after = aDeny()) => {
    const tally = createTally()
    tally.add({ id, at: NOW, before: aDecision(), after })
    return tally.part()
  }
  const counts = (given: Partial<ShadowCounts>): Pick<SequencerRpc, 'shadow'> => ({
    shadow: async (): Promise<Reply<ShadowCounts>> => ({
      ok: true,
      value: {
        ...{ name: 'shut', digest: 'd', since: NOW, passed_over: 1, failed: 2 },
        ...{ lacking: { f: 1 }, counted: part('d_1') },
        ...given,
      },
    }),
  })

  it('are added up', async () => {
    const later = counts({
      since: epochMs(NOW - 5),
      lacking: { f: 2, g: 1 },
      counted: part('d_2', aDecision()),
    })
    const report = await edgeShadow('d', [counts({}), later])
    expect(report).toMatchObject({
      ...{ name: 'shut', digest: 'd', since: NOW - 5, passed_over: 2, failed: 4 },
      lacking: { f: 3, g: 1 },
      compared: { decisions: 2, unchanged: 1, changes: { allow_to_deny: 1 } },
    })
    const text = await edgeMetrics({
      ...{ policy: async () => activePolicy(OPEN), file: 'default.yaml', logs: [] },
      shadow: async () => report,
    })
    for (const [change, n] of Object.entries({
      same: 1,
      allow_to_deny: 1,
      passed_over: 2,
      failed: 4,
    }))
      expect(text).toContain(`livegate_shadow_decisions_total{change="${change}"} ${n}\n`)
    expect(text).toContain('livegate_shadow_rules_total{rule="')
  })

  it('that count another candidate, or none, are left out', async () => {
    const none: Pick<SequencerRpc, 'shadow'> = { shadow: async () => ({ ok: true, value: null }) }
    expect(await edgeShadow('d', [none, counts({ digest: 'e' })])).toBe(null)
    expect((await edgeShadow('d', [none, counts({})]))?.compared.decisions).toBe(1)
  })

  it('of which one does not answer have no report', async () => {
    const lost = { shadow: () => Promise.reject(new Error('lost')) }
    await expect(edgeShadow('d', [counts({}), lost])).rejects.toMatchObject({
      code: 'log_unavailable',
    })
  })
})
