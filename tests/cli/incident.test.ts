/** `livegate incident …` against a whole gate behind its real HTTP app. */
import { describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { ask, MINUTE, NOW, policyOf } from '../support/gate.ts'
import { aGateApp, type GateApp } from '../support/gate-app.ts'
import { type Ran, run } from './a-world.ts'

const RULE = '  - { id: closed, ground: terms, when: incident.active, outcome: deny }'

interface Talk {
  readonly gate: GateApp
  /** With the first key, or another. */
  go(words: readonly string[], key?: 'incident' | 'admin'): Promise<Ran>
}

async function talk(): Promise<Talk> {
  const gate = await aGateApp({ policy: policyOf(RULE) })
  const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
  return {
    gate,
    go(words, key = 'incident') {
      const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: gate.key(key) }
      const { now } = gate.world.clock
      return run('/', ['incident', ...words], { fetch, env, now, sleep: async () => {} })
    },
  }
}

const START = ['start', '--scope', 'all', '--reason', 'copies', '--for', '6h']

describe('incident', () => {
  test('is started by one key, confirmed by another, shown, reported on and ended', async () => {
    const { gate, go } = await talk()
    const started = await go(START)
    expect(started).toMatchObject({ exit: 0, err: '' })
    const [, id = ''] =
      /^incident (\S+) runs until 2026-11-20T12:30:00.000Z$/m.exec(started.out) ?? []
    expect(started.out).toContain(`with another key: livegate incident confirm ${id}`)
    expect((await go(START)).out).toBe(started.out)
    const own = await go(['confirm', id])
    expect([own.exit, own.err]).toEqual([
      1,
      expect.stringContaining('the key that started it cannot confirm it'),
    ])
    gate.world.pass(MINUTE)
    const confirmed = await go(['confirm', id], 'admin')
    expect(confirmed.out).toContain(`incident ${id} runs until 2026-11-20T18:00:00.000Z`)
    for (const subject of ['a', 'b', 'c']) await gate.world.gate.decide(ask(subject))
    expect((await go(['show'])).out).toContain('confirmed at 2026-11-20T12:01:00.000Z by')
    const ended = await go(['end'])
    expect(ended.out).toMatch(/^incident \S+ ended at 2026-11-20T12:01:00.000Z by /)
    expect((await go(['end'])).out).toBe(ended.out)
    const report = await go(['report', id])
    expect(report.out).toContain(
      '3 decisions other than allow, 0 broadcasts revoked\n  deny closed: 3\n',
    )
    const whole = JSON.parse((await go(['report', id, '--json'])).out)
    expect(whole).toMatchObject({ counts: [{ rule: 'closed', outcome: 'deny', count: 3 }] })
    expect(whole.decisions).toHaveLength(3)
    expect((await go(['report', id, '--ids'])).out).toContain(whole.decisions[0].id)
    expect((await go(['show'])).out).toMatch(/^incident mode is off\nincident /)
    await gate.world.verify()
  })

  const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['neither length nor end', START.slice(0, -2), /expected one of --for and --until/],
    ['both', [...START, '--until', '2026-11-21T00:00:00Z'], /expected one of --for and --until/],
    ['no length', [...START.slice(0, -1), 'soon'], /Cannot read --for/],
    ['no instant', [...START.slice(0, -2), '--until', 'noon'], /Cannot read --until/],
  ]
  test.each(WRONG)('refuses %s', async (_name, words, told) => {
    const { go } = await talk()
    const { exit, err } = await go(words)
    expect([exit, err]).toEqual([2, expect.stringMatching(told)])
  })

  test('refuses more than 72 hours', async () => {
    const { go, gate } = await talk()
    const { exit, err } = await go([...START.slice(0, -1), '73h'])
    expect([exit, err]).toEqual([1, expect.stringContaining('more than 72 hours ahead')])
    expect(gate.world.clock.now()).toBe(NOW)
  })
})
