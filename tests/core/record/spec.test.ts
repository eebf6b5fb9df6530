/**
 * The specification and the code say the same: claims table, codes, and the vector quoted in the text.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { textFromBase64Url } from '../../../src/core/encoding.ts'
import { CLAIMS } from '../../../src/core/record/claims.ts'
import { RECORD_FAULT_CODES } from '../../../src/core/record/faults.ts'
import {
  CHAIN_KINDS,
  GROUP_NAMES,
  RECORD_KINDS,
  type RecordKind,
} from '../../../src/core/record/kinds.ts'

const spec = readFileSync(new URL('../../../docs/spec/record.md', import.meta.url), 'utf8')

function kindsIn(words: string): readonly RecordKind[] {
  if (words === 'all') return RECORD_KINDS
  return words === 'chain kinds' ? CHAIN_KINDS : (words.split(', ') as RecordKind[])
}

test('the claims table of the specification is the one the code uses', () => {
  const rows = [...spec.matchAll(/^\| (\w+) \| `(\w+)` \| ([a-z, ]+) \| (yes|no) \|/gm)].map(
    ([, where, name, kinds = '', required]) => ({
      where,
      name,
      kinds: kindsIn(kinds),
      required: required === 'yes',
    }),
  )
  expect(rows).toEqual(
    CLAIMS.map(({ where, name, kinds, required }) => ({ where, name, kinds, required })),
  )
})

/** Members of an object in the specification's notation: name to whether it must be there. */
function membersOf(row: string): Readonly<Record<string, boolean>> {
  const [, block = ''] = /```claims\n([^`]*)```/.exec(spec) ?? []
  const words = block
    .replaceAll('\n ', '')
    .split('\n')
    .map((line) => line.split(/ +/))
    .find(([name, mark]) => name === row && mark !== '=')
  const members = (words ?? []).slice(1).map((word) => word.split(':', 1).join())
  return Object.fromEntries(members.map((name) => [name.replace('?', ''), !name.endsWith('?')]))
}

test.each(RECORD_KINDS)('the notation of the specification has the claims of a %s', (kind) => {
  const linked = CHAIN_KINDS.some((one) => one === kind)
  for (const where of ['public', ...(linked ? GROUP_NAMES : [])]) {
    const rows = CLAIMS.filter((row) => row.where === where && row.kinds.includes(kind))
    const own = membersOf(`${kind}.${where}`)
    const shared = { ...membersOf('all.public'), ...(linked ? membersOf('linked.public') : {}) }
    const group = Object.keys(own).length > 0 ? own : membersOf(`linked.${where}`)
    expect(where === 'public' ? { ...shared, ...own } : group, where).toEqual(
      Object.fromEntries(rows.map(({ name, required }) => [name, required])),
    )
  }
})

test('every refusal of a record is named in the specification', () => {
  for (const code of RECORD_FAULT_CODES) expect(spec, code).toContain(`\`${code}\``)
})

test('the steps of a verification name every code, and no other', () => {
  const [, section = ''] = /\n## Verification\n([\s\S]*?)\n## /.exec(spec) ?? []
  const words = [...section.matchAll(/`([a-z]+(?:_[a-z]+)*)`/g)].map(([, word]) => word)
  const claims = ['alg', 'typ', 'iss', 'kid']
  const codes = new Set(words.filter((word) => !claims.includes(word ?? '')))
  // The claim codes of step 3 are those of step 7, too.
  expect([...codes].toSorted()).toEqual([...RECORD_FAULT_CODES].toSorted())
})

test('the vector quoted in the specification is the golden one', () => {
  const file = new URL('../../vectors/record/golden.json', import.meta.url)
  const { records } = JSON.parse(readFileSync(file, 'utf8')) as {
    records: { kind: string; jws: string; leaf: string; openings: Record<string, string> }[]
  }
  const strike = records.find(({ kind }) => kind === 'strike')
  const [header = '', payload = '', signature = ''] = strike?.jws.split('.') ?? []
  const quoted = spec.replaceAll(/\n {13}/g, '')
  for (const text of [header, payload, strike?.openings.chain ?? ''])
    expect(quoted).toContain(textFromBase64Url(text))
  expect(quoted).toContain(signature)
  expect(quoted).toContain(strike?.leaf)
})
