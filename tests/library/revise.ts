// revise.ts: what a new text would change for somebody, with all that the text in force promised
import {
  affected,
  compilePolicy,
  type Facts,
  formatInstant,
  inherit,
  type Revision,
} from '../../src/index.ts'

export function whatChanges(now: Revision, text: string, facts: Facts): readonly string[] {
  const compiled = compilePolicy(new TextEncoder().encode(text), { file: 'policy.yaml' })
  if (!compiled.ok) return compiled.error.map(({ message }) => message)
  const next = { plan: compiled.value.plan, revision: now.revision + 1, from: facts.at }
  const kept = inherit(next, [now])
  if (!kept.ok) return kept.error.map(({ message }) => message)
  return affected(now.plan, kept.value, facts).map(({ rule, change, after }) => {
    const until = typeof after === 'number' ? formatInstant(after) : (after ?? 'now')
    return `${rule}: ${change}, until ${until}`
  })
}
