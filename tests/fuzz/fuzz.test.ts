/**
 * 10,000 damaged inputs for every codec and verifier: no crash, no second spelling, no input that takes long. Millions:
 * `npm run fuzz` (CONTRIBUTING.md).
 */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FUZZ_TARGETS, fuzz } from '../../scripts/fuzz/run.ts'
import { requireSame, spelling, target } from '../../scripts/fuzz/target.ts'

/** Another for each run of CI would find other things on other days: that is what the script is for. */
const SEED = 20_261_123
const INPUTS = 10_000

describe('damaged inputs are refused, or accepted in their one spelling, by the reader of', () => {
  for (const one of FUZZ_TARGETS)
    it(`${one.name}`, async () => {
      const { fault, inputs } = await fuzz(one, { inputs: INPUTS, seed: SEED })
      expect(fault).toBeNull()
      expect(inputs).toBeGreaterThanOrEqual(INPUTS)
    })
})

describe('a run', () => {
  const few = { inputs: 500, seed: 1 }

  it('tells of a reader that throws, with the input and the seed', async () => {
    const broken = target('broken', fc.nat(9), (n) => {
      if (n > 6) throw new TypeError('seven is too many')
    })
    const { fault } = await fuzz(broken, few)
    expect(fault).toContain('seven is too many')
    expect(fault).toMatch(/input: 7\nseed 1, path /)
  })

  it('tells of a second spelling', async () => {
    const lax = spelling('lax', ['12', '340'], (text) =>
      /^\d+$/.test(text) ? String(Number(text)) : null,
    )
    expect((await fuzz(lax, few)).fault).toContain('lax: got "')
  })

  it('tells of an input that takes too long, and not of one pause', async () => {
    let pauses = 0
    const wait = (): void => {
      for (const end = performance.now() + 60; performance.now() < end; );
    }
    const one = { inputs: 1, seed: 1, limit_ms: 50 }
    const paused = target('paused', fc.nat(9), () => {
      if (pauses++ === 0) wait()
    })
    expect((await fuzz(paused, one)).fault).toBeNull()
    const slow = target('slow', fc.constant(0), wait)
    expect((await fuzz(slow, one)).fault).toContain('expected at most 50')
  })

  it('does not begin with a seed its reader refuses', () =>
    expect(() => spelling('none', ['a'], () => null)).toThrow('none: got null'))

  it('knows what is not the same', () => {
    expect(() => requireSame('bytes', Uint8Array.of(1), Uint8Array.of(2))).toThrow('got 01')
    expect(() => requireSame('values', { a: 1 }, { a: 1 })).not.toThrow()
  })
})
