/**
 * Evidence on the command line over a log with strikes, a reversal, two revisions and a witness: the file is the one the
 * core makes, a lie ends with exit 4, and a copy of the log that was changed never becomes a file.
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { heartbeatDraft } from '../../src/core/record/drafts.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import {
  aBundle,
  aWorld,
  decisionStep,
  type EvidenceWorld,
  honest,
  instead,
  noteKey,
  noteOf,
  ORIGIN,
  SEEN_S,
  type Step,
  VKEY,
  WITNESS_VKEY,
} from '../core/evidence/evidence-world.ts'
import { disclosureLine, writeFiles } from './a-log.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

/** A directory with `log/` and `disclosures.jsonl`. */
async function aMirror(world: EvidenceWorld): Promise<string> {
  const dir = aDirectory()
  const { entries } = world
  const added = entries.map(({ bytes }) => bytes)
  const leaves = entries.map(({ leaf }) => leaf)
  const grown = grow({ edge: emptyEdge(), leaves, entries: { unfinished: [], added } })
  const note = await noteOf({ size: entries.length, root: grown.root }, { seen_s: SEEN_S })
  const files = new Map(grown.tiles.map(({ path, bytes }) => [path, bytes]))
  await writeFiles(join(dir, 'log'), files.set('checkpoint', new Uint8Array(Buffer.from(note))))
  const chained = entries.filter(({ openings }) => openings.chain !== undefined)
  const lines = chained.map((record) => `${disclosureLine(record)}\n`)
  writeFileSync(join(dir, 'disclosures.jsonl'), lines.join(''))
  return dir
}

function idOf(world: EvidenceWorld): string {
  return world.entries[world.named.get('decision') ?? 0]?.jti ?? ''
}

function collect(dir: string, world: EvidenceWorld, ...words: string[]): Promise<Ran> {
  const from = ['--log', 'log', '--disclosures', 'disclosures.jsonl', '--vkey', VKEY]
  const what = ['log', 'evidence', '--decision', idOf(world), '--out', 'case.json']
  return run(dir, [...what, ...from, ...words])
}

const verify = (dir: string, ...words: string[]): Promise<Ran> =>
  run(dir, ['log', 'verify', 'case.json', '--vkey', VKEY, ...words])

const LATE = { now: () => Date.parse('2026-02-01T00:00:00Z') as never }

describe('an honest log', () => {
  test('gives the file the core makes of it, readable by its owner alone', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    const ran = await collect(dir, world, '--open', 'facts,chain,result', '--witness', WITNESS_VKEY)
    expect(ran).toMatchObject({ exit: 0, err: '' })
    expect(ran.out).toMatch(/^case\.json: 8 records, \d+ bytes; it holds\n/)
    expect(readFileSync(join(dir, 'case.json'), 'utf8')).toBe(await aBundle(world))
    expect(statSync(join(dir, 'case.json')).mode & 0o777).toBe(0o600)
  })

  test('is joined to a checkpoint kept from before', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    const note = await noteOf({ size: 4, root: await world.root(4) })
    writeFileSync(join(dir, 'old'), note)
    expect((await collect(dir, world, '--since', 'old')).exit).toBe(0)
    const read = await run(
      dir,
      ['log', 'verify', 'case.json', '--vkey', VKEY, '--since', 'old'],
      LATE,
    )
    expect(read.exit).toBe(0)
    expect(read.out).toContain(
      'begins with exactly the log of the checkpoint of size 4, which you trust.',
    )
  })

  test('of many bundles and tiles gives all that matters and nothing else', async () => {
    const filler = (from: number): Step[] =>
      Array.from({ length: 290 }, (_, i) => ({
        name: `filler ${from} ${i}`,
        iat_s: SEEN_S,
        draft: () => heartbeatDraft({ from_index: 0, to_index: 0, totals: {}, shed: 0 }),
      }))
    const steps = honest().flatMap((step) =>
      ['decision', 'reversal', 'first'].includes(step.name) ? [...filler(0), step] : [step],
    )
    const world = await aWorld(steps)
    const dir = await aMirror(world)
    expect((await collect(dir, world, '--open', 'facts,chain,result')).exit).toBe(0)
    const { entries } = JSON.parse(readFileSync(join(dir, 'case.json'), 'utf8'))
    expect(entries.map(({ index }: { index: number }) => index)).toEqual([
      0, 291, 292, 293, 294, 295, 587, 878,
    ])
    const read = await run(dir, ['log', 'verify', 'case.json', '--vkey', VKEY], LATE)
    expect(read.exit).toBe(0)
    expect(read.out).toContain('derived again')
    expect(read.out).toContain('1 strike it relied on was reversed since.')
  })

  test('is held to the reader’s witness policy', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    await collect(dir, world)
    writeFileSync(join(dir, 'policy'), `witness a ${WITNESS_VKEY}\nquorum a\n`)
    const read = (file: string): Promise<Ran> =>
      run(dir, ['log', 'verify', 'case.json', '--vkey', VKEY, '--witness-policy', file], LATE)
    const held = await read('policy')
    expect(held.exit).toBe(0)
    expect(held.out).toContain('Witness witness.example/w1 saw this log at 2026-01-31T01:00')
    writeFileSync(join(dir, 'wrong'), 'quorum nobody\n')
    expect(await read('wrong')).toMatchObject({ exit: 1, out: '' })
  })

  test('names of several verifier keys those that have signed', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    const { vkey } = noteKey(8, ORIGIN, 1)
    expect((await collect(dir, world, '--vkey', vkey)).exit).toBe(0)
    const { vkeys } = JSON.parse(readFileSync(join(dir, 'case.json'), 'utf8'))
    expect(vkeys).toEqual([VKEY])
  })

  test('tells what the reader’s clock says of it', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    await collect(dir, world)
    const early = await run(dir, ['log', 'verify', 'case.json', '--vkey', VKEY], {
      now: () => Date.parse('2025-06-01T00:00:00Z') as never,
    })
    expect(early.exit).toBe(1)
    expect(early.out).toContain('from_future: ')
  })

  test('says which strikes nobody disclosed', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    const decision = world.entries[world.named.get('decision') ?? 0]
    if (decision === undefined) throw new Error('no decision')
    writeFileSync(join(dir, 'disclosures.jsonl'), `${disclosureLine(decision)}\n`)
    const ran = await collect(dir, world)
    expect(ran.exit).toBe(0)
    expect(ran.err).toBe('warning: 1 strike it rests on: no disclosed record was found\n')
    expect(ran.out).toContain('case.json: 6 records')
  })
})

describe('a group', () => {
  test('asked for that nobody disclosed is a warning', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    const lines = readFileSync(join(dir, 'disclosures.jsonl'), 'utf8').split('\n')
    const cut = lines.map((line) => line.replace(/~[^~]*~[^~]*~[^~]*~"/, '~"'))
    writeFileSync(join(dir, 'disclosures.jsonl'), cut.join('\n'))
    const ran = await collect(dir, world, '--open', 'chain,result,subject', '--json')
    expect(ran.exit).toBe(0)
    expect(ran.err).toContain('warning: not opened, nobody disclosed it: subject\n')
    expect(JSON.parse(ran.out)).toMatchObject({ not_disclosed: ['subject'] })
  })
})

describe('a dishonest log', () => {
  test('is exported all the same, and the file proves it', async () => {
    const world = await aWorld(instead(decisionStep({ says: { until: 'forever' } })))
    const dir = await aMirror(world)
    const ran = await collect(dir, world, '--open', 'chain,result,facts')
    expect(ran.exit).toBe(4)
    expect(ran.out).toContain('it proves that the log lies')
    const read = await run(dir, ['log', 'verify', 'case.json', '--vkey', VKEY], LATE)
    expect(read.exit).toBe(4)
    expect(read.out).toContain('evidence: THE LOG LIES, and this file proves it')
    expect(read.out).toContain('replay_field (entry 7): `until` is not what policy and facts give.')
  })
})

describe('a copy of the log', () => {
  test('that was changed never becomes a file', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    const path = join(dir, 'log/tile/entries/000.p/10')
    const bytes = readFileSync(path)
    const strike = bytes.indexOf(world.entries[3]?.bytes ?? '')
    bytes[strike + 600] = bytes[strike + 600] === 0x41 ? 0x42 : 0x41
    writeFileSync(path, bytes)
    const ran = await collect(dir, world)
    expect(ran.exit).toBe(4)
    expect(ran.err).toContain(
      'error: Cannot trust entry 3 of `log`: it is not what the checkpoint covers',
    )
    expect(existsSync(join(dir, 'case.json'))).toBe(false)
  })

  test('that is not complete could not be exported', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    rmSync(join(dir, 'log/tile/0'), { recursive: true })
    const ran = await collect(dir, world)
    expect(ran.exit).toBe(1)
    expect(existsSync(join(dir, 'case.json'))).toBe(false)
  })

  test('whose disclosures are another record’s gives no file', async () => {
    const world = await aWorld()
    const dir = await aMirror(world)
    const path = join(dir, 'disclosures.jsonl')
    const lines = readFileSync(path, 'utf8').split('\n')
    const [strike = '', decision = ''] = lines
    const record = (line: string): string => (JSON.parse(line) as { record: string }).record
    const mixed = `${record(decision).split('~')[0]}~${record(strike).split('~').slice(1).join('~')}`
    writeFileSync(path, `${JSON.stringify({ record: mixed })}\n`)
    const ran = await collect(dir, world)
    expect(ran.exit).toBe(4)
    expect(ran.err).toContain('The record does not commit to what is disclosed')
  })
})

test('a file that is larger than any bundle may be is not read', async () => {
  const dir = aDirectory()
  const file = Buffer.alloc(64 * 1024 * 1024 + 1, 0x20)
  file.write('{"format":"livegate-evidence/v1"')
  writeFileSync(join(dir, 'case.json'), file)
  const ran = await verify(dir)
  expect(ran.exit).toBe(1)
  expect(ran.err).toContain('expected at most 67108864')
})
