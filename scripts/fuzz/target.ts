/**
 * A reader of untrusted input under test: what it is given, and what must hold of its answer.
 *
 * A check throws when the reader does anything but refuse in its own words or accept a text in its one spelling.
 */
import fc from 'fast-check'
import { LivegateError } from '../../src/core/errors.ts'
import { type Change, changes, changeText, placeIn } from './mutate.ts'

export interface FuzzTarget {
  readonly name: string
  /** Inputs one draw holds; one unless given. */
  readonly per: number
  readonly inputs: fc.Arbitrary<unknown>
  /** Throws what is wrong. */
  check(input: unknown): void | Promise<void>
}

/** A target over inputs of one type. */
export function target<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => void | Promise<void>,
  per = 1,
): FuzzTarget {
  return { name, per, inputs, check: (input) => check(input as T) }
}

/** What writing the accepted value again gives; null when the text was refused. */
export type Again = (text: string) => string | null

/** A text format: whatever is accepted is written again to the very same text. */
export function spelling(
  name: string,
  seeds: readonly string[],
  again: Again,
  change: (text: string, change: Change) => string = changeText,
): FuzzTarget {
  for (const seed of seeds) requireSame(name, again(seed), seed)
  return target(name, damaged(seeds, change), (text) => {
    const written = again(text)
    if (written !== null) requireSame(name, written, text)
  })
}

/** A seed with some changes, now and then crossed with another seed, or no seed at all. */
export function damaged(
  seeds: readonly string[],
  change: (text: string, change: Change) => string = changeText,
): fc.Arbitrary<string> {
  const one = fc
    .tuple(fc.nat(seeds.length - 1), changes, fc.nat(19), fc.nat(seeds.length - 1))
    .map(([which, done, crossing, other]) => {
      const seed = seeds[which] ?? ''
      const [first] = done
      const mate = seeds[other] ?? ''
      const crossed =
        crossing === 0 && first !== undefined && change === changeText
          ? seed.slice(0, placeIn(first.at, seed.length)) +
            mate.slice(placeIn(first.with, mate.length))
          : seed
      return done.reduce(change, crossed)
    })
  return fc.oneof(
    { weight: 29, arbitrary: one },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  )
}

/** Any of the values with some changes. */
export function changed<T>(
  seeds: readonly T[],
  change: (value: T, change: Change) => T,
): fc.Arbitrary<T> {
  return fc
    .tuple(fc.constantFrom(...seeds), changes)
    .map(([seed, done]) => done.reduce(change, seed))
}

export function requireSame(what: string, got: unknown, expected: unknown): void {
  const [a, b] = [printed(got), printed(expected)]
  if (a !== b) throw new Error(`${what}: got ${a.slice(0, 2_000)}\nexpected ${b.slice(0, 2_000)}`)
}

/** What `read` gives; null when it refuses with the one error that is meant for it. */
export function refusing<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof LivegateError) return null
    throw error
  }
}

/** Throws unless `held`. */
export function must(held: boolean, what: string): void {
  if (!held) throw new Error(what)
}

function printed(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return JSON.stringify(value) ?? String(value)
}
