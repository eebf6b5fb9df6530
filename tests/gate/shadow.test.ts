/**
 * A candidate in the shadow: it counts, it samples, and whatever it does, the answer was given before and stays as it was.
 */
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { createShadow, type Shadow, type ShadowParts, withShadow } from '../../src/gate/shadow.ts'
import type { Answer } from '../../src/gate-types.ts'
import type { GateEvent } from '../../src/ports.ts'
import { compiledPlan } from '../cli/a-recorded-log.ts'
import { decide } from '../support/moving.ts'
import { aNodeGate } from '../support/node-gate.ts'

const planOf = (rule: string): Plan =>
  compiledPlan(utf8(`livegate: policy/v1\nname: candidate\nrules: [${rule}]\n`))
const SHUT = planOf("{ id: shut, when: 'true', outcome: deny }")
const OPEN = planOf("{ id: open, when: 'false', outcome: deny }")

/** Answers of a real gate, whose policy allows them. */
const answers: readonly Answer[] = await (async () => {
  const gate = await aNodeGate()
  try {
    const given: Answer[] = []
    for (let i = 0; i < 3; i++)
      given.push(await decide(gate.gate, { subject: `u_${i}`, stream: '' }))
    return given
  } finally {
    await gate.close()
  }
})()
const [FIRST] = answers as [Answer]

interface Bench {
  readonly shadow: Shadow
  readonly events: GateEvent[]
  /** Lets time pass without anybody working. */
  pass(ms: number): void
  /** Runs what is due, until nothing is. */
  run(): void
}

function aShadow(changes: Partial<ShadowParts> = {}): Bench {
  let now = 0
  const events: GateEvent[] = []
  const due: (() => void)[] = []
  const shadow = createShadow({
    clock: { now: () => FIRST.decided_at },
    elapsed: () => now,
    after: (_delay, fire) => {
      due.push(fire)
      return () => void due.splice(due.indexOf(fire), 1)
    },
    observe: (event) => events.push(event),
    ...changes,
  })
  return {
    ...{ shadow, events },
    pass: (ms) => {
      now += ms
    },
    run() {
      for (let fire = due.shift(); fire !== undefined; fire = due.shift()) fire()
    },
  }
}

/** A candidate each of whose answers takes so long. */
function slow(bench: Bench, ms: number): Plan {
  return {
    ...OPEN,
    get rules() {
      bench.pass(ms)
      return OPEN.rules
    },
  }
}

describe('a shadow', () => {
  it('counts what the candidate would have answered, and names decisions', () => {
    const { shadow, events, run } = aShadow()
    shadow.use(SHUT)
    for (const answer of answers) shadow.saw(answer)
    expect(events).toEqual([])
    run()
    expect(shadow.report()).toMatchObject({
      ...{ name: 'candidate', digest: SHUT.digest, since: FIRST.decided_at },
      ...{ passed_over: 0, failed: 0, lacking: {} },
      compared: { decisions: 3, changes: { allow_to_deny: 3 } },
    })
    expect(shadow.report()?.compared.examples.map(({ id }) => id)).toEqual(
      answers.map(({ id }) => id),
    )
    expect(events).toHaveLength(3)
    expect(events[0]).toEqual({ type: 'shadowed', change: 'allow_to_deny', rules: ['shut'] })
  })

  it('counts what the candidate lacked', () => {
    const { shadow, run } = aShadow()
    shadow.use(planOf('{ id: eu, when: \'request.territory == "FR"\', outcome: deny }'))
    shadow.saw(FIRST)
    run()
    expect(shadow.report()).toMatchObject({
      lacking: { 'request.territory': 1 },
      compared: { changes: { allow_to_delay: 1 } },
    })
  })

  it('is not asked about an answer that an earlier record gave', () => {
    const { shadow, run } = aShadow()
    shadow.use(SHUT)
    shadow.saw({ ...FIRST, repeated: true })
    run()
    expect(shadow.report()?.compared.decisions).toBe(0)
  })

  it('begins anew with another candidate, and goes on with the same', () => {
    const { shadow, run } = aShadow()
    shadow.use(SHUT)
    shadow.saw(FIRST)
    run()
    shadow.use(SHUT)
    expect(shadow.report()?.compared.decisions).toBe(1)
    shadow.saw(FIRST)
    shadow.use(OPEN)
    run()
    expect(shadow.report()).toMatchObject({ digest: OPEN.digest, compared: { decisions: 0 } })
  })

  it('without a candidate does nothing', () => {
    const { shadow, events, run } = aShadow()
    shadow.saw(FIRST)
    run()
    expect([shadow.report(), events]).toEqual([null, []])
  })

  it('forgets what waits when it stops', () => {
    const { shadow, run } = aShadow()
    shadow.use(SHUT)
    shadow.saw(FIRST)
    shadow.stop()
    run()
    expect(shadow.report()?.compared.decisions).toBe(0)
  })
})

describe('a candidate that misbehaves', () => {
  it('by throwing is counted as failed, and asked again the next time', () => {
    const { shadow, events, run } = aShadow()
    let broken = true
    const candidate: Plan = {
      ...SHUT,
      get rules() {
        if (broken) throw new RangeError('a fault of the engine')
        return SHUT.rules
      },
    }
    shadow.use(candidate)
    shadow.saw(FIRST)
    run()
    broken = false
    shadow.saw(FIRST)
    run()
    expect(shadow.report()).toMatchObject({ failed: 1, compared: { decisions: 1 } })
    expect(events[0]).toEqual({ type: 'shadowed', change: 'failed', rules: [] })
  })

  it('cannot be asked about an answer whose facts are not there', () => {
    const { shadow, run } = aShadow()
    shadow.use(SHUT)
    shadow.saw({ ...FIRST, openings: {} })
    run()
    expect(shadow.report()).toMatchObject({ failed: 1, compared: { decisions: 0 } })
  })

  it('by being slow costs what it may cost and no more: the rest is passed over', () => {
    const bench = aShadow({ budget_ms: 20 })
    bench.shadow.use(slow(bench, 50))
    // A hundred a second, for ten seconds.
    for (let i = 0; i < 1000; i++) {
      bench.shadow.saw(FIRST)
      bench.run()
      bench.pass(10)
    }
    const report = bench.shadow.report()
    const asked = report?.compared.decisions ?? 0
    expect(asked + (report?.passed_over ?? 0)).toBe(1000)
    // 20 ms of each of some 10 s, at 50 ms each, and the debt of the last one.
    expect(asked * 50).toBeLessThanOrEqual(20 * 11 + 50)
    expect(asked).toBeGreaterThan(2)
  })

  it('is never asked about more than so many at once', () => {
    const { shadow, run } = aShadow()
    shadow.use(SHUT)
    for (let i = 0; i < 1000; i++) shadow.saw(FIRST)
    run()
    expect(shadow.report()).toMatchObject({ passed_over: 744, compared: { decisions: 256 } })
  })

  it('reaches neither the answer nor the record', async () => {
    const node = await aNodeGate()
    try {
      const { shadow, run } = aShadow()
      shadow.use(SHUT)
      const gate = withShadow(node.gate, shadow)
      const answer = await decide(gate, { subject: 'u', stream: '' })
      expect(shadow.report()?.compared.decisions).toBe(0)
      run()
      expect(shadow.report()?.compared.changes).toEqual({ allow_to_deny: 1 })
      expect(answer.outcome).toBe('allow')
      const records = node.entries().filter(({ typ }) => typ === 'livegate-decision+jwt')
      expect(records.map(({ claims }) => claims.outcome)).toEqual(['allow'])
      expect((await node.audit()).clean).toBe(true)
    } finally {
      await node.close()
    }
  })
})
