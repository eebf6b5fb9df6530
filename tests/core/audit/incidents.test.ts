/**
 * Incident mode, audited: what honestly happened is accused of nothing, and each lie about it (support/incident-lies.ts) is found
 * at its index, by its name. The state of an audit carries what is known of it.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { createAudit } from '../../../src/core/audit/audit.ts'
import { Findings } from '../../../src/core/audit/findings.ts'
import { Incidents } from '../../../src/core/audit/incidents.ts'
import { parseAuditState } from '../../../src/core/audit/state.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import type { IncidentChange } from '../../../src/core/incident.ts'
import { epochMs, MINUTE_MS } from '../../../src/core/time.ts'
import { auditOf, forged, named, type Unfolded } from '../../support/forge.ts'
import { ORIGIN } from '../../support/gate.ts'
import { HONEST_DELAYS, INCIDENT_LIES, incidentHistory, MODE } from '../../support/incident-lies.ts'

let honest: readonly Unfolded[] = []
beforeAll(async () => {
  honest = await incidentHistory()
})
const copy = (): Unfolded[] => structuredClone([...honest])

describe('incident mode in a log', () => {
  it('is what the history says it is', () => {
    const at = (index: number): string =>
      `${honest[index]?.kind} ${honest[index]?.claims.outcome ?? honest[index]?.claims.active}`
    expect(at(MODE.before)).toBe('decision allow')
    expect(at(MODE.started)).toBe('incident true')
    expect(at(MODE.denied)).toBe('decision deny')
    expect(MODE.during.map(at)).toEqual(MODE.during.map(() => 'decision deny'))
    expect(at(MODE.ended)).toBe('incident false')
    expect(MODE.after.map(at)).toEqual(MODE.after.map(() => 'decision allow'))
    expect([at(MODE.other), at(MODE.late)]).toEqual(['incident true', 'decision allow'])
  })

  it('accuses an honest gate of nothing', async () => {
    expect((await auditOf(await forged(copy()))).findings).toEqual([])
  })

  it.each(HONEST_DELAYS)('accuses no gate of $name', async ({ tell }) => {
    const log = copy()
    tell(log)
    expect((await auditOf(await forged(log))).findings).toEqual([])
  })

  it.each(INCIDENT_LIES)('finds that $name', async ({ tell, expect: codes, says = /./ }) => {
    const log = copy()
    tell(log)
    const report = await auditOf(await forged(log))
    expect([...new Set(named(report))].toSorted()).toEqual(codes.toSorted())
    expect(report.findings.some(({ message }) => says.test(message))).toBe(true)
  })

  it('is held to nothing in a log that has no change of it', async () => {
    const log = copy().filter(({ kind }) => kind !== 'incident')
    expect((await auditOf(await forged(log))).findings).toEqual([])
  })

  it.each([MODE.denied, MODE.ended, MODE.late])('goes on from a state, at %i', async (size) => {
    const log = copy()
    INCIDENT_LIES[3]?.tell(log)
    const signed = await forged(log)
    const entries = signed.map(({ jws, openings }) => ({
      bytes: utf8(jws),
      disclosures: Object.values(openings),
    }))
    const first = createAudit({ origin: ORIGIN, trusted: null })
    first.entries(entries.slice(0, size))
    const state = parseAuditState(JSON.stringify(first.state()), ORIGIN)
    const rest = createAudit({ origin: ORIGIN, trusted: null, state })
    rest.entries(entries.slice(size))
    const { incidents = [] } = rest.state()
    expect(incidents.map(({ change }) => change.change)).toEqual([1, 2, 3, 4])
  })
})

const START: IncidentChange = {
  ...{ change: 1, active: true, id: 'i1', scope: 'all', at: epochMs(0), by: 'a' },
  ...{ until: epochMs(MINUTE_MS * 30), expires_at: epochMs(MINUTE_MS * 30), confirmed: false },
}

describe('a change that a clock jumped over', () => {
  const seen = { active: false }
  /** What is said of a decision at so many seconds of its own time, and of the log's. */
  function fault(at_s: number, logged: number): string | null {
    const incidents = new Incidents()
    incidents.learn(START as never, { index: 1, logged: 0 }, new Findings())
    return incidents.fault(seen, { at: 1000 * at_s, logged })
  }

  it('may be missed while a minute of either time has not passed', () => {
    expect(fault(59, 1_000)).toBeNull()
    expect(fault(1_000, 60)).toBeNull()
    expect(fault(60, 61)).toMatch(/none runs; the log says i1 \(all\) runs/)
  })
})
