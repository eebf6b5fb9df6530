import { expect, test } from 'vitest'
import { engineFor, engineIds } from '../../../src/core/policy/engines.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { ENGINE } from '../../../src/core/policy/plan.ts'

test('records of this version are replayed with what decided them', () => {
  expect(engineFor(ENGINE)?.evaluate).toBe(evaluate)
  expect(engineFor(ENGINE)?.id).toBe(ENGINE)
})

test('semantics that ever decided stay', () => {
  // Never take a line away: logs with these ids exist.
  expect(engineIds()).toEqual(expect.arrayContaining(['livegate-policy/1 livegate-cel/1']))
})

test('another id is not guessed at', () => {
  for (const id of [
    '',
    'livegate-policy/2 livegate-cel/1',
    `${ENGINE} `,
    '__proto__',
    'constructor',
  ])
    expect(engineFor(id)).toBeNull()
})
