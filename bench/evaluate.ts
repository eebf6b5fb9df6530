/**
 * Cost of one decision: microseconds over policies/evaluate.yaml (12 counts and ladders, 6 conditions, 2 `unless`)
 * and 50 strikes, nothing cached between decisions; and how it grows with strikes and with rules.
 *
 * Run: `node bench/evaluate.ts`. Each figure is the tenth percentile of sixty short rounds in one warm process.
 */
import { readFileSync } from 'node:fs'
import { utf8 } from '../src/core/encoding.ts'
import type { Facts, Strike } from '../src/core/model.ts'
import { compilePolicy } from '../src/core/policy/compile.ts'
import { evaluate } from '../src/core/policy/evaluate.ts'
import type { Plan } from '../src/core/policy/plan.ts'
import { DAY_MS, epochMs } from '../src/core/time.ts'

/** What one run measured, in microseconds per decision. */
export interface EvaluateFigures {
  /** 50 strikes, all more than a year old: nothing runs. */
  readonly quiet_us: number
  /** 50 strikes, one a fortnight up to now: some restrictions run, reasons are written. */
  readonly usual_us: number
  /** 50 strikes within ten days: nine rules match, three of them by all 50. */
  readonly busy_us: number
  readonly no_strikes_us: number
  readonly by_strikes: readonly { readonly strikes: number; readonly us: number }[]
  readonly by_rules: readonly { readonly rules: number; readonly us: number }[]
}

const NOW = epochMs(Date.UTC(2026, 10, 22))
const CATEGORIES = [
  'terrorism.link',
  'hate.speech',
  'harassment.bullying',
  'fraud.scam',
  'spam.bulk',
  'violence.threat',
  'sexual.nudity',
  'self_harm.promotion',
]

/** Measures and prints. */
export function benchEvaluate(): EvaluateFigures {
  const plan = compiled(readFileSync(new URL('./policies/evaluate.yaml', import.meta.url)))
  const figures: EvaluateFigures = {
    no_strikes_us: measure(plan, facts([])),
    quiet_us: measure(plan, facts(history(50, 400))),
    usual_us: measure(plan, facts(history(50, 0, 14 * 24))),
    busy_us: measure(plan, facts(history(50, 0))),
    by_strikes: [10, 50, 100, 500, 1000, 4096].map((strikes) => ({
      strikes,
      us: measure(plan, facts(history(strikes, 0))),
    })),
    by_rules: [10, 50, 100, 500, 1000].map((rules) => ({
      rules,
      us: measure(manyRules(rules), facts(history(50, 400))),
    })),
  }
  print(figures)
  return figures
}

/** Strikes `hours` apart, the latest `days` ago. */
function history(length: number, days: number, hours = 5): Strike[] {
  return Array.from({ length }, (_, i): Strike => {
    const at = epochMs(NOW - days * DAY_MS - i * hours * 3_600_000)
    return {
      id: `strike-${i}`,
      subject: 'u_81f',
      category: CATEGORIES[i % CATEGORIES.length] ?? '',
      severity: i % 3 === 0 ? 'high' : 'medium',
      weight: 1,
      issued_at: at,
      effective_at: at,
      scope: i % 5 === 0 ? 'live' : 'any',
      context: i % 4 === 0 ? 'news' : 'none',
      status: 'active',
    }
  })
}

function facts(strikes: readonly Strike[]): Facts {
  return {
    at: NOW,
    hosts: [
      {
        subject: 'u_81f',
        facts: {
          created_at: epochMs(NOW - 900 * DAY_MS),
          followers: 1200,
          age_band: '18+',
          verified: true,
          labels: ['partner'],
        },
        sources: {},
        strikes,
        holds: [],
        reviews: [],
        open_broadcasts: 0,
      },
    ],
    stream: { id: 'b_204', audience: 'public', one_to_many: true },
    request: { territory: 'FR', ingest: 'rtmp' },
    incident: { active: false },
    platform: { moderation_available: true },
    supports: ['broadcast_delay', 'audience_cap', 'no_gifts', 'no_recording'],
  }
}

function manyRules(length: number): Plan {
  const rules = Array.from({ length }, (_, i) => ({
    id: `r${i}`,
    count: { category: CATEGORIES[i % CATEGORIES.length], within: '365d' },
    ladder: { 1: '1d', 2: '2d' },
    outcome: 'deny',
  }))
  return compiled(utf8(JSON.stringify({ livegate: 'policy/v1', name: 'many', rules })))
}

function compiled(bytes: Uint8Array): Plan {
  const result = compilePolicy(bytes, { file: 'evaluate.yaml' })
  if (!result.ok) throw new Error(result.error.map(({ message }) => message).join('\n'))
  return result.value.plan
}

/** Short rounds, so that one fits between two turns of other programs; the best tenth is what the code costs. */
const ROUNDS = 60
const ROUND_MS = 8

function measure(plan: Plan, input: Facts): number {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    let runs = 0
    while (performance.now() - start < ROUND_MS)
      for (let i = 0; i < 10; i++, runs++) if (evaluate(plan, input).rules.length > 1e6) return 0
    rounds.push(((performance.now() - start) * 1000) / runs)
  }
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 10)] ?? 0
}

function print(figures: EvaluateFigures): void {
  const us = (value: number): string => `${value.toFixed(1)} µs`
  console.log(`one decision, no strikes            ${us(figures.no_strikes_us)}`)
  console.log(`one decision, 50 strikes, none runs ${us(figures.quiet_us)}`)
  console.log(`one decision, 50 strikes, some run  ${us(figures.usual_us)}`)
  console.log(`one decision, 50 strikes, nine run  ${us(figures.busy_us)}`)
  for (const { strikes, us: cost } of figures.by_strikes)
    console.log(`${String(strikes).padStart(5)} strikes  ${us(cost)}  ${us(cost / strikes)} each`)
  for (const { rules, us: cost } of figures.by_rules)
    console.log(`${String(rules).padStart(5)} rules    ${us(cost)}  ${us(cost / rules)} each`)
}

if (import.meta.main) benchEvaluate()
