/** `log audit --witness-policy`: who has cosigned, told in the report; no quorum is a finding, another tree a lie. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { createTestWitness, type TestWitness } from '../support/witness.ts'
import { type LogFiles, makeEntries, publish, VKEY, writeFiles } from './a-log.ts'
import { aDirectory, NOW, run } from './a-world.ts'

let entries: IssuedRecord[]
let otherEntries: IssuedRecord[]
beforeAll(async () => {
  entries = await makeEntries({ decisions: 40 })
  otherEntries = await makeEntries({ decisions: 40, from: 9 })
})

const witnessOf = (seed: number): TestWitness =>
  createTestWitness({
    ...{ name: `w${seed}.example`, seed, logs: [VKEY], now: () => Date.parse(NOW) },
  })

/** `checkpoint.witnessed` over the checkpoint of `files`. */
async function cosign(files: LogFiles, seeds: readonly number[]): Promise<Uint8Array> {
  const note = Buffer.from(files.get('checkpoint') ?? []).toString()
  const lines = await Promise.all(
    seeds.map((seed) =>
      witnessOf(seed).handle({ method: 'POST', path: '/add-checkpoint', body: `old 0\n\n${note}` }),
    ),
  )
  return utf8(note + lines.map(({ body }) => body).join(''))
}

const POLICY = `${[1, 2, 3].map((seed) => `witness w${seed} ${witnessOf(seed).vkey}`).join('\n')}
group two 2 w1 w2 w3
quorum two
`

async function audited(files: LogFiles, more: readonly string[] = [], policy = POLICY) {
  const dir = aDirectory()
  await writeFiles(join(dir, 'log'), files)
  writeFileSync(join(dir, 'policy.txt'), policy)
  const argv = ['log', 'audit', 'log', '--vkey', VKEY, '--witness-policy', 'policy.txt', ...more]
  return run(dir, argv)
}

describe('an audit with a witness policy', () => {
  it('says who has cosigned, and when', async () => {
    const files = await publish(entries)
    files.set('checkpoint.witnessed', await cosign(files, [1, 3]))
    const { exit, out } = await audited(files)
    expect(exit).toBe(0)
    expect(out).toContain(
      `witnesses of gate.example/log/test: quorum (2 of (w1, w2, w3)) at ${entries.length} entries; cosigned by w1 at 2026-01-31T00:00:00.000Z, w3 at 2026-01-31T00:00:00.000Z; missing w2\n`,
    )
    const json = await audited(files, ['--json'])
    expect(JSON.parse(json.out)).toMatchObject({
      clean: true,
      witnesses: [{ met: true, rule: '2 of (w1, w2, w3)', missing: ['w2'], wrong: null }],
    })
  })

  it('takes an older witnessed checkpoint of the same tree', async () => {
    const files = await publish(entries)
    files.set('checkpoint.witnessed', await cosign(await publish(entries.slice(0, 17)), [1, 2, 3]))
    const { exit, out } = await audited(files)
    expect([exit, out.includes(' at 17 entries; ')]).toEqual([0, true])
  })

  it.each<[string, readonly number[] | null, string]>([
    ['there is none', null, 'no quorum: there is no `checkpoint.witnessed`'],
    [
      'too few have cosigned',
      [2],
      'no quorum at 43 entries: 2 of (w1, w2, w3) is needed; cosigned by w2',
    ],
    [
      'strangers have',
      [4, 5, 6],
      'no quorum at 43 entries: 2 of (w1, w2, w3) is needed; missing w1, w2, w3',
    ],
  ])('ends with 3 when %s', async (_, seeds, words) => {
    const files = await publish(entries)
    if (seeds !== null) files.set('checkpoint.witnessed', await cosign(files, seeds))
    const { exit, out } = await audited(files)
    expect(exit).toBe(3)
    expect(out).toContain(words)
  })

  it('ends with 4 and both notes when witnesses were shown another tree', async () => {
    const files = await publish(entries)
    const other = await cosign(await publish(otherEntries.slice(0, 20)), [1, 2])
    files.set('checkpoint.witnessed', other)
    const { exit, err } = await audited(files)
    expect(exit).toBe(4)
    expect(err).toContain(Buffer.from(files.get('checkpoint') ?? []).toString())
    expect(err).toContain(Buffer.from(other).toString())
  })

  it('ends with 1 when the tiles do not tell, and with every fault of a broken policy', async () => {
    const files = await publish(entries)
    files.set('checkpoint.witnessed', await cosign(await publish(entries.slice(0, 17)), [1, 2]))
    for (const path of files.keys())
      if (path.startsWith('tile/0')) files.set(path, new Uint8Array(43 * 32))
    expect((await audited(files)).exit).toBe(1)
    const broken = await audited(files, [], 'nonsense\nquorum x\n')
    expect([broken.exit, broken.err]).toEqual([
      1,
      'error: Cannot read policy.txt:1: `nonsense`, expected log, witness, group or quorum\nCannot read policy.txt:2: `x` is not defined above, expected a witness, a group or none\n',
    ])
  })
})
