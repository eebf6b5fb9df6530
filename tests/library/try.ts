// try.ts: a whole gate in memory, for the tests of your application
import assert from 'node:assert/strict'
import { createMemoryGate, epochMs } from '../../src/index.ts'

const policy = `
livegate: policy/v1
name: example
rules:
  - id: one-strike
    ground: terms
    count: { category: [terrorism.*], severity: high.. }
    ladder: { 1: 30d, 2: 90d, 3: forever }
    outcome: deny
    because: { en: "Live is paused until {until}." }
on_unknown: { retry_after: 30s }
default: allow
lease: 4h
`
let now = Date.UTC(2026, 0, 31)
const { gate } = await createMemoryGate({ policy, now: () => now })
const question = {
  subject: 'u_1',
  stream: { id: 'b_1' },
  request: {},
  facts: {},
  supports: [],
  caller: 'test',
}

assert.equal((await gate.decide(question)).outcome, 'allow')
await gate.strike({
  id: 's_1',
  subject: 'u_1',
  category: 'terrorism.link',
  severity: 'high',
  issued_at: epochMs(now),
})
const denied = await gate.decide(question)
assert.equal(denied.outcome, 'deny')
assert.equal(denied.decision.until, Date.UTC(2026, 2, 2))

now = Date.UTC(2026, 2, 2) // thirty days later, to the millisecond
assert.equal((await gate.decide(question)).outcome, 'allow')
