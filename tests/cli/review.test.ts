/** `livegate review …` against a whole gate behind its real HTTP app. */
import { describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { ask, MINUTE, policyOf } from '../support/gate.ts'
import { aGateApp, type GateApp } from '../support/gate-app.ts'
import { type Ran, run } from './a-world.ts'

const RULE =
  '  - { id: look, ground: terms, when: "subject.followers < 1000", outcome: delay, review: { queue: live, within: 30m, at_deadline: deny } }'

interface Talk {
  readonly gate: GateApp
  go(words: readonly string[], key?: 'review' | 'admin'): Promise<Ran>
}

async function talk(): Promise<Talk> {
  const gate = await aGateApp({ policy: policyOf(RULE) })
  const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
  return {
    gate,
    go(words, key = 'review') {
      const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: gate.key(key) }
      return run('/', ['review', ...words], { fetch, env, sleep: async () => {} })
    },
  }
}

describe('review', () => {
  test('lists what waits, keeps others away, and says the word', async () => {
    const { gate, go } = await talk()
    expect((await go(['list'])).out).toBe('nobody waits\n')
    const first = await gate.world.gate.decide(ask('u_1'))
    gate.world.pass(1_000)
    await gate.world.gate.decide(ask('u_2'))
    const id = `${first.id}.0.0`
    const listed = await go(['list', '--queue', 'live', '--limit', '1'])
    expect(listed.out).toBe(
      `${id} live: u_1, stream b_u_1, rule look\n  by 2026-11-20T12:30:00.000Z, else refused\nmore: --cursor ${Date.UTC(2026, 10, 20, 12, 30)}:${id}\n`,
    )
    const [, cursor = ''] = /--cursor (\S+)/.exec(listed.out) ?? []
    expect((await go(['list', '--cursor', cursor])).out).toContain('u_2, stream b_u_2')
    const claimed = await go(['claim', id])
    expect(claimed.out).toContain('until 2026-11-20T12:15:01.000Z')
    const other = await go(['release', id], 'admin')
    expect([other.exit, other.err]).toEqual([
      1,
      expect.stringContaining('somebody else has claimed it'),
    ])
    const word = ['release', id, '--decided-by', 'anna', '--reason', 'is fine']
    expect((await go(word)).out).toContain('released at 2026-11-20T12:00:01.000Z by')
    expect((await go(word)).out).toContain('nothing changes: it was so already')
    expect((await gate.world.gate.decide(ask('u_1'))).outcome).toBe('allow')
    gate.world.pass(MINUTE)
    expect((await go(['refuse', id])).out).toContain('1 broadcast that ran must stop')
    gate.world.pass(60 * MINUTE)
    expect((await go(['list'])).out).toContain('overdue since 2026-11-20T12:30:01.000Z, so refused')
    await gate.world.verify()
  })

  test('says what is wrong', async () => {
    const { go } = await talk()
    const wrong = await go(['list', '--state', 'lost'])
    expect([wrong.exit, wrong.err]).toEqual([
      1,
      expect.stringContaining('expected one of open, released, refused'),
    ])
    const none = await go(['refuse', 'x'])
    expect([none.exit, none.err]).toEqual([
      1,
      expect.stringContaining('there is no item of this id'),
    ])
    const cursor = await go(['list', '--cursor', 'x'])
    expect([cursor.exit, cursor.err]).toEqual([
      1,
      expect.stringContaining('the cursor is not one of ours'),
    ])
  })
})
