/**
 * Counting in a tree that may outgrow 32 bits.
 *
 * Sizes and indices are safe integers, so `>>`, `|` and `&` (which cut to 32 bits) are never used on them: halving is
 * a division, parity a remainder, both exact below 2^53. Text is read strictly: one number has one spelling.
 */
import { LivegateError } from '../errors.ts'

/** True for a number usable as a size or an index: an integer from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Throws `internal` unless `value` is a size or an index; `what` completes "Cannot use ...". */
export function requireCount(value: number, what: string): void {
  if (!isCount(value))
    throw new LivegateError(
      'internal',
      `Cannot use ${String(value)} as ${what}: expected an integer from 0 to 2^53 - 1`,
    )
}

/** ASCII decimal without sign, blank or leading zero, at most 2^53 - 1; else null. */
export function parseDecimal(text: string): number | null {
  if (!/^(0|[1-9][0-9]*)$/.test(text)) return null
  const value = Number(text)
  return isCount(value) ? value : null
}

export function half(value: number): number {
  return Math.floor(value / 2)
}

export function isOdd(value: number): boolean {
  return value % 2 === 1
}

/** Position of the highest set bit; `value` is at least 1. */
export function floorLog2(value: number): number {
  const high = Math.floor(value / 0x1_0000_0000)
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value)
}

/** The powers of two that sum to `count`, largest first: the widths of the complete subtrees of a tree. */
export function powersOf(count: number): number[] {
  const powers: number[] = []
  for (let rest = count; rest > 0; ) {
    const power = 2 ** floorLog2(rest)
    powers.push(power)
    rest -= power
  }
  return powers
}
