/**
 * Spreads what would happen to thousands of objects at the same instant.
 *
 * Whatever a log failed for fails for all its subjects at once; waiting equally long they would all be back at once, and
 * again each time after. Next stop: subject-tending.ts.
 */
import type { Random } from '../../ports.ts'

/** `delay_ms`, a quarter more or less. */
export function jittered(random: Random, delay_ms: number): number {
  const [high = 0, low = 0] = random.bytes(2)
  return Math.round(delay_ms * (0.75 + (256 * high + low) / 131_072))
}
