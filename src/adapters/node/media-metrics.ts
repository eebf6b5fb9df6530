/**
 * Metrics of what runs on media servers: seen, renewed, decided late, cut. The rest is metrics.ts.
 */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { GateEvent } from '../../ports.ts'
import { BUCKETS, described, FAMILIES } from './metric-families.ts'

export type MediaEvent = Extract<
  GateEvent,
  {
    readonly type:
      | 'renewed'
      | 'revoked'
      | 'cut'
      | 'ungated'
      | 'ungated_stranger'
      | 'observed'
      | 'control_failed'
  }
>

/** Counts one event after the other. */
export function createMediaMetrics(registry: Registry): (event: MediaEvent) => void {
  const of = (id: 'rechecks' | 'cuts' | 'ungated' | 'observed' | 'control_faults'): Counter =>
    new Counter({ ...described(id), registers: [registry] })
  const rechecks = of('rechecks')
  const cuts = of('cuts')
  const cutSeconds = new Histogram({
    ...described('cut_seconds'),
    buckets: [...(BUCKETS[FAMILIES.cut_seconds.name] ?? [])],
    registers: [registry],
  })
  const ungated = of('ungated')
  const observed = of('observed')
  const faults = of('control_faults')
  // What alerts watch is there from the start.
  for (const confirmed of ['dropped', 'reported', 'absent', 'none']) cuts.inc({ confirmed }, 0)
  for (const covered of ['yes', 'no']) observed.inc({ covered }, 0)
  return (event) => {
    switch (event.type) {
      case 'renewed':
      case 'revoked':
        return rechecks.inc({ event: event.type, cause: event.cause })
      case 'cut':
        if (event.confirmed !== 'none') cutSeconds.observe(event.took_ms / 1000)
        return cuts.inc({ confirmed: event.confirmed })
      case 'ungated':
        return ungated.inc({ cause: event.cause })
      case 'ungated_stranger':
        return ungated.inc({ cause: event.why })
      case 'observed':
        observed.inc({ covered: 'yes' }, event.covered_s)
        return observed.inc({ covered: 'no' }, event.uncovered_s)
      case 'control_failed':
        return faults.inc({ server: event.template ?? event.server, fault: event.fault })
    }
  }
}
