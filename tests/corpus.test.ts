/**
 * Logs made by every release so far, audited by this one: what once was honest stays so, decision for decision.
 *
 * A corpus is never changed; one is added for each release (`npm run corpus`, CONTRIBUTING.md).
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { engineFor } from '../src/core/policy/engines.ts'
import { decodeBundle } from '../src/core/tlog/bundle.ts'
import { run } from './cli/a-world.ts'

const CORPUS = resolve(import.meta.dirname, 'vectors/corpus')
const logs = readdirSync(CORPUS).flatMap((version) =>
  readdirSync(join(CORPUS, version)).map((host) => ({ version, host })),
)

interface Told {
  readonly clean: boolean
  readonly findings: readonly object[]
  readonly notices: readonly object[]
  readonly counts: Readonly<Record<string, unknown>>
}

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

/** Every engine the records of a log name. */
function enginesIn(log: string, size: number): ReadonlySet<string> {
  const bundle = decodeBundle(
    new Uint8Array(readFileSync(join(log, `tile/entries/000.p/${size}`))),
    size,
  )
  if (!bundle.ok) throw new Error(bundle.error)
  const claims = bundle.value.map((entry) => {
    const [, payload = ''] = new TextDecoder().decode(entry).split('.')
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as { engine: string }
  })
  return new Set(claims.map(({ engine }) => engine))
}

describe.each(logs)('the log of $host, version $version', ({ version, host }) => {
  const dir = join(CORPUS, version, host)
  const log = join(dir, 'log')
  const vkey = readFileSync(join(dir, 'vkey'), 'utf8')
  const { notices, ...counts } = JSON.parse(readFileSync(join(dir, 'audit.json'), 'utf8')) as {
    readonly notices: readonly object[]
    readonly size: number
  }

  test('is honest, and all of it is looked at', async () => {
    const disclosures = ['--disclosures', join(dir, 'disclosures.jsonl')]
    const ran = await run(dir, ['log', 'audit', log, '--vkey', vkey, ...disclosures, '--json'])
    const told = JSON.parse(ran.out) as Told
    expect([told.findings, ran.exit]).toEqual([[], 0])
    expect(told.counts).toMatchObject(counts)
    expect(told.notices).toEqual(
      expect.arrayContaining(notices.map((one) => expect.objectContaining(one))),
    )
  })

  test('names semantics this version still has', () => {
    for (const engine of enginesIn(log, counts.size)) expect(engineFor(engine)?.id).toBe(engine)
  })

  test('is small, and whole', () => {
    expect(sizeOf(dir)).toBeLessThan(150_000)
    expect(existsSync(join(log, 'checkpoint'))).toBe(true)
  })
})
