/**
 * One record as somebody holds it: what it proves with what else they have, and every way it can be false.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import {
  disclosureLine,
  JWKS,
  type LogFiles,
  makeEntries,
  publish,
  VKEY,
  writeFiles,
} from './a-log.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

interface Verified {
  readonly failures: readonly string[]
  readonly proves: readonly string[]
  readonly does_not_prove: readonly string[]
  readonly index: number | null
}

let entries: IssuedRecord[]
let files: LogFiles

beforeAll(async () => {
  entries = await makeEntries({ decisions: 20 })
  files = await publish(entries)
})

const INDEX = 7

/** A directory with the log, the answer of the gate, its proof and the record keys. */
async function aHolder(): Promise<string> {
  const dir = aDirectory()
  await writeFiles(join(dir, 'log'), files)
  const proof = await run(dir, ['log', 'proof', String(INDEX), '--log', 'log', '--vkey', VKEY])
  writeFileSync(join(dir, 'proof'), proof.out)
  writeFileSync(join(dir, 'jwks.json'), JWKS)
  writeFileSync(join(dir, 'answer.json'), disclosureLine(entryAt(INDEX), INDEX))
  return dir
}

function entryAt(index: number): IssuedRecord {
  const entry = entries[index]
  if (entry === undefined) throw new Error(`there is no entry ${index}`)
  return entry
}

async function verify(
  dir: string,
  ...words: string[]
): Promise<Ran & { readonly result: Verified }> {
  const ran = await run(dir, ['log', 'verify', ...words, '--vkey', VKEY, '--json'])
  return { ...ran, result: (ran.out === '' ? null : JSON.parse(ran.out)) as Verified }
}

describe('a true record', () => {
  test('with proof and keys proves signature, disclosures and its place', async () => {
    const dir = await aHolder()
    const { exit, result } = await verify(
      dir,
      'answer.json',
      '--proof',
      'proof',
      '--jwks',
      'jwks.json',
    )
    expect(exit).toBe(0)
    expect(result.failures).toEqual([])
    expect(result.index).toBe(INDEX)
    expect(result.proves).toEqual([
      expect.stringContaining('A key of the given key set signed exactly these bytes'),
      'The record commits to the disclosed groups: chain, result, subject, request, facts.',
      `It stands at index ${INDEX} of log gate.example/log/test, under its signed checkpoint of size ${entries.length}.`,
    ])
  })

  test('without proof and keys proves no more than what was disclosed', async () => {
    const dir = await aHolder()
    const { exit, result } = await verify(dir, 'answer.json')
    expect(exit).toBe(0)
    expect(result.proves).toHaveLength(1)
    expect(result.does_not_prove.slice(0, 2)).toEqual([
      'Who signed it: no record keys were given (--jwks or --url).',
      'That it is in the log: no proof was given (--proof or --url).',
    ])
  })

  test('is fetched keys and proven from public tiles when the gate can be reached', async () => {
    const dir = await aHolder()
    const fetch: World['fetch'] = async (url) => {
      const path = new URL(url).pathname
      if (path === '/.well-known/jwks.json') return new Response(JWKS)
      return new Response(Buffer.from(files.get(path.replace('/log/', '')) ?? []))
    }
    const words = ['log', 'verify', 'answer.json', '--vkey', VKEY, '--url', 'https://gate.example']
    const ran = await run(dir, words, { fetch })
    expect(ran.exit).toBe(0)
    expect(ran.out).toContain(`It stands at index ${INDEX} of log gate.example/log/test`)
    expect(ran.out).toContain('"followers": 12')
  })

  test('may be given as text', async () => {
    const dir = await aHolder()
    expect((await verify(dir, entryAt(3).jws, '--jwks', 'jwks.json')).exit).toBe(0)
  })
})

interface Falsehood {
  readonly name: string
  /** Changes the files of the holder. */
  readonly forge: (dir: string) => void
  readonly failure: string
}

const tampered = (text: string, place: number): string => {
  const other = text[place] === 'A' ? 'B' : 'A'
  return `${text.slice(0, place)}${other}${text.slice(place + 1)}`
}

const FALSEHOODS: readonly Falsehood[] = [
  {
    name: 'another signature',
    forge: (dir) => {
      const { jws } = entryAt(INDEX)
      writeFileSync(join(dir, 'answer.json'), tampered(jws, jws.length - 20))
    },
    failure: 'the signature is not by its key over its bytes',
  },
  {
    name: 'another record than the proof is for',
    forge: (dir) => writeFileSync(join(dir, 'answer.json'), entryAt(INDEX + 1).jws),
    failure: 'Cannot verify the proof: root mismatch',
  },
  {
    name: 'a disclosure of another record',
    forge: (dir) => {
      const [, ...others] = JSON.parse(disclosureLine(entryAt(INDEX + 1))).record.split('~')
      writeFileSync(join(dir, 'answer.json'), [entryAt(INDEX).jws, ...others].join('~'))
    },
    failure: 'its digest is not in the record',
  },
  {
    name: 'a receipt that names another index',
    forge: (dir) => writeFileSync(join(dir, 'answer.json'), disclosureLine(entryAt(INDEX), 3)),
    failure: `Cannot match the receipt: it says index 3, the proof says ${INDEX}`,
  },
  {
    name: 'a key set without its key',
    forge: (dir) =>
      writeFileSync(
        join(dir, 'jwks.json'),
        JWKS.replace(/"x":"[^"]+"/, `"x":"${Buffer.alloc(32, 3).toString('base64url')}"`),
      ),
    failure: 'is not known',
  },
]

describe('a false record', () => {
  for (const { name, forge, failure } of FALSEHOODS)
    test(`with ${name} is exit 4 and proves nothing`, async () => {
      const dir = await aHolder()
      forge(dir)
      const { exit, result } = await verify(
        dir,
        'answer.json',
        '--proof',
        'proof',
        '--jwks',
        'jwks.json',
      )
      expect(exit).toBe(4)
      expect(result.failures.join('\n')).toContain(failure)
      expect(result.proves).toEqual([])
    })

  test('under a checkpoint by another key is exit 4', async () => {
    const dir = await aHolder()
    const proof = (await run(dir, ['log', 'proof', '7', '--log', 'log', '--vkey', VKEY])).out
    writeFileSync(join(dir, 'proof'), proof.replace('\n— gate.example', '\n— gate.sample'))
    const { exit, result } = await verify(dir, 'answer.json', '--proof', 'proof')
    expect(exit).toBe(4)
    expect(result.failures).toEqual(['Cannot verify the proof: signature missing'])
  })
})
