/** What a report of an activation says of rules that would be gone: their people are freed, and somebody has to know. */
import { expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import type { Facts } from '../../src/core/model.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { DAY_MS, epochMs } from '../../src/core/time.ts'
import { type ReportSources, reportOn } from '../../src/gate/policy-report.ts'
import { AT, aStrike, someFacts } from '../core/record/samples.ts'

const RULE = (id: string, length: string): string =>
  `  - { id: ${id}, count: { category: "*" }, ladder: { 1: ${length} }, outcome: deny }\n`

const policy = (...rules: readonly string[]): string =>
  `livegate: policy/v1\nname: p\nrules:\n${rules.join('')}`

function planOf(text: string): Plan {
  const compiled = compilePolicy(utf8(text), { file: 'p.yaml' })
  if (!compiled.ok) throw new Error('the policy does not compile')
  return compiled.value.plan
}

const before = planOf(policy(RULE('a', '9d'), RULE('b', '9d'), RULE('c', '1d')))
const after = planOf(policy(RULE('b', '9d'), RULE('renamed', '9d')))

function sources(struck: readonly Facts[]): ReportSources {
  return {
    ...{ max_decisions: 10, default_decisions: 10, pause: async () => {} },
    recent: async function* () {},
    async *struck() {
      yield struck.map((facts) => ({ subject: null, facts }))
    },
  }
}

it('names each rule that disappears, with how many it frees', async () => {
  const strike = aStrike('s_1', epochMs(AT - 2 * DAY_MS))
  const struck = [someFacts(AT, [strike]), someFacts(AT, [strike]), someFacts(AT, [])]
  const plans = { before, after }
  const report = await reportOn(sources(struck), { decisions: 0, texts: plans, plans, at: AT })
  // The restriction of `c` is over already.
  expect(report.restrictions.removed).toEqual({ a: 2, c: 0 })
  const same = { before, after: before }
  const none = await reportOn(sources(struck), { decisions: 0, texts: same, plans: same, at: AT })
  expect(none.restrictions.removed).toEqual({})
})
