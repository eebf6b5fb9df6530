/**
 * Incident mode over a log in memory.
 */
import { type IncidentChange, incidentFacts } from '../../core/incident.ts'
import type { IncidentFacts } from '../../core/model.ts'
import { incidentDraft, type RecordDraft } from '../../core/record/drafts.ts'
import { createIncidentBook, createIncidentDesk, type IncidentDesk } from '../../gate/incident.ts'
import type { Clock, Random } from '../../ports.ts'

export interface MemoryIncidents {
  readonly desk: IncidentDesk
  /** What a decision made at `at` sees; null while there never was one. */
  facts(at: number): IncidentFacts | null
}

/** `append` puts drafts into the log, in order. */
export function createMemoryIncidents(parts: {
  append(drafts: readonly RecordDraft[]): Promise<void>
  readonly clock: Clock
  readonly random: Random
}): MemoryIncidents {
  const { append, clock, random } = parts
  const changes: IncidentChange[] = []
  let last: Promise<unknown> = Promise.resolve()
  const book = createIncidentBook({
    ...{ clock, random, list: () => changes },
    async append(more) {
      await append(more.map(incidentDraft))
      changes.push(...more)
    },
  })
  return {
    desk: createIncidentDesk({
      clock,
      changes: book.list,
      commit(wish) {
        const put = (): ReturnType<typeof book.put> => book.put(wish)
        const result = last.then(put, put)
        last = result.catch(() => {})
        return result
      },
    }),
    facts: (at) => (changes.length === 0 ? null : incidentFacts(changes, at)),
  }
}
