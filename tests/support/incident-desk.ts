/**
 * Incident mode over a list: what a desk is without a log.
 */
import type { IncidentChange } from '../../src/core/incident.ts'
import {
  createIncidentBook,
  createIncidentDesk,
  type IncidentDesk,
} from '../../src/gate/incident.ts'
import type { Clock } from '../../src/ports.ts'
import { countedRandom } from '../core/record/samples.ts'

export function anIncidentDesk(
  clock: Clock,
  changes: IncidentChange[] = [],
): { readonly desk: IncidentDesk; readonly changes: IncidentChange[] } {
  const random = countedRandom('incident')
  const book = createIncidentBook({
    ...{ clock, random: { bytes: (length) => random(length) }, list: () => changes },
    append: async (more) => void changes.push(...more),
  })
  return {
    desk: createIncidentDesk({ clock, changes: book.list, commit: book.put }),
    changes,
  }
}
