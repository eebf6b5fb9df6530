/**
 * Incident mode as a function of its changes: what may follow, what decisions see, and what an auditor calls a lie. Every
 * change that a wish gives is one that `incidentFault` finds nothing wrong with; every change altered by hand is.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type IncidentChange,
  incidentFacts,
  incidentFault,
  incidentsOf,
  MAX_INCIDENT_MS,
  nextIncidentEnd,
  UNCONFIRMED_MS,
} from '../../src/core/incident.ts'
import {
  type IncidentProposed,
  type IncidentWish,
  proposeIncident,
} from '../../src/core/incident-wish.ts'
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from '../../src/core/time.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const at = (ms: number): EpochMs => epochMs(NOW + ms)

/** Changes made by wishes at instants; ids are i1, i2 and so on. */
class Mode {
  readonly changes: IncidentChange[] = []
  #ids = 0

  wish(ms: number, wish: IncidentWish): IncidentProposed {
    const proposed = proposeIncident(this.changes, wish, { now: at(ms), id: `i${this.#ids + 1}` })
    if (proposed.is !== 'new') return proposed
    for (const change of proposed.changes) {
      expect(incidentFault(this.changes, change)).toBeNull()
      if (change.id === `i${this.#ids + 1}`) this.#ids++
      this.changes.push(change)
    }
    return proposed
  }

  start(ms: number, given: Partial<Extract<IncidentWish, { is: 'start' }>> = {}): IncidentProposed {
    const expires_at = at(ms + 6 * HOUR_MS)
    const wish = { scope: 'all', reason: 'copies', expires_at, by: 'key_a' } as const
    return this.wish(ms, { is: 'start', ...wish, ...given })
  }

  confirm(ms: number, by = 'key_b', id = `i${this.#ids}`): IncidentProposed {
    return this.wish(ms, { is: 'confirm', id, by })
  }

  end(ms: number, by = 'key_a'): IncidentProposed {
    return this.wish(ms, { is: 'end', by })
  }

  active(ms: number): boolean {
    return incidentFacts(this.changes, NOW + ms).active
  }
}

function running(): Mode {
  const mode = new Mode()
  mode.start(0)
  return mode
}

describe('an incident', () => {
  it('is seen from its start to the millisecond at which half an hour is over', () => {
    const mode = running()
    expect(incidentFacts(mode.changes, NOW)).toEqual({ active: true, id: 'i1', scope: 'all' })
    expect(mode.active(UNCONFIRMED_MS - 1)).toBe(true)
    expect(mode.active(UNCONFIRMED_MS)).toBe(false)
    expect(nextIncidentEnd(mode.changes)).toBe(NOW + UNCONFIRMED_MS)
    // A clock that stepped back after its start.
    expect(mode.active(-HOUR_MS)).toBe(true)
  })

  it('runs until the end asked for once another key has confirmed it', () => {
    const mode = running()
    expect(mode.confirm(MINUTE_MS).is).toBe('new')
    expect(mode.active(6 * HOUR_MS - 1)).toBe(true)
    expect(mode.active(6 * HOUR_MS)).toBe(false)
    const [one] = incidentsOf(mode.changes, at(HOUR_MS))
    expect(one).toMatchObject({ confirmed: { by: 'key_b', at: at(MINUTE_MS) }, ended: null })
    expect(one).toMatchObject({ started_by: 'key_a', reason: 'copies', until: at(6 * HOUR_MS) })
  })

  it('ends sooner than in half an hour when that was asked for', () => {
    const mode = new Mode()
    mode.start(0, { expires_at: at(MINUTE_MS) })
    expect(mode.active(MINUTE_MS - 1)).toBe(true)
    expect(mode.active(MINUTE_MS)).toBe(false)
  })

  it('is over by itself whether or not that was written down, and is said to be so', () => {
    const mode = running()
    const over = { at: at(UNCONFIRMED_MS), by: 'livegate' }
    expect(incidentsOf(mode.changes, at(HOUR_MS))[0]?.ended).toEqual(over)
    expect(mode.wish(MINUTE_MS, { is: 'expire' })).toEqual({ is: 'same' })
    expect(mode.wish(9 * HOUR_MS, { is: 'expire' }).is).toBe('new')
    expect(mode.changes.at(-1)).toEqual({
      ...{ change: 2, active: false, id: 'i1', scope: 'all' },
      ...{ at: at(UNCONFIRMED_MS), by: 'livegate' },
    })
    expect(incidentsOf(mode.changes, at(HOUR_MS))[0]?.ended).toEqual(over)
    expect(mode.wish(9 * HOUR_MS, { is: 'expire' })).toEqual({ is: 'same' })
  })

  it('can be ended early by any key, again without effect', () => {
    const mode = running()
    mode.confirm(1)
    expect(mode.end(2, 'key_c').is).toBe('new')
    expect(mode.active(3)).toBe(false)
    expect(mode.end(4)).toEqual({ is: 'same' })
    expect(incidentsOf(mode.changes, at(5))[0]?.ended).toEqual({ at: at(2), by: 'key_c' })
  })

  it('that ends while the clock is behind its start ends no earlier than it began', () => {
    const mode = running()
    expect(mode.end(-HOUR_MS).is).toBe('new')
    expect(mode.changes.at(-1)?.at).toBe(NOW)
    expect(mode.active(-HOUR_MS)).toBe(false)
  })

  it('that begins after one nobody wrote the end of has that end written before it', () => {
    const mode = running()
    const proposed = mode.start(2 * HOUR_MS, { by: 'key_b' })
    expect(
      proposed.is === 'new' && proposed.changes.map(({ change, active }) => [change, active]),
    ).toEqual([
      [2, false],
      [3, true],
    ])
    expect(incidentsOf(mode.changes, at(2 * HOUR_MS)).map(({ id }) => id)).toEqual(['i2', 'i1'])
  })
})

describe('asking again', () => {
  it('for the same start is the same incident, while it runs', () => {
    const mode = running()
    const same = { expires_at: at(6 * HOUR_MS) }
    expect(mode.start(5, same)).toEqual({ is: 'same' })
    mode.confirm(6)
    expect(mode.start(7, same)).toEqual({ is: 'same' })
  })

  it('for a start that has ended does not begin it anew', () => {
    const mode = running()
    mode.end(1)
    expect(mode.start(2, { expires_at: at(6 * HOUR_MS) })).toMatchObject({ code: 'conflict' })
    expect(mode.active(3)).toBe(false)
  })

  it('for a confirmation is fine by any key', () => {
    const mode = running()
    mode.confirm(1)
    expect(mode.confirm(2, 'key_a')).toEqual({ is: 'same' })
  })
})

const REFUSED: readonly {
  readonly name: string
  readonly ask: (mode: Mode) => IncidentProposed
  readonly expect: Partial<Extract<IncidentProposed, { is: 'refused' }>>
}[] = [
  {
    name: 'another one while one runs',
    ask: (mode) => mode.start(1, { scope: 'other' }),
    expect: { code: 'conflict', why: 'another one runs' },
  },
  {
    name: 'the same by another key while one runs',
    ask: (mode) => mode.start(1, { by: 'key_b', expires_at: at(6 * HOUR_MS) }),
    expect: { code: 'conflict', why: 'another one runs' },
  },
  {
    name: 'one that ends now',
    ask: () => new Mode().start(0, { expires_at: at(0) }),
    expect: { code: 'invalid_request', why: '`expires_at` is not ahead of now' },
  },
  {
    name: 'one of a millisecond more than 72 hours',
    ask: () => new Mode().start(0, { expires_at: at(MAX_INCIDENT_MS + 1) }),
    expect: { code: 'invalid_request', why: '`expires_at` is more than 72 hours ahead' },
  },
  {
    name: 'a confirmation by the key that started it',
    ask: (mode) => mode.confirm(1, 'key_a'),
    expect: { code: 'forbidden', why: 'the key that started it cannot confirm it' },
  },
  {
    name: 'a confirmation after it is over',
    ask: (mode) => mode.confirm(UNCONFIRMED_MS),
    expect: { code: 'conflict', why: 'it has ended' },
  },
  {
    name: 'a confirmation of another one',
    ask: (mode) => mode.confirm(1, 'key_b', 'i7'),
    expect: { code: 'not_found', why: 'there is none of this id' },
  },
  {
    name: 'an end before there was one',
    ask: () => new Mode().end(0),
    expect: { code: 'not_found', why: 'there was none' },
  },
]

describe('refused is', () => {
  for (const { name, ask, expect: told } of REFUSED)
    it(name, () => {
      expect(ask(running())).toMatchObject({ is: 'refused', ...told })
    })
})

describe('one key', () => {
  it('has half an hour in a day, however it is cut up', () => {
    const mode = running()
    mode.end(20 * MINUTE_MS)
    mode.start(HOUR_MS)
    expect(mode.active(HOUR_MS + 10 * MINUTE_MS - 1)).toBe(true)
    expect(mode.active(HOUR_MS + 10 * MINUTE_MS)).toBe(false)
    const again = mode.start(3 * HOUR_MS)
    expect(again).toMatchObject({ is: 'refused', code: 'forbidden' })
    expect(mode.start(3 * HOUR_MS, { by: 'key_b' }).is).toBe('new')
  })

  it('has it again a day after it was used', () => {
    const mode = running()
    mode.wish(DAY_MS, { is: 'expire' })
    expect(mode.start(DAY_MS - 1)).toMatchObject({ code: 'forbidden' })
    expect(mode.start(DAY_MS).is).toBe('new')
  })

  it('is charged nothing for what another confirmed', () => {
    const mode = running()
    mode.confirm(29 * MINUTE_MS)
    mode.end(HOUR_MS)
    mode.start(2 * HOUR_MS)
    expect(mode.active(2 * HOUR_MS + UNCONFIRMED_MS - 1)).toBe(true)
  })
})

const LIES: readonly {
  readonly name: string
  readonly tell: (change: IncidentChange) => object
  readonly which: 'start' | 'confirmation' | 'end'
  readonly told: string
}[] = [
  {
    name: 'a number left out',
    which: 'start',
    tell: () => ({ change: 2 }),
    told: 'change 2 comes after 0',
  },
  {
    name: 'half an hour and a millisecond with one key',
    which: 'start',
    tell: () => ({ until: NOW + UNCONFIRMED_MS + 1 }),
    told: 'change 1 runs for more than 30 minutes with one key',
  },
  {
    name: 'an end beyond 72 hours',
    which: 'start',
    tell: () => ({ expires_at: NOW + MAX_INCIDENT_MS + 1 }),
    told: 'change 1 asks for more than 72 hours',
  },
  {
    name: 'no end',
    which: 'start',
    tell: () => ({ until: undefined }),
    told: 'change 1 does not say how long it runs',
  },
  {
    name: 'longer than was asked for',
    which: 'confirmation',
    tell: ({ expires_at = 0 }) => ({ until: expires_at + 1 }),
    told: 'change 2 runs longer than was asked for',
  },
  {
    name: 'another end at the confirmation',
    which: 'confirmation',
    tell: ({ expires_at = 0 }) => ({ expires_at: expires_at + 1 }),
    told: 'change 2 gives another end',
  },
  {
    name: 'confirmed by who started it',
    which: 'confirmation',
    tell: () => ({ by: 'key_a' }),
    told: 'change 2 is a confirmation by the key that started it',
  },
  {
    name: 'the confirmation of another',
    which: 'confirmation',
    tell: () => ({ id: 'i9' }),
    told: 'change 2 confirms an incident that does not run',
  },
  {
    name: 'a confirmation that came too late',
    which: 'confirmation',
    tell: () => ({ at: NOW + UNCONFIRMED_MS }),
    told: 'change 2 confirms an incident that does not run',
  },
  {
    name: 'an instant before the last',
    which: 'end',
    tell: () => ({ at: NOW - 1 }),
    told: 'change 3 is earlier than the last',
  },
  {
    name: 'the end of another',
    which: 'end',
    tell: () => ({ id: 'i9' }),
    told: 'change 3 ends an incident that does not run',
  },
  {
    name: 'the same id again',
    which: 'end',
    tell: ({ at: ends }) => ({
      ...{ active: true, until: ends + 1, expires_at: ends + 1, confirmed: false },
    }),
    told: 'change 3 starts an incident anew',
  },
]

describe('an auditor finds', () => {
  const mode = running()
  mode.confirm(1)
  mode.end(2)
  const index = { start: 0, confirmation: 1, end: 2 }
  for (const { name, which, tell, told } of LIES)
    it(name, () => {
      const honest = mode.changes[index[which]] as IncidentChange
      const before = mode.changes.slice(0, index[which])
      expect(incidentFault(before, honest)).toBeNull()
      expect(incidentFault(before, { ...honest, ...tell(honest) } as IncidentChange)).toBe(told)
    })
})

describe('whatever is wished for, whenever, by whom', () => {
  const wish = fc.record({
    ms: fc.integer({ min: -2 * HOUR_MS, max: 3 * DAY_MS }),
    is: fc.constantFrom('start', 'confirm', 'end', 'expire'),
    by: fc.constantFrom('key_a', 'key_b'),
    length: fc.integer({ min: 1, max: MAX_INCIDENT_MS }),
  })

  it('every change is in order, and nobody runs one alone for more than half an hour', () => {
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 12 }), (wishes) => {
        const mode = new Mode()
        for (const { ms, is, by, length } of wishes)
          if (is === 'start') mode.start(ms, { by, expires_at: at(ms + length) })
          else if (is === 'confirm') mode.confirm(ms, by)
          else if (is === 'end') mode.end(ms, by)
          else mode.wish(ms, { is })
        for (const one of mode.changes)
          if (one.active && one.confirmed === false)
            expect((one.until ?? 0) - one.at).toBeLessThanOrEqual(UNCONFIRMED_MS)
        expect(mode.changes.map(({ change }) => change)).toEqual(mode.changes.map((_, i) => i + 1))
      }),
      { numRuns: 300 },
    )
  })
})
