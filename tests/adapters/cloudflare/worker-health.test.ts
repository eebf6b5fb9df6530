/** Metrics of the edge host are named, typed and explained as the Node host's where they mean the same, and documented. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { edgeMetrics, edgeReadiness } from '../../../src/adapters/cloudflare/worker-health.ts'
import { FAMILIES } from '../../../src/adapters/node/metric-families.ts'
import { activePolicy, defaultPolicy } from '../../support/gate.ts'

const DOCS = readFileSync(resolve(import.meta.dirname, '../../../docs/spec/api.md'), 'utf8')
const status = {
  ...{ origin: 'a.example/log', halted: null },
  ...{ entries: 3, published: 1, inserts: 1, inserted: 3 },
  witnesses: {
    ...{ size: 1, lag_s: 2.5 },
    errors: [{ witness: 'w1', fault: 'timed_out' as const, count: 4 }],
  },
}
const COUNTS = {
  ...{ covered_s: 12.5, uncovered_s: 5, ungated: { unasked: 2, unknown_key: 1 } },
  faults: { timeout: 3 },
}
const log = { origin: 'a.example/log', sequencer: { status: async () => answered } }
const answered = { ok: true, value: status } as const

describe('metrics of the edge host', async () => {
  const text = await edgeMetrics({
    policy: async () => activePolicy(defaultPolicy()),
    file: 'default.yaml',
    logs: [log],
    servers: [
      { id: 'edge-1', keeper: { counts: async () => ({ ok: true, value: COUNTS }) } },
      { id: 'edge-2', keeper: { counts: () => Promise.reject(new Error('gone')) } },
      { id: 'edge-3', keeper: { counts: async () => ({ ok: true, value: null }) } },
    ],
  })
  const of = (what: string): readonly (readonly [name: string, rest: string])[] =>
    [...text.matchAll(new RegExp(`^# ${what} (\\S+) (.*)$`, 'gm'))].map(
      ([, name = '', rest = '']) => [name, rest],
    )

  it('mean what the Node host means by the same name', () => {
    const shared = Object.values(FAMILIES).filter(({ name }) => text.includes(`# TYPE ${name} `))
    expect(shared.length).toBeGreaterThan(4)
    for (const { name, type, about } of shared) {
      expect(of('HELP')).toContainEqual([name, about])
      expect(of('TYPE')).toContainEqual([name, type])
    }
  })

  it('say what witnesses have cosigned, how late they are, and what went wrong with whom', () => {
    const log = 'log="a.example/log"'
    expect(text).toContain(`livegate_witnessed_size{${log}} 1\n`)
    expect(text).toContain(`livegate_witness_lag_seconds{${log}} 2.5\n`)
    expect(text).toContain(
      `livegate_witness_errors_total{${log},witness="w1",fault="timed_out"} 4\n`,
    )
  })

  it('count how often in a row a bucket took no segment, and readiness says so without refusing', async () => {
    const refused = { ok: true, value: { ...status, unmoved: 3 } } as const
    const one = { origin: status.origin, sequencer: { status: async () => refused } }
    const parts = { policy: async () => activePolicy(defaultPolicy()), file: 'default.yaml' }
    expect(text).toContain('livegate_log_unmoved{log="a.example/log"} 0\n')
    expect(await edgeMetrics({ ...parts, logs: [one] })).toContain(
      'livegate_log_unmoved{log="a.example/log"} 3\n',
    )
    expect(await edgeReadiness({ ...parts, logs: [one] })).toMatchObject({
      ready: true,
      log: { problems: ['the bucket took no segment of the log a.example/log, 3 times in a row'] },
    })
    expect(await edgeReadiness({ ...parts, logs: [log] })).not.toHaveProperty('log')
  })

  it('say what keepers have seen at media servers; of one that cannot be asked, nothing', () => {
    const samples = text.split('\n').filter((line) => line.includes('server="'))
    expect(samples).toEqual([
      'livegate_observed_stream_seconds_total{server="edge-1",covered="yes"} 12.5',
      'livegate_observed_stream_seconds_total{server="edge-1",covered="no"} 5',
      'livegate_ungated_total{server="edge-1",cause="unasked"} 2',
      'livegate_ungated_total{server="edge-1",cause="unknown_key"} 1',
      'livegate_control_faults_total{server="edge-1",fault="timeout"} 3',
    ])
  })

  it('are all in the docs, with what those that only it has mean', () => {
    for (const [name] of of('TYPE')) expect(DOCS).toContain(`\`${name}\``)
  })

  it('have one help and one type each, before their values', () => {
    const names = of('TYPE').map(([name]) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(of('HELP').map(([name]) => name)).toEqual(names)
    for (const name of names)
      expect(text).toMatch(new RegExp(`^# HELP ${name} .*\\n# TYPE ${name} .*\\n${name}[ {]`, 'm'))
  })
})
