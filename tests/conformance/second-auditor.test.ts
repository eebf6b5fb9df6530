/**
 * Two auditors, one log: `livegate log audit` against second-auditor/, written from the pages of docs/spec alone, and second-reader/,
 * which adds to it what facts say.
 *
 * On honest logs of both hosts both are content; of every lie the tests know they give the same codes at the same indexes,
 * but for what the second one says it does not look at. Where they differ, one of them or the specification is wrong.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, describe as block, expect, it } from 'vitest'
import {
  ask,
  type Gate,
  IN_PEACE,
  live,
  livegate,
  REVOKED,
  type Rotation,
} from '../../scripts/corpus/live.ts'
import { newSecrets, nextSecret } from '../../scripts/edge/secrets.ts'
import { VKEY, vkeyOf } from '../cli/a-log.ts'
import { aDirectory, run } from '../cli/a-world.ts'
import { edgeGate } from '../support/edge-gate.ts'
import { forged, published, type Unfolded } from '../support/forge.ts'
import { type HonestLog, honestLog, placeOf } from '../support/honest-log.ts'
import { HONEST_DELAYS, INCIDENT_LIES, incidentHistory } from '../support/incident-lies.ts'
import { copyOf, type Draft, LOG_LIES } from '../support/log-lies.ts'
import { HAPPENED, REPLAY_LIES, replayHistory } from '../support/replay-lies.ts'
import { ROLLOUT_LIES, rolloutHistory } from '../support/rollout-lies.ts'
import { ADMIN_KEY, type ServerProcess, startServer } from '../support/server.ts'
import { AUDITOR, describe, needs, ours, READER, second, told, VECTORS } from './second.ts'

const corpus = readdirSync(join(VECTORS, 'corpus')).flatMap((version) =>
  readdirSync(join(VECTORS, 'corpus', version)).map((host) => join(version, host)),
)

describe(`both auditors${needs}`, () => {
  it.each(corpus)('find nothing wrong with the log %s', async (name) => {
    const dir = join(VECTORS, 'corpus', name)
    const vkey = readFileSync(join(dir, 'vkey'), 'utf8').trim()
    const words = ['--vkey', vkey, '--disclosures', join(dir, 'disclosures.jsonl')]
    const two = await told(AUDITOR, 'auditor.py', [...words, join(dir, 'log')])
    expect(two).toMatchObject({ exit: 0, findings: [] })
    expect(await second(...words, join(dir, 'log'))).toMatchObject({ exit: 0, findings: [] })
    expect(await ours(join(dir, 'log'), ...words)).toEqual({ exit: 0, findings: [] })
  })
})

block('the second auditor', () => {
  const files = readdirSync(AUDITOR).filter((name) => name.endsWith('.py'))
  const lines = (dir: string, name: string): string[] =>
    readFileSync(join(dir, name), 'utf8').trimEnd().split('\n')

  it('is small enough to be read in one sitting: 400 lines', () => {
    expect(files).toContain('auditor.py')
    expect(files.flatMap((name) => lines(AUDITOR, name)).length).toBeLessThanOrEqual(400)
  })

  it.each([AUDITOR, READER])('has lines of at most 120 characters', (dir) => {
    const all = readdirSync(dir).filter((name) => name.endsWith('.py'))
    for (const name of all)
      for (const line of lines(dir, name)) expect(line.length, line).toBeLessThanOrEqual(120)
  })
})

describe(`of a log that lies both auditors say the same${needs}`, () => {
  let honest: HonestLog
  let history: readonly Unfolded[]
  let incidents: readonly Unfolded[]
  beforeAll(async () => {
    honest = await honestLog()
    history = await replayHistory()
    incidents = await incidentHistory()
  })

  it.each(LOG_LIES)('when $name', async ({ tell, records, files, words }) => {
    const log = honest.records.map(copyOf)
    const index = (label: string): number => placeOf(log, honest, label)
    const at = (label: string): Unfolded => log[index(label)] as Unfolded
    const group = (label: string, name: string): Record<string, unknown> =>
      at(label).groups?.[name] ?? {}
    const host: Draft['host'] = (label) => (group(label, 'facts').hosts as [never])[0]
    const draft: Draft = {
      honest,
      log,
      index,
      at,
      group,
      host,
      claims: (label) => at(label).claims,
    }
    tell?.(draft)
    const signed = [...(await forged(draft.log))]
    records?.(signed, draft)
    const dir = aDirectory()
    const given = ['--vkey', VKEY, '--disclosures', await published(dir, signed)]
    files?.(dir)
    const before = aDirectory()
    await published(before, await forged(honest.records))
    const more = (await words?.(before, draft)) ?? []
    const trusted = more.includes('--state') ? ['--trusted', join(before, 'checkpoint')] : []
    const one = await ours(dir, ...given, ...more)
    const two = await second(...given, ...trusted, dir)
    // Who goes on from a state of the same size meets the other tree at its end, who only kept the checkpoint at its size.
    if (two.findings.includes('tree fork')) expect(one.findings).toContain('tree root')
    else expect(two.findings).toEqual(one.findings)
    expect(two.exit).toBe(one.findings.length === 0 ? 0 : 4)
  })

  it('and of the legal repeat of a record, with another of its chain unopened in between', async () => {
    const signed = [...(await forged(history))]
    const [allowed, unopened] = [signed[HAPPENED.allowed], signed[HAPPENED.second]]
    if (allowed === undefined || unopened === undefined) throw new Error('nothing happened')
    signed[HAPPENED.second] = { ...unopened, openings: {} }
    signed.splice(HAPPENED.reversed, 0, allowed)
    const dir = aDirectory()
    const given = ['--vkey', VKEY, '--disclosures', await published(dir, signed)]
    expect(await ours(dir, ...given)).toEqual({ exit: 0, findings: [] })
    expect(await second(...given, dir)).toMatchObject({ exit: 0, findings: [] })
  })

  it.each([...HONEST_DELAYS, ...INCIDENT_LIES])('when $name', async ({ tell }) => {
    const log = structuredClone([...incidents])
    tell(log)
    const dir = aDirectory()
    const given = ['--vkey', VKEY, '--disclosures', await published(dir, await forged(log))]
    const two = await second(...given, dir)
    expect(two.findings).toEqual((await ours(dir, ...given)).findings)
  })

  it.each(ROLLOUT_LIES)('when $name', async ({ tell, expect: codes }) => {
    const happened = await rolloutHistory()
    const log = structuredClone([...happened.log])
    tell(log, happened)
    const dir = aDirectory()
    const given = ['--vkey', VKEY, '--disclosures', await published(dir, await forged(log))]
    const one = await ours(dir, ...given)
    const two = await second(...given, dir)
    // It derives no outcome, and says of a result only whether `would` and `enforced` belong together.
    const [field, ...others] = ['replay_field', 'bucket_false'].map((code) =>
      two.findings.filter((found) => found.endsWith(code)),
    )
    expect(others.flat()).toEqual(one.findings)
    for (const found of field ?? []) expect(codes(happened)).toContain(found)
  })

  it.each(REPLAY_LIES)('when $name', async ({ name, tell }) => {
    const log = structuredClone([...history])
    tell(log)
    const dir = aDirectory()
    const given = ['--vkey', VKEY, '--disclosures', await published(dir, await forged(log))]
    const one = name.includes('co-host') ? { findings: [] } : await ours(dir, ...given)
    const two = await second(...given, dir)
    expect(two.findings).toEqual(one.findings)
    expect(two.exit).toBe(one.findings.length === 0 ? 0 : 4)
  })
})

describe(`copies of a log that were changed on the way${needs}`, () => {
  const from = join(VECTORS, 'corpus', corpus[0] ?? '')
  const vkey = readFileSync(join(from, 'vkey'), 'utf8').trim()
  const copy = (): string => {
    const dir = aDirectory()
    cpSync(join(from, 'log'), dir, { recursive: true })
    return dir
  }
  const bundle = (dir: string): string => {
    const partial = join(dir, 'tile/entries/000.p')
    return join(partial, readdirSync(partial)[0] ?? '')
  }
  const both = async (dir: string, key = vkey, given = join(from, 'disclosures.jsonl')) => {
    const words = ['--vkey', key, '--disclosures', given]
    return [await ours(dir, ...words), await second(...words, dir)] as const
  }

  it.each([...Array(12).keys()])('are told alike with one byte flipped (%i of 12)', async (n) => {
    const dir = copy()
    const bytes = readFileSync(bundle(dir))
    const at = Math.floor(((n + 0.37) / 12) * bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(bundle(dir), bytes)
    const [one, two] = await both(dir)
    expect(two.exit).toBe(one.exit)
    expect(two.findings).toEqual(one.findings)
    expect(one.findings).toContain('tree root')
  })

  it('are not finished by either when an entries file is cut short', async () => {
    const dir = copy()
    writeFileSync(bundle(dir), readFileSync(bundle(dir)).subarray(0, -1))
    const words = ['--vkey', vkey]
    expect((await run(dir, ['log', 'audit', dir, ...words])).exit).toBe(1)
    expect((await second(...words, dir)).exit).toBe(1)
  })

  it('are trusted by neither under another key', async () => {
    const other = vkeyOf(vkey.split('+')[0] ?? '')
    expect((await run(from, ['log', 'audit', copy(), '--vkey', other])).exit).toBe(4)
    expect((await second('--vkey', other, copy())).exit).toBe(4)
  })

  it('are no lie when disclosures are those of other records', async () => {
    const lines = readFileSync(join(from, 'disclosures.jsonl'), 'utf8').trim().split('\n')
    const records = lines.map((line) => (JSON.parse(line) as { record: string }).record)
    const [[jws = ''] = [], [, ...foreign] = []] = records.map((record) => record.split('~'))
    const given = join(aDirectory(), 'disclosures.jsonl')
    const mixed = [[jws, ...foreign].join('~'), ...records.slice(1)]
    writeFileSync(given, mixed.map((record) => `${JSON.stringify({ record })}\n`).join(''))
    for (const one of await both(copy(), vkey, given))
      expect(one).toMatchObject({ exit: 0, findings: [] })
  })
})

describe(`of the log of a running gate${needs}`, () => {
  /** The corpus's day, on a gate that runs now; both auditors then read a mirror of its log. */
  async function lived(process: ServerProcess, how: Rotation): Promise<void> {
    const dir = aDirectory()
    const [log, given] = [join(dir, 'log'), join(dir, 'disclosures.jsonl')]
    const gate: Gate = { url: process.url, key: ADMIN_KEY }
    try {
      await ask(gate, 'POST', '/v1/explanations', { subject: 'anna' })
      expect(await live(gate, how)).toContain('deny')
      await wait(2_500)
      const vkey = (await (await fetch(new URL('/log/vkey', gate.url))).text()).trim()
      await livegate(gate, 'log', 'mirror', `${gate.url}/log`, log, '--vkey', vkey)
      writeFileSync(given, await livegate(gate, 'log', 'disclosures'))
      const words = ['--vkey', vkey, '--disclosures', given]
      const plain = await told(AUDITOR, 'auditor.py', [...words, log])
      expect([plain.exit, plain.findings]).toEqual([0, []])
      const [one, two] = [await ours(log, ...words), await second(...words, log)]
      expect([one, two.findings, two.exit]).toEqual([{ exit: 0, findings: [] }, [], 0])
    } finally {
      await process.stop()
    }
  }

  it('both are content with that of the Node host', async () => {
    const args = ['--origin', 'node.example/log', '--issuer', 'https://node.example']
    await lived(await startServer({ data: join(aDirectory(), 'node'), args }), IN_PEACE)
  })

  it('both are content with that of the edge host', { timeout: 240_000 }, async () => {
    const next = { ...nextSecret('record'), ...nextSecret('checkpoint') }
    const env = { ...newSecrets(), ...next, LIVEGATE_ADMIN_KEY: ADMIN_KEY }
    const edge = await edgeGate({ dir: join(aDirectory(), 'edge'), env })
    await lived(await edge.start(), REVOKED)
  })
})
