/** What is wrong with a file is told kind by kind: a person reads the first screen, a program the JSON. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { aDirectory, run } from './a-world.ts'

const POLICY =
  'livegate: policy/v1\nname: t\nrules:\n  - { id: a, clause: c, outcome: deny, when: incident.active }\n'

async function explained(history: string, ...more: readonly string[]) {
  const dir = aDirectory()
  writeFileSync(join(dir, 'p.yaml'), POLICY)
  writeFileSync(join(dir, 'h.yaml'), history)
  return run(dir, ['policy', 'explain', '--policy', 'p.yaml', '--history', 'h.yaml', ...more])
}

describe('a history that cannot be read', () => {
  it('has faults that are alike told once, with the places of the others', async () => {
    const { exit, err } = await explained('supports: [&a x, *a, *a]\n')
    expect(exit).toBe(3)
    expect(err.match(/cannot use an alias/g)).toHaveLength(1)
    expect(err).toContain('h.yaml:1:18 yaml-feature: a history cannot use an alias')
    expect(err).toContain('  and 1 more like this: 1:22\n')
    expect(err).toContain('it has 3 problems')
  })

  it('has eight places of them told, and all of them in the JSON', async () => {
    const history = `supports: [&a x${', *a'.repeat(10)}]\n`
    const { err } = await explained(history)
    expect(err).toMatch(/ {2}and 9 more like this: 1:22(?:, 1:[0-9]+){7}, …\n/)
    const { out } = await explained(history, '--json')
    expect(JSON.parse(out).diagnostics).toHaveLength(11)
  })

  it('has twenty kinds of fault told', async () => {
    const history = Array.from({ length: 23 }, (_, i) => `zz${i}: 1\n`).join('')
    const { err } = await explained(history)
    expect(err.match(/ unknown-key: /g)).toHaveLength(20)
    expect(err).toContain('… and 3 more\n')
    expect(err).toContain('it has 23 problems')
  })
})
