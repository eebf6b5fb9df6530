/**
 * A true bundle: what it proves, and what it says it does not, for each choice of what to open.
 */
import { describe, expect, test } from 'vitest'
import { fromUtf8 } from '../../../src/core/encoding.ts'
import { parseEvidence } from '../../../src/core/evidence/format.ts'
import { GROUP_NAMES, type GroupName } from '../../../src/core/record/kinds.ts'
import { parseWitnessPolicy } from '../../../src/core/tlog/witness-policy.ts'
import {
  aBundle,
  aWorld,
  decisionStep,
  honest,
  noteKey,
  plans,
  SECOND_POLICY,
  SEEN_S,
  WITNESS_VKEY,
} from './evidence-world.ts'
import { codesOf, read } from './reader.ts'

const world = await aWorld()
const OTHER_WITNESS = noteKey(8, 'w.example/2', 4).vkey
const size = world.entries.length

describe('a true bundle', () => {
  test('with result and facts is derived again, field by field', async () => {
    const report = await read(await aBundle(world))
    expect(codesOf(report)).toEqual([])
    expect(report).toMatchObject({ verdict: 'holds', replayed: true })
    expect(report.decision?.claims).toMatchObject({ outcome: 'deny', revision: 2 })
    expect(fromUtf8(report.policy ?? new Uint8Array())).toBe(fromUtf8(SECOND_POLICY))
    expect(report.proves).toEqual([
      expect.stringMatching(/^Decision \S+ stands at index 7 of log .* checkpoint of size 10\.$/),
      expect.stringContaining('outcome deny, issued by https://gate.example at 2026-01-31T00:02'),
      'The record commits to what is disclosed: chain, result, facts.',
      expect.stringMatching(/^The exact text of policy sha256-\S+ was in the log before/),
      'It was activated as revision 2, to decide from 2026-01-31T00:01:30.000Z on.',
      expect.stringContaining('derived again and every field is the same'),
      expect.stringMatching(/^1 of 1 strikes it rests on were recorded/),
      '1 strike it relied on was reversed since.',
      'Witness witness.example/w1 saw this log at 2026-01-31T01:00:00.000Z.',
    ])
    expect(report.does_not_prove).toContain('Whom it is about: the group `subject` is not opened.')
    expect(report.does_not_prove).toContain(
      'That no reversal, erasure or later decision followed: only an audit of the whole chain shows what is not there.',
    )
  })

  test('is the same file each time it is made', async () => {
    expect(await aBundle(await aWorld())).toBe(await aBundle(world))
  })

  test('without facts proves signature and place, and says that it is not derived again', async () => {
    const report = await read(await aBundle(world, { open: ['chain', 'result'] }))
    expect(report).toMatchObject({ verdict: 'holds', replayed: false })
    expect(report.decision?.disclosed).not.toHaveProperty('facts')
    const open = report.does_not_prove.join('\n')
    expect(open).toContain('That the decision follows from policy and facts')
    expect(open).toContain('What the closed groups say: request, facts.')
    expect(open).toContain('That 1 of 1 strikes it rests on are in the log')
    expect(open).toContain('Which strikes 2 closed records of strikes or reversals tell of.')
  })

  test('with nothing opened still proves the outcome', async () => {
    const report = await read(await aBundle(world, { open: [], also: [] }))
    expect(report).toMatchObject({ verdict: 'holds', replayed: false })
    expect(report.proves.join('\n')).toContain('outcome deny')
  })

  test('holds the subject only when it was asked for', async () => {
    const all = await read(await aBundle(world, { open: GROUP_NAMES }))
    expect(all.decision?.disclosed.subject).toEqual({ subject: 'u_1', cohosts: [] })
    expect(all.does_not_prove.join('\n')).not.toContain('Whom it is about')
    const some = await aBundle(world, { open: ['chain', 'result', 'request', 'facts'] })
    expect(Buffer.from(some).includes(Buffer.from('u_1').toString('base64url'))).toBe(false)
    const parsed = parseEvidence(Buffer.from(some))
    const texts = parsed.ok
      ? parsed.value.entries.flatMap(({ record }) => record.split('~').slice(1))
      : []
    expect(texts.some((text) => Buffer.from(text, 'base64url').includes('u_1'))).toBe(false)
  })

  test('of a log without activations needs none', async () => {
    const steps = honest().filter(({ name }) => !name.startsWith('activation'))
    const alone = await aWorld(
      steps.map((step) =>
        step.name === 'decision' ? decisionStep({ plan: plans().second, revision: null }) : step,
      ),
    )
    const report = await read(await aBundle(alone))
    expect(codesOf(report)).toEqual([])
    expect(report).toMatchObject({ verdict: 'holds', replayed: true })
  })
})

describe('an older checkpoint', () => {
  test('in the bundle is joined to its own, for every size', async () => {
    for (let since = 1; since <= size; since++) {
      const report = await read(await aBundle(world, { since }))
      expect(codesOf(report)).toEqual([])
      expect(report.proves.join('\n')).toContain(
        `exactly the log of the checkpoint of size ${since}.`,
      )
    }
  })

  test('the reader trusts is recognised, or asked for', async () => {
    const trusted = { size: 4, root: await world.root(4) }
    const joined = await read(await aBundle(world, { since: 4 }), { trusted })
    expect(joined.verdict).toBe('holds')
    expect(joined.proves.join('\n')).toContain('checkpoint of size 4, which you trust.')
    const apart = await read(await aBundle(world, { since: 3 }), { trusted })
    expect(codesOf(apart)).toEqual(['since_other'])
    expect(codesOf(await read(await aBundle(world), { trusted }))).toEqual(['since_other'])
    const own = { size, root: await world.root(size) }
    expect((await read(await aBundle(world), { trusted: own })).verdict).toBe('holds')
  })
})

describe('witnesses', () => {
  test('nobody trusts leave that open, and are not needed', async () => {
    const report = await read(await aBundle(world), { witnesses: [], quorum: 0 })
    expect(report.verdict).toBe('holds')
    expect(report.checkpoint?.witnesses).toEqual([])
    expect(report.does_not_prove.join('\n')).toContain('no witness you trust has cosigned')
  })

  test.each([
    { name: 'one of one', text: `witness a ${WITNESS_VKEY}\nquorum a\n`, codes: [] },
    {
      name: 'one of two',
      text: `witness a ${WITNESS_VKEY}\nwitness b ${OTHER_WITNESS}\ngroup g 1 a b\nquorum g\n`,
      codes: [],
    },
    {
      name: 'both of two',
      text: `witness a ${WITNESS_VKEY}\nwitness b ${OTHER_WITNESS}\ngroup g all a b\nquorum g\n`,
      codes: ['quorum_missed'],
    },
  ])('a policy wants: $name', async ({ text, codes }) => {
    const policy = parseWitnessPolicy(text)
    if (!policy.ok) throw new Error(policy.error.map(({ message }) => message).join())
    const report = await read(await aBundle(world), { witness_policy: policy.value })
    expect(codesOf(report)).toEqual(codes)
  })

  test('the reader trusts are named with their time', async () => {
    const { checkpoint } = await read(await aBundle(world))
    expect(checkpoint?.witnesses).toEqual([{ name: 'witness.example/w1', time_s: SEEN_S }])
  })
})

describe('the reader’s clock', () => {
  test.each([
    { name: 'after everything has nothing to say', now_s: SEEN_S, codes: [] },
    { name: 'a little behind is forgiven', now_s: SEEN_S - 500, codes: [] },
    { name: 'far behind could not check', now_s: SEEN_S - 4000, codes: ['from_future'] },
  ])('$name', async ({ now_s, codes }) => {
    expect(codesOf(await read(await aBundle(world), { now_s }))).toEqual(codes)
  })
})

test('every choice of groups gives a file that holds', async () => {
  for (let mask = 0; mask < 32; mask++) {
    const open: GroupName[] = GROUP_NAMES.filter((_, i) => (mask >> i) & 1)
    const report = await read(await aBundle(world, { open }))
    expect(report.verdict, open.join()).toBe('holds')
    expect(report.replayed).toBe(open.includes('facts') && open.includes('result'))
  }
})
