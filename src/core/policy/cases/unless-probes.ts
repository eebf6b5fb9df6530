/**
 * Cases around every value at which an `unless` turns, on a strike that otherwise makes its rule match.
 */
import { SEVERITIES, SOURCE_KINDS, type Strike } from '../../model.ts'
import { type EpochMs, epochMs } from '../../time.ts'
import { hostContext } from '../evaluate-rule.ts'
import { leavesOf } from '../expressions.ts'
import type { RulePlan, StrikeCondition } from '../plan.ts'
import type { FactAt, FactChoice } from '../vocabulary.ts'
import { candidatesOf, valueAt } from '../vocabulary-facts.ts'
import { deciding } from './condition-probes.ts'
import {
  type Assignment,
  assignments,
  choicesOf,
  type Ground,
  NOTHING,
  type Probe,
  sceneFacts,
} from './ground.ts'
import { classesOf, historyOf, lastOf, needOf } from './histories.ts'
import type { Circumstance } from './strike-probes.ts'
import { factWords } from './words.ts'

/** Values of one fact that are written out. */
const MAX_VALUES = 48

export function* unlessProbes(
  ground: Ground,
  rule: RulePlan,
  circumstance: Circumstance,
): Generator<Probe> {
  const unless = rule.count?.unless ?? null
  if (rule.count === null || unless === null) return
  const [kind] = classesOf(ground, rule.count)
  const number = rule.ladder === null ? rule.count.at_least : 1
  const need = kind === undefined ? null : needOf(ground, rule, kind, number)
  if (need === null) return
  const history = historyOf(need, ground.from)
  const at = lastOf(history, ground.from)
  const choices = choicesIn(ground, unless)
  const strike = history[0]
  if (strike === undefined) return
  for (const { path, boundaries } of choices) {
    const values = boundaries.slice(0, MAX_VALUES)
    const others = assignments(choices.filter((choice) => choice.path !== path))
    const chosen = deciding(others, values, (facts, value) => {
      const all = new Map([...facts, [path, value]])
      const there = sceneFacts(ground, { at, strikes: [], facts: all })
      const { scope } = hostContext(ground.plan, there, 0, there.hosts[0])
      return unless.evaluate(scope, strikeWith(strike, all, at))
    })
    for (const facts of chosen)
      for (const value of values) {
        const all = new Map([...facts, [path, value]])
        // Every strike of the history is the same, so that one fewer is no match.
        const strikes = history.map((one) => strikeWith(one, all, at))
        const scene = {
          at,
          strikes: [...strikes, ...circumstance.also(at)],
          facts: new Map([...circumstance.facts, ...outside(all)]),
        }
        yield {
          name: `${rule.id}: strikes with ${factWords(path, value)}`,
          facts: sceneFacts(ground, scene),
        }
      }
  }
}

function outside(facts: Assignment): Assignment {
  const found = [...facts].filter(([path]) => !path.startsWith('strike.'))
  return found.length === 0 ? NOTHING : new Map(found)
}

function choicesIn(ground: Ground, unless: StrikeCondition): FactChoice[] {
  const leaves = leavesOf(unless.source)
  const own = unless.facts
    .filter((path) => path.startsWith('strike.'))
    .map((path): FactChoice => {
      const reading = leaves.filter(({ facts }) => facts.includes(path))
      const { values, boundaries } = candidatesOf(path, reading, [])
      const absent: FactAt[] = OPTIONAL.has(path) ? [{ kind: 'absent' }] : []
      const can = (all: readonly FactAt[]): FactAt[] => all.filter((value) => canBe(path, value))
      return { path, values: can(values), boundaries: [...absent, ...can(boundaries)] }
    })
  return [...own, ...choicesOf(ground, unless.facts)]
}

const OPTIONAL: ReadonlySet<string> = new Set([
  'strike.context',
  'strike.source_kind',
  'strike.source_system',
])

/** A test file takes no other words. */
function canBe(path: string, value: FactAt): boolean {
  const allowed = CLOSED[path]
  return allowed === undefined || (value.kind === 'value' && allowed.includes(String(value.value)))
}

const CLOSED: Readonly<Record<string, readonly string[]>> = {
  'strike.source_kind': SOURCE_KINDS,
  'strike.severity': SEVERITIES,
}

/** The strike with the members an assignment names. */
function strikeWith(strike: Strike, facts: Assignment, at: EpochMs): Strike {
  const { context: _, source: _source, ...bare } = strike
  const own: Record<string, unknown> = { ...bare }
  for (const [path, value] of facts) {
    const [root, member = ''] = path.split('.')
    const is = valueAt(value, at)
    if (root !== 'strike' || is === undefined || member === 'id') continue
    if (member === 'issued_at') {
      own.issued_at = is
      own.effective_at = epochMs(Math.min(is as number, at))
    } else if (!member.startsWith('source_')) own[member] = is
  }
  const source = sourceOf(facts, at)
  if (!facts.has('strike.context') && strike.context !== undefined) own.context = strike.context
  if (source !== null) own.source = source
  else if (strike.source !== undefined && !facts.has('strike.source_kind'))
    own.source = strike.source
  return own as unknown as Strike
}

function sourceOf(facts: Assignment, at: EpochMs): object | null {
  const kind = valueAt(facts.get('strike.source_kind') ?? { kind: 'absent' }, at)
  const system = valueAt(facts.get('strike.source_system') ?? { kind: 'absent' }, at)
  if (kind === undefined && system === undefined) return null
  return { system: system ?? 'desk', kind: kind ?? 'human' }
}
