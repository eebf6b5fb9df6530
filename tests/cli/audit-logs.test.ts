/**
 * Several logs of one deployment in one audit: each lie is found in its log, and what no single log can show, a chain
 * that two of them go on with, is found between them.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { fromUtf8, utf8 } from '../../src/core/encoding.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import {
  disclosureLine,
  type LogOptions,
  makeEntries,
  ORIGIN,
  publish,
  RECORD_X,
  vkeyOf,
  writeFiles,
} from './a-log.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const ZERO = 'gate.example/log/0'
const ONE = 'gate.example/log/1'

interface Shard {
  readonly dir: string
  readonly entries: readonly IssuedRecord[]
}

async function aShard(options: Partial<LogOptions> & { readonly origin: string }): Promise<Shard> {
  const entries = await makeEntries({ decisions: 6, ...options })
  const dir = aDirectory()
  await writeFiles(dir, await publish(entries, [], options.origin))
  return { dir, entries }
}

interface Told {
  readonly clean: boolean
  readonly logs: readonly {
    readonly log: string
    readonly origin: string | null
    readonly findings?: readonly { readonly code: string; readonly index: number | null }[]
    readonly counts?: { readonly chain_opened: number; readonly subjects: number }
    readonly checked?: readonly string[]
    readonly error?: { readonly exit: number; readonly message: string }
  }[]
  readonly across: {
    readonly chains: number
    readonly total: number
    readonly findings: readonly { readonly code: string; readonly places: readonly object[] }[]
    readonly checked: readonly string[]
    readonly not_checked: readonly string[]
  }
  readonly predecessor?: { readonly findings: readonly object[] }
}

const KEYS = ['--vkey', vkeyOf(ONE), '--vkey', vkeyOf(ZERO)] as const

function audit(logs: readonly string[], ...more: readonly string[]): Promise<Ran> {
  return run(aDirectory(), ['log', 'audit', ...logs, ...more])
}

async function told(logs: readonly Shard[], ...more: string[]): Promise<Told & { exit: number }> {
  const dirs = logs.map(({ dir }) => dir)
  const { exit, out } = await audit(dirs, ...KEYS, '--json', ...more)
  return { ...(JSON.parse(out) as Told), exit }
}

/** One file with what all of them disclose, last log first. */
function disclosing(...logs: readonly Shard[]): string[] {
  return ['--disclosures', linesOf(logs.toReversed().flatMap(({ entries }) => entries))]
}

function linesOf(entries: readonly IssuedRecord[], index?: number): string {
  const path = join(aDirectory(), 'lines.jsonl')
  writeFileSync(path, entries.map((entry) => `${disclosureLine(entry, index)}\n`).join(''))
  return path
}

const pair = async (): Promise<[Shard, Shard]> => [
  await aShard({ origin: ZERO }),
  await aShard({ origin: ONE, from: 3 }),
]

function only<T>(list: readonly T[] | undefined, at: number): T {
  const one = list?.[at]
  if (one === undefined) throw new Error(`there is no ${at}`)
  return one
}

describe('two honest shards', () => {
  test('are clean together, each under its origin, whatever the order of keys and disclosures', async () => {
    const shards = await pair()
    const { exit, clean, logs, across } = await told(shards, ...disclosing(...shards))
    expect({ exit, clean }).toEqual({ exit: 0, clean: true })
    expect(logs).toMatchObject([
      { origin: ZERO, findings: [], counts: { chain_opened: 6, subjects: 3 } },
      { origin: ONE, findings: [], counts: { chain_opened: 6, subjects: 3 } },
    ])
    expect(across).toMatchObject({ chains: 6, total: 0, findings: [] })
    expect(across.checked).toEqual(['The chains of 6 subjects: that each is in one log only.'])
  })

  test('without disclosures say that the chains were not compared', async () => {
    const shards = await pair()
    const { exit, across } = await told(shards)
    expect(exit).toBe(0)
    expect(across.checked).toEqual([])
    expect(across.not_checked.join('\n')).toMatch(/no disclosures were given[\s\S]*12 records/)
  })

  test('are told one after the other to people', async () => {
    const shards = await pair()
    const dirs = shards.map(({ dir }) => dir)
    const { exit, out, err } = await audit(dirs, ...KEYS, ...disclosing(...shards))
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toMatch(
      /^gate.example\/log\/0:\nchecked:[\s\S]*\ngate.example\/log\/1:\nchecked:[\s\S]*\nacross the logs:\nchecked:/,
    )
    expect(out.trimEnd()).toMatch(/\n2 logs: no finding in what was checked$/)
  })
})

describe('a chain in two shards', () => {
  test('is found, with both places and no word of whom it is about', async () => {
    // Subject 2 begins in both; each log alone is without fault.
    const shards = [await aShard({ origin: ZERO }), await aShard({ origin: ONE, from: 2 })]
    const given = disclosing(...shards)
    const { exit, clean, logs, across } = await told(shards, ...given)
    expect({ exit, clean }).toEqual({ exit: 4, clean: false })
    expect(logs.map(({ findings }) => findings)).toEqual([[], []])
    expect(across).toMatchObject({ chains: 5, total: 1 })
    const places = [
      { origin: ZERO, index: 4 },
      { origin: ONE, index: 2 },
    ]
    expect(across.findings).toMatchObject([{ code: 'chain_in_two_logs', places }])
    const dirs = shards.map(({ dir }) => dir)
    const { out } = await audit(dirs, ...KEYS, ...given)
    expect(out).toContain(
      `chain_in_two_logs: One chain has records in \`${ZERO}\` from index 4 and in \`${ONE}\` from index 2`,
    )
    expect(out).not.toMatch(/u_2|c3ViamVjd/)
  })
})

describe('keys and logs', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[], RegExp])[] = [
    ['a missing key', ['0', '1'], [ZERO], /it is log `gate.example\/log\/1`, expected its --vkey/],
    [
      'an unused key',
      ['0', '1'],
      [ZERO, ONE, ORIGIN],
      /--vkey of `gate.example\/log\/test`: no lo/,
    ],
    [
      'an unused key of one log',
      ['0'],
      [ZERO, ORIGIN],
      /--vkey of `gate.example\/log\/test`: no log/,
    ],
    ['one log twice', ['0', '0'], [ZERO, ONE], /both are log `gate.example\/log\/0`/],
  ]
  test.each(cases)('%s is wrong usage, and named', async (_, which, keys, message) => {
    const shards = await pair()
    const dirs = which.map((n) => only(shards, Number(n)).dir)
    const ran = await audit(dirs, ...keys.flatMap((key) => ['--vkey', vkeyOf(key)]))
    expect(ran).toMatchObject({ exit: 2, out: '' })
    expect(ran.err).toMatch(message)
  })
})

describe('one of two', () => {
  test('that lies is named; the other is audited all the same', async () => {
    const liar = await aShard({
      ...{ origin: ZERO, silent: true },
      tamper: (entries) => void entries.splice(5, 1, { ...only(entries, 5), bytes: utf8('hello') }),
    })
    const shards = [liar, await aShard({ origin: ONE, from: 3 })]
    const { exit, logs } = await told(shards)
    expect(exit).toBe(4)
    expect(only(logs, 0).findings).toMatchObject([{ code: 'malformed', index: 5 }])
    expect(only(logs, 1).findings).toEqual([])
    const ran = await audit(
      shards.map(({ dir }) => dir),
      ...KEYS,
    )
    expect(ran.out).toContain(`2 logs: \`${ZERO}\` does not hold`)
  })

  test('whose checkpoint is signed by nobody does not hold, whatever else could not be read', async () => {
    const [zero] = await pair()
    const dir = aDirectory()
    const files = await publish(zero.entries, [], ZERO)
    const note = fromUtf8(files.get('checkpoint') ?? new Uint8Array()) ?? ''
    await writeFiles(dir, new Map([['checkpoint', utf8(note.replace(/^9$/m, '99'))]]))
    const { exit, out } = await audit([dir, join(dir, 'gone')], ...KEYS, '--json')
    expect(exit).toBe(4)
    const { logs } = JSON.parse(out) as Told
    expect(logs).toMatchObject([{ origin: ZERO, error: { exit: 4 } }, { error: { exit: 1 } }])
  })

  test('that cannot be reached is exit code 1, and the other is audited all the same', async () => {
    const [zero] = await pair()
    const { exit, out } = await audit([zero.dir, 'http://127.0.0.1:1/log/1'], ...KEYS, '--json')
    expect(exit).toBe(1)
    const { clean, logs, across } = JSON.parse(out) as Told
    expect(clean).toBe(false)
    expect(only(logs, 0).findings).toEqual([])
    expect(only(logs, 1)).toMatchObject({ origin: null, error: { exit: 1 } })
    expect(only(logs, 1).error?.message).toContain('ECONNREFUSED')
    expect(across.not_checked).toContain('Chains of `http://127.0.0.1:1/log/1`.')
  })
})

describe('records handed out', () => {
  test('are looked for in the log they name', async () => {
    const shards = await pair()
    const records = shards.map(({ entries }) => only(entries, 3))
    const { exit, logs, across } = await told(shards, '--records', linesOf(records, 3))
    expect(exit).toBe(0)
    for (const { checked } of logs)
      expect(checked).toContain('1 of 1 records given with --records are in the log.')
    expect(across.not_checked.join('\n')).not.toContain('The record of `')
  })

  test('that stand elsewhere than promised are a finding of that log alone', async () => {
    const shards = await pair()
    const records = shards.map(({ entries }) => only(entries, 3))
    const { exit, logs } = await told(
      shards,
      '--records',
      linesOf(records.slice(0, 1), 3),
      linesOf(records.slice(1), 4),
    )
    expect(exit).toBe(4)
    expect(only(logs, 0).findings).toEqual([])
    expect(only(logs, 1).findings).toMatchObject([{ code: 'receipt_broken', index: 4 }])
  })

  test('of a log that is not looked at prove nothing here', async () => {
    const shards = await pair()
    const other = await aShard({ origin: ORIGIN })
    const { exit, across } = await told(shards, '--records', linesOf([only(other.entries, 3)]))
    expect(exit).toBe(0)
    expect(across.not_checked.join('\n')).toContain(`:1\` is of log \`${ORIGIN}\``)
  })
})

describe('a log that was closed into shards', () => {
  interface Family {
    readonly old: Shard
    readonly shards: readonly [Shard, Shard]
  }

  /** Subjects 0 to 2 begin in the old log; `twice` goes on in both shards. */
  async function aFamily(twice: boolean): Promise<Family> {
    const heads: NonNullable<LogOptions['heads']> = new Map()
    const old = await aShard({ origin: ORIGIN, heads, successors: [ZERO, ONE] })
    const checkpoint = (await publish(old.entries)).get('checkpoint') ?? new Uint8Array()
    const follows = {
      ...{ predecessor: ORIGIN, vkey: vkeyOf(ORIGIN), keys: [RECORD_X] },
      checkpoint: fromUtf8(checkpoint) ?? '',
    }
    const go = (origin: string, from: number, subjects: number): Promise<Shard> =>
      aShard({ origin, follows, from, subjects, after: 6, heads: new Map(heads) })
    return { old, shards: [await go(ZERO, 0, 2), await go(ONE, twice ? 1 : 2, 2)] }
  }

  test('is audited once, and followed into each', async () => {
    const { old, shards } = await aFamily(false)
    const given = [...disclosing(old, ...shards), '--predecessor', old.dir]
    const { exit, predecessor, logs, across } = await told(shards, ...given)
    expect(exit).toBe(0)
    expect(predecessor).toMatchObject({ findings: [], counts: { successors: [ZERO, ONE] } })
    expect(logs.map(({ findings }) => findings)).toEqual([[], []])
    expect(across).toMatchObject({ chains: 4, total: 0 })
  })

  test('and a chain that goes on in two of them is found', async () => {
    const { old, shards } = await aFamily(true)
    const given = [...disclosing(old, ...shards), '--predecessor', old.dir]
    const { exit, logs, across } = await told(shards, ...given)
    expect(exit).toBe(4)
    expect(logs.map(({ findings }) => findings)).toEqual([[], []])
    expect(across.total).toBe(1)
  })

  test('given as one of them is no shard: that is said instead of comparing', async () => {
    const { old, shards } = await aFamily(false)
    const given = ['--vkey', vkeyOf(ORIGIN), ...disclosing(old, ...shards)]
    const { exit, across } = await told([old, ...shards], ...given)
    expect(exit).toBe(1)
    expect(across.not_checked.join('\n')).toContain(
      `\`${ZERO}\` goes on from \`${ORIGIN}\`: expected that one with --predecessor`,
    )
  })

  test('with a shard left out says which', async () => {
    const { old, shards } = await aFamily(false)
    const ran = await audit(
      [shards[0].dir, 'http://127.0.0.1:1/log/1'],
      ...[...KEYS, '--predecessor', old.dir, '--json'],
    )
    expect(ran.exit).toBe(1)
    const { across } = JSON.parse(ran.out) as Told
    expect(across.not_checked.join('\n')).toContain(`\`${ONE}\`, which may go on from`)
  })
})

test('logs behind addresses are read there', async () => {
  const shards = await pair()
  const files = new Map<string, Uint8Array>()
  for (const [i, { entries }] of shards.entries())
    for (const [path, bytes] of await publish(entries, [], i === 0 ? ZERO : ONE))
      files.set(`https://gate.example/log/${i}/${path}`, bytes)
  const fetch: World['fetch'] = async (url) => {
    const bytes = files.get(String(url))
    return bytes === undefined
      ? new Response(null, { status: 404 })
      : new Response(Buffer.from(bytes), { status: 200 })
  }
  const where = ['https://gate.example/log/1', 'https://gate.example/log/0']
  const ran = await run(aDirectory(), ['log', 'audit', ...where, ...KEYS], { fetch })
  expect(ran).toMatchObject({ exit: 0, err: '' })
})
