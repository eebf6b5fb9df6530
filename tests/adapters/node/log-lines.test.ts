/** Log lines: which events are written, at which level, how seldom in a flood, and what can never be in one. */
import { describe, expect, it } from 'vitest'
import { createLogger, logEvents, logFailures } from '../../../src/adapters/node/log-lines.ts'
import type { GateEvent } from '../../../src/ports.ts'
import { aTime } from '../../support/node-gate.ts'

interface Line {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

function aLog(level = 'info'): {
  readonly see: (event: GateEvent) => void
  readonly lines: Line[]
  readonly time: ReturnType<typeof aTime>
  readonly failures: ReturnType<typeof logFailures>
} {
  const lines: Line[] = []
  const time = aTime()
  const logger = createLogger(level, { write: (line) => void lines.push(JSON.parse(line) as Line) })
  return { see: logEvents(logger, time.elapsed), lines, time, failures: logFailures(logger) }
}

const OVERLOADED: GateEvent = { type: 'shed', code: 'overloaded' }

const EVENTS: readonly { readonly event: GateEvent; readonly level: string | null }[] = [
  { event: { type: 'halted', why: 'another root' }, level: 'error' },
  { event: { type: 'policy_rejected', file: 'p.yaml', problems: 2 }, level: 'warn' },
  { event: { type: 'hook_refused', server: 'edge-1', why: 'malformed' }, level: 'warn' },
  { event: OVERLOADED, level: 'warn' },
  { event: { type: 'left_to_lease', what: 'cohost' }, level: 'warn' },
  {
    event: { type: 'witness_failed', witness: 'w1', fault: 'timed_out', size: 7 },
    level: 'warn',
  },
  { event: { type: 'witnessed', size: 7, cosignatures: 2 }, level: null },
  { event: { type: 'policy_active', name: 'default', digest: 'sha256-x' }, level: 'info' },
  {
    event: { type: 'policy_stale', name: 'default', digest: 'sha256-x', effect: 'deny' },
    level: 'warn',
  },
  { event: { type: 'strike_recorded', category: 'hate', known_category: true }, level: 'info' },
  { event: { type: 'strike_reversed' }, level: 'info' },
  { event: { type: 'committed', batch: 1, took_ms: 1 }, level: null },
  { event: { type: 'round', size: 2, entries: 1, took_ms: 1 }, level: null },
  {
    event: {
      ...{ type: 'decided', outcome: 'deny', mode: null, rules: ['a'], unknown: [] },
      ...{ policy: 'sha256-x', took_ms: 1, repeated: false },
    },
    level: null,
  },
]

describe('a log line', () => {
  for (const { event, level } of EVENTS)
    it(`${level === null ? 'is not written' : `of level ${level} is written`} for ${event.type}, with nothing but the event`, () => {
      const { see, lines } = aLog()
      see(event)
      const { type, ...fields } = event
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string
      expect(lines).toEqual(level === null ? [] : [{ level, time, ...fields, msg: type }])
    })

  it('is not written below the configured level', () => {
    const { see, lines } = aLog('error')
    for (const { event } of EVENTS) see(event)
    expect(lines.map(({ msg }) => msg)).toEqual(['halted'])
  })

  it('comes once a second for refusals of one kind, and says how many were left out', () => {
    const { see, lines, time } = aLog()
    for (let i = 0; i < 1_000; i++) see(OVERLOADED)
    see({ type: 'shed', code: 'rate_limited' })
    time.pass(999)
    see(OVERLOADED)
    time.pass(1)
    see(OVERLOADED)
    time.pass(60_000)
    see(OVERLOADED)
    expect(lines.map(({ code, left_out }) => [code, left_out])).toEqual([
      ['overloaded', undefined],
      ['rate_limited', undefined],
      ['overloaded', 1_000],
      ['overloaded', undefined],
    ])
  })

  it('is kept apart by media server and cause', () => {
    const { see, lines } = aLog()
    for (const server of ['edge-1', 'edge-2'])
      for (const why of ['malformed', 'unauthenticated', 'malformed'])
        see({ type: 'hook_refused', server, why })
    expect(lines).toHaveLength(4)
  })

  it('says what failed in the background or was answered 500, without a stack', () => {
    const { failures, lines } = aLog()
    failures.onError(new Error('no space'))
    failures.report({ route: 'POST /v1/decisions', error: 'odd' })
    expect(lines).toMatchObject([
      { level: 'error', msg: 'background', error: 'no space' },
      { level: 'error', msg: 'failed', route: 'POST /v1/decisions', error: 'odd' },
    ])
    expect(JSON.stringify(lines)).not.toContain('log-lines.test.ts')
  })
})
