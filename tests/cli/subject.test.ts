/** `livegate subject export`, `erase`, `hold` against a whole gate behind its real HTTP app. */
import { describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { aStrike, ask, DAY, NOW, policyOf } from '../support/gate.ts'
import { aGateApp, type GateApp } from '../support/gate-app.ts'
import { type Ran, run } from './a-world.ts'

const POLICY = policyOf(
  '  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d }, outcome: deny, because: { en: "You may not go live until {until}." }, appeal: { within: 14d, url: "https://appeals.example" } }',
)

interface Talk {
  readonly gate: GateApp
  go(words: readonly string[]): Promise<Ran>
}

async function talk(): Promise<Talk> {
  const gate = await aGateApp({ policy: POLICY })
  const fetch: World['fetch'] = async (url, init) => gate.app.request(url, init)
  const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: gate.key('admin') }
  return { gate, go: (words) => run('/', words, { fetch, env, sleep: async () => {} }) }
}

const SUBJECT = ['--subject', 'u_1'] as const
const ERASE = ['subject', 'erase', ...SUBJECT, '--basis', 'Art. 17 GDPR'] as const

describe('subject export', () => {
  test('says in words what is stored about somebody who is banned', async () => {
    const { gate, go } = await talk()
    await gate.world.gate.putFacts('u_1', { followers: 12 }, NOW)
    await gate.world.gate.strike(
      aStrike('s_1', 'u_1', { source: { system: 'coop', kind: 'human' } }),
    )
    const { id } = await gate.world.gate.decide(ask('u_1'))
    const { exit, out, err } = await go(['subject', 'export', ...SUBJECT])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    for (const line of [
      'What is stored about u_1, as of 2026-11-20T12:00:00.000Z',
      '  followers: 12 (as of 2026-11-20T12:00:00.000Z)',
      '  s_1: terrorism.link (high), issued 2026-11-20T12:00:00.000Z, found by coop (human)',
      '  struck: from 2026-11-20T12:00:00.000Z, until 2026-12-20T12:00:00.000Z',
      '    You may not go live until 20 December 2026, 12:00 UTC.',
      '    Appeal: https://appeals.example until 2026-12-04T12:00:00.000Z',
      `decision: deny, until 2026-12-20T12:00:00.000Z, stream b_u_1, asked by key_1, record ${id}`,
      '    struck: You may not go live until 20 December 2026, 12:00 UTC.',
      'Who was told about decisions\n  key_1',
      '  strikes: kept until erased',
      'Your rights',
    ])
      expect(out).toContain(line)
    expect(gate.world.kinds().at(-1)).toBe('access')
  })

  test('gives the same as data, every page of it', async () => {
    const { gate, go } = await talk()
    const { world } = gate
    for (let i = 0; i < 205; i++) await world.gate.decide(ask('u_1', { stream: { id: `b_${i}` } }))
    const { exit, out } = await go(['subject', 'export', ...SUBJECT, '--json'])
    expect(exit).toBe(0)
    const whole = JSON.parse(out) as { records: { seq: number }[]; recipients: string[] }
    expect(whole.records.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 205 }, (_, i) => 205 - i),
    )
    expect(whole.recipients).toEqual(['key_1'])
  })

  test('says that nothing is stored', async () => {
    const { go } = await talk()
    expect((await go(['subject', 'export', ...SUBJECT])).out).toContain('Nothing is stored.')
  })
})

describe('subject erase', () => {
  test('forgets, says what goes on, and finds nothing the next day', async () => {
    const { gate, go } = await talk()
    await gate.world.gate.strike(aStrike('s_1', 'u_1'))
    const first = await go(ERASE)
    expect(first).toMatchObject({ exit: 0, err: '' })
    expect(first.out).toMatch(
      /^`u_1` is erased: 1 record, 1 strike\nthe log says so at index \d+\n1 restriction will go on until the end\n$/,
    )
    expect((await go(ERASE)).out).toBe(first.out)
    expect((await gate.world.gate.decide(ask('u_1'))).outcome).toBe('deny')
    const exported = await go(['subject', 'export', ...SUBJECT])
    expect(exported.out).toContain('until 2026-12-20T12:00:00.000Z, kept from before an erasure')
    expect((await go([...ERASE, '--full'])).exit).toBe(0)
    expect((await gate.world.gate.decide(ask('u_1'))).outcome).toBe('allow')
  })

  test('does not tell somebody erased from somebody never seen', async () => {
    const { go } = await talk()
    expect((await go(ERASE)).out).toBe('nothing is stored about `u_1`\n')
  })
})

describe('subject hold', () => {
  const HOLD = ['subject', 'hold', ...SUBJECT] as const
  const until = new Date(NOW + DAY).toISOString()

  test('stands before erasure until it is lifted', async () => {
    const { gate, go } = await talk()
    await gate.world.gate.strike(aStrike('s_1', 'u_1'))
    const held = await go([...HOLD, '--until', until, '--basis', 'court order 7'])
    expect(held).toMatchObject({ exit: 0, out: `\`u_1\` is held until ${until}\n` })
    const refused = await go(ERASE)
    expect(refused.exit).toBe(1)
    expect(refused.err).toContain(
      `409 conflict: Cannot erase: a legal hold keeps the subject until ${until}`,
    )
    expect((await go([...HOLD, '--lift'])).out).toBe('`u_1` is held no longer\n')
    expect((await go([...HOLD, '--lift'])).out).toBe('`u_1` was under no hold\n')
    expect((await go(ERASE)).exit).toBe(0)
  })

  for (const words of [
    ['--until', until],
    ['--lift', '--basis', 'x'],
    ['--until', 'soon', '--basis', 'x'],
  ])
    test(`refuses ${words.join(' ')}`, async () => {
      const { go } = await talk()
      expect((await go([...HOLD, ...words])).exit).toBe(2)
    })
})
