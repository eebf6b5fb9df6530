/**
 * A mutation score and what lived, as text.
 *
 * Mutants nobody could tell from the original are listed with a reason and count for nothing.
 */

/** Of ten mutants nine have to be noticed. */
export const ENOUGH = 0.9

export interface Survivor {
  /** What an excuse names. */
  readonly id: string
  /** For people: where it is and what changed. */
  readonly told: string
}

export interface Score {
  readonly of: string
  /** Mutants there are; `tried` is less where a sample was taken. */
  readonly all: number
  readonly tried: number
  readonly killed: number
  /** Excused: listed as no different from the original. */
  readonly equivalent: number
  readonly survivors: readonly Survivor[]
  /** Excuses that excused nothing. */
  readonly unused: readonly string[]
}

/** Killed of those that differ; 1 when there is none. */
export function ratio({ tried, killed, equivalent }: Score): number {
  return tried === equivalent ? 1 : killed / (tried - equivalent)
}

export function isEnough(score: Score): boolean {
  return ratio(score) >= ENOUGH
}

export function scoreText(score: Score): string {
  const { of, all, tried, killed, equivalent, survivors } = score
  const percent = (100 * ratio(score)).toFixed(1)
  const sample = tried < all ? `, a sample of ${all}` : ''
  const excused = equivalent > 0 ? `, ${equivalent} equivalent` : ''
  return [
    `${of}: ${percent} % (${killed} of ${tried - equivalent} killed${excused}${sample})`,
    ...survivors.map(({ told }) => `  lived: ${told}`),
  ].join('\n')
}
