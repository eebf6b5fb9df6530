/**
 * Records that enforcers kept: files and directories of them, each looked for in the log, in bounded memory.
 */
import { execFileSync } from 'node:child_process'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanBundle, unpackScan } from '../../src/cli/log/bundle-scan.ts'
import { readRecords } from '../../src/cli/log/collected-records.ts'
import { type LeafRow, LeafTable } from '../../src/cli/log/leaf-table.ts'
import { OutsideRecords } from '../../src/cli/log/witnessed-records.ts'
import { ed25519Jwk, recordKey } from '../../src/core/record/jwk.ts'
import { encodeBundle } from '../../src/core/tlog/bundle.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { beginLog, decided, SUB_A } from '../core/audit/small-log.ts'
import { AT } from '../core/record/samples.ts'
import { disclosureLine, keyOf, makeEntries, publish, VKEY, writeFiles } from './a-log.ts'
import { aDirectory, run } from './a-world.ts'

const entries = await makeEntries({ decisions: 12, silent: true })
const [FIRST, SECOND, THIRD] = entries.slice(-3)
if (FIRST === undefined || SECOND === undefined || THIRD === undefined) throw new Error('no log')
const key = recordKey(ed25519Jwk(keyOf(1).publicKey), 0)

async function collected(...paths: readonly string[]): Promise<OutsideRecords> {
  const outside = new OutsideRecords()
  for (const path of paths) await readRecords(path, (record) => outside.add(record))
  return outside
}

describe('a directory of records', () => {
  test('is every file below it but hidden ones, each line in one of three forms', async () => {
    const dir = aDirectory()
    mkdirSync(join(dir, 'edge-1'))
    mkdirSync(join(dir, '.git'))
    writeFileSync(join(dir, 'edge-1', 'a.jsonl'), `${disclosureLine(FIRST, 3)}\n\n`)
    writeFileSync(join(dir, 'b.txt'), `${SECOND.jws}~\n${THIRD.jws}`)
    for (const hidden of ['.lock', join('.git', 'HEAD')]) writeFileSync(join(dir, hidden), 'none')
    const seen: string[] = []
    await readRecords(dir, ({ path, line, jws }) => {
      seen.push(`${path.slice(dir.length + 1)}:${line} ${jws === FIRST.jws}`)
    })
    expect(seen).toEqual(['b.txt:1 false', 'b.txt:2 false', 'edge-1/a.jsonl:1 true'])
  })

  test('with a line that holds no record ends with its file and line', async () => {
    const dir = aDirectory()
    writeFileSync(join(dir, 'a.jsonl'), `${disclosureLine(FIRST, 3)}\n`)
    writeFileSync(join(dir, 'b.jsonl'), `${disclosureLine(SECOND, 4)}\n{"record":5}\n`)
    await expect(readRecords(dir, () => {})).rejects.toMatchObject({
      exit: 1,
      message: `Cannot read \`${join(dir, 'b.jsonl')}:2\`: the line holds no record`,
    })
  })
})

describe('a signed record that is not in the log', () => {
  const iat = JSON.parse(atob(FIRST.jws.split('.')[1] ?? '')).iat as number
  const MMD = 86_400
  const CASES: readonly {
    readonly name: string
    readonly index: number | null
    readonly log: object
    readonly said: string
  }[] = [
    { name: 'in time', index: null, log: { newest_s: iat + MMD }, said: 'notice record_pending' },
    { name: 'too late', index: null, log: { newest_s: iat + MMD + 1 }, said: 'record_missing' },
    {
      name: 'too late by our clock',
      index: null,
      log: { now_s: iat + MMD + 1 },
      said: 'record_missing',
    },
    { name: 'of a copy of unknown age', index: null, log: {}, said: 'notice record_pending' },
    { name: 'with a place that is another’s', index: 5, log: {}, said: 'receipt_broken' },
    {
      name: 'with a place to come, in time',
      index: 9,
      log: { newest_s: iat },
      said: 'notice record_pending',
    },
    {
      name: 'with a place to come, too late',
      index: 9,
      log: { newest_s: iat + MMD + 1 },
      said: 'record_missing',
    },
    {
      name: 'with a place to come, too late, resumed',
      index: 9,
      log: { from: 7, newest_s: iat + MMD + 1 },
      said: 'record_missing',
    },
    { name: 'with a place before what was looked at', index: 5, log: { from: 7 }, said: 'open' },
    {
      name: 'with no place, of a resumed audit',
      index: null,
      log: { from: 7, newest_s: iat + MMD + 1 },
      said: 'open',
    },
  ]
  for (const { name, index, log, said } of CASES)
    test(`${name} is ${said}`, async () => {
      const path = join(aDirectory(), 'records.jsonl')
      const receipt = index === null ? {} : { receipt: { index } }
      writeFileSync(path, JSON.stringify({ record: `${FIRST.jws}~`, ...receipt }))
      const outside = await collected(path)
      const seen = { keys: [key], from: 0, size: 9, now_s: null, newest_s: null, ...log }
      const { given, found, findings, notices, open } = await outside.report(seen)
      expect([given, found]).toEqual([1, 0])
      expect([
        ...findings.map(({ code }) => code),
        ...notices.map(({ code }) => `notice ${code}`),
        ...open.map(() => 'open'),
      ]).toEqual([said])
    })

  test('out of a pipe is judged like any other', async () => {
    const pipe = join(aDirectory(), 'pipe')
    execFileSync('mkfifo', [pipe])
    createWriteStream(pipe).end(disclosureLine(FIRST, 5))
    const outside = await collected(pipe)
    const seen = { keys: [key], from: 0, size: 9, now_s: null, newest_s: null }
    const { findings } = await outside.report(seen)
    expect(findings).toMatchObject([{ code: 'receipt_broken', index: 5 }])
  })

  test('and whose file is gone by then is said, not judged', async () => {
    const path = join(aDirectory(), 'records.jsonl')
    writeFileSync(path, disclosureLine(FIRST, 5))
    const outside = await collected(path)
    writeFileSync(path, '')
    const seen = { keys: [key], from: 0, size: 9, now_s: null, newest_s: null }
    const { findings, open } = await outside.report(seen)
    expect(findings).toEqual([])
    expect(open).toEqual([`The record of \`${path}:1\` could not be read again.`])
  })
})

describe('leaves', () => {
  const leafOf = (n: number): Uint8Array => leafHash(new Uint8Array([n, n >> 8]))
  const row = (n: number, index: number | null): LeafRow => ({
    ...{ index, file: 0, offset: n * 10, length: 10, line: n },
  })

  test('any number of them: exactly those not seen where they must be are told, in their order', () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ leaf: fc.nat(40), index: fc.option(fc.nat(5)) }), { maxLength: 200 }),
        fc.array(fc.record({ leaf: fc.nat(40), index: fc.nat(5) }), { maxLength: 60 }),
        (given, log) => {
          const table = new LeafTable()
          // The same by sets: a leaf wanted anywhere is the one wanted at a place, if there is one.
          const wanted = new Map<number, Set<number | null>>()
          for (const [line, { leaf, index }] of given.entries()) {
            table.add(leafOf(leaf), row(line, index))
            const places = wanted.get(leaf) ?? new Set()
            if (index !== null) places.delete(null)
            if (index !== null || places.size === 0) places.add(index)
            wanted.set(leaf, places)
          }
          for (const { leaf, index } of log) table.see(leafOf(leaf), index)
          const expected = [...wanted].flatMap(([leaf, places]) =>
            [...places]
              .filter(
                (place) =>
                  !log.some((one) => one.leaf === leaf && (place === null || place === one.index)),
              )
              .map((place) => `${place}`),
          )
          const told = [...table.unseen()]
          expect(told.map(({ index }) => `${index}`).sort()).toEqual(expected.sort())
          expect(table.count).toBe([...wanted.values()].reduce((sum, { size }) => sum + size, 0))
          for (const { line, offset } of told) expect(offset).toBe(10 * line)
        },
      ),
    ))

  test('a hundred thousand of them are found again', () => {
    const table = new LeafTable()
    const wide = (n: number): Uint8Array =>
      leafHash(new Uint8Array([n & 255, (n >> 8) & 255, n >> 16]))
    for (let n = 0; n < 100_000; n++) table.add(wide(n), row(n, null))
    for (let n = 0; n < 100_000; n++) if (n !== 77_777) table.see(wide(n), n)
    expect([...table.unseen()].map(({ line }) => line)).toEqual([77_777])
  })
})

describe('livegate log audit --records DIR', () => {
  test('finds what was left out, in any file of the directory', async () => {
    const dir = aDirectory()
    await writeFiles(dir, await publish(entries.slice(0, -1)))
    const kept = aDirectory()
    for (const [i, entry] of entries.entries())
      writeFileSync(join(kept, `${i}.jsonl`), `${entry.jws}\n`)
    const words = ['log', 'audit', dir, '--vkey', VKEY, '--records', kept, '--json']
    const ran = await run(dir, words)
    const { notices, checked } = JSON.parse(ran.out)
    expect([ran.exit, notices]).toMatchObject([0, [{ code: 'record_pending' }]])
    expect(checked).toContain(
      `${entries.length - 1} of ${entries.length} records given with --records are in the log.`,
    )
  })
})

test('numbers of media servers come out of a scan as they went in', async () => {
  const log = await beginLog()
  const request = { caller: 'hook:e', server: 'e', enforcer: 'E'.repeat(22), enf_seq: 1 }
  const draft = decided({ sub: SUB_A, seq: 1, prev: null }, AT)
  if (draft.groups === null) throw new Error('a decision has groups')
  await log.add({ ...draft, groups: { ...draft.groups, request } })
  const bundle = encodeBundle(log.entries.map(({ bytes }) => bytes))
  const disclosures = {
    of: (entry: Uint8Array) =>
      log.entries.find(({ bytes }) => Buffer.compare(bytes, entry) === 0)?.disclosures,
    close: () => {},
  }
  const part = { first_index: 0, width: log.entries.length, skip: 0 }
  const { scan } = scanBundle(bundle, part, { disclosures, replay: true })
  const enforced = { server: 'e', enforcer: 'E'.repeat(22), enf_seq: 1 }
  expect(unpackScan(structuredClone(scan)).at(-1)).toMatchObject({ scanned: { enforced } })
})
