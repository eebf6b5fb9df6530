/**
 * What is there of the whole deployment in a data directory: which policies decide when, incident mode, what waits for people.
 */
import type { IncidentChange } from '../../core/incident.ts'
import type { Activation } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ReviewQueue } from '../../ports.ts'
import { loggedActivations } from '../sqlite/activations.ts'
import { createHeartbeats, type Heartbeats } from '../sqlite/heartbeats.ts'
import { loggedIncidents } from '../sqlite/incidents.ts'
import { createPolicyTexts, type PolicyTexts } from '../sqlite/policy-texts.ts'
import { listReviews, openReviews } from '../sqlite/review-queue.ts'
import type { Sql } from '../sqlite/sql.ts'
import { type StruckFound, type StruckPage, struckSubjects } from '../sqlite/struck.ts'

export interface DeploymentNow {
  /** What people are asked about. */
  readonly reviews: ReviewQueue
  /** Reviews without a word whose deadline is after `at`. */
  openReviews(at: EpochMs): number
  /** Every policy revision in the log. */
  readonly policyTexts: PolicyTexts
  /** Every activation in the log, by number. */
  activations(): readonly Activation[]
  /** Every change of incident mode in the log, by number. */
  incidents(): readonly IncidentChange[]
  /** Subjects of the newest strikes, newest first, each once: those of at most `limit` strikes before a place. */
  struck(page: StruckPage): StruckFound
  /** What the next heartbeat record has to say. */
  readonly heartbeats: Heartbeats
}

export function createDeploymentNow(sql: Sql): DeploymentNow {
  return {
    reviews: { list: async (search) => listReviews(sql, search) },
    openReviews: (at) => openReviews(sql, at),
    activations: () => loggedActivations(sql),
    incidents: () => loggedIncidents(sql),
    policyTexts: createPolicyTexts(sql),
    struck: (page) => struckSubjects(sql, page),
    heartbeats: createHeartbeats(sql),
  }
}
