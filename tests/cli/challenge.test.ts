/**
 * `log audit --challenge`: what is picked is opened from a file or by the gate; what is not makes the bound worse, and only
 * a decision that is derived otherwise is a lie.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { scanBundle } from '../../src/cli/log/bundle-scan.ts'
import { Challenge, type ChallengeReport } from '../../src/cli/log/challenge.ts'
import { LogPlans } from '../../src/core/audit/replay/log-plans.ts'
import { toBase64Url } from '../../src/core/encoding.ts'
import { erasureDraft } from '../../src/core/record/drafts.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import { encodeBundle } from '../../src/core/tlog/bundle.ts'
import { beginLog, DIGEST, decided, POLICY, SUB_A } from '../core/audit/small-log.ts'
import { AT, LOG } from '../core/record/samples.ts'
import { disclosureLine, makeEntries, publish, VKEY, writeFiles } from './a-log.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

const SEED = '00112233445566778899aabbccddeeff'
const entries = await makeEntries({ decisions: 300 })
const dir = mkdtempSync(join(tmpdir(), 'livegate-challenge-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
await writeFiles(dir, await publish(entries))

interface Challenged extends Ran {
  readonly challenge: ChallengeReport
}

async function challenged(
  more: readonly string[],
  world: Parameters<typeof run>[2] = {},
): Promise<Challenged> {
  const words = ['log', 'audit', dir, '--vkey', VKEY, '--challenge', '60', '--seed', SEED, '--json']
  const ran = await run(dir, [...words, ...more], world)
  return { ...ran, challenge: (ran.out === '' ? null : JSON.parse(ran.out))?.challenge }
}

function fileOf(lines: readonly (string | null)[]): string {
  const path = join(aDirectory(), 'disclosures.jsonl')
  writeFileSync(path, lines.filter((line) => line !== null).join('\n'))
  return path
}

const whole = (entry: IssuedRecord, index: number): string => disclosureLine(entry, index)
let known: ChallengeReport | null = null

/** The report of the honest log with all disclosures. */
async function honestReport(): Promise<ChallengeReport> {
  known ??= (await challenged(['--disclosures', fileOf(entries.map(whole))])).challenge
  return known
}

/** Of the sixty, records of chains. */
async function chainedOf(): Promise<number> {
  return (await honestReport()).tally.opened
}

/** A gate that answers for the records of the log. */
function gateOf(
  answer: (index: number, entry: IssuedRecord) => Response | null,
  asked: string[] = [],
): typeof globalThis.fetch {
  return async (url) => {
    asked.push(String(url))
    const index = Number(new URL(String(url)).searchParams.get('from'))
    const entry = entries[index]
    const given = entry === undefined ? null : answer(index, entry)
    return given ?? Response.json({ records: [], next: null })
  }
}

const page = (index: number, record: string): Response =>
  Response.json({ records: [{ index, kind: 'decision', record }], next: null })
const openAll = (index: number, { jws, openings }: IssuedRecord): Response =>
  page(index, presentation(jws, openings, ['chain', 'result', 'request', 'facts']))
const GATE = ['--gate', 'https://gate.example', '--key', 'lg_k_secret']

describe('a challenge', () => {
  test('remembers a state when there is none yet, and is refused where one would be passed over', async () => {
    const state = join(aDirectory(), 'state.json')
    const words = ['--disclosures', fileOf(entries.map(whole)), '--state', state]
    const first = await challenged(words)
    expect(first.exit).toBe(0)
    expect(first.challenge).toEqual(await honestReport())
    const again = await challenged(words)
    expect(again).toMatchObject({ exit: 2, challenge: undefined })
    expect(again.err).toContain('Cannot challenge: what --state remembers is not read again')
    expect(again.err).toContain('audit anew, without --state')
  })

  test('of an honest log with all disclosures opens everything, and says what follows', async () => {
    const honest = await honestReport()
    const chained = await chainedOf()
    expect(honest).toMatchObject({ picked: 60, findings: [], failed: [] })
    expect(honest.tally).toMatchObject({ erased: 0, refused: 0, unfit: 0, false: 0 })
    expect(chained + honest.tally.public).toBe(60)
    expect(chained).toBeGreaterThan(50)
    expect(honest.bound).toBeCloseTo(1 - 0.05 ** (1 / chained), 9)
    const words = ['log', 'audit', dir, '--vkey', VKEY, '--challenge', '60', '--seed', SEED]
    const { out } = await run(dir, [...words, '--disclosures', fileOf(entries.map(whole))])
    const percent = Math.ceil(honest.bound * 10_000) / 100
    expect(out).toContain(
      `With 95 % confidence fewer than ${percent} % of the records that are not erased cannot be opened or replay falsely.`,
    )
  })

  test('picks the same again, and others by another seed', async () => {
    const asked: string[][] = [[], [], []]
    const seeds = [SEED, SEED.toUpperCase(), SEED.replace('00', '01')]
    for (const [i, seed] of seeds.entries())
      await challenged(['--seed', seed, ...GATE], { fetch: gateOf(openAll, asked[i]) })
    expect(asked[1]).toEqual(asked[0])
    expect(asked[2]).not.toEqual(asked[0])
  })

  test('asks the gate for what no file discloses, and says that it is a challenge', async () => {
    const honest = await honestReport()
    const chained = await chainedOf()
    const asked: string[] = []
    const half = entries.map((entry, i) => (i < 150 ? whole(entry, i) : null))
    const { exit, challenge } = await challenged(['--disclosures', fileOf(half), ...GATE], {
      fetch: gateOf(openAll, asked),
    })
    expect([exit, challenge.tally]).toEqual([0, honest.tally])
    expect(asked.length).toBeGreaterThan(10)
    expect(asked.length).toBeLessThan(chained)
    for (const url of asked)
      expect(url).toMatch(/^https:\/\/gate\.example\/v1\/records\?from=\d+&limit=1&for=challenge$/)
  })

  test('without anybody who opens anything is refused throughout: nothing can be said', async () => {
    const chained = await chainedOf()
    const { exit, challenge } = await challenged([])
    expect([exit, challenge.tally.refused, challenge.bound]).toEqual([0, chained, 1])
  })

  const REFUSALS: readonly {
    readonly name: string
    readonly answer: Parameters<typeof gateOf>[0]
    readonly fate: 'refused' | 'unfit'
  }[] = [
    {
      name: 'is forbidden',
      answer: () => Response.json({ title: 'no', status: 403, code: 'forbidden' }, { status: 403 }),
      fate: 'refused',
    },
    { name: 'gives nothing', answer: () => null, fate: 'refused' },
    { name: 'gives no openings', answer: (i, { jws }) => page(i, `${jws}~`), fate: 'refused' },
    {
      name: 'keeps the facts',
      answer: (i, { jws, openings }) =>
        page(i, presentation(jws, openings, ['chain', 'result', 'request'])),
      fate: 'refused',
    },
    {
      name: 'gives another record',
      answer: (i) => (entries[i - 1] === undefined ? null : page(i, `${entries[i - 1]?.jws}~`)),
      fate: 'refused',
    },
    {
      name: 'gives openings of another record',
      answer: (i, { jws }) => {
        const other = entries.find((one) => one.openings.facts !== undefined && one.jws !== jws)
        return page(i, presentation(jws, other?.openings ?? {}, ['chain', 'facts']))
      },
      fate: 'unfit',
    },
    { name: 'talks rubbish', answer: () => new Response('<html>'), fate: 'refused' },
  ]
  for (const { name, answer, fate } of REFUSALS)
    test(`a gate that ${name} has ${fate} it, which is no lie`, async () => {
      const chained = await chainedOf()
      const { exit, challenge } = await challenged(GATE, { fetch: gateOf(answer) })
      expect([exit, challenge.tally[fate], challenge.tally.opened]).toEqual([0, chained, 0])
      expect(challenge.bound).toBe(1)
    })

  test('counts what was opened anyway: the bound of so many failures', async () => {
    const chained = await chainedOf()
    const some = (index: number, entry: IssuedRecord): Response | null =>
      index % 10 === 0 ? null : openAll(index, entry)
    const { challenge } = await challenged(GATE, { fetch: gateOf(some) })
    const { opened, refused } = challenge.tally
    expect([opened + refused, refused > 0]).toEqual([chained, true])
    expect(challenge.failed.every(({ index }) => index % 10 === 0)).toBe(true)
    expect(challenge.bound).toBeGreaterThan(refused / chained)
    expect(challenge.bound).toBeLessThan(refused / chained + 0.15)
  })

  for (const { name, more } of [
    { name: 'no seed', more: ['--challenge', '5'] },
    { name: 'a short seed', more: ['--challenge', '5', '--seed', 'abcd'] },
    { name: 'a seed of letters', more: ['--challenge', '5', '--seed', 'z'.repeat(32)] },
    { name: 'a seed of odd length', more: ['--challenge', '5', '--seed', 'a'.repeat(33)] },
    { name: 'no record', more: ['--challenge', '0', '--seed', SEED] },
    { name: 'too many', more: ['--challenge', '10001', '--seed', SEED] },
    { name: 'a share', more: ['--challenge', '5%', '--seed', SEED] },
    { name: 'only a seed', more: ['--seed', SEED] },
    {
      name: 'two logs',
      more: [dir, '--vkey', VKEY.replace('test', 'b'), '--challenge', '5', '--seed', SEED],
    },
  ])
    test(`with ${name} is wrong usage`, async () => {
      const ran = await run(dir, ['log', 'audit', dir, '--vkey', VKEY, ...more])
      expect([ran.exit, ran.out]).toEqual([2, ''])
    })

  test('after an audit that is resumed is wrong usage', async () => {
    const state = join(aDirectory(), 'state.json')
    const words = ['log', 'audit', dir, '--vkey', VKEY, '--state', state]
    expect((await run(dir, words)).exit).toBe(0)
    const ran = await run(dir, [...words, '--challenge', '5', '--seed', SEED])
    expect([ran.exit, ran.err]).toEqual([2, expect.stringContaining('Cannot challenge')])
  })
})

test('a decision that is derived otherwise is a lie, whoever opened it', async () => {
  const log = await beginLog()
  const place = { sub: SUB_A, seq: 1, prev: null }
  const { jws, openings, leaf } = await log.add(decided(place, AT, [], { rules: ['none'] }))
  const bundle = encodeBundle(log.entries.map(({ bytes }) => bytes))
  const part = { first_index: 0, width: log.entries.length, skip: 0 }
  const { scan } = scanBundle(bundle, part, { disclosures: null, replay: true })
  const head = { origin: LOG, size: log.entries.length, root: leaf }
  const challenge = new Challenge({ seed: SEED, count: 5 }, head)
  challenge.look(0, scan)
  expect(challenge.open()).toEqual([2])
  const plans = new LogPlans({ texts: new Map([[DIGEST, POLICY]]), activations: [] })
  const disclosures = Object.values(openings)
  expect(challenge.take({ jws, disclosures: disclosures.slice(0, 1) }, plans)).toBe(true)
  expect(challenge.report(0).tally).toMatchObject({ public: 2, refused: 1 })
  expect(challenge.take({ jws, disclosures }, plans)).toBe(true)
  expect(challenge.open()).toEqual([])
  const { findings, tally, bound } = challenge.report(0)
  expect(findings).toMatchObject([{ index: 2, code: 'challenge_false' }])
  expect([tally.false, bound]).toEqual([1, 1])
})

test('records claimed to be erased are believed as far as the log says that some were', async () => {
  const log = await beginLog()
  const first = await log.link(SUB_A)
  const second = await log.link(SUB_A)
  const draft = { sub: SUB_A, scope: 'retention', basis: 'b', counts: {} } as const
  await log.add(erasureDraft({ ...draft, strikes: [toBase64Url(first.leaf)] }))
  const bundle = encodeBundle(log.entries.map(({ bytes }) => bytes))
  const part = { first_index: 0, width: log.entries.length, skip: 0 }
  const { scan } = scanBundle(bundle, part, { disclosures: null, replay: true })
  const head = { origin: LOG, size: log.entries.length, root: first.leaf }
  const told = (erased: number): object => {
    const challenge = new Challenge({ seed: SEED, count: 5 }, head)
    challenge.look(0, scan)
    // Contents of a strike were removed, its place in the chain was not.
    challenge.take({ jws: first.jws, disclosures: [first.openings.chain ?? ''] }, null)
    challenge.take({ jws: second.jws, disclosures: [] }, null)
    return challenge.report(erased).tally
  }
  expect(told(0)).toMatchObject({ erased: 1, refused: 1 })
  expect(told(1)).toMatchObject({ erased: 2, refused: 0 })
})
