/**
 * The largest policy is compiled, linted and reported on in turns: counted is how much happens between two pauses, for
 * that is how long a decision waits.
 */
import { expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import { compiling } from '../../src/core/policy/compile.ts'
import { CHECKS } from '../../src/core/policy/lint/registry.ts'
import { finish } from '../../src/core/policy/steps.ts'
import { epochMs } from '../../src/core/time.ts'
import type { Struck } from '../../src/gate/policy-report.ts'
import { AT, aStrike, someFacts } from '../core/record/samples.ts'
import { aDesk } from '../support/policy-desk.ts'

const RULES = 999
const rule = (id: number): string =>
  `  - { id: r${id}, count: { category: "*", at_least: ${id + 1} }, when: stream.hosts > ${id}, outcome: deny, because: { en: "${'x'.repeat(100)}" } }\n`
const policy = (rules: number): Uint8Array =>
  utf8(
    `livegate: policy/v1\nname: p\nrules:\n${Array.from({ length: rules }, (_, i) => rule(i)).join('')}`,
  )

it('a dry run of a policy of 999 rules lets others have their turn', async () => {
  const big = policy(RULES)
  const facts = someFacts(AT, [aStrike('s_1', epochMs(AT - 1))])
  let looked = 0
  let pauses = 0
  const between: number[] = []
  const people = Array.from(
    { length: 40 },
    (): Struck => ({
      subject: null,
      get facts() {
        looked++
        return facts
      },
    }),
  )
  const { desk, begin } = aDesk({
    clock: { now: () => AT },
    sources: {
      async *struck() {
        yield people
      },
      async pause() {
        pauses++
        between.push(looked)
        looked = 0
      },
    },
  })
  await begin(policy(1))
  const request = { bytes: big, dry_run: true, decisions: 10, activate_at: null, by: 'key_1' }
  const done = await desk.activate({ ...request, note: null, expect_revision: null })
  expect(done).toMatchObject({ is: 'dry', report: { restrictions: { subjects: 40 } } })
  // 1,000 rules, two hosts and a strike: at most two people at a time.
  expect(Math.max(...between)).toBe(2)
  // Twenty of them are for the people; the others let decisions in while the text is read, checked and linted.
  expect(pauses).toBeGreaterThan(20 + big.length / 40_000 + CHECKS.length - 5)
})

it('a small policy is not slowed down: nobody waits for a page of people', async () => {
  let pauses = 0
  const { desk, begin } = aDesk({
    clock: { now: () => AT },
    sources: {
      async *struck() {
        yield Array.from({ length: 40 }, () => ({ subject: null, facts: someFacts(AT, []) }))
      },
      pause: async () => void pauses++,
    },
  })
  await begin(policy(1))
  const request = { bytes: policy(2), dry_run: true, decisions: 0, activate_at: null, by: 'key_1' }
  await desk.activate({ ...request, decisions: 10, note: null, expect_revision: null })
  expect(pauses).toBeLessThan(CHECKS.length + 12)
})

it('steps say what the whole says', () => {
  for (const bytes of [policy(3), utf8('rules: 7'), utf8('a: *b')]) {
    let steps = 0
    const work = compiling(bytes, { file: 'p.yaml' })
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) {
        expect(step.value.ok).toBe(finish(compiling(bytes, { file: 'p.yaml' })).ok)
        break
      }
      steps++
    }
    expect(steps).toBeLessThan(10)
  }
})

it('an author who expects nothing and is overtaken comes after the other; who expects something is told', async () => {
  const { desk, begin } = aDesk({ clock: { now: () => AT } })
  await begin(policy(1))
  const wish = { dry_run: false, decisions: 0, activate_at: null, by: 'key_1', note: null }
  const one = (rules: number, expect_revision: number | null): ReturnType<typeof desk.activate> =>
    desk.activate({ ...wish, bytes: policy(rules), expect_revision })
  const both = await Promise.all([one(2, null), one(3, null)])
  const revisions = both.map((done) => (done.is === 'invalid' ? 0 : done.activation.revision))
  expect(revisions.toSorted()).toEqual([2, 3])
  const [first, second] = await Promise.allSettled([one(4, 3), one(5, 3)])
  expect(first).toMatchObject({ status: 'fulfilled', value: { activation: { revision: 4 } } })
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } })
})
