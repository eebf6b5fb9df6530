/**
 * `livegate incident end`: ends incident mode early; again changes nothing.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { askedIncident, incidentVerb } from '../incident/gate-incidents.ts'

export function incidentEnd(noun: Command, act: Act): void {
  incidentVerb(noun, act, {
    ...{ name: 'end', about: 'end incident mode early' },
    example: 'livegate incident end',
    run: (session, options) =>
      askedIncident(
        session,
        options,
        { method: 'DELETE', path: '/v1/incident' },
        'end the incident',
      ),
  })
}
