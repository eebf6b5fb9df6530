/**
 * Restrictions that outlived an erasure, as facts list them, held to the chain of whoever came back.
 *
 * What is kept is settled before a chain begins and only ends from there on. So the first evaluation of a chain that was
 * opened fixes it, and every later one lists exactly what still runs of that. That it is what ran before the erasure nobody
 * outside can tell. Spec: docs/spec/record.md, "Replay". Next: chain-replay.ts.
 */
import { SUPPRESSION_KEPT_MS } from '../../limits.ts'
import type { StrikeFault } from './strikes.ts'

/** One of them: hash of what it says, and its end; null for never. */
export type Kept = readonly [said: string, until: number | null]

export interface KeptView {
  /** Instant of the decision. */
  readonly at: number
  /** The latest second any entry so far was signed in. */
  readonly latest_s: number
  /** `` for the subject itself, ` of co-host 1` and so on. */
  readonly whose: string
}

/** `known` null: nothing is fixed yet. */
export function judgeKept(
  known: readonly Kept[] | null,
  listed: readonly Kept[],
  view: KeptView,
): readonly StrikeFault[] {
  if (listed.length === 0 && (known === null || known.length === 0)) return []
  const faults: StrikeFault[] = []
  const left = new Map(listed)
  if (left.size < listed.length) faults.push(invented(view, 'twice'))
  for (const [said, until] of listed) {
    if (!runs(until, view)) faults.push(invented(view, 'that has ended'))
    if (known !== null && !known.some((one) => one[0] === said))
      faults.push(invented(view, 'that an earlier decision of the chain has not'))
  }
  for (const [said, until] of known ?? [])
    if (runs(until, view) && !left.has(said) && !mayBeSwept(until, view))
      faults.push({
        code: 'suppression_ignored',
        message: `The facts lack a restriction${view.whose} that was kept when the chain began and still runs`,
      })
  return faults
}

function runs(until: number | null, { at }: KeptView): boolean {
  return until === null || until > at
}

/** By a clock that was ahead by more than anybody waits for. */
function mayBeSwept(until: number | null, { latest_s }: KeptView): boolean {
  return until !== null && until + SUPPRESSION_KEPT_MS <= 1000 * latest_s
}

function invented({ whose }: KeptView, how: string): StrikeFault {
  return {
    code: 'suppression_invented',
    message: `The facts list a kept restriction${whose} ${how}`,
  }
}
