/**
 * Audits of logs with lies planted in them: each is exit code 4 with the finding that names it, and a tool that could
 * not finish is exit code 1. Above 2,048 entries signatures are verified by threads, so both ways are met.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { utf8 } from '../../src/core/encoding.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import {
  disclosureLine,
  makeEntries,
  publish,
  signedCheckpoint,
  VKEY,
  vkeyOf,
  writeFiles,
} from './a-log.ts'
import { aDirectory, noNetwork, type Ran, run } from './a-world.ts'

interface Found {
  readonly code: string
  readonly index: number | null
  readonly message: string
}

interface Report {
  readonly clean: boolean
  readonly findings: readonly Found[]
  readonly notices: readonly Found[]
  readonly counts: {
    readonly signatures: number
    readonly entries: number
    readonly findings: number
  }
  readonly checked: readonly string[]
  readonly not_checked: readonly string[]
}

async function written(entries: readonly { readonly bytes: Uint8Array }[]): Promise<string> {
  const dir = aDirectory()
  await writeFiles(dir, await publish(entries))
  return dir
}

async function audit(dir: string, ...more: string[]): Promise<Ran & { readonly report: Report }> {
  const ran = await run(dir, ['log', 'audit', dir, '--vkey', VKEY, '--json', ...more])
  return { ...ran, report: (ran.out === '' ? null : JSON.parse(ran.out)) as Report }
}

function disclosed(dir: string, entries: readonly IssuedRecord[]): string {
  const path = join(dir, 'disclosures.jsonl')
  writeFileSync(path, entries.map((entry, i) => `${disclosureLine(entry, i)}\n`).join(''))
  return path
}

/** The entry with one character of its signature changed. */
function forged(entry: IssuedRecord): IssuedRecord {
  const at = entry.jws.length - 20
  const other = entry.jws[at] === 'A' ? 'B' : 'A'
  return withText(entry, `${entry.jws.slice(0, at)}${other}${entry.jws.slice(at + 1)}`)
}

function withText(entry: IssuedRecord, jws: string): IssuedRecord {
  return { ...entry, jws, bytes: utf8(jws) }
}

describe('an honest log', () => {
  test('with all disclosures is clean, and what was not checked is said', async () => {
    const entries = await makeEntries({ decisions: 20 })
    const dir = await written(entries)
    const { exit, report } = await audit(dir, '--disclosures', disclosed(dir, entries))
    expect(exit).toBe(0)
    expect(report.clean).toBe(true)
    expect(report.counts.signatures).toBe(entries.length)
    expect(report.checked.join(' ')).toContain('20 records in the chains of 3 subjects')
    expect(report.checked.join(' ')).toMatch(/([0-9]+) of \1 decisions replayed/)
    expect(report.not_checked.join(' ')).toContain('Records handed out: none were given')
  })

  test('of several thousand entries is verified by threads, every signature once', async () => {
    const entries = await makeEntries({ decisions: 2300 })
    const dir = await written(entries)
    const { exit, report } = await audit(dir)
    expect(exit).toBe(0)
    expect(report.counts.signatures).toBe(entries.length)
  })

  test('is audited only in what is new, against the checkpoint trusted since', async () => {
    const entries = await makeEntries({ decisions: 400, silent: true })
    const dir = await written(entries.slice(0, 300))
    const state = join(aDirectory(), 'state.json')
    expect((await audit(dir, '--state', state)).report.counts.entries).toBe(300)
    await writeFiles(dir, await publish(entries))
    const { exit, report } = await audit(dir, '--state', state)
    expect(exit).toBe(0)
    expect(report.counts).toMatchObject({ entries: 102, signatures: 102 })
    expect(report.checked).toContain('Consistency with the trusted checkpoint.')
  })
})

interface Lie {
  readonly name: string
  readonly tamper: (entries: IssuedRecord[]) => void
  readonly code: string
  readonly index: number | null
  /** Only to be seen with disclosures. */
  readonly opened?: boolean
}

const swap = (entries: IssuedRecord[], a: number, b: number): void => {
  const [x, y] = [entries[a], entries[b]]
  if (x !== undefined && y !== undefined) entries.splice(a, 1, y) && entries.splice(b, 1, x)
}

const at = (entries: IssuedRecord[], index: number): IssuedRecord => {
  const entry = entries[index]
  if (entry === undefined) throw new Error(`there is no entry ${index}`)
  return entry
}

const LIES: readonly Lie[] = [
  {
    name: 'a record nobody signed',
    tamper: (entries) => void entries.splice(5, 1, forged(at(entries, 5))),
    code: 'signature',
    index: 5,
  },
  {
    name: 'a claim changed after signing',
    tamper: (entries) => {
      const [head = '', payload = '', tail = ''] = at(entries, 5).jws.split('.')
      const claims = Buffer.from(payload, 'base64url').toString().replace('"allow"', '"deny"')
      const changed = [head, Buffer.from(claims).toString('base64url'), tail].join('.')
      entries.splice(5, 1, withText(at(entries, 5), changed))
    },
    code: 'signature',
    index: 5,
  },
  {
    name: 'bytes that are no record',
    tamper: (entries) => void entries.splice(5, 1, withText(at(entries, 5), 'hello')),
    code: 'malformed',
    index: 5,
  },
  {
    name: 'a record of a key the log does not know',
    tamper: (entries) => void entries.shift(),
    code: 'first_not_key',
    index: 0,
  },
  {
    name: 'a policy used before its text was logged',
    tamper: (entries) => swap(entries, 1, 2),
    code: 'policy_not_logged',
    index: 1,
  },
  {
    name: 'a record left out of a chain',
    tamper: (entries) => void entries.splice(6, 1),
    code: 'chain_gap',
    index: 8,
    opened: true,
  },
  {
    name: 'two records of a chain in the wrong order',
    tamper: (entries) => swap(entries, 5, 8),
    code: 'chain_fork',
    index: 8,
    opened: true,
  },
]

describe('a log that lies', () => {
  for (const { name, tamper, code, index, opened = false } of LIES)
    test(`with ${name} is found out`, async () => {
      const entries = await makeEntries({ decisions: 20, tamper })
      const dir = await written(entries)
      const more = opened ? ['--disclosures', disclosed(dir, entries)] : []
      const { exit, report } = await audit(dir, ...more)
      expect(report.findings).toContainEqual(expect.objectContaining({ code, index }))
      expect(exit).toBe(4)
      expect(report.clean).toBe(false)
    })

  test('about what a heartbeat counted is found out', async () => {
    const entries = await makeEntries({ decisions: 20 })
    const dir = await written([...entries.slice(0, 10), ...entries.slice(11)])
    const { exit, report } = await audit(dir)
    expect(report.findings.map(({ code }) => code)).toContain('heartbeat_gap')
    expect(exit).toBe(4)
  })

  test('among thousands of entries is found out by the threads too', async () => {
    const tamper = (entries: IssuedRecord[]): void =>
      void entries.splice(2100, 1, forged(at(entries, 2100)))
    const dir = await written(await makeEntries({ decisions: 2300, tamper }))
    const { exit, report } = await audit(dir)
    expect(report.findings).toMatchObject([{ code: 'signature', index: 2100 }])
    expect(exit).toBe(4)
  })

  test('by signing another history than it once did is found out, and both notes are shown', async () => {
    const entries = await makeEntries({ decisions: 30, silent: true })
    const dir = await written(entries.slice(0, 20))
    const state = join(aDirectory(), 'state.json')
    await audit(dir, '--state', state)
    const before = readFileSync(state, 'utf8')
    const other = [...entries.slice(0, 10), ...entries.slice(11)]
    rmSync(join(dir, 'tile'), { recursive: true })
    await writeFiles(dir, await publish(other))
    const { exit, report } = await audit(dir, '--state', state)
    const fork = report.findings.find(({ code }) => code === 'root')
    expect(fork?.message).toContain('— gate.example/log/test ')
    expect(exit).toBe(4)
    expect(readFileSync(state, 'utf8')).toBe(before)
  })

  test('by going back behind a trusted checkpoint is found out', async () => {
    const entries = await makeEntries({ decisions: 30, silent: true })
    const dir = await written(entries)
    const state = join(aDirectory(), 'state.json')
    await audit(dir, '--state', state)
    await writeFiles(dir, await publish(entries.slice(0, 20)))
    const { exit, report } = await audit(dir, '--state', state)
    expect(report.findings.map(({ code }) => code)).toContain('rollback')
    expect(exit).toBe(4)
  })

  test('about the root of its tree is found out', async () => {
    const entries = await makeEntries({ decisions: 20 })
    const dir = await written(entries)
    const note = await signedCheckpoint(entries.length, new Uint8Array(32).fill(9))
    writeFileSync(join(dir, 'checkpoint'), note)
    const { exit, report } = await audit(dir)
    expect(report.findings).toMatchObject([{ code: 'root', index: null }])
    expect(exit).toBe(4)
  })

  test('by never logging a record it handed out is found out by its receipt', async () => {
    const entries = await makeEntries({ decisions: 21, silent: true })
    const kept = entries.slice(0, 20)
    const dir = await written(kept)
    const records = join(dir, 'records.jsonl')
    const lost = at(entries, 20)
    writeFileSync(records, `${disclosureLine(at(entries, 7), 7)}\n${disclosureLine(lost, 9)}\n`)
    const { exit, report } = await audit(dir, '--records', records)
    expect(report.findings).toMatchObject([{ code: 'receipt_broken', index: 9 }])
    expect(report.checked).toContain('1 of 2 records given with --records are in the log.')
    expect(exit).toBe(4)
  })
})

describe('a record handed out that proves nothing', () => {
  test('because its signature is not the log’s is said, not counted as a lie', async () => {
    const entries = await makeEntries({ decisions: 20 })
    const dir = await written(entries)
    const records = join(dir, 'records.jsonl')
    writeFileSync(records, `${disclosureLine(forged(at(entries, 7)), 7)}\n`)
    const { exit, report } = await audit(dir, '--records', records)
    expect(exit).toBe(0)
    expect(report.not_checked).toContain(
      `The record of \`${records}:1\` is not signed by a key of this log: signature.`,
    )
  })

  test('because its disclosures are of another record is said', async () => {
    const entries = await makeEntries({ decisions: 20 })
    const dir = await written(entries)
    const [, ...foreign] = JSON.parse(disclosureLine(at(entries, 8))).record.split('~')
    const path = join(dir, 'disclosures.jsonl')
    writeFileSync(path, JSON.stringify({ record: [at(entries, 7).jws, ...foreign].join('~') }))
    const { exit, report } = await audit(dir, '--disclosures', path)
    expect(exit).toBe(0)
    expect(report.not_checked).toContain(
      '5 disclosures that no record commits to: they prove nothing.',
    )
  })

  test('because the copy of the log may be older is said', async () => {
    const entries = await makeEntries({ decisions: 20, silent: true })
    const dir = await written(entries.slice(0, 15))
    const records = join(dir, 'records.jsonl')
    writeFileSync(records, `${disclosureLine(at(entries, 18), 18)}\n`)
    const { exit, report } = await audit(dir, '--records', records)
    expect(exit).toBe(0)
    expect(report.notices).toMatchObject([{ index: null, code: 'record_pending' }])
  })
})

describe('any changed byte', () => {
  let files: ReadonlyMap<string, Uint8Array>
  beforeAll(async () => {
    files = await publish(await makeEntries({ decisions: 300 }))
  })

  for (const [share, name] of [
    [0, 'first'],
    [0.5, 'middle'],
    [0.999, 'last'],
  ] as const)
    test(`the ${name} of any file is refused`, async () => {
      for (const [path, bytes] of files) {
        const dir = aDirectory()
        await writeFiles(dir, new Map(files))
        const changed = bytes.slice()
        const place = Math.floor(share * bytes.length)
        changed[place] = (changed[place] ?? 0) ^ 1
        writeFileSync(join(dir, path), changed)
        const { exit, err } = await audit(dir, '--no-signatures')
        // What has not even its form any more proves nothing about the log; everything else is a lie.
        const formless = path === 'checkpoint' ? 'it is not a signed note' : 'entries: '
        expect({ path, exit }).toEqual({ path, exit: err.includes(formless) ? 1 : 4 })
      }
    })
})

describe('a log made under semantics this version does not have', () => {
  const engine = 'livegate-policy/99 livegate-cel/99'

  test('could not be checked: neither clean nor a lie, and its state waits for who can', async () => {
    const entries = await makeEntries({ decisions: 7, engine })
    const dir = await written(entries)
    const state = join(dir, 'state.json')
    const more = ['--disclosures', disclosed(dir, entries), '--state', state]
    const { exit, report, err } = await audit(dir, ...more)
    expect([exit, report.clean, report.findings]).toEqual([1, false, []])
    expect(report.not_checked).toContain(
      'Replay of 6 decisions made under semantics this version does not have.',
    )
    expect(err).toContain('the state is not updated')
    expect(existsSync(state)).toBe(false)
    const { out } = await run(dir, ['log', 'audit', dir, '--vkey', VKEY, ...more])
    expect(out).toContain('6 decisions could not be replayed: use the version of livegate that')
    // Without replay nothing of it is needed.
    expect((await audit(dir, ...more, '--no-replay')).exit).toBe(0)
  })

  test('that also lies is a lie', async () => {
    const entries = await makeEntries({ decisions: 7, engine, tamper: (all) => swap(all, 5, 8) })
    const dir = await written(entries)
    const { exit, report } = await audit(dir, '--disclosures', disclosed(dir, entries))
    expect([exit, report.findings.map(({ code }) => code)]).toEqual([
      4,
      ['chain_gap', 'chain_fork'],
    ])
  })

  test('among several logs is the one that could not be finished', async () => {
    const second = 'gate.example/log/second'
    const dirs = [await written(await makeEntries({ decisions: 3 })), aDirectory()]
    const entries = await makeEntries({ decisions: 3, engine, origin: second, from: 50 })
    await writeFiles(dirs[1] ?? '', await publish(entries, [], second))
    const argv = ['log', 'audit', ...dirs, '--vkey', VKEY, '--vkey', vkeyOf(second)]
    const { exit, out } = await run('/', [
      ...argv,
      '--disclosures',
      disclosed(dirs[1] ?? '', entries),
    ])
    expect([exit, out]).toEqual([1, expect.stringContaining(`\`${second}\` could not be finished`)])
  })
})

describe('an audit that cannot finish', () => {
  test('for want of a file is exit 1 and says how to get it', async () => {
    const dir = await written(await makeEntries({ decisions: 300 }))
    rmSync(join(dir, 'tile/entries/000'))
    const ran = await audit(dir)
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('Cannot read `tile/entries/000`')
    expect(ran.err).toContain('hint: complete the copy with `livegate log mirror`')
  })

  test('for a broken network is exit 1, wherever it breaks', async () => {
    const files = await publish(await makeEntries({ decisions: 300 }))
    const state = join(aDirectory(), 'state.json')
    for (let reads = 0; reads < files.size; reads++) {
      let left = reads
      const fetch: World['fetch'] = async (url, init) => {
        if (left-- <= 0) return noNetwork(url, init)
        const bytes = files.get(new URL(url).pathname.replace('/log/', ''))
        return new Response(bytes === undefined ? null : Buffer.from(bytes), {
          status: bytes === undefined ? 404 : 200,
        })
      }
      const words = ['log', 'audit', 'https://gate.example/log', '--vkey', VKEY, '--state', state]
      const ran = await run('/', words, { fetch })
      expect(ran.exit).toBe(1)
      expect(ran.err).toMatch(/^error: Cannot reach /)
      expect(existsSync(state)).toBe(false)
    }
  })

  test('because entries are not open to this key is exit 1 with a hint', async () => {
    const files = await publish(await makeEntries({ decisions: 3 }))
    const fetch: World['fetch'] = async (url) => {
      const path = new URL(url).pathname.replace('/log/', '')
      if (path.startsWith('tile/entries'))
        return Response.json({ code: 'unauthenticated' }, { status: 401 })
      return new Response(Buffer.from(files.get(path) ?? []))
    }
    const ran = await run('/', ['log', 'audit', 'https://gate.example/log', '--vkey', VKEY], {
      fetch,
    })
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('hint: give an API key')
  })
})
