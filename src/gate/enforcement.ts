/**
 * Numbers the records a media server's adapter asks for, so that one left out of the log is a gap that can be named.
 *
 * A number is taken when a record is drafted, and free again when that record was not made: then the next one gets it. What
 * is not known counts as made. Numbers live as long as the adapter's instance: each has a random name of its own, and a
 * crash can only leave numbers of its last moments unused. Spec: docs/spec/record.md, "Enforcers".
 */
import { toBase64Url } from '../core/encoding.ts'
import type { Directory, Random } from '../ports.ts'

/** What a record's group `request` says of it. */
export interface EnforcerNumber {
  readonly enforcer: string
  readonly enf_seq: number
}

/** One instance of an adapter, for one media server. */
export interface Enforcement {
  /** 22 characters, random. */
  readonly enforcer: string
  /** The next number; null when there is none to give, then the record has none. */
  take(): number | null
  /** No record has it, and none will. */
  free(enf_seq: number): void
}

/** Counts from 1. Memory: one number for each that is free again, at most as many as were under way at once. */
export function createEnforcement(random: Random): Enforcement {
  const free: number[] = []
  let next = 1
  return {
    enforcer: toBase64Url(random.bytes(16)),
    take: () => free.shift() ?? next++,
    free(enf_seq) {
      const at = free.findIndex((other) => other > enf_seq)
      free.splice(at === -1 ? free.length : at, 0, enf_seq)
    },
  }
}

/** A number that was taken elsewhere, for whoever drafts the record; `isFree` tells whether it was of use. */
export function givenNumber({ enforcer, enf_seq }: EnforcerNumber): {
  readonly enforcement: Enforcement
  isFree(): boolean
} {
  let state: 'unused' | 'taken' | 'freed' = 'unused'
  return {
    isFree: () => state !== 'taken',
    enforcement: {
      enforcer,
      take() {
        if (state === 'taken') return null
        state = 'taken'
        return enf_seq
      },
      free() {
        state = 'freed'
      },
    },
  }
}

/** Runs `make`, which makes the record `id`, with a number for it. */
export async function numbered<T>(
  { directory }: { readonly directory: Pick<Directory, 'record'> },
  { enforcement, id }: { readonly enforcement: Enforcement | undefined; readonly id: string },
  make: (number: EnforcerNumber | object) => Promise<T>,
): Promise<T> {
  const enf_seq = enforcement?.take() ?? null
  if (enforcement === undefined || enf_seq === null) return make({})
  try {
    return await make({ enforcer: enforcement.enforcer, enf_seq })
  } catch (error) {
    if (await isMissing(directory, id)) enforcement.free(enf_seq)
    throw error
  }
}

async function isMissing(directory: Pick<Directory, 'record'>, id: string): Promise<boolean> {
  try {
    return (await directory.record(id)) === null
  } catch {
    return false
  }
}
