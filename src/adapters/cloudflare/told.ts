/**
 * Which decisions this object has given as an answer, and how often.
 *
 * A Worker that gave up tells it when an answer came after all. Whether anybody else heard the same decision meanwhile, under
 * its Idempotency-Key, only the object can know. Memory only: a decision it has forgotten is left to its lease.
 */

/** Answers remembered: a late one comes within a minute, and one subject is rarely asked about more often. */
const MAX_TOLD = 64

export interface Told {
  note(decision: string): void
  /** True when it was given exactly once. From then on it is forgotten. */
  onlyOnce(decision: string): boolean
}

export function createTold(): Told {
  const counts = new Map<string, number>()
  return {
    note(decision) {
      const count = counts.get(decision) ?? 0
      counts.delete(decision)
      counts.set(decision, count + 1)
      const [oldest] = counts.keys()
      if (counts.size > MAX_TOLD && oldest !== undefined) counts.delete(oldest)
    },
    onlyOnce(decision) {
      if (counts.get(decision) !== 1) return false
      return counts.delete(decision)
    },
  }
}
