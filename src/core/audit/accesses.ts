/**
 * Who opened records for themselves, as the log's access records say: added up by caller.
 *
 * That every opening left a record, nobody can show from the log; whoever was given records and finds none of it can.
 * Spec: docs/spec/record.md, "Access".
 */
import type { OwnClaims } from '../record/groups.ts'
import { GROUP_NAMES, type GroupName } from '../record/kinds.ts'

/** What one caller opened, in the entries of this run. */
export interface CallerAccess {
  readonly by: string
  /** Answers, and records in them; one record opened twice counts twice. */
  readonly answers: number
  readonly records: number
  readonly via: readonly string[]
  readonly groups: readonly GroupName[]
  /** Indexes of the first and last access record. */
  readonly first: number
  readonly last: number
}

export interface AccessCounts {
  readonly answers: number
  readonly records: number
  /** The first callers met; beyond them they are only counted, as one named `…`. */
  readonly callers: readonly CallerAccess[]
}

interface Sum {
  answers: number
  records: number
  readonly via: Set<string>
  readonly groups: Set<GroupName>
  readonly first: number
  last: number
}

/** Callers told apart: keys and clients of access tokens, of which a deployment has a few. */
const MAX_CALLERS = 1_000
const OTHERS = '…'

export class Accesses {
  readonly #callers = new Map<string, Sum>()

  learn({ by, via, groups, count }: OwnClaims['access'], index: number): void {
    const name = this.#callers.has(by) || this.#callers.size < MAX_CALLERS ? by : OTHERS
    const sum = this.#callers.get(name) ?? {
      ...{ answers: 0, records: 0, first: index, last: index },
      ...{ via: new Set<string>(), groups: new Set<GroupName>() },
    }
    sum.answers++
    sum.records += count
    sum.last = index
    sum.via.add(via)
    for (const group of groups) sum.groups.add(group)
    this.#callers.set(name, sum)
  }

  counts(): AccessCounts {
    const callers = [...this.#callers].map(([by, { via, groups, ...sum }]) => ({
      ...{ by, ...sum, via: [...via] },
      groups: GROUP_NAMES.filter((group) => groups.has(group)),
    }))
    const total = (of: 'answers' | 'records'): number =>
      callers.reduce((sum, caller) => sum + caller[of], 0)
    return { answers: total('answers'), records: total('records'), callers }
  }
}
