/** Witness policies as text: what is read, what is refused and where, and when a quorum is met. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { cosignatureMessage, encodeCosignature } from '../../../src/core/tlog/cosignature.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import { ed25519Signer, type NoteSigner, signNote } from '../../../src/core/tlog/note.ts'
import { formatVkey, type NoteKeyType, noteKeyId } from '../../../src/core/tlog/note-key.ts'
import { rootFrom } from '../../../src/core/tlog/tree.ts'
import {
  isQuorum,
  MAX_POLICY_LINES,
  MAX_WITNESS_POLICY_CHARS,
  parseWitnessPolicy,
  quorumOf,
  ruleOf,
  type WitnessPolicy,
} from '../../../src/core/tlog/witness-policy.ts'
import { keyFromSeed, must, readerOver, someEntries, verifyEd25519 } from './support.ts'

const ORIGIN = 'gate.example/log'
const seeded = (seed: number) => keyFromSeed(new Uint8Array(32).fill(seed))
const vkey = (name: string, seed: number, type: NoteKeyType = 4): string =>
  formatVkey({ name, type, publicKey: seeded(seed).publicKey })

const EXAMPLE = `# two operators
log ${vkey(ORIGIN, 1, 1)} https://gate.example/log

witness X1 ${vkey('x.example/1', 11)} https://x.example/one
  witness\tX2 ${vkey('x.example/2', 12)}
witness X3 ${vkey('x.example/3', 13)}
group X 2 X1 X2 X3
witness Y1 ${vkey('y.example/1', 21)}
witness Y2 ${vkey('y.example/2', 22)}
group Y any Y1 Y2
group both all X Y
quorum both
`
const example = must(parseWitnessPolicy(EXAMPLE))

function cosigner(name: string, seed: number, timeS = 1_800_000_000): NoteSigner {
  const { publicKey, sign } = seeded(seed)
  return {
    name,
    keyId: noteKeyId({ name, type: 4, publicKey }),
    sign: (message) =>
      encodeCosignature({ timeS, signature: sign(cosignatureMessage(timeS, message)) }),
  }
}

const leaves = someEntries(5).map(leafHash)
const body = formatCheckpoint({
  origin: ORIGIN,
  size: 5,
  root: rootFrom(5, readerOver(leaves)),
})
const log = ed25519Signer({ name: ORIGIN, ...seeded(1) })
const noteBy = (...signers: NoteSigner[]): Promise<string> => signNote({ body, signers })

describe('a witness policy', () => {
  test('is read with its logs, witnesses, nested groups and quorum', () => {
    expect(example.logs.map(({ key, url }) => [key.name, url])).toEqual([
      [ORIGIN, 'https://gate.example/log'],
    ])
    expect(
      example.witnesses.map(({ name, key, url, line }) => [name, key.name, url, line]),
    ).toEqual([
      ['X1', 'x.example/1', 'https://x.example/one', 4],
      ['X2', 'x.example/2', null, 5],
      ['X3', 'x.example/3', null, 6],
      ['Y1', 'y.example/1', null, 8],
      ['Y2', 'y.example/2', null, 9],
    ])
    expect(example.groups).toEqual([
      { name: 'X', threshold: 2, members: ['X1', 'X2', 'X3'] },
      { name: 'Y', threshold: 1, members: ['Y1', 'Y2'] },
      { name: 'both', threshold: 2, members: ['X', 'Y'] },
    ])
    expect([example.quorum, example.quorum_line]).toEqual(['both', 12])
    expect(ruleOf(example)).toBe('2 of (2 of (X1, X2, X3), 1 of (Y1, Y2))')
  })

  test('may have witnesses with keys of one name, while they exchange them', () => {
    const text = `witness old ${vkey('w.example', 11)}\nwitness new ${vkey('w.example', 12)}\ngroup g 1 old new\nquorum g\n`
    expect(must(parseWitnessPolicy(text)).witnesses).toHaveLength(2)
  })

  test('says what a log line has to be', () => {
    expect(parseWitnessPolicy('log\nquorum none\n')).toEqual({
      ok: false,
      error: [{ line: 1, message: 'expected `log <vkey> [<url>]`' }],
    })
  })

  test('may ask for one witness, for nobody, and end without a newline', () => {
    const one = must(parseWitnessPolicy(`witness a ${vkey('a', 11)}\nquorum a`))
    expect([one.quorum, ruleOf(one)]).toEqual(['a', 'a'])
    const none = must(parseWitnessPolicy('quorum none\n'))
    expect([none.quorum, ruleOf(none), isQuorum(none, new Set())]).toEqual([null, 'none', true])
  })

  test('has room for as many lines as it says, and no more', () => {
    const many = (count: number): string =>
      `${Array.from({ length: count }, (_, i) => `witness w${i} ${vkey(`w${i}.example`, i + 1)}\n`).join('')}quorum w0\n`
    expect(must(parseWitnessPolicy(many(MAX_POLICY_LINES))).witnesses).toHaveLength(60)
    expect(parseWitnessPolicy(many(MAX_POLICY_LINES + 1))).toMatchObject({
      ok: false,
      error: [{ line: 61, message: 'more than 60 witnesses, expected at most so many' }],
    })
  })

  const a = `witness a ${vkey('a.example', 11)}`
  const b = `witness b ${vkey('b.example', 12)}`
  test.each<[string, string, number, string]>([
    ['nothing', '', 1, 'no quorum line, expected exactly one'],
    ['no quorum', `${a}\n`, 1, 'no quorum line, expected exactly one'],
    [
      'a second quorum',
      `${a}\nquorum a\nquorum a\n`,
      3,
      'a second quorum, expected the one of line 2',
    ],
    [
      'a quorum of nobody known',
      `${a}\nquorum c\n`,
      2,
      '`c` is not defined above, expected a witness, a group or none',
    ],
    [
      'a quorum named before its witness',
      `quorum a\n${a}\n`,
      1,
      '`a` is not defined above, expected a witness, a group or none',
    ],
    ['a quorum of two names', `${a}\nquorum a a\n`, 2, 'expected `quorum <name>` or `quorum none`'],
    [
      'an unknown line',
      `witnes a\nquorum none\n`,
      1,
      '`witnes`, expected log, witness, group or quorum',
    ],
    [
      'a carriage return',
      `${a}\r\nquorum none\n`,
      1,
      'a control character, expected none but tab and newline',
    ],
    [
      'a zero byte in a comment',
      `# \0\nquorum none\n`,
      1,
      'a control character, expected none but tab and newline',
    ],
    [
      'half a character',
      `# \ud800\nquorum none\n`,
      1,
      'a control character, expected none but tab and newline',
    ],
    [
      'a witness without a key',
      `witness a\nquorum a\n`,
      1,
      'expected `witness <name> <vkey> [<url>]`',
    ],
    [
      'a witness with too much',
      `${a} https://a b\nquorum a\n`,
      1,
      'expected `witness <name> <vkey> [<url>]`',
    ],
    [
      'a witness called none',
      `witness none ${vkey('a', 11)}\nquorum none\n`,
      1,
      '`none` as a name, expected another: it stands for no quorum',
    ],
    [
      'a witness with a log key',
      `witness a ${vkey('a.example', 11, 1)}\nquorum a\n`,
      1,
      "the key of `a.example` is a log's, expected a witness's (type 04)",
    ],
    [
      'a log with a witness key',
      `log ${vkey(ORIGIN, 1)}\nquorum none\n`,
      1,
      `the key of \`${ORIGIN}\` is a witness's, expected a log's (type 01)`,
    ],
    [
      'a broken key',
      `witness a x+00000000+AAAA\nquorum a\n`,
      1,
      '`x+00000000+AAAA`: key type unknown, expected a verifier key',
    ],
    [
      'the same name twice',
      `${a}\nwitness a ${vkey('b', 12)}\nquorum a\n`,
      2,
      '`a` is defined already, expected another name',
    ],
    [
      'a group with the name of a witness',
      `${a}\n${b}\ngroup a any b\nquorum a\n`,
      3,
      '`a` is defined already, expected another name',
    ],
    [
      'the same key under another name',
      `${a}\nwitness b ${vkey('b.example', 11)}\nquorum a\n`,
      2,
      'the key of `b.example` is in the policy already, expected each once',
    ],
    [
      'the same log twice',
      `log ${vkey('a', 1, 1)}\nlog ${vkey('b', 1, 1)}\nquorum none\n`,
      2,
      'the key of `b` is in the policy already, expected each once',
    ],
    [
      'an empty group',
      `${a}\ngroup g 1\nquorum a\n`,
      2,
      'expected `group <name> all|any|<k> <name>...`',
    ],
    [
      'a group of none',
      `${a}\ngroup g any none\nquorum g\n`,
      2,
      '`none` is not defined above, expected a witness or a group',
    ],
    [
      'a group that holds itself',
      `${a}\ngroup g any a g\nquorum g\n`,
      2,
      '`g` is not defined above, expected a witness or a group',
    ],
    [
      'a member twice',
      `${a}\ngroup g 1 a a\nquorum g\n`,
      2,
      '`a` is a member already, expected each name in one group, once',
    ],
    [
      'a member of two groups',
      `${a}\n${b}\ngroup g 1 a\ngroup h 1 a b\nquorum h\n`,
      4,
      '`a` is a member already, expected each name in one group, once',
    ],
    [
      'a threshold of 0',
      `${a}\ngroup g 0 a\nquorum g\n`,
      2,
      '`0` of 1, expected all, any or 1 to 1',
    ],
    [
      'a threshold beyond the members',
      `${a}\ngroup g 2 a\nquorum g\n`,
      2,
      '`2` of 1, expected all, any or 1 to 1',
    ],
    [
      'a threshold with a leading zero',
      `${a}\ngroup g 01 a\nquorum g\n`,
      2,
      '`01` of 1, expected all, any or 1 to 1',
    ],
    [
      'a threshold in words',
      `${a}\ngroup g most a\nquorum g\n`,
      2,
      '`most` of 1, expected all, any or 1 to 1',
    ],
    [
      'more text than there can be',
      ' '.repeat(MAX_WITNESS_POLICY_CHARS + 1),
      1,
      `the policy is longer than ${MAX_WITNESS_POLICY_CHARS}`,
    ],
  ])('is refused for %s', (_, text, line, message) => {
    expect(parseWitnessPolicy(text)).toEqual({ ok: false, error: [{ line, message }] })
  })

  test('tells every fault at once', () => {
    const read = parseWitnessPolicy('nonsense\nwitness\nquorum a\n')
    expect(read.ok ? [] : read.error.map(({ line }) => line)).toEqual([1, 2, 3])
  })

  test('never throws, whatever the text', () => {
    const word = fc.constantFrom(
      'log',
      'witness',
      'group',
      'quorum',
      'none',
      'all',
      'a',
      '1',
      '\n',
      ' ',
      a,
      b,
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 30 }), (words) => {
        const read = parseWitnessPolicy(words.join(' '))
        if (read.ok) ruleOf(read.value)
        else expect(read.error.length).toBeGreaterThan(0)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a quorum', () => {
  test.each<[string, boolean]>([
    ['', false],
    ['X1', false],
    ['X1 X2', false],
    ['X1 Y1', false],
    ['X1 X2 X3', false],
    ['X1 X3 Y2', true],
    ['X1 X2 X3 Y1 Y2', true],
    ['X Y', false],
    ['both', false],
  ])('of nested groups: witnesses "%s" -> %s', (names, met) => {
    const known = names.split(' ').filter((name) => example.witnesses.some((w) => w.name === name))
    expect(isQuorum(example, new Set(known))).toBe(met)
  })

  test('needs exactly k of n, whoever they are', () => {
    const seeds = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(seeds, fc.nat(8), fc.nat(9), (all, k, count) => {
        const threshold = (k % all.length) + 1
        const text = [
          ...all.map((seed) => `witness w${seed} ${vkey(`w${seed}`, seed)}`),
          `group g ${threshold} ${all.map((seed) => `w${seed}`).join(' ')}`,
          'quorum g\n',
        ].join('\n')
        const some = all.slice(0, count).map((seed) => `w${seed}`)
        expect(isQuorum(must(parseWitnessPolicy(text)), new Set(some))).toBe(
          some.length >= threshold,
        )
      }),
      { numRuns: 100 },
    )
  })

  const of = async (note: string, policy: WitnessPolicy = example) => {
    const quorum = await quorumOf(note, policy, verifyEd25519)
    return quorum.ok ? quorum.value : quorum.error
  }
  const [x1, x2, y1] = [
    cosigner('x.example/1', 11, 7),
    cosigner('x.example/2', 12, 8),
    cosigner('y.example/1', 21, 9),
  ]

  test('of a note counts the witnesses whose cosignatures hold, and names those that are missing', async () => {
    expect(await of(await noteBy(log, y1, x2, x1))).toEqual({
      met: true,
      rule: '2 of (2 of (X1, X2, X3), 1 of (Y1, Y2))',
      cosigned: [
        { name: 'X1', time_s: 7 },
        { name: 'X2', time_s: 8 },
        { name: 'Y1', time_s: 9 },
      ],
      missing: ['X3', 'Y2'],
      log_signed: true,
    })
    expect(await of(await noteBy(log, x1, x2))).toMatchObject({
      met: false,
      missing: ['X3', 'Y1', 'Y2'],
    })
    expect(await of(await noteBy(log))).toMatchObject({ met: false, cosigned: [] })
  })

  test('says when no log of the policy has signed', async () => {
    const other = ed25519Signer({ name: ORIGIN, ...seeded(2) })
    expect(await of(await noteBy(other, x1, x2, y1))).toMatchObject({
      met: true,
      log_signed: false,
    })
    const two = must(
      parseWitnessPolicy(
        `log ${vkey('else.example', 3, 1)}\nlog ${vkey(ORIGIN, 1, 1)}\nquorum none\n`,
      ),
    )
    expect(await of(await noteBy(log), two)).toMatchObject({ log_signed: true })
    // The name alone is nobody's signature.
    const namesake = must(
      parseWitnessPolicy(
        `log ${vkey('x.example/1', 3, 1)}\nwitness a ${vkey('x.example/1', 11)}\nquorum a\n`,
      ),
    )
    expect(await of(await noteBy(log, x1), namesake)).toMatchObject({
      met: true,
      log_signed: false,
    })
    const open = must(parseWitnessPolicy(`witness a ${vkey('x.example/1', 11)}\nquorum a\n`))
    expect(await of(await noteBy(other, x1), open)).toMatchObject({ met: true, log_signed: null })
  })

  test('does not count a stranger, nor a witness under the name of another', async () => {
    const posing = cosigner('x.example/2', 99)
    expect(await of(await noteBy(log, x1, posing, y1))).toMatchObject({
      met: false,
      missing: ['X2', 'X3', 'Y2'],
    })
  })

  test('is spoiled by a cosignature of a known key over another body', async () => {
    const otherBody = (
      await signNote({ body: body.replace('\n5\n', '\n6\n'), signers: [x1] })
    ).split('\n\n')[1]
    expect(await of(`${await noteBy(log, x2, y1)}${otherBody}`)).toBe('signature_invalid')
    expect(await of('no note')).toBe('note_malformed')
  })

  test('of `none` is met by any checkpoint', async () => {
    const none = must(parseWitnessPolicy('quorum none\n'))
    expect(await of(await noteBy(log), none)).toEqual({
      ...{ met: true, rule: 'none', cosigned: [], missing: [], log_signed: null },
    })
  })
})
