/**
 * Bad mirrors, bundles and servers, and what each command over logs makes of them: one table, exit code and sentence.
 *
 * 4: something is not what the log's keys have signed. 1: could not check, which says nothing about the log. Servers are
 * real ones on the loopback; their silence is cut short by the test.
 */
import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { epochMs } from '../../src/core/time.ts'
import { decodeBundle, encodeBundle } from '../../src/core/tlog/bundle.ts'
import { formatVkey, NOTE_COSIGNATURE_V1 } from '../../src/core/tlog/note-key.ts'
import {
  AT,
  disclosureLine,
  JWKS,
  keyOf,
  type LogFiles,
  makeEntries,
  ORIGIN,
  publish,
  VKEY,
  vkeyOf,
  writeFiles,
} from './a-log.ts'
import { aDirectory, run } from './a-world.ts'

const OTHER = 'gate.example/log/other'
const PAGE = utf8('<!doctype html>\n<title>Welcome</title>\n')
const BUNDLE = 'tile/entries/000'
const EDGE = 'tile/0/001.p/46'

let entries: IssuedRecord[]
let honest: LogFiles
let foreign: LogFiles
beforeAll(async () => {
  entries = await makeEntries({ decisions: 299 })
  honest = await publish(entries)
  foreign = await publish(await makeEntries({ decisions: 299, from: 7, origin: OTHER }), [], OTHER)
})

const COMMANDS = ['audit', 'mirror', 'proof', 'monitor'] as const
type Command = (typeof COMMANDS)[number]
type Expected = readonly [exit: number, words: string]

/** The log as it is served; `instead` answers when it returns true. */
interface Bad {
  readonly name: string
  readonly files?: () => LogFiles
  readonly instead?: (path: string, response: ServerResponse) => boolean
  /** The key the reader has. */
  readonly vkey?: () => string
  /** The reader's clock, after the log's first entry. */
  readonly now_s?: number
  /** How long the test waits for an answer. */
  readonly patience_ms?: number
  readonly expected: Readonly<Record<Command, Expected>>
}

const changed = (path: string, change: (bytes: Uint8Array) => Uint8Array) => (): LogFiles =>
  new Map(honest).set(path, change(honest.get(path) ?? new Uint8Array()))
const cut = (bytes: Uint8Array): Uint8Array => bytes.slice(0, bytes.length >> 1)
const longer = (bytes: Uint8Array): Uint8Array => new Uint8Array([...bytes, ...bytes])
const swapped = (bytes: Uint8Array): Uint8Array => {
  const read = decodeBundle(bytes, 256)
  if (!read.ok) throw new Error('a bundle of 256')
  const [first = bytes, second = bytes, ...rest] = read.value
  return encodeBundle([second, first, ...rest])
}

async function served(bad: Bad): Promise<string> {
  const files = (bad.files ?? (() => honest))()
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace('/log/', '')
    if (bad.instead?.(path, response) === true) return
    const bytes = files.get(path)
    response.writeHead(bytes === undefined ? 404 : 200)
    response.end(bytes)
  })
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`
}

function argvOf(command: Command, where: string, vkey: string): readonly string[] {
  const key = ['--vkey', vkey]
  switch (command) {
    case 'audit':
      return ['log', 'audit', where, ...key]
    case 'mirror':
      return ['log', 'mirror', where, 'copy', ...key]
    case 'proof':
      return ['log', 'proof', '7', '--log', where, ...key]
    case 'monitor':
      return [
        'log',
        'monitor',
        where,
        ...key,
        '--state',
        'watch.json',
        '--once',
        '--timeout',
        '500ms',
      ]
  }
}

/** Exit code and everything said. */
async function asked(command: Command, where: string, bad: Bad): Promise<Expected> {
  const { vkey = () => VKEY, now_s = 302, patience_ms = 150 } = bad
  const { exit, out, err } = await run(aDirectory(), argvOf(command, where, vkey()), {
    now: () => epochMs(AT + now_s * 1000),
    fetch: (url, init) =>
      command === 'monitor'
        ? fetch(url, init)
        : fetch(url, { ...init, signal: AbortSignal.timeout(patience_ms) }),
  })
  return [exit, out + err]
}

const answer =
  (status: number, headers: Record<string, string>, body: string | Uint8Array, only = /./) =>
  (path: string, response: ServerResponse): boolean => {
    if (!only.test(path)) return false
    response.writeHead(status, headers).end(body)
    return true
  }

const PAGES = 'it answers with a web page'
const ELSEWHERE = 'it leads elsewhere'
const SILENT = 'no answer within 30 s'
const UNSIGNED = 'nobody has signed this file'
const CUT = 'this says nothing about what the log has signed'
const ENTRIES = 'Cannot use `tile/entries/000` of `URL`: it is not 256 entries: '
const EXCHANGED = 'these entries are not what the checkpoint covers'
const TILES = 'could not check: its hash tiles do not lead to the root it has signed'
const FINE = 'fine, 302 entries'
const PROVEN = 'c2sp.org/tlog-proof@v1'
/** The same of all that end at what they need first. */
const all = (exit: number, words: string, monitor: Expected): Bad['expected'] => ({
  ...{ audit: [exit, words], mirror: [exit, words], proof: [exit, words], monitor },
})

const ROWS: readonly Bad[] = [
  {
    name: 'a web page instead of every file',
    instead: answer(200, { 'content-type': 'text/html' }, PAGE),
    expected: all(1, `Cannot read \`checkpoint\` of \`URL\`: ${PAGES}`, [
      1,
      'what it answers is no checkpoint',
    ]),
  },
  {
    name: 'a web page instead of tiles',
    instead: answer(200, {}, PAGE, /^tile/),
    expected: {
      ...{
        audit: [1, `Cannot read \`tile/entries/000\` of \`URL\`: ${PAGES}`],
        mirror: [1, PAGES],
      },
      ...{ proof: [1, PAGES], monitor: [0, FINE] },
    },
  },
  {
    name: 'redirects',
    instead: answer(302, { location: 'http://127.0.0.1:1/log/checkpoint' }, ''),
    expected: all(1, `Cannot reach \`URL\`: ${ELSEWHERE} (302), which is not followed`, [
      1,
      `could not check: ${ELSEWHERE}`,
    ]),
  },
  {
    name: 'redirects of tiles',
    instead: answer(301, { location: '/elsewhere' }, '', /^tile/),
    expected: all(1, `${ELSEWHERE} (301)`, [1, ELSEWHERE]),
  },
  {
    name: 'no answer in time',
    instead: () => true,
    expected: all(1, SILENT, [1, 'it does not answer in time']),
  },
  {
    name: 'an answer that never ends',
    instead: (_, response) => {
      response.writeHead(200)
      response.write('gate')
      return true
    },
    expected: all(1, SILENT, [1, 'it does not answer in time']),
  },
  {
    name: 'a file without end',
    patience_ms: 5_000,
    instead: (_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(1 << 20)));
      }
      response.writeHead(200).on('drain', more)
      more()
      return true
    },
    expected: all(1, 'it is longer than 33554432 bytes', [
      1,
      'it answers with more than there can be',
    ]),
  },
  {
    name: 'a broken connection',
    instead: (_, response) => {
      response.destroy()
      return true
    },
    expected: all(1, 'Cannot reach `URL`: the connection broke', [1, 'there is no connection']),
  },
  {
    name: 'nothing at all',
    instead: answer(404, {}, ''),
    expected: all(1, 'Cannot read checkpoint of `URL`: there is none', [
      1,
      'there is no checkpoint at this address',
    ]),
  },
  {
    name: 'an error',
    instead: answer(500, {}, 'oops'),
    expected: all(1, 'Cannot read `checkpoint`: the gate answered 500\n', [
      1,
      'it refuses to answer',
    ]),
  },
  {
    name: 'a checkpoint that was cut',
    files: changed('checkpoint', cut),
    expected: all(1, 'it is not a signed note', [1, 'what it answers is no checkpoint']),
  },
  {
    name: 'a checkpoint that was changed',
    files: changed('checkpoint', (bytes) =>
      utf8(Buffer.from(bytes).toString().replace('\n302\n', '\n303\n')),
    ),
    expected: all(4, 'the signature of the key is not over this text', [
      1,
      'not signed with a key of the log known here',
    ]),
  },
  {
    name: 'the checkpoint of another log',
    files: () => new Map([...honest, ['checkpoint', foreign.get('checkpoint') ?? PAGE]]),
    expected: all(1, `it is of log \`${OTHER}\`, --vkey is of \`${ORIGIN}\``, [
      1,
      'its checkpoint is of another log',
    ]),
  },
  {
    name: 'a checkpoint under another key',
    vkey: () => vkeyOf(ORIGIN, 9),
    expected: all(4, 'it is not signed by this key', [
      1,
      'not signed with a key of the log known here',
    ]),
  },
  {
    name: 'tiles of another log',
    files: () => new Map([...foreign, ['checkpoint', honest.get('checkpoint') ?? PAGE]]),
    expected: {
      ...{ audit: [4, EXCHANGED], mirror: [4, UNSIGNED] },
      ...{ proof: [4, UNSIGNED], monitor: [1, TILES] },
    },
  },
  {
    name: 'a hash tile that was cut',
    files: changed(EDGE, cut),
    expected: {
      ...{
        audit: [4, 'tile: Hash tile `tile/0/001.p/46` differs from the entries'],
        mirror: [1, 'it has 736 bytes, expected 1472'],
      },
      ...{ proof: [1, CUT], monitor: [1, TILES] },
    },
  },
  {
    name: 'a hash tile that is too long',
    files: changed(EDGE, longer),
    expected: {
      ...{
        audit: [4, 'differs from the entries'],
        mirror: [1, 'it has 2944 bytes, expected 1472'],
      },
      ...{ proof: [1, CUT], monitor: [1, TILES] },
    },
  },
  {
    name: 'entries that were cut',
    files: changed(BUNDLE, cut),
    expected: {
      ...{ audit: [1, `${ENTRIES}entry cut short`], mirror: [1, `${ENTRIES}entry cut short`] },
      ...{ proof: [0, PROVEN], monitor: [0, FINE] },
    },
  },
  {
    name: 'entries that are too many',
    files: changed(BUNDLE, longer),
    expected: {
      ...{ audit: [1, `${ENTRIES}trailing bytes`], mirror: [1, CUT] },
      ...{ proof: [0, PROVEN], monitor: [0, FINE] },
    },
  },
  {
    name: 'entries in another order',
    files: changed(BUNDLE, swapped),
    expected: {
      ...{ audit: [4, EXCHANGED], mirror: [4, 'its entries are not what the checkpoint covers'] },
      ...{ proof: [0, PROVEN], monitor: [0, FINE] },
    },
  },
  {
    name: 'entries of another log',
    files: changed(BUNDLE, () => foreign.get(BUNDLE) ?? PAGE),
    expected: {
      ...{ audit: [4, EXCHANGED], mirror: [4, UNSIGNED] },
      ...{ proof: [0, PROVEN], monitor: [0, FINE] },
    },
  },
  {
    name: 'a log of a time to come',
    now_s: -3600,
    expected: {
      audit: [0, 'from_future: It is dated 3901 s later than the clock here'],
      ...{ mirror: [0, 'size 302'], proof: [0, PROVEN] },
      monitor: [3, 'its last heartbeat is dated 65m later than the clock here'],
    },
  },
  {
    name: 'an honest log',
    expected: {
      ...{ audit: [0, '302 entries: no finding in what was checked'], mirror: [0, 'size 302'] },
      ...{ proof: [0, PROVEN], monitor: [0, FINE] },
    },
  },
]

describe('a server that answers with', () => {
  for (const bad of ROWS)
    test(`${bad.name}`, async () => {
      const url = await served(bad)
      for (const command of COMMANDS) {
        const [exit, said] = await asked(command, url, bad)
        const [code, words] = bad.expected[command]
        expect({ command, exit, said: said.replaceAll(url, 'URL') }).toEqual({
          ...{ command, exit: code, said: expect.stringContaining(words) },
        })
      }
    })
})

/** A directory, and what of it is not as it should be. */
const COPIES: readonly {
  readonly name: string
  readonly spoil: (dir: string) => void
  readonly expected: Readonly<Record<'audit' | 'mirror' | 'proof', Expected>>
}[] = [
  {
    name: 'is empty',
    spoil: (dir) => rmSync(join(dir, 'checkpoint')),
    expected: all(1, 'Cannot read checkpoint of `log`: there is none', [1, '']),
  },
  {
    name: 'is a file',
    spoil: (dir) => {
      rmSync(dir, { recursive: true })
      writeFileSync(dir, 'x')
    },
    expected: all(1, 'Cannot read log `log`: it is a file, expected a directory', [1, '']),
  },
  {
    name: 'is not there',
    spoil: (dir) => rmSync(dir, { recursive: true }),
    expected: all(1, 'Cannot use `log`: there is no such file or directory', [1, '']),
  },
  {
    name: 'lacks a tile',
    spoil: (dir) => rmSync(join(dir, EDGE)),
    expected: {
      audit: [4, 'Hash tile `tile/0/001.p/46` is missing'],
      ...{ mirror: [1, 'there is no such file'], proof: [1, 'there is no such file'] },
    },
  },
  {
    name: 'lacks entries',
    spoil: (dir) => rmSync(join(dir, BUNDLE)),
    expected: {
      ...{ audit: [1, 'there is no such file'], mirror: [1, 'there is no such file'] },
      proof: [0, PROVEN],
    },
  },
  {
    name: 'has entries that were cut',
    spoil: (dir) => truncateSync(join(dir, BUNDLE), 1000),
    expected: {
      ...{ audit: [1, 'the copy was cut or damaged'], mirror: [1, 'mirror it again'] },
      proof: [0, PROVEN],
    },
  },
  {
    name: 'has a file larger than any can be',
    spoil: (dir) => truncateSync(join(dir, BUNDLE), 20_000_000),
    expected: {
      ...{ audit: [1, 'it has 20000000 bytes, expected at most'], mirror: [1, 'expected at most'] },
      proof: [0, PROVEN],
    },
  },
  {
    name: 'has a checkpoint larger than any can be',
    spoil: (dir) => truncateSync(join(dir, 'checkpoint'), 1_000_000),
    expected: all(1, 'Cannot trust checkpoint of `log`: it is', [1, '']),
  },
]

describe('a copy that', () => {
  for (const { name, spoil, expected } of COPIES)
    test(`${name}`, async () => {
      for (const command of ['audit', 'mirror', 'proof'] as const) {
        const dir = aDirectory()
        await writeFiles(join(dir, 'log'), honest)
        spoil(join(dir, 'log'))
        const { exit, out, err } = await run(dir, argvOf(command, 'log', VKEY))
        const [code, words] = expected[command]
        expect({ command, exit, said: out + err }).toEqual({
          ...{ command, exit: code, said: expect.stringContaining(words) },
        })
      }
    })
})

describe('a record given to be verified', () => {
  const text = (index: number): string => disclosureLine(entries[index] ?? fail())
  const proofOf = async (index: number, files: LogFiles, vkey: string): Promise<string> => {
    const dir = aDirectory()
    await writeFiles(dir, files)
    return (await run(dir, ['log', 'proof', `${index}`, '--log', '.', '--vkey', vkey])).out
  }
  const CASES: readonly {
    readonly name: string
    readonly file?: () => string
    readonly proof?: () => Promise<string>
    readonly jwks?: string
    readonly more?: readonly string[]
    readonly now_s?: number
    readonly expected: Expected
  }[] = [
    { name: 'that is good', expected: [0, 'nothing contradicts this record'] },
    { name: 'that was cut', file: () => text(7).slice(0, 300), expected: [2, 'it is no record'] },
    {
      name: 'that is a web page',
      file: () => Buffer.from(PAGE).toString(),
      expected: [2, 'it is no record'],
    },
    {
      name: 'that is of a time to come',
      now_s: -3600,
      expected: [1, 'later than the clock here: the clock of the gate or this one is wrong'],
    },
    {
      name: 'with the proof of another record',
      proof: () => proofOf(8, honest, VKEY),
      expected: [4, 'Cannot verify the proof'],
    },
    {
      name: 'with the proof of another log',
      proof: () => proofOf(7, foreign, vkeyOf(OTHER)),
      expected: [4, 'Cannot verify the proof: signature missing'],
    },
    {
      name: 'with a proof that was cut',
      proof: async () => (await proofOf(7, honest, VKEY)).slice(0, 60),
      expected: [4, 'Cannot verify the proof'],
    },
    {
      name: 'with keys that are a web page',
      jwks: '<html>',
      expected: [1, 'Cannot read record keys from `keys.json`: it is not JSON'],
    },
    { name: 'with keys of somebody else', jwks: '{"keys":[]}', expected: [4, 'is not known'] },
    {
      name: 'held to a witness policy nobody of whom has cosigned',
      more: ['--witness-policy', 'policy.txt'],
      expected: [1, 'The checkpoint has no quorum of your witnesses'],
    },
    {
      name: 'held to a quorum by number',
      more: ['--quorum', '1'],
      expected: [2, 'Cannot use --quorum with a record'],
    },
  ]
  for (const { name, file, proof, jwks, more = [], now_s = 302, expected } of CASES)
    test(`${name} is exit ${expected[0]}`, async () => {
      const dir = aDirectory()
      writeFileSync(join(dir, 'record.json'), (file ?? (() => text(7)))())
      writeFileSync(join(dir, 'proof'), await (proof ?? (() => proofOf(7, honest, VKEY)))())
      writeFileSync(join(dir, 'keys.json'), jwks ?? JWKS)
      const witness = formatVkey({
        name: 'w.example',
        type: NOTE_COSIGNATURE_V1,
        publicKey: keyOf(9).publicKey,
      })
      writeFileSync(join(dir, 'policy.txt'), `witness w ${witness}\nquorum w\n`)
      const argv = ['log', 'verify', 'record.json', '--vkey', VKEY, '--proof', 'proof']
      const { exit, out, err } = await run(dir, [...argv, '--jwks', 'keys.json', ...more], {
        now: () => epochMs(AT + now_s * 1000),
      })
      expect({ exit, said: out + err }).toEqual({
        ...{ exit: expected[0], said: expect.stringContaining(expected[1]) },
      })
    })

  test('without a checkpoint cannot be held to a witness policy', async () => {
    const dir = aDirectory()
    writeFileSync(join(dir, 'record.json'), text(7))
    writeFileSync(join(dir, 'policy.txt'), 'quorum none\n')
    const argv = ['log', 'verify', 'record.json', '--vkey', VKEY, '--witness-policy', 'policy.txt']
    const { exit, err } = await run(dir, argv)
    expect([exit, err]).toEqual([2, expect.stringContaining('give --proof')])
  })
})

function fail(): never {
  throw new Error('there is no such entry')
}
