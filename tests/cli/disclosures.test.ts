/**
 * Files of disclosures: however a line is spelled, whatever order lines are in, a record gets its own and no other's.
 */
import { execFileSync } from 'node:child_process'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openIndex } from '../../src/cli/log/disclosure-index.ts'
import { readDisclosures } from '../../src/cli/log/disclosures.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import { disclosureLine, makeEntries, publish, VKEY, writeFiles } from './a-log.ts'
import { aDirectory, run } from './a-world.ts'

const entries = await makeEntries({ decisions: 6, silent: true })
const chained = entries.filter(({ openings }) => openings.chain !== undefined)
const [FIRST, SECOND] = chained as [IssuedRecord, IssuedRecord]
const text = (entry: IssuedRecord, ...groups: ('chain' | 'facts')[]): string =>
  presentation(entry.jws, entry.openings, groups)
const json = (entry: IssuedRecord, ...groups: ('chain' | 'facts')[]): string =>
  JSON.stringify({ record: text(entry, ...groups) })
const chain = FIRST.openings.chain ?? ''
const facts = FIRST.openings.facts ?? ''

/** What a file of these lines has of the first record. */
async function ofFirst(content: string): Promise<readonly string[] | undefined> {
  const path = join(aDirectory(), 'disclosures.jsonl')
  writeFileSync(path, content)
  const found = await Promise.all([readFrom(path), readFrom(path, 1)])
  expect(found[1]).toEqual(found[0])
  return found[0]
}

/** With `run` lines in memory, others on disk. */
async function readFrom(path: string, run?: number): Promise<readonly string[] | undefined> {
  const { index } = await readDisclosures(path, { run })
  const reader = index === null ? null : openIndex(index)
  const found = reader?.of(FIRST.bytes)
  reader?.close()
  return found
}

const SPELLINGS: readonly { readonly name: string; readonly file: string }[] = [
  { name: 'nothing but a record', file: `${json(FIRST, 'chain')}\n` },
  { name: 'no line end', file: json(FIRST, 'chain') },
  { name: 'line ends of Windows', file: `${json(SECOND)}\r\n${json(FIRST, 'chain')}\r\n` },
  { name: 'blanks around', file: `\n  ${json(FIRST, 'chain')}  \n\n` },
  { name: 'a bare record', file: ` ${text(FIRST, 'chain')} \r\n` },
  {
    name: 'other members and letters beyond ASCII before it',
    file: JSON.stringify({
      note: 'é – 生放送',
      index: 3,
      record: text(FIRST, 'chain'),
      receipt: {},
    }),
  },
  {
    name: 'escapes inside the record',
    file: json(FIRST, 'chain').replaceAll('.', '\\u002e').replaceAll('~', '\\u007e'),
  },
  {
    name: 'another member that begins with the same record',
    file: JSON.stringify({ note: text(FIRST, 'facts'), record: text(FIRST, 'chain') }),
  },
  {
    name: 'a second member `record`, of which the last counts',
    file: `{"record":"${text(FIRST, 'facts')}","record":"${text(FIRST, 'chain')}"}`,
  },
]

describe('a line with', () => {
  for (const { name, file } of SPELLINGS)
    test(`${name} is found`, async () => {
      expect(await ofFirst(file)).toEqual([chain])
    })
})

describe('a record', () => {
  test('gets what all its lines say, each once', async () => {
    const lines = [json(FIRST, 'chain'), json(SECOND, 'chain'), json(FIRST, 'facts', 'chain')]
    expect((await ofFirst(lines.join('\n')))?.toSorted()).toEqual([chain, facts].toSorted())
  })

  test('without disclosures has none, one without a line is not known', async () => {
    expect(await ofFirst(json(FIRST))).toEqual([])
    expect(await ofFirst(FIRST.jws)).toEqual([])
    expect(await ofFirst(json(SECOND, 'chain'))).toBeUndefined()
    expect(await ofFirst('\n')).toBeUndefined()
  })

  test('is not taken for another with the same signature', async () => {
    const [head = '', payload = '', signature = ''] = FIRST.jws.split('.')
    const other = `${head}.${payload.slice(0, -4)}AAAA.${signature}~${facts}~`
    const longer = JSON.stringify({ record: `${FIRST.jws}A~${facts}~` })
    expect(await ofFirst(JSON.stringify({ record: other }))).toBeUndefined()
    expect(await ofFirst(longer)).toBeUndefined()
    expect(await ofFirst(`${JSON.stringify({ record: other })}\n${json(FIRST, 'chain')}`)).toEqual([
      chain,
    ])
  })
})

/** What a file of these lines has of each record with a chain, asked for in this order. */
async function inOrder(
  content: string,
  asked: readonly IssuedRecord[],
): Promise<readonly (readonly string[] | undefined)[]> {
  const path = join(aDirectory(), 'disclosures.jsonl')
  writeFileSync(path, content)
  const each = [1, undefined].map(async (run) => {
    const { index } = await readDisclosures(path, { run })
    if (index === null) throw new Error('nothing was read')
    const reader = openIndex(index)
    const found = asked.map(({ bytes }) => reader.of(bytes))
    reader.close()
    return found
  })
  const [onDisk, inMemory] = await Promise.all(each)
  expect(onDisk).toEqual(inMemory)
  return inMemory ?? []
}

describe('in the order of the log, a record', () => {
  const lines = chained.map((entry) => json(entry, 'chain'))
  const chains = chained.map(({ openings }) => [openings.chain])

  test('is found line after line, and so are those that are asked for again or were left out', async () => {
    expect(await inOrder(`${lines.join('\n')}\n`, chained)).toEqual(chains)
    const without = lines.toSpliced(2, 1).join('\n')
    expect(await inOrder(without, chained)).toEqual(chains.with(2, undefined as never))
    expect(await inOrder(lines.join('\n'), [FIRST, FIRST, SECOND])).toEqual([
      chains[0],
      chains[0],
      chains[1],
    ])
  })

  test('has what a line elsewhere in the file says of it, too', async () => {
    const later = json(SECOND, 'facts')
    const [, second] = await inOrder([...lines, later].join('\n'), chained)
    expect(second?.toSorted()).toEqual([SECOND.openings.chain, SECOND.openings.facts].toSorted())
  })

  const asItWas = (chain: readonly (string | undefined)[]) => chain
  test.each([
    ['other members', (line: string) => line.replace(/}$/, ',"note":1}'), asItWas],
    ['escapes', (line: string) => line.replaceAll('~', '\\u007e'), asItWas],
    ['blanks around', (line: string) => `  ${line} `, asItWas],
    ['a line end of Windows', (line: string) => `${line}\r`, asItWas],
    ['nothing to open', (line: string) => line.replace(/~.*"}/, '~"}'), () => []],
    [
      'a second member `record`',
      (line: string) => line.replace(/}$/, ',"record":"a.b.c~"}'),
      () => undefined,
    ],
  ])('is read as it is spelled where a line has %s', async (_, spelled, expected) => {
    const changed = lines.map((line, i) => (i % 2 === 1 ? spelled(line) : line))
    expect(await inOrder(`${changed.join('\n')}\n`, chained)).toEqual(
      chains.map((chain, i) => (i % 2 === 1 ? expected(chain) : chain)),
    )
  })
})

describe('a file of disclosures', () => {
  test('that is a pipe is read once and kept', async () => {
    const path = join(aDirectory(), 'pipe')
    execFileSync('mkfifo', [path])
    createWriteStream(path).end(chained.map((entry) => `${json(entry, 'chain')}\n`).join(''))
    const { index, records } = await readDisclosures(path)
    expect(records).toBe(chained.length)
    if (index === null) throw new Error('nothing was read')
    const reader = openIndex(index)
    for (const { bytes, openings } of chained) expect(reader.of(bytes)).toEqual([openings.chain])
  })

  const LINES = chained.map((entry) => `${json(entry, 'chain')}\n`)

  test.each([
    ['in memory', undefined],
    ['on disk, a line at a time', 1],
    ['on disk, some lines at a time', 3],
  ])('that threads read in parts is read as by one: with lines %s', async (_, run) => {
    const path = join(aDirectory(), 'disclosures.jsonl')
    const again = [...LINES, `${json(SECOND, 'facts')}\n`, ...LINES.slice(0, 2)]
    writeFileSync(path, again.join(''))
    for (const threads of [1, 2, 5]) {
      const { index, records } = await readDisclosures(path, { run, threads })
      expect(records).toBe(again.length)
      if (index === null) throw new Error('nothing was read')
      const reader = openIndex(index)
      expect(chained.map(({ bytes }) => reader.of(bytes))).toEqual(
        chained.map(({ openings }, i) =>
          i === 1 ? [openings.chain, openings.facts] : [openings.chain],
        ),
      )
      reader.close()
    }
  })

  test('of which a thread cannot go on ends the command, and says why and what to do', async () => {
    const path = join(aDirectory(), 'disclosures.jsonl')
    // The first half is one line; only the thread of the second has more than it may keep in memory.
    const first = `${JSON.stringify({ note: 'x'.repeat(200_000), record: text(FIRST, 'chain') })}\n`
    writeFileSync(path, [first, ...LINES].join(''))
    vi.stubEnv('TMPDIR', join(aDirectory(), 'is', 'not', 'there'))
    try {
      await expect(readDisclosures(path, { run: 2, threads: 2 })).rejects.toMatchObject({
        message: expect.stringMatching(/^Cannot read `.*`: a thread ended, ENOENT/),
        hint: expect.stringContaining('temporary directory'),
      })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('of which a part is wrong ends the command at its first line that is, whoever read it', async () => {
    const path = join(aDirectory(), 'disclosures.jsonl')
    for (const bad of [0, 3, LINES.length - 2]) {
      writeFileSync(
        path,
        LINES.with(bad, '{}\n')
          .with(LINES.length - 1, 'a.b\n')
          .join(''),
      )
      for (const threads of [1, 3])
        await expect(readDisclosures(path, { threads })).rejects.toThrow(
          `line ${bad + 1} holds no record`,
        )
    }
  })

  test.each([
    ['a line that is no record', `${json(FIRST)}\n{"record":"a.b"}\n`, 'line 2 holds no record'],
    [
      'a raw control character inside a record',
      `${json(FIRST)}\n${json(FIRST, 'chain').replace('~"', '\t~"')}\n`,
      'line 2 holds no record',
    ],
    ['a line that is no JSON', `${json(FIRST)}\n\n{"record":\n`, 'line 3 holds no record'],
    ['six disclosures', json(FIRST).replace('~"', '~a~b~c~d~e~f~"'), 'line 1 holds no record'],
  ])('with %s ends the audit, and says where', async (_, content, words) => {
    const dir = aDirectory()
    await writeFiles(dir, await publish(entries))
    writeFileSync(join(dir, 'd.jsonl'), content)
    const ran = await run(dir, ['log', 'audit', dir, '--vkey', VKEY, '--disclosures', 'd.jsonl'])
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain(`Cannot read \`d.jsonl\`: ${words}`)
  })

  test('in any order opens every chain, and a link left out is found, by the threads too', async () => {
    const dir = aDirectory()
    const drop = (all: IssuedRecord[]): void => void all.splice(1500, 1)
    const many = await makeEntries({ decisions: 2300, subjects: 7, tamper: drop })
    await writeFiles(dir, await publish(many))
    const lines = many.map((entry, i) => [(i * 1009) % many.length, disclosureLine(entry)] as const)
    const shuffled = lines.toSorted(([a], [b]) => a - b).map(([, line]) => line)
    writeFileSync(join(dir, 'd.jsonl'), shuffled.join('\n'))
    const words = ['log', 'audit', dir, '--vkey', VKEY, '--disclosures', 'd.jsonl', '--json']
    const ran = await run(dir, [...words, '--no-signatures'])
    const { findings, counts } = JSON.parse(ran.out)
    expect(findings).toMatchObject([{ code: 'chain_gap', index: 1506 }])
    expect(counts).toMatchObject({ chain_opened: 2299, chain_unopened: 0, subjects: 7 })
    expect(ran.exit).toBe(4)
  })
})
