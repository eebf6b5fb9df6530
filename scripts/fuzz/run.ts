/**
 * Draws inputs for one target until there were enough, or one shows a fault: then the smallest that does, and how to see it
 * again.
 */
import fc from 'fast-check'
import { AUDIT_TARGETS } from './audit-targets.ts'
import { ENCODING_TARGETS } from './encoding-targets.ts'
import { MEDIA_TARGETS } from './media-targets.ts'
import { RECORD_TARGETS } from './record-targets.ts'
import type { FuzzTarget } from './target.ts'
import { TLOG_TARGETS } from './tlog-targets.ts'
import { WITNESS_TARGETS } from './witness-targets.ts'

/** Every reader of what others have written. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...ENCODING_TARGETS,
  ...TLOG_TARGETS,
  ...WITNESS_TARGETS,
  ...RECORD_TARGETS,
  ...AUDIT_TARGETS,
  ...MEDIA_TARGETS,
]

/** What one input may take, twice in a row: the slowest take some 20 ms, and a machine may be busy. */
const LIMIT_MS = 1_000

export interface FuzzRun {
  readonly inputs: number
  readonly seconds: number
  /** The input that took longest. */
  readonly slowest_ms: number
  /** What is wrong; null for nothing. */
  readonly fault: string | null
}

export interface FuzzOptions {
  readonly inputs: number
  readonly seed: number
  /** For one input; a second unless given. */
  readonly limit_ms?: number
}

/** `inputs` of them from `seed`. */
export async function fuzz(
  target: FuzzTarget,
  { inputs, seed, limit_ms = LIMIT_MS }: FuzzOptions,
): Promise<FuzzRun> {
  const runs = Math.ceil(inputs / target.per)
  const began = performance.now()
  let slowest_ms = 0
  const timed = async (input: unknown): Promise<number> => {
    const start = performance.now()
    await target.check(input)
    return performance.now() - start
  }
  const property = fc.asyncProperty(target.inputs, async (input) => {
    const took = await timed(input)
    slowest_ms = Math.max(slowest_ms, took)
    const limit = limit_ms * target.per
    if (took > limit && (await timed(input)) > limit)
      throw new Error(`an input takes ${Math.round(took)} ms, expected at most ${limit}`)
  })
  const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: false })
  return {
    ...{ inputs: runs * target.per, seconds: (performance.now() - began) / 1000, slowest_ms },
    fault: details.failed ? told(target, details) : null,
  }
}

function told(target: FuzzTarget, details: fc.RunDetails<[unknown]>): string {
  const { seed, counterexamplePath, counterexample, errorInstance } = details
  const why = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance)
  return [
    `${target.name}: ${why?.split('\n').slice(0, 6).join('\n')}`,
    `input: ${fc.stringify(counterexample?.[0]).slice(0, 4_000)}`,
    `seed ${seed}, path ${counterexamplePath}`,
  ].join('\n')
}
