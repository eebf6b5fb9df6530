/** `webhook dead` and `webhook replay` of a gate with several logs: every log's letters, and one log's where that is said. */
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/failure.ts'
import type { World } from '../../src/cli/world.ts'
import { run } from './a-world.ts'

const LETTER = {
  ...{ message: 'msg_1', type: 'decision.made', attempts: 10, error: 'status 500' },
  failed_at: '2026-01-30T00:00:00.000Z',
}
/** Dead letters by shard. */
const DEAD: Readonly<Record<string, readonly object[]>> = {
  0: [],
  1: [
    { ...LETTER, index: 4 },
    { ...LETTER, index: 9, message: null, type: null },
  ],
}

/** A gate with so many logs; what it was asked. */
function aGate(logs: number) {
  const asked: string[] = []
  const standing = { behind: 0, waiting: 0, dead: 2, disabled_at: null }
  const fetch: World['fetch'] = async (address, init) => {
    const { pathname, search, searchParams } = new URL(String(address))
    asked.push(`${init?.method ?? 'GET'} ${pathname}${search} ${String(init?.body ?? '')}`.trim())
    if (pathname === '/v1/webhooks') {
      const of = Array.from({ length: logs }, () => standing)
      const endpoint = { id: 'platform', types: ['decision.made'], ...standing, logs: of }
      return Response.json({ endpoints: [endpoint] })
    }
    if (pathname.endsWith('/replay')) return Response.json({ revived: 1, enabled: false })
    const letters = DEAD[searchParams.get('shard') ?? '1'] ?? []
    const from = Number(searchParams.get('from'))
    const [first, ...rest] = letters.filter((one) => (one as { index: number }).index >= from)
    const next = (rest[0] as { index: number } | undefined)?.index ?? null
    return Response.json({ letters: first === undefined ? [] : [first], next })
  }
  const key = ['--url', 'https://gate.example', '--key', `lg_admin_${'a'.repeat(43)}`]
  return { asked, cli: (...argv: string[]) => run('.', [...argv, ...key], { fetch }) }
}

describe('webhook dead', () => {
  it('goes through every page of every log, and says which log a letter is of', async () => {
    const { cli } = aGate(2)
    const { exit, out } = await cli('webhook', 'dead', 'platform')
    expect(exit).toBe(EXIT.findings)
    expect(out.split('\n').slice(0, 3)).toEqual([
      '1/4  2026-01-30T00:00:00.000Z  decision.made  msg_1  status 500, 10 attempts',
      '1/9  2026-01-30T00:00:00.000Z  erased  -  status 500, 10 attempts',
      '2 dead letters',
    ])
  })

  it('of one log has places as they are', async () => {
    const { asked, cli } = aGate(1)
    const { out } = await cli('webhook', 'dead', 'platform', '--json')
    expect(JSON.parse(out)).toMatchObject({ letters: [{ shard: 0, index: 4 }, { index: 9 }] })
    expect(asked.filter((call) => call.includes('shard='))).toEqual([])
  })
})

describe('webhook replay', () => {
  it('says which log places are of', async () => {
    const { asked, cli } = aGate(2)
    const given = ['--index', '4', '9', '--shard', '1']
    expect((await cli('webhook', 'replay', 'platform', ...given)).exit).toBe(0)
    expect(asked).toEqual(['POST /v1/webhooks/platform/replay {"indexes":[4,9],"shard":1}'])
  })

  it('refuses what is no number of a log', async () => {
    const { exit, err } = await aGate(2).cli('webhook', 'replay', 'platform', '--shard', 'one')
    expect(exit).toBe(2)
    expect(err).toContain('Cannot read --shard')
  })
})
