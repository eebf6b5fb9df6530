/**
 * `livegate incident show`: whether incident mode is on, and the last incidents.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT } from '../failure.ts'
import { gateClient } from '../gate-client.ts'
import { incidentText, incidentVerb, type ShownIncident } from '../incident/gate-incidents.ts'

export function incidentShow(noun: Command, act: Act): void {
  incidentVerb(noun, act, {
    ...{ name: 'show', about: 'show whether incident mode is on, and the last incidents' },
    example: 'livegate incident show',
    async run(session, options) {
      const client = await gateClient(session, options)
      const request = { method: 'GET', path: '/v1/incident' } as const
      const value = (await client.json(request, 'show incident mode')) as {
        readonly active: boolean
        readonly incidents: readonly ShownIncident[]
      }
      const head = value.active ? [] : ['incident mode is off']
      const all = value.incidents.map((one) => incidentText(session, one))
      session.result([...head, ...all].join('\n'), value)
      return EXIT.clean
    },
  })
}
