/**
 * What the log of a data directory says about the whole deployment: which policies decide when, and incident mode.
 */
import type { IncidentChange } from '../../core/incident.ts'
import type { Activation } from '../../core/model.ts'
import { loggedActivations } from '../sqlite/activations.ts'
import { loggedIncidents } from '../sqlite/incidents.ts'
import type { Sql } from '../sqlite/sql.ts'

export interface DeploymentNow {
  /** Every activation in the log, by number. */
  activations(): readonly Activation[]
  /** Every change of incident mode in the log, by number. */
  incidents(): readonly IncidentChange[]
}

export function createDeploymentNow(sql: Sql): DeploymentNow {
  return { activations: () => loggedActivations(sql), incidents: () => loggedIncidents(sql) }
}
