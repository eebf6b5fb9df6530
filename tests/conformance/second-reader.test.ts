/**
 * What second-reader/ tells of evidence bundles, and of two logs of which one goes on from the other, beside livegate's own word.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fromUtf8 } from '../../src/core/encoding.ts'
import type { OwnClaims } from '../../src/core/record/groups.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import {
  disclosureLine,
  type LogOptions,
  makeEntries,
  ORIGIN,
  publish,
  RECORD_X,
  VKEY,
  vkeyOf,
  writeFiles,
} from '../cli/a-log.ts'
import { aDirectory, run } from '../cli/a-world.ts'
import { describe, needs, once, ours, READER, told, VECTORS } from './second.ts'

describe(`evidence${needs}`, () => {
  const vectors = join(VECTORS, 'evidence')
  const honest = readFileSync(join(vectors, 'decision.json'), 'utf8')
  const { vkey, witness } = JSON.parse(readFileSync(join(vectors, 'reader.json'), 'utf8')) as {
    readonly vkey: string
    readonly witness: string
  }
  const read = async (text: string) => {
    const dir = aDirectory()
    const file = join(dir, 'case.json')
    writeFileSync(file, text)
    const words = ['--vkey', vkey, '--witness', witness, '--quorum', '1']
    const now = Date.parse('2026-03-01T00:00:00Z') as never
    const ran = await run(dir, ['log', 'verify', file, ...words, '--json'], { now: () => now })
    const { verdict, faults } = JSON.parse(ran.out) as {
      readonly verdict: string
      readonly faults: readonly { readonly index: number | null; readonly code: string }[]
    }
    const findings = once(faults.map(({ index, code }) => [index, code]))
    return [
      { exit: ran.exit, verdict, findings },
      await told(READER, 'evidence.py', [...words, file]),
    ] as const
  }

  it('holds for both', async () => {
    for (const one of await read(honest))
      expect(one).toEqual({ exit: 0, verdict: 'holds', findings: [] })
  })

  it.each([...Array(16).keys()])(
    'is told alike with one character changed (%i of 16)',
    async (n) => {
      const at = Math.floor(((n + 0.21) / 16) * honest.length)
      const changed = honest.slice(0, at) + (honest[at] === 'A' ? 'B' : 'A') + honest.slice(at + 1)
      const [one, two] = await read(changed)
      expect(two).toEqual(one)
      expect(one.verdict).not.toBe('holds')
    },
  )
})

describe(`of a log and the one it goes on from both auditors say the same${needs}`, () => {
  const NEXT = 'gate.example/log/next'

  interface Seam {
    readonly name: string
    readonly successors?: readonly string[] | null
    /** What the new log says of the old one; null: nothing. */
    readonly says?: (honest: OwnClaims['predecessor']) => OwnClaims['predecessor'] | null
    /** Of the new log. */
    readonly next?: Partial<LogOptions>
    readonly codes: readonly string[]
  }

  const moved = (entries: IssuedRecord[]): void => {
    const at = entries.findIndex(({ kind }) => kind === 'predecessor')
    entries.push(...entries.splice(at, 1))
  }
  const again = (entries: IssuedRecord[]): void => {
    const [one] = entries.filter(({ kind }) => kind === 'predecessor')
    if (one !== undefined) entries.push(one)
  }

  it.each<Seam>([
    { name: 'honest', codes: [] },
    {
      name: 'with another verifier key',
      says: (claims) => ({ ...claims, vkey: vkeyOf(ORIGIN, 9) }),
      codes: ['predecessor_false'],
    },
    {
      name: 'with what is no verifier key',
      says: (claims) => ({ ...claims, vkey: 'none' }),
      codes: ['predecessor_false'],
    },
    {
      name: 'with another final checkpoint',
      says: (claims) => ({
        ...claims,
        checkpoint: claims.checkpoint.replace(/\n[0-9]+\n/, '\n3\n'),
      }),
      codes: ['predecessor_false'],
    },
    {
      name: 'with another record key',
      says: (claims) => ({ ...claims, keys: ['A'.repeat(43)] }),
      codes: ['predecessor_false'],
    },
    { name: 'closed for another log', successors: ['b.example'], codes: ['predecessor_open'] },
    { name: 'never closed', successors: null, codes: ['predecessor_open'] },
    {
      name: 'that says nothing of the old one',
      says: () => null,
      codes: ['chain_gap', 'predecessor_missing'],
    },
    {
      name: 'that says so after its chains',
      next: { tamper: moved },
      codes: ['chain_gap', 'predecessor_late', 'predecessor_missing'],
    },
    { name: 'that says it twice', next: { tamper: again }, codes: [] },
    { name: 'whose chains begin anew', next: { heads: new Map() }, codes: ['chain_fork'] },
    {
      name: 'whose chains go on from another record',
      next: { heads: new Map([0, 1].map((n) => [n, { seq: 2, prev: 'A'.repeat(43) }])) },
      codes: ['chain_prev', 'strike_ignored'],
    },
  ])('$name', async ({ successors = [NEXT], says, next, codes }) => {
    const heads: NonNullable<LogOptions['heads']> = new Map()
    const closing = successors === null ? {} : { successors }
    const old = await makeEntries({ decisions: 4, subjects: 2, heads, ...closing })
    const files = await publish(old)
    const checkpoint = fromUtf8(files.get('checkpoint') ?? new Uint8Array()) ?? ''
    const honest = { predecessor: ORIGIN, vkey: VKEY, keys: [RECORD_X], checkpoint }
    const claims = says === undefined ? honest : says(honest)
    const follows = claims === null ? {} : { follows: claims }
    const entries = await makeEntries({
      ...{ decisions: 4, subjects: 2, after: 4, origin: NEXT, heads },
      ...follows,
      ...next,
    })
    const [before, dir] = [aDirectory(), aDirectory()]
    await writeFiles(before, files)
    await writeFiles(dir, await publish(entries, [], NEXT))
    const given = join(aDirectory(), 'disclosures.jsonl')
    writeFileSync(given, [...old, ...entries].map((one) => `${disclosureLine(one)}\n`).join(''))
    const words = ['--vkey', vkeyOf(NEXT), '--disclosures', given]
    const one = await ours(dir, ...words, '--predecessor', before, '--predecessor-vkey', VKEY)
    const two = await told(READER, 'seam.py', [...words, '--vkey', VKEY, before, dir])
    expect(two.findings).toEqual(one.findings)
    expect(two.exit).toBe(codes.length === 0 ? 0 : 4)
    expect([...new Set(two.findings.map((told) => told.split(' ')[1]))].toSorted()).toEqual(codes)
  })
})
