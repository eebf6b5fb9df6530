/**
 * An erasure desk of answers made up, for the tests of the HTTP layer; what it was asked is kept.
 */
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import type { ErasureRequest } from '../../src/gate/erasure.ts'
import type { ErasureDesk } from '../../src/gate/erasure-desk.ts'
import type { SubjectExport } from '../../src/gate/subject-export.ts'
import type { Erasure, LegalHold } from '../../src/ports.ts'

const AT: EpochMs = epochMs(Date.UTC(2026, 10, 20, 12))

/** As docs/spec/api.md has it. */
export const AN_ERASURE: Erasure = {
  ...{ scope: 'subject', at: AT, state: 'done', record: 'r'.repeat(22), suppressed: 1 },
  receipt: { origin: 'gate.example/log', index: 981, leaf: 'l'.repeat(43) },
  counts: {
    ...{ records: 31, strikes: 2, facts: 3, holds: 0, reviews: 0, broadcasts: 0 },
    ...{ appearances: 0, stream_keys: 1 },
  },
}

export interface FakeErasureDesk extends ErasureDesk {
  readonly erased: ErasureRequest[]
  readonly holds: LegalHold[]
}

export interface ErasureWorld {
  readonly erasure?: Erasure
  readonly page?: Partial<SubjectExport>
  /** Thrown by `erase`. */
  readonly refusal?: Error
  /** Nothing is under a hold. */
  readonly free?: true
}

export function anErasureDesk(world: ErasureWorld = {}): FakeErasureDesk {
  const erased: ErasureRequest[] = []
  const holds: LegalHold[] = []
  return {
    erased,
    holds,
    async erase(request) {
      if (world.refusal !== undefined) throw world.refusal
      erased.push(request)
      const { erasure = null } = world
      return erasure === null
        ? { state: 'nothing_left', erasure }
        : { state: erasure.state, erasure }
    },
    async hold(request) {
      const hold = { ...request, set_at: AT }
      holds.push(hold)
      return hold
    },
    lift: async () => world.free !== true,
    exported: async (subject) => ({
      ...{ subject, at: AT, now: null, records: [], next: null },
      ...world.page,
    }),
    retain: async () => ({ strikes: 0, more: false }),
  }
}
