/**
 * Prove, then corrupt: every member of a bundle changed, each with its own verdict; and no single changed character
 * anywhere in its values ever reads as clean.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Evidence, EvidenceEntry } from '../../../src/core/evidence/format.ts'
import type { EvidenceRequest } from '../../../src/core/evidence/verify.ts'
import {
  aBundle,
  aWorld,
  noteKey,
  noteOf,
  ORIGIN,
  SEEN_S,
  VKEY,
  WITNESS_VKEY,
} from './evidence-world.ts'
import { codesOf, read, verifier, witness } from './reader.ts'

const world = await aWorld()
const size = world.entries.length
const file = await aBundle(world, { since: 4 })
const bundle = JSON.parse(file) as Evidence
const DECISION = bundle.decision

const write = (value: unknown): string => `${JSON.stringify(value)}\n`

/** The bundle with one entry changed. */
function changed(index: number, change: (entry: EvidenceEntry) => EvidenceEntry): string {
  const entries = bundle.entries.map((entry) => (entry.index === index ? change(entry) : entry))
  return write({ ...bundle, entries })
}

/** The decision's record with its parts changed. */
function presented(change: (parts: string[]) => string[]): string {
  return changed(DECISION, (entry) => ({
    ...entry,
    record: change(entry.record.split('~')).join('~'),
  }))
}

const without = (index: number): string =>
  write({ ...bundle, entries: bundle.entries.filter((entry) => entry.index !== index) })

function flip(text: string, at: number): string {
  const c = text.charAt(at)
  return text.slice(0, at) + (c === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

interface Case {
  readonly name: string
  readonly file: string
  readonly codes: readonly string[]
  readonly reader?: Partial<EvidenceRequest>
}

const otherRoot = new Uint8Array(32).fill(7)
const lines = bundle.checkpoint.split('\n')
const logLine = lines[4] ?? ''
const strange = noteKey(8, ORIGIN, 1)

const ALTERED: readonly Case[] = [
  {
    name: 'a verifier key nobody signed with',
    file: write({ ...bundle, vkeys: [strange.vkey] }),
    codes: ['vkey_false'],
  },
  {
    name: 'a verifier key that is none',
    file: write({ ...bundle, vkeys: [flip(VKEY, VKEY.length - 3)] }),
    codes: ['vkey_false'],
  },
  {
    name: 'a witness that has not cosigned',
    file: write({ ...bundle, witnesses: [noteKey(8, 'w.example/2', 4).vkey] }),
    codes: ['witness_false'],
  },
  {
    name: 'the log’s own key given as a witness',
    file: write({ ...bundle, witnesses: [VKEY] }),
    codes: ['witness_false'],
  },
  {
    name: 'a checkpoint that is no note',
    file: write({ ...bundle, checkpoint: 'nothing\n' }),
    codes: ['checkpoint_malformed'],
  },
  {
    name: 'a checkpoint of another size',
    file: write({ ...bundle, checkpoint: bundle.checkpoint.replace(`\n${size}\n`, '\n11\n') }),
    codes: ['checkpoint_signature'],
  },
  {
    name: 'a checkpoint without the log’s signature',
    file: write({ ...bundle, checkpoint: bundle.checkpoint.replace(`${logLine}\n`, '') }),
    codes: ['checkpoint_unsigned'],
  },
  {
    name: 'a checkpoint by another key of that name',
    file: write({
      ...bundle,
      vkeys: [strange.vkey],
      checkpoint: await noteOf({ size, root: await world.root(size) }, { key: strange }),
    }),
    codes: ['checkpoint_unsigned'],
  },
  {
    name: 'a checkpoint of another log by the same key',
    file: write({
      ...bundle,
      checkpoint: await noteOf({ size, root: await world.root(size), origin: 'other.example/log' }),
    }),
    codes: ['checkpoint_unsigned'],
  },
  {
    name: 'a cosignature that is not over this checkpoint',
    file: write({
      ...bundle,
      checkpoint: [
        ...lines.slice(0, 5),
        ...(await noteOf({ size: 4, root: await world.root(4) }, { seen_s: SEEN_S }))
          .split('\n')
          .slice(5),
      ].join('\n'),
    }),
    codes: ['checkpoint_signature'],
  },
  {
    name: 'another tree of the same log',
    file: write({
      ...bundle,
      checkpoint: await noteOf({ size, root: otherRoot }, { seen_s: SEEN_S }),
    }),
    codes: ['consistency', ...bundle.entries.map(({ index }) => `inclusion@${index}`)],
  },
  {
    name: 'an older checkpoint of another key',
    file: write({
      ...bundle,
      since: {
        ...bundle.since,
        checkpoint: await noteOf({ size: 4, root: await world.root(4) }, { key: strange }),
      },
    }),
    codes: ['since_false'],
  },
  {
    name: 'an older checkpoint that is newer',
    file: write({
      ...bundle,
      since: { ...bundle.since, checkpoint: await noteOf({ size: 11, root: otherRoot }) },
    }),
    codes: ['since_false'],
  },
  {
    name: 'an older checkpoint of a tree this one does not begin with',
    file: write({
      ...bundle,
      since: { ...bundle.since, checkpoint: await noteOf({ size: 4, root: otherRoot }) },
    }),
    codes: ['consistency'],
  },
  {
    name: 'a consistency proof cut short',
    file: write({ ...bundle, since: { ...bundle.since, proof: bundle.since?.proof.slice(1) } }),
    codes: ['consistency'],
  },
  {
    name: 'a consistency proof with a hash more',
    file: write({
      ...bundle,
      since: { ...bundle.since, proof: [...(bundle.since?.proof ?? []), 'A'.repeat(43)] },
    }),
    codes: ['consistency'],
  },
  {
    name: 'an inclusion proof of another entry',
    file: changed(DECISION, (entry) => ({ ...entry, proof: bundle.entries[0]?.proof ?? [] })),
    codes: [`inclusion@${DECISION}`],
  },
  {
    name: 'an inclusion proof cut short',
    file: changed(DECISION, (entry) => ({ ...entry, proof: entry.proof.slice(0, -1) })),
    codes: [`inclusion@${DECISION}`],
  },
  {
    name: 'an inclusion proof with a hash more',
    file: changed(DECISION, (entry) => ({ ...entry, proof: [...entry.proof, 'A'.repeat(43)] })),
    codes: [`inclusion@${DECISION}`],
  },
  {
    name: 'an index beyond the tree',
    file: changed(8, (entry) => ({ ...entry, index: 4000 })),
    codes: ['inclusion@4000'],
  },
  {
    name: 'a record with another payload',
    file: presented(([jws = '', ...rest]) => [flip(jws, jws.indexOf('.') + 40), ...rest]),
    codes: [`inclusion@${DECISION}`],
  },
  {
    name: 'a record with another signature',
    file: presented(([jws = '', ...rest]) => [flip(jws, jws.length - 20), ...rest]),
    codes: [`inclusion@${DECISION}`],
  },
  {
    name: 'another record of the log in its place',
    file: changed(DECISION, (entry) => ({ ...entry, record: bundle.entries[5]?.record ?? '' })),
    codes: [`inclusion@${DECISION}`],
  },
  {
    name: 'a bare record without its end',
    file: presented(([jws = '']) => [jws]),
    codes: [`presentation@${DECISION}`],
  },
  {
    name: 'a key-binding token after the record',
    file: presented((parts) => [...parts.slice(0, -1), 'e30.e30.AA']),
    codes: [`presentation@${DECISION}`],
  },
  {
    name: 'more disclosures than groups',
    file: presented(([jws = '', one = '']) => [jws, one, one, one, one, one, one, '']),
    codes: [`presentation@${DECISION}`],
  },
  {
    name: 'a disclosure with another value',
    file: presented(([jws = '', one = '', ...rest]) => [jws, flip(one, one.length - 10), ...rest]),
    codes: [`disclosure_unmatched@${DECISION}`],
  },
  {
    name: 'a disclosure of another record',
    file: presented(([jws = '']) => [jws, bundle.entries[5]?.record.split('~')[1] ?? '', '']),
    codes: [`disclosure_unmatched@${DECISION}`],
  },
  {
    name: 'a disclosure of a record that commits to nothing',
    file: changed(0, (entry) => ({ ...entry, record: `${entry.record}e30~` })),
    codes: ['disclosure_unmatched@0'],
  },
  {
    name: 'a disclosure twice',
    file: presented(([jws = '', one = '', ...rest]) => [jws, one, one, ...rest]),
    codes: [`disclosure_repeated@${DECISION}`],
  },
  {
    name: 'a record that bears out nothing',
    file: await aBundle(world, { also: ['strike', 'reversal', 'heartbeat'] }),
    codes: ['entry_unneeded@6'],
  },
  {
    name: 'another entry named as the decision',
    file: write({ ...bundle, decision: 5 }),
    codes: ['decision_missing@5'],
  },
  {
    name: 'no decision',
    file: without(DECISION),
    codes: [`decision_missing@${DECISION}`],
  },
]

const UNFINISHED: readonly Case[] = [
  {
    name: 'without the key record',
    file: without(0),
    codes: bundle.entries.slice(1).map(({ index }) => `key_missing@${index}`),
  },
  { name: 'without the policy text', file: without(3), codes: [`policy_missing@${DECISION}`] },
  { name: 'without its activation', file: without(4), codes: [`activation_missing@${DECISION}`] },
  {
    name: 'without an earlier text it keeps promises of',
    file: without(1),
    codes: [`policy_missing@${DECISION}`],
  },
  {
    name: 'without an earlier activation',
    file: without(2),
    codes: [`activation_missing@${DECISION}`],
  },
  {
    name: 'with fewer witnesses than asked for',
    file,
    reader: {
      quorum: 2,
      witnesses: [witness(WITNESS_VKEY), witness(noteKey(8, 'w.example/2', 4).vkey)],
    },
    codes: ['quorum_missed'],
  },
]

const UNREADABLE: readonly Case[] = [
  { name: 'nothing', file: '', codes: ['not_json'] },
  { name: 'a page of HTML', file: '<!doctype html>', codes: ['not_json'] },
  { name: 'other JSON', file: '{"record":"x"}', codes: ['not_evidence'] },
  { name: 'null', file: 'null', codes: ['not_evidence'] },
  { name: 'a file cut short', file: file.slice(0, -300), codes: ['not_json'] },
  { name: 'a later version', file: file.replace('/v1', '/v2'), codes: ['version_unknown'] },
  { name: 'blanks in it', file: file.replace(',"decision"', ', "decision"'), codes: ['spelling'] },
  { name: 'no line end', file: file.trimEnd(), codes: ['spelling'] },
  { name: 'two line ends', file: `${file}\n`, codes: ['spelling'] },
  {
    name: 'a member twice',
    file: file.replace('{"format"', '{"decision":1,"format"'),
    codes: ['spelling'],
  },
  {
    name: 'a member nobody knows',
    file: file.replace(',"decision"', ',"more":1,"decision"'),
    codes: ['malformed'],
  },
  {
    name: 'a member less',
    file: file.replace(/"witnesses":\[[^\]]*\],/, ''),
    codes: ['malformed'],
  },
  {
    name: 'members in another order',
    file: write(Object.assign({ entries: bundle.entries }, bundle)),
    codes: ['spelling'],
  },
  {
    name: 'entries in another order',
    file: write({ ...bundle, entries: bundle.entries.toReversed() }),
    codes: ['spelling'],
  },
  {
    name: 'an entry twice',
    file: write({ ...bundle, entries: bundle.entries.flatMap((e) => [e, e]) }),
    codes: ['spelling'],
  },
  {
    name: 'keys out of order',
    file: write({ ...bundle, vkeys: [strange.vkey, VKEY].toSorted().toReversed() }),
    codes: ['spelling'],
  },
  { name: 'no entry', file: write({ ...bundle, entries: [] }), codes: ['malformed'] },
  {
    name: 'an index that is a fraction',
    file: write({ ...bundle, decision: 1.5 }),
    codes: ['malformed'],
  },
  { name: 'a negative index', file: write({ ...bundle, decision: -1 }), codes: ['malformed'] },
  {
    name: 'an index in another spelling',
    file: file.replace(`"decision":${DECISION}`, `"decision":${DECISION}.0`),
    codes: ['spelling'],
  },
  {
    name: 'a needless escape',
    file: file.replace('"checkpoint":"g', '"checkpoint":"\\u0067'),
    codes: ['spelling'],
  },
  {
    name: 'a hash with stray bits',
    file: changed(0, (e) => ({ ...e, proof: e.proof.map((hash) => `${hash.slice(0, -1)}B`) })),
    codes: ['malformed'],
  },
  {
    name: 'more hashes than a tree has',
    file: changed(0, (e) => ({ ...e, proof: Array(55).fill('A'.repeat(43)) })),
    codes: ['malformed'],
  },
  {
    name: 'a text where a list is expected',
    file: changed(0, (e) => ({ ...e, proof: 'x' as never })),
    codes: ['malformed'],
  },
  {
    name: 'another depth',
    file: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    codes: ['too_deep'],
  },
  {
    name: 'one level too deep',
    file: file.replace('"since":', '"x":[[[[]]]],"since":'),
    codes: ['too_deep'],
  },
]

const CLASSES = { altered: ALTERED, unfinished: UNFINISHED, unreadable: UNREADABLE }

test('before it is corrupted the bundle holds', async () => {
  expect(codesOf(await read(file))).toEqual([])
})

for (const [verdict, cases] of Object.entries(CLASSES))
  describe(`${verdict}:`, () => {
    for (const { name, file: given, codes, reader } of cases)
      test(name, async () => {
        const report = await read(given, reader)
        expect(codesOf(report)).toEqual(codes)
        expect(report.verdict).toBe(verdict)
        expect(report.proves).toEqual([])
        expect(report.does_not_prove.length).toBeGreaterThan(0)
      })
  })

describe('a reader of another log', () => {
  test('is told that it is not his, whatever the file says of keys', async () => {
    const other = noteKey(2, 'other.example/log', 1)
    const report = await read(file, {
      origin: 'other.example/log',
      verifiers: [verifier(other.vkey)],
    })
    expect(codesOf(report)).toEqual(['checkpoint_unsigned'])
    expect(report.verdict).toBe('altered')
  })

  test('is told so when the same key signs for both', async () => {
    const report = await read(file, { origin: 'other.example/log' })
    expect(codesOf(report)).toEqual(['origin'])
  })
})

describe('limits', () => {
  test('a file of more than 64 MiB is not looked at', async () => {
    const report = await read(new Uint8Array(64 * 1024 * 1024 + 1).fill(0x20))
    expect(codesOf(report)).toEqual(['too_large'])
  })

  test('bytes that are no UTF-8 are refused', async () => {
    const bytes = new Uint8Array(Buffer.from(file))
    bytes[20] = 0xff
    expect(codesOf(await read(bytes))).toEqual(['not_utf8'])
  })

  test('4,097 entries are too many', async () => {
    const [entry] = bundle.entries
    const entries = Array.from({ length: 4097 }, (_, index) => ({ ...entry, index }))
    expect(codesOf(await read(write({ ...bundle, entries })))).toEqual(['malformed'])
  })
})

describe('whatever is handed in', () => {
  test('is answered with a verdict, never with an exception', async () => {
    const pieces = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((text) => file.slice(0, 40) + text),
    )
    await fc.assert(
      fc.asyncProperty(pieces, async (text) => {
        const { verdict, faults } = await read(text)
        expect(verdict).toBe('unreadable')
        expect(faults).toHaveLength(1)
      }),
      { numRuns: 500 },
    )
  })

  test('in place of any member is never read as clean', async () => {
    const paths = [
      ...Object.keys(bundle),
      'entries.0',
      'entries.5',
      'entries.5.record',
      'entries.5.proof',
      'since.proof',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.jsonValue({ maxDepth: 2 }),
        async (path, value) => {
          const changed = structuredClone(bundle) as unknown as Record<string, unknown>
          const steps = path.split('.')
          const last = steps.pop() ?? ''
          const inside = steps.reduce((at, step) => at[step] as Record<string, unknown>, changed)
          // A hint or an older checkpoint may be left out: the file says less then, and nothing false.
          fc.pre(JSON.stringify(inside[last]) !== JSON.stringify(value))
          fc.pre(!(last === 'since' && value === null) && JSON.stringify(value) !== '[]')
          inside[last] = value
          const { verdict } = await read(write(changed))
          expect(['unreadable', 'altered', 'unfinished']).toContain(verdict)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('any single character', () => {
  /** Each place inside a value: every one of the short ones, some of the long ones. */
  const places: number[] = []
  for (let i = 0; i < file.length; i++) if (i % (i < 1400 ? 3 : 19) === 0) places.push(i)

  test('changed is never read as clean', async () => {
    expect(places.length).toBeGreaterThan(800)
    for (const at of places) {
      const report = await read(flip(file, at))
      expect(report.verdict, `at ${at}: ${file.slice(at - 20, at + 20)}`).not.toBe('holds')
      expect(report.verdict, `at ${at}: ${codesOf(report).join()}`).not.toBe('lie')
    }
  }, 60_000)

  test('left out is never read as clean', async () => {
    for (const at of places.filter((_, i) => i % 5 === 0)) {
      const report = await read(file.slice(0, at) + file.slice(at + 1))
      expect(report.verdict, `at ${at}`).not.toBe('holds')
      expect(report.verdict, `at ${at}`).not.toBe('lie')
    }
  })
})
