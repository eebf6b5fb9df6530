/**
 * One decision beside what others take for one rule: a Cedar authorization, a cel-js condition, a json-rules-engine rule.
 *
 * All in one warm process, in turn; ratios of medians are quoted. The peers answer a far smaller question (one rule, no
 * history, no reasons), so this shows an order of magnitude, not a contest.
 */
import { createRequire } from 'node:module'
import { Environment } from '@marcbachmann/cel-js'
import { Engine } from 'json-rules-engine'
import { benchEvaluate } from './evaluate.ts'

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs')

const ROUNDS = 9
const ROUND_MS = 60

/** Median microseconds per call over short rounds. */
async function medianUs(work: () => unknown): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    let runs = 0
    for (; performance.now() - start < ROUND_MS; runs++) await work()
    rounds.push(((performance.now() - start) * 1000) / runs)
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
}

function cedarCall(): () => unknown {
  const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as Cedar
  const call = {
    principal: { type: 'User', id: 'u_81f' },
    action: { type: 'Action', id: 'start' },
    resource: { type: 'Broadcast', id: 'b_204' },
    context: { strikes: 1, followers: 1200 },
    policies: {
      staticPolicies:
        'permit(principal, action == Action::"start", resource) when { context.strikes < 3 && context.followers >= 1000 };',
    },
    entities: [],
  }
  return () => {
    const answer = cedar.isAuthorized(call)
    if (answer.type !== 'success' || answer.response.decision !== 'allow')
      throw new Error('Cedar did not allow')
  }
}

function celCall(): () => unknown {
  const env = new Environment()
    .registerVariable('strikes', 'int')
    .registerVariable('followers', 'int')
    .registerVariable('audience', 'string')
  const program = env.parse('strikes < 3 && followers >= 1000 && audience == "public"')
  const context = { strikes: 1n, followers: 1200n, audience: 'public' }
  return () => {
    if (program(context) !== true) throw new Error('cel-js did not allow')
  }
}

function jsonRulesCall(): () => Promise<void> {
  const engine = new Engine([
    {
      conditions: {
        all: [
          { fact: 'strikes', operator: 'lessThan', value: 3 },
          { fact: 'followers', operator: 'greaterThanInclusive', value: 1000 },
        ],
      },
      event: { type: 'allow' },
    },
  ])
  return async () => {
    const { events } = await engine.run({ strikes: 1, followers: 1200 })
    if (events.length !== 1) throw new Error('json-rules-engine did not allow')
  }
}

/** Rows of the bench table. */
export async function benchEvaluatePeers(): Promise<readonly string[]> {
  const own = benchEvaluate()
  const peers: readonly (readonly [name: string, work: () => unknown])[] = [
    ['one cedar-wasm authorization', cedarCall()],
    ['one cel-js condition', celCall()],
    ['one json-rules-engine rule', jsonRulesCall()],
  ]
  const rows = [
    `| evaluation, 50 strikes, 12 counts or ladders, 6 conditions, 2 \`unless\` | ${own.usual_us.toFixed(1)} µs | budget 25 µs; none running ${own.quiet_us.toFixed(1)} µs, nine running ${own.busy_us.toFixed(1)} µs |`,
    `| cost per strike, per rule | ${own.by_strikes.map(({ strikes, us }) => `${strikes}: ${us.toFixed(0)}`).join(', ')} µs | rules ${own.by_rules.map(({ rules, us }) => `${rules}: ${us.toFixed(0)}`).join(', ')} µs |`,
  ]
  for (const [name, work] of peers) {
    const us = await medianUs(work)
    rows.push(
      `| evaluation against ${name} | ${(own.usual_us / us).toFixed(2)} | peer ${us.toFixed(1)} µs |`,
    )
  }
  return rows
}

if (import.meta.main) for (const row of await benchEvaluatePeers()) console.log(row)
