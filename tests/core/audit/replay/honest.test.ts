/**
 * G4: whatever happens to an honest gate, its log is never accused, and every decision follows again: random histories of a whole gate in memory, with clocks
 * that step back, writes that fail or whose answer is lost, callers that do everything at once, policies that change, subjects
 * that are erased. The same over a real data directory: properties/honest-log.test.ts.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuditReport } from '../../../../src/core/audit/audit.ts'
import { utf8 } from '../../../../src/core/encoding.ts'
import { createEnforcement } from '../../../../src/gate/enforcement.ts'
import type { Gate } from '../../../../src/gate-types.ts'
import { auditOf, type LoggedRecord } from '../../../support/forge.ts'
import { aGate, type TestGate } from '../../../support/gate.ts'
import {
  activationOf,
  isEvaluated,
  isWhole,
  type Life,
  POLICIES,
  perform,
  ROLLBACK,
  RULES,
  type Step,
  SUBJECTS,
  step,
} from '../../../support/lives.ts'
import { countedRandom } from '../../record/samples.ts'

/** `told`: every decision somebody got as an answer, as it was then. */
function lifeOf(world: TestGate, told: Map<string, LoggedRecord>): Life {
  const enforcement = createEnforcement({ bytes: countedRandom('enforcer') })
  // Hosts put activations into their log one after the other; the desk of the tests leaves that to its caller.
  let last: Promise<unknown> = Promise.resolve()
  const alone = (act: () => Promise<unknown>): Promise<unknown> => {
    const turn = last.then(act)
    last = turn.catch(() => undefined)
    return turn
  }
  const numbered = (): boolean => world.policies.active().plan.revision !== null
  const gate: Gate = {
    ...world.gate,
    async decide(request) {
      const answer = await world.gate.decide(request)
      const { id, jws, openings } = answer
      if (!answer.repeated) told.set(id, { kind: 'decision', jws, openings })
      return answer
    },
  }
  return {
    ...{ gate: () => gate, erasure: () => world.erasure, access: world.access },
    ...{ enforcement: () => enforcement, now: world.clock.now },
    pass: (ms) => (ms > 0 ? world.pass(ms) : world.clock.set(world.clock.now() + ms)),
    fail: (fate) => void world.fates.push(fate),
    activate: (text, meanwhile) =>
      Promise.all([
        numbered()
          ? alone(() => world.desk.activate(activationOf(utf8(text))))
          : world.activate(text),
        meanwhile?.(),
      ]),
    rollback: async () => (numbered() ? alone(() => world.desk.rollback(ROLLBACK)) : null),
    async sweep() {
      for (const one of SUBJECTS) await world.erasure.retain(one, RULES)
    },
  }
}

/** Each caller does its steps one after the other; callers run at once. */
async function lived(plan: readonly (readonly Step[])[], numbered: boolean): Promise<Lived> {
  const policy = POLICIES[0] ?? ''
  const world = await aGate(numbered ? { policy, numbered } : { policy })
  /** As somebody has them who was given every record in time. */
  const given = new Map<string, LoggedRecord>()
  const told = new Map<string, LoggedRecord>()
  const life = lifeOf(world, told)
  await Promise.all(
    plan.map(async (steps) => {
      for (const one of steps) {
        await perform(life, one)
        for (const record of world.store.entries())
          if (!given.has(record.id)) given.set(record.id, copyOf(record))
      }
    }),
  )
  const entries = world.store.entries()
  const kept = entries.map((record) => told.get(record.id) ?? given.get(record.id) ?? record)
  const gone = entries.filter(
    ({ id, kind }, i) => kind === 'decision' && !told.has(id) && !isWhole(kept[i]),
  )
  const evaluated = kept.filter(isEvaluated)
  return { now: await auditOf(entries), ever: await auditOf(kept), evaluated, gone: gone.length }
}

/** What an auditor finds who is given what is left, and one who was given everything. */
interface Lived {
  readonly now: AuditReport
  readonly ever: AuditReport
  /** What can be derived again of all that was ever shown. */
  readonly evaluated: readonly LoggedRecord[]
  /** Decisions that were no answer (a write whose answer was lost), and are erased before anybody saw them. */
  readonly gone: number
}

function copyOf({ kind, jws, openings }: LoggedRecord): LoggedRecord {
  return { kind, jws, openings: { ...openings } }
}

/** More of them: `PROPERTY_RUNS=1000 npx vitest run …`. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 40)

describe('an honest log', () => {
  it('of one caller after the other is never accused', async () => {
    let replayed = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 60 }),
        fc.boolean(),
        async (steps, numbered) => {
          const { now, ever, evaluated, gone } = await lived([steps], numbered)
          expect(now.findings).toEqual([])
          const { findings, counts } = ever
          expect(findings).toEqual([])
          expect(counts.replay).toMatchObject({ believed: 0, other_engine: 0, without_policy: 0 })
          expect(counts.replay?.replayed).toBe(evaluated.length)
          expect(gone).toBe(0)
          replayed += counts.replay?.replayed ?? 0
        },
      ),
      { numRuns: RUNS },
    )
    expect(replayed).toBeGreaterThan(100)
  })

  it('of callers at once is never accused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 20 }), { minLength: 2, maxLength: 5 }),
        fc.boolean(),
        async (plan, numbered) => {
          const { now, ever, evaluated, gone } = await lived(plan, numbered)
          expect(now.findings).toEqual([])
          expect(ever.findings).toEqual([])
          expect(ever.counts.replay?.replayed).toBe(evaluated.length)
          const decisions = evaluated.filter(({ kind }) => kind === 'decision').length
          expect(decisions).toBe((ever.counts.by_kind.decision ?? 0) - gone)
          if (!plan.some((steps) => steps.some((one) => one.do === 'erase'))) expect(gone).toBe(0)
        },
      ),
      { numRuns: RUNS },
    )
  })
})
