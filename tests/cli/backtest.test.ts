/**
 * `policy backtest` over logs and data directories: the same answer however it is fed, and never an answer out of nothing.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { readDisclosures } from '../../src/cli/log/disclosures.ts'
import { directorySource } from '../../src/cli/log/source.ts'
import { runBacktest } from '../../src/cli/policy/backtest-run.ts'
import type { World } from '../../src/cli/world.ts'
import { utf8 } from '../../src/core/encoding.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { decide } from '../support/moving.ts'
import { aNodeGate, POLICY } from '../support/node-gate.ts'
import { disclosureLine, publish } from './a-log.ts'
import {
  factsOf,
  LATER,
  type RecordedLog,
  type RecordedStep,
  recordedLog,
  writeRecorded,
} from './a-recorded-log.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const DAY = 86_400_000
const A_POLICY = (days: number, more = ''): string =>
  `livegate: policy/v1\nname: p\nrules:\n  - { id: spam, outcome: deny, count: { category: spam.* }, ladder: { 1: ${days}d } }\n${more}`

const quarter = (i: number): RecordedStep => {
  const at = LATER((i * DAY) / 4 + 1)
  const strikes = i % 3 === 0 ? [{ effective_at: LATER((i * DAY) / 4 - (i % 20) * DAY) }] : []
  return { facts: factsOf({ at, subject: i % 8, strikes }) }
}
const steps = (count: number): RecordedStep[] => [
  { activate: utf8(A_POLICY(7)), from: LATER(0) },
  ...Array.from({ length: count }, (_, i) => quarter(i)),
]

const log: RecordedLog = await recordedLog(steps(40))
const ids = log.decisions.map(({ jti }) => jti)

async function inDirectory(
  recorded: RecordedLog = log,
  disclosed: readonly IssuedRecord[] = recorded.decisions,
): Promise<{ readonly dir: string; go(...words: readonly string[]): Promise<Ran> }> {
  const dir = aDirectory()
  await writeRecorded(dir, recorded, disclosed)
  writeFileSync(join(dir, 'same.yaml'), A_POLICY(7))
  writeFileSync(join(dir, 'longer.yaml'), A_POLICY(12))
  writeFileSync(join(dir, 'shorter.yaml'), A_POLICY(2))
  const given = ['--log', 'log', '--disclosures', 'disclosures.jsonl']
  return {
    dir,
    go: (policy = '', ...words) => run(dir, ['policy', 'backtest', policy, ...given, ...words]),
  }
}

describe('a backtest over a log', () => {
  test('of the policy that was in force finds nothing', async () => {
    const { go } = await inDirectory()
    const { out, exit } = await go('same.yaml', '--fail-on', 'any')
    expect([exit, out.split('\n')[0]]).toEqual([
      0,
      'same.yaml over 40 decisions, 2026-01-31T00:00:00.001Z to 2026-02-09T18:00:00.001Z: 40 unchanged, 0 stricter, 0 milder',
    ])
    expect(out).toContain('baseline: the policy in force gives what is recorded in 40 of 40\n')
    expect(out).toContain('neither signatures nor hashes were checked')
  })

  const FAILS: readonly (readonly [string, string, number])[] = [
    ['longer.yaml', 'stricter', 3],
    ['longer.yaml', 'milder', 0],
    ['longer.yaml', 'any', 3],
    ['shorter.yaml', 'stricter', 0],
    ['shorter.yaml', 'milder', 3],
  ]
  for (const [policy, failOn, exit] of FAILS)
    test(`of ${policy} with --fail-on ${failOn} ends with ${exit}`, async () => {
      const { go } = await inDirectory()
      expect((await go(policy, '--fail-on', failOn)).exit).toBe(exit)
      expect((await go(policy)).exit).toBe(0)
    })

  test('names decisions by rule, in the order of the log, as JSON too', async () => {
    const { go } = await inDirectory()
    const { compared, ...rest } = JSON.parse((await go('longer.yaml', '--json')).out)
    expect(rest).toMatchObject({ candidate: 'longer.yaml', verified: false, decisions: 40 })
    expect(compared.changes).toEqual({ allow_to_deny: 3, later: 5 })
    const { examples } = compared.by_rule.spam
    expect(examples.map((id: string) => ids.indexOf(id))).toEqual([0, 3, 6])
    expect(compared.examples[0]).toMatchObject({ before: { outcome: 'deny' } })
  })

  test('says what is not disclosed, and takes no other record for it', async () => {
    const [, , third, ...others] = log.decisions
    if (third === undefined) throw new Error('three')
    const { go, dir } = await inDirectory(log, others)
    // The facts of another decision, presented as the third one's.
    const [fourth] = others
    const forged = { ...third, openings: fourth?.openings ?? {} }
    writeFileSync(join(dir, 'disclosures.jsonl'), `${disclosureLine(forged)}\n`, { flag: 'a' })
    expect((await go('longer.yaml')).out).toContain('not compared: 3 not disclosed\n')
  })

  test('says which decisions were of another engine, or are not what the policy gives', async () => {
    const facts = factsOf({ at: LATER(5), strikes: [{ effective_at: LATER(0) }] })
    const odd = await recordedLog([
      ...steps(4),
      { facts, engine: 'livegate-policy/0' },
      { facts, says: { outcome: 'allow', until: null, rules: [] } },
    ])
    const { go } = await inDirectory(odd)
    const { out } = await go('longer.yaml')
    expect(out).toContain(
      'not compared: 1 made by another version of the language, 1 not what the policy in force gives\n',
    )
    expect(out).toContain(`in 4 of 5; not in ${odd.decisions[5]?.jti}\n`)
  })

  test('that can compare nothing is not a candidate without differences', async () => {
    const { go } = await inDirectory(log, [])
    const { exit, err } = await go('longer.yaml')
    expect([exit, err]).toEqual([
      1,
      'error: Cannot backtest: of 40 decisions none could be compared\nhint: 40 not disclosed\n',
    ])
  })

  test('from --from to --to of --rule looks at those alone', async () => {
    const { go } = await inDirectory()
    const range = ['--from', '2026-02-01T00:00:00Z', '--to', '2026-02-02T00:00:00.001Z']
    const { compared, filtered } = JSON.parse((await go('longer.yaml', ...range, '--json')).out)
    expect([compared.decisions, filtered]).toEqual([5, 35])
    const ruled = JSON.parse((await go('longer.yaml', '--rule', 'spam', '--json')).out)
    expect(ruled.compared.decisions).toBe(ruled.compared.rules.spam.after)
  })

  test('is the same in threads and without, over several bundles', async () => {
    const many = await recordedLog(steps(1500))
    const { dir } = await inDirectory(many)
    const replay = async (threads: number): Promise<unknown> =>
      runBacktest({
        recorded: {
          logs: [directorySource(join(dir, 'log'), 'log')],
          disclosures: () => readDisclosures(join(dir, 'disclosures.jsonl')),
        },
        ...{ candidate: utf8(A_POLICY(9)), activated_at: null, from: null, to: null, rule: null },
        ...{ count_lacking: false, threads, signal: new AbortController().signal },
        onStart: () => () => undefined,
      })
    const alone = await replay(1)
    expect(alone).toMatchObject({ decisions: 1500, unchecked: 0, compared: { decisions: 1500 } })
    // Of six bundles a thread takes three, and the calling one what it has no room for.
    expect(await replay(2)).toEqual(alone)
  })

  test('reads one from an address, and several at once', async () => {
    const { dir } = await inDirectory()
    const files = await publish(log.entries)
    const fetch: World['fetch'] = async (url) => {
      const bytes = files.get(new URL(url).pathname.replace('/log/', ''))
      return bytes === undefined
        ? new Response('', { status: 404 })
        : new Response(new Uint8Array(bytes))
    }
    const logs = ['--log', 'https://gate.example/log', 'log', '--disclosures', 'disclosures.jsonl']
    const { out } = await run(dir, ['policy', 'backtest', 'same.yaml', ...logs], { fetch })
    expect(out).toContain('same.yaml over 80 decisions')
  })

  test('ends when a bundle is cut short, without an answer', async () => {
    const { go, dir } = await inDirectory()
    const path = join(dir, 'log/tile/entries')
    const [name = ''] = readdirSync(path, { recursive: true }).filter((one) => /\d$/.test(`${one}`))
    writeFileSync(join(path, `${name}`), readFileSync(join(path, `${name}`)).subarray(0, 900))
    const { exit, out, err } = await go('same.yaml')
    expect([exit, out]).toEqual([1, ''])
    expect(err).toContain('a bundle is not what its checkpoint says')
  })

  test('ends when it is interrupted', async () => {
    const { dir } = await inDirectory()
    const words = ['policy', 'backtest', 'same.yaml', '--log', 'log', '--disclosures']
    const signal = AbortSignal.abort()
    const { exit, err } = await run(dir, [...words, 'disclosures.jsonl'], { signal })
    expect([exit, err]).toEqual([1, 'error: Cannot finish backtest: it was interrupted\n'])
  })
})

describe('a backtest over a data directory', () => {
  const candidate = async (dir: string): Promise<void> => {
    const text = new TextDecoder().decode(await POLICY)
    writeFileSync(join(dir, 'same.yaml'), text)
    writeFileSync(
      join(dir, 'shut.yaml'),
      "livegate: policy/v1\nname: shut\nrules: [{ id: all, when: 'true', outcome: deny }]\n",
    )
  }
  const go = (dir: string, policy: string, data: string): Promise<Ran> =>
    run(dir, ['policy', 'backtest', policy, '--data', data])

  test('reads beside a running gate, after a crash, and what was erased', async () => {
    const gate = await aNodeGate()
    try {
      const dir = aDirectory()
      await candidate(dir)
      for (let i = 0; i < 5; i++)
        await decide(gate.gate, { subject: `u_${i}`, stream: 'b', cohost: `c_${i}` })
      await gate.store.publish()
      expect((await go(dir, 'same.yaml', gate.dir)).out).toMatch(/^same.yaml over 5 .* 5 unchanged/)
      expect((await go(dir, 'shut.yaml', gate.dir)).out).toContain('  allow -> deny    5\n')

      // As a killed process leaves it: what was committed is in the write-ahead log.
      const crashed = join(dir, 'crashed')
      mkdirSync(crashed)
      const { database } = dataPaths(gate.dir)
      for (const end of ['', '-wal'])
        copyFileSync(`${database}${end}`, `${dataPaths(crashed).database}${end}`)
      const before = readFileSync(`${dataPaths(crashed).database}-wal`)
      expect((await go(dir, 'shut.yaml', 'crashed')).out).toContain('shut.yaml over 5 decisions')
      expect(readFileSync(`${dataPaths(crashed).database}-wal`).equals(before)).toBe(true)
      expect(existsSync(dataPaths(crashed).lock)).toBe(false)

      const sql = openNodeSql(dataPaths(crashed).database)
      sql.run(
        `UPDATE entries SET openings = NULL WHERE idx = (SELECT min(idx) FROM records WHERE kind = 'decision')`,
      )
      sql.close()
      expect((await go(dir, 'shut.yaml', 'crashed')).out).toContain('not compared: 1 erased\n')
    } finally {
      await gate.close()
    }
  })

  test('that is none is said to be none, and nothing is made of it', async () => {
    const dir = aDirectory()
    await candidate(dir)
    mkdirSync(join(dir, 'empty'))
    const { exit, err } = await go(dir, 'same.yaml', 'empty')
    expect([exit, err]).toEqual([
      1,
      'error: Cannot read data directory `empty`: there is no database in it\nhint: expected the directory `livegate serve --data` works in\n',
    ])
    expect(readdirSync(join(dir, 'empty'))).toEqual([])
    writeFileSync(dataPaths(join(dir, 'empty')).database, 'not a database at all, but long enough')
    expect((await go(dir, 'same.yaml', 'empty')).err).toContain('error: Cannot read database: ')
  })
})

describe('a wrong command line', () => {
  const TABLE: readonly (readonly string[])[] = [
    [],
    ['--log', 'log'],
    ['--log', 'log', '--data', 'd'],
    ['--data', 'd', '--disclosures', 'd.jsonl'],
    ['--data', 'd', '--fail-on', 'worse'],
    ['--data', 'd', '--from', 'yesterday'],
    ['--data', 'd', '--from', '2026-02-01T00:00:00Z', '--to', '2026-01-01T00:00:00Z'],
  ]
  for (const words of TABLE)
    test(`is refused: ${words.join(' ') || 'no decisions'}`, async () => {
      const { dir } = await inDirectory()
      const { exit, err } = await run(dir, ['policy', 'backtest', 'same.yaml', ...words])
      expect([exit, err.startsWith('error: Cannot ')]).toEqual([2, true])
    })

  test('a candidate that does not compile is said so before anything is read', async () => {
    const { dir } = await inDirectory()
    writeFileSync(join(dir, 'bad.yaml'), 'livegate: policy/v1\nname: b\nrules: [{ id: x }]\n')
    const { exit, err } = await run(dir, ['policy', 'backtest', 'bad.yaml', '--data', 'nowhere'])
    expect([exit, err.includes('bad.yaml:3:9')]).toEqual([3, true])
  })
})
