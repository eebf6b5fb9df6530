/**
 * What an audit holds of a chain is what docs/cli.md says, and no more however many records the chain has.
 */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Bytes a chain, measured in a process of its own. */
function bytesOf(records: number): number {
  const args = ['bench/audit-memory.ts', '--chain', String(records), '20000']
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

test.each([
  [1, 100, 150],
  [16, 350, 450],
  [24, 350, 450],
])('a chain of %i records takes between %i and %i bytes', (records, least, most) => {
  expect(bytesOf(records)).toBeGreaterThan(least)
  expect(bytesOf(records)).toBeLessThan(most)
})
