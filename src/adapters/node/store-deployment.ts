/**
 * What is there of the whole deployment in a data directory: which policies decide when, incident mode, what waits for people.
 */
import type { IncidentChange } from '../../core/incident.ts'
import type { Activation } from '../../core/model.ts'
import type { ReviewQueue } from '../../ports.ts'
import { loggedActivations } from '../sqlite/activations.ts'
import { loggedIncidents } from '../sqlite/incidents.ts'
import { listReviews } from '../sqlite/review-queue.ts'
import type { Sql } from '../sqlite/sql.ts'

export interface DeploymentNow {
  /** What people are asked about. */
  readonly reviews: ReviewQueue
  /** Every activation in the log, by number. */
  activations(): readonly Activation[]
  /** Every change of incident mode in the log, by number. */
  incidents(): readonly IncidentChange[]
}

export function createDeploymentNow(sql: Sql): DeploymentNow {
  return {
    reviews: { list: async (search) => listReviews(sql, search) },
    activations: () => loggedActivations(sql),
    incidents: () => loggedIncidents(sql),
  }
}
