/**
 * Imports against the real HTTP app: killed at every row and run again, conflicting, refused, throttled, cut off.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { LivegateError } from '../../src/core/errors.ts'
import { aFixture, type Fixture } from '../support/http.ts'
import { aDirectory, noNetwork, type Ran, run } from './a-world.ts'

const MAP = `livegate: import/v1
fields: { id: id, subject: user, category: category, severity: severity, issued_at: at }
`
const HEADER = 'id,user,category,severity,at'
const ROWS: readonly string[] = Array.from(
  { length: 7 },
  (_, i) => `s_${i},u_${i % 3},spam.bulk,low,2026-01-2${i}T00:00:00Z`,
)

interface Place {
  readonly dir: string
  readonly gate: Fixture
  readonly key: string
  /** Runs `strike import`; `fetch` stands before the gate. */
  go(fetch?: World['fetch'], more?: readonly string[], changes?: Partial<World>): Promise<Ran>
  readonly toGate: World['fetch']
}

function aPlace(rows: readonly string[] = ROWS, ending = '\n'): Place {
  const dir = aDirectory()
  writeFileSync(join(dir, 'map.yaml'), MAP)
  writeFileSync(join(dir, 'strikes.csv'), [HEADER, ...rows, ''].join(ending))
  const gate = aFixture()
  const key = gate.token('strikes', 'facts')
  const toGate: World['fetch'] = async (url, init) => gate.app.request(url, init)
  const command = ['strike', 'import', 'strikes.csv', '--map', 'map.yaml', '--concurrency', '1']
  const go: Place['go'] = (fetch = toGate, more = [], changes = {}) =>
    run(dir, [...command, ...more], {
      fetch,
      env: { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: key },
      ...changes,
    })
  return { dir, gate, key, go, toGate }
}

/** Hands on `count` requests, then the machine is gone: nothing returns any more. */
function dyingAfter(count: number, inner: World['fetch']): World['fetch'] {
  let left = count
  return (url, init) => (left-- > 0 ? inner(url, init) : noNetwork(url, init))
}

const stateFile = (dir: string): string => join(dir, 'strikes.csv.import-state.json')

describe('an import', () => {
  test('sends every row once and leaves no state behind', async () => {
    const { go, gate, dir } = aPlace()
    const ran = await go()
    expect(ran).toEqual({
      exit: 0,
      out: '7 rows: 7 strikes acknowledged (7 new, 0 there already), 0 refused\n',
      err: '',
    })
    expect([...gate.world.strikes.keys()]).toEqual(ROWS.map((_, i) => `s_${i}`))
    expect(existsSync(stateFile(dir))).toBe(false)
  })

  test('again changes nothing', async () => {
    const { go } = aPlace()
    await go()
    expect((await go()).out).toContain('7 strikes acknowledged (0 new, 7 there already)')
  })

  for (let row = 0; row <= ROWS.length; row++)
    test(`killed after row ${row} and run again has sent everything, nothing twice`, async () => {
      const { go, gate, toGate, dir } = aPlace()
      let arrived = 0
      const counting: World['fetch'] = (url, init) => {
        arrived++
        return toGate(url, init)
      }
      const first = await go(dyingAfter(row, counting))
      if (row < ROWS.length) {
        expect(first.exit).toBe(1)
        expect(first.err).toMatch(/^error: Cannot reach `http:\/\/127\.0\.0\.1:8787`/)
        expect(JSON.parse(readFileSync(stateFile(dir), 'utf8')).acknowledged).toBe(row)
      }
      expect((await go(counting)).exit).toBe(0)
      expect(gate.world.strikes.size).toBe(ROWS.length)
      expect(arrived).toBe(row === ROWS.length ? 2 * ROWS.length : ROWS.length)
    })

  test('whose answers were lost is answered 200 for what had arrived', async () => {
    const { go, gate, toGate } = aPlace()
    let left = 3
    const losing: World['fetch'] = async (url, init) => {
      const answer = await toGate(url, init)
      return left-- > 0 ? answer : noNetwork(url, init)
    }
    expect((await go(losing)).exit).toBe(1)
    expect(gate.world.strikes.size).toBe(4)
    const again = await go()
    expect(again.err).toBe('continuing after row 3\n')
    expect(again.out).toContain('7 strikes acknowledged (6 new, 1 there already)')
  })

  test('with many requests in flight never acknowledges beyond a row that is missing', async () => {
    const { go, toGate, dir } = aPlace()
    const withoutRowThree: World['fetch'] = (url, init) =>
      String(init.body).includes('"s_2"') ? noNetwork(url, init) : toGate(url, init)
    expect((await go(withoutRowThree, ['--concurrency', '4'])).exit).toBe(1)
    expect(JSON.parse(readFileSync(stateFile(dir), 'utf8')).acknowledged).toBe(2)
    expect((await go()).exit).toBe(0)
  })

  test('does not continue with another file, another mapping or another gate', async () => {
    const { go, toGate, dir } = aPlace()
    await go(dyingAfter(2, toGate))
    const other = await go(toGate, ['--url', 'http://localhost:9'])
    expect(other.exit).toBe(1)
    expect(other.err).toContain('it belongs to another gate')
    writeFileSync(join(dir, 'map.yaml'), `${MAP}# changed\n`)
    expect((await go()).err).toContain('it belongs to another mapping')
    writeFileSync(join(dir, 'map.yaml'), MAP)
    writeFileSync(join(dir, 'strikes.csv'), [HEADER, ...ROWS.slice(1), ''].join('\n'))
    expect((await go()).err).toContain('it belongs to another file')
  })

  test('a damaged state file is refused, not repaired', async () => {
    const { go, dir } = aPlace()
    writeFileSync(stateFile(dir), '{"livegate":"import-state/v1"')
    const ran = await go()
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('it is not the state of an import')
  })

  test('says which rows the gate would not take, and ends with findings', async () => {
    const { go, gate } = aPlace()
    await gate.send({
      method: 'POST',
      path: '/v1/subjects/u_2/strikes',
      as: 'strikes',
      body: {
        id: 's_2',
        category: 'hate.speech',
        severity: 'high',
        issued_at: '2026-01-01T00:00:00Z',
      },
    })
    const ran = await go()
    expect(ran.exit).toBe(3)
    expect(ran.out).toMatch(/^line 4: conflict: /)
    expect(ran.out).toContain('6 strikes acknowledged (6 new, 0 there already), 1 refused')
  })

  test('waits as long as a busy gate asks for, and no shorter', async () => {
    const { go, gate, toGate } = aPlace(ROWS.slice(0, 1))
    const slept: number[] = []
    let busy = 3
    const fetch: World['fetch'] = async (url, init) => {
      gate.world.failure =
        busy-- > 0
          ? new LivegateError('overloaded', 'Cannot record: full', { retry_after_s: 7 })
          : null
      return toGate(url, init)
    }
    const sleep = async (ms: number): Promise<void> => void slept.push(ms)
    expect((await go(fetch, [], { sleep })).exit).toBe(0)
    expect(slept).toEqual([7000, 7000, 7000])
  })

  test('does not wait for a gate that has halted', async () => {
    const { go, gate } = aPlace(ROWS.slice(0, 1))
    gate.world.failure = new LivegateError('halted', 'Cannot record: the log is halted')
    const slept: number[] = []
    const ran = await go(undefined, [], { sleep: async (ms) => void slept.push(ms) })
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('hint: the gate has stopped to protect its log')
    expect(slept).toEqual([])
  })

  test('ends at once when the key lacks the scope', async () => {
    const { go, gate } = aPlace()
    const ran = await go(undefined, ['--key', gate.token('read')])
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('403 forbidden')
    expect(ran.err).toContain('hint: the key lacks the scope this needs')
    expect(gate.world.strikes.size).toBe(0)
  })

  test('stops on request and can be continued', async () => {
    const { go, toGate, gate } = aPlace()
    const stop = new AbortController()
    let sent = 0
    const fetch: World['fetch'] = async (url, init) => {
      const answer = await toGate(url, init)
      if (++sent === 3) stop.abort()
      return answer
    }
    const ran = await go(fetch, [], { signal: stop.signal })
    expect(ran.exit).toBe(1)
    expect(ran.err).toBe(
      'error: Cannot finish import: it was interrupted\nhint: run the same command again to continue\n',
    )
    expect((await go()).err).toBe('continuing after row 3\n')
    expect(gate.world.strikes.size).toBe(ROWS.length)
  })

  test('sends the good rows alone only when told to, and none of two that contradict each other', async () => {
    const rows = [...ROWS, 's_1,u_9,spam.bulk,low,2026-01-01', 's_8,u_1,spam.bulk,awful,2026-01-01']
    const { go, gate } = aPlace(rows)
    expect((await go()).exit).toBe(3)
    expect(gate.world.strikes.size).toBe(0)
    const ran = await go(undefined, ['--skip-bad'])
    expect(ran.exit).toBe(3)
    expect([...gate.world.strikes.keys()]).toEqual(['s_0', 's_2', 's_3', 's_4', 's_5', 's_6'])
  })

  test('reads CRLF, and keeps commas, quotes and line breaks inside quotes', async () => {
    const { go, gate } = aPlace(['"s,""1""",u_1,spam.bulk,low,2026-01-20T00:00:00Z'], '\r\n')
    expect((await go()).exit).toBe(0)
    expect([...gate.world.strikes.keys()]).toEqual(['s,"1"'])
  })

  test('a line of ten megabytes ends the file in little memory, and nothing is sent', async () => {
    const { go, gate } = aPlace([...ROWS, `s_9,${'u'.repeat(10_000_000)},spam.bulk,low,2026-01-20`])
    const ran = await go()
    expect(ran.exit).toBe(3)
    expect(ran.out).toContain('line 9: nothing can be read from here on: a row is longer than')
    expect(gate.world.strikes.size).toBe(0)
  })

  test('a JSON line of ten megabytes is one wrong row among good ones', async () => {
    const { dir, gate, toGate, key } = aPlace()
    const line = (id: string, user: string): string =>
      JSON.stringify({ id, user, category: 'spam.bulk', severity: 'low', at: '2026-01-20' })
    writeFileSync(
      join(dir, 's.jsonl'),
      [line('a', 'u'), line('b', 'u'.repeat(10_000_000)), line('c', 'u')].join('\n'),
    )
    const words = ['strike', 'import', 's.jsonl', '--map', 'map.yaml', '--skip-bad']
    const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: key }
    const ran = await run(dir, words, { fetch: toGate, env })
    expect(ran.exit).toBe(3)
    expect(ran.out).toMatch(/^line 2: it is longer than \d+ bytes\n/)
    expect([...gate.world.strikes.keys()].sort()).toEqual(['a', 'c'])
  })

  test('bytes that are not UTF-8 end the file: a replaced character would be another id', async () => {
    const { go, dir, gate } = aPlace()
    const bytes = readFileSync(join(dir, 'strikes.csv'))
    bytes[bytes.indexOf('u_1')] = 0xff
    writeFileSync(join(dir, 'strikes.csv'), bytes)
    const ran = await go()
    expect(ran.exit).toBe(3)
    expect(ran.out).toContain('it is not well-formed UTF-8')
    expect(gate.world.strikes.size).toBe(0)
  })

  test('never prints the key', async () => {
    const { go, key, gate } = aPlace()
    gate.world.failure = new LivegateError('halted', 'Cannot record: the log is halted')
    for (const ran of [await go(), await go(noNetwork)])
      expect(ran.out + ran.err).not.toContain(key.slice(-20))
  })
})

describe('an import of facts', () => {
  const FACTS_MAP = `livegate: import/v1
fields:
  subject: user
  created_at: { column: joined, format: epoch_s }
  followers: fans
  verified: { column: checked, values: { "1": "true", "0": "false" } }
  labels: { column: tags, separator: ";" }
  as_of: { constant: 2026-01-30T00:00:00Z }
`

  test('stores what a row names and leaves the rest as it is', async () => {
    const { dir, gate, toGate, key } = aPlace()
    writeFileSync(join(dir, 'facts.yaml'), FACTS_MAP)
    writeFileSync(
      join(dir, 'facts.csv'),
      'user,joined,fans,checked,tags\nu_1,1577836800,12,1,newsroom; partner\nu_2,,,0,\n',
    )
    const env = { LIVEGATE_URL: 'http://127.0.0.1:8787', LIVEGATE_KEY: key }
    const words = ['facts', 'import', 'facts.csv', '--map', 'facts.yaml']
    const ran = await run(dir, words, { fetch: toGate, env })
    expect(ran).toMatchObject({ exit: 0, err: '' })
    const as_of = Date.UTC(2026, 0, 30)
    expect(gate.world.facts.get('u_1')).toEqual({
      created_at: { value: 1577836800000, as_of },
      followers: { value: 12, as_of },
      verified: { value: true, as_of },
      labels: { value: ['newsroom', 'partner'], as_of },
    })
    expect(gate.world.facts.get('u_2')).toEqual({ verified: { value: false, as_of } })
  })

  test('refuses a row without facts, a fraction of a follower and a word for a truth', async () => {
    const { dir, toGate } = aPlace()
    writeFileSync(join(dir, 'facts.yaml'), FACTS_MAP)
    writeFileSync(
      join(dir, 'facts.csv'),
      'user,joined,fans,checked,tags\nu_1,,,,\nu_2,,1.5,,\nu_3,,,yes,\nu_4,,-1,,\n',
    )
    const words = ['facts', 'import', 'facts.csv', '--map', 'facts.yaml', '--dry-run']
    const ran = await run(dir, words, { fetch: toGate })
    expect(ran.exit).toBe(3)
    expect(ran.out.split('\n').slice(0, 4)).toEqual([
      'line 2: it holds no fact',
      'line 3: followers is `1.5`, expected a whole number',
      'line 4: verified is `yes`, expected true or false',
      expect.stringMatching(/^line 5: followers: expected an integer of 0/),
    ])
  })
})
