/**
 * A dishonest gate, and an exporter who shows what it did: genuine records that contradict each other, each named.
 *
 * And the other way round: what only looks like a lie, because the exporter took a later repeat or kept a piece back.
 */
import { describe, expect, test } from 'vitest'
import { EvidenceSurvey } from '../../../src/core/evidence/collect.ts'
import {
  activationDraft,
  erasureDraft,
  keyDraft,
  reversalDraft,
} from '../../../src/core/record/drafts.ts'
import { policyDigest, policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { AT, testKey } from '../record/samples.ts'
import {
  aBundle,
  activation,
  aWorld,
  type BundleOptions,
  decisionStep,
  factsOf,
  honest,
  instead,
  LATER,
  noteOf,
  OTHER,
  plans,
  reversalStep,
  SECOND_POLICY,
  SEEN_S,
  STRIKE,
  type Step,
  SUB,
  strikeStep,
} from './evidence-world.ts'
import { codesOf, read } from './reader.ts'
import { signedBadly } from './signed-badly.ts'

interface Lie {
  readonly name: string
  readonly steps: readonly Step[]
  readonly bundle?: BundleOptions
  readonly codes: readonly string[]
}

const { first, second, inForce } = plans()
const spoiled = (jws: string): string => {
  const [header, payload] = jws.split('.')
  return `${header}.${payload}.${'A'.repeat(86)}`
}
/** The honest steps with `step` put in before `name`. */
const before = (name: string, ...steps: readonly Step[]): readonly Step[] =>
  honest().flatMap((step) => (step.name === name ? [...steps, step] : [step]))
const after = (name: string, ...steps: readonly Step[]): readonly Step[] =>
  honest().flatMap((step) => (step.name === name ? [step, ...steps] : [step]))
const moved = (name: string, behind: string): readonly Step[] => {
  const step = honest().filter((one) => one.name === name)
  return honest()
    .filter((one) => one.name !== name)
    .flatMap((one) => (one.name === behind ? [one, ...step] : [one]))
}
const keyStep = (
  name: string,
  jwk: typeof OTHER.jwk,
  status: 'active' | 'retired',
  signer?: Step['signer'],
): Step => ({
  name,
  draft: () => keyDraft({ jwk, use: 'record', status }),
  ...(signer === undefined ? {} : { signer }),
})
const says = (fields: object): readonly Step[] => instead(decisionStep({ says: fields }))

/** A decision under the first revision, so long after the beginning: as long as heartbeats say, if there are any. */
const outdated = (s: number, beats = [200, 220, 240, 260, 280, 300, 320, 340]): readonly Step[] =>
  honest().flatMap((step): readonly Step[] => {
    if (step.name !== 'decision') return step.name === 'heartbeat' ? [] : [step]
    const decision = decisionStep({ plan: first, revision: 1, facts: factsOf(LATER(s), [STRIKE]) })
    const quiet = beats.map((seconds) => ({ ...heartbeat(), iat_s: AT / 1000 + seconds }))
    return [...quiet, { ...decision, iat_s: AT / 1000 + s }]
  })
const heartbeat = (): Step => honest().find(({ name }) => name === 'heartbeat') as Step

const LIES: readonly Lie[] = [
  {
    name: 'an outcome that does not follow',
    steps: says({ outcome: 'allow' }),
    codes: ['replay_outcome@7'],
  },
  {
    name: 'another end of the ban',
    steps: says({ until: LATER(9999) }),
    codes: ['replay_field@7'],
  },
  { name: 'a ban for ever', steps: says({ until: 'forever' }), codes: ['replay_field@7'] },
  { name: 'another rule', steps: says({ rules: ['other'] }), codes: ['replay_field@7'] },
  {
    name: 'a lease beside a ban',
    steps: says({ lease_until: LATER(600) }),
    codes: ['replay_field@7'],
  },
  {
    name: 'obligations nobody asked for',
    steps: says({ obligations: [{ type: 'slow_mode' }] }),
    codes: ['replay_field@7'],
  },
  { name: 'a restriction left out', steps: says({ restrictions: [] }), codes: ['replay_field@7'] },
  {
    name: 'an exemption nobody granted',
    steps: says({ exemptions: ['x'] }),
    codes: ['replay_field@7'],
  },
  {
    name: 'a hold',
    steps: says({ not_before: LATER(300), holds_opened: [{ host: 0, rule: 'grave' }] }),
    codes: ['replay_field@7', 'replay_field@7'],
  },
  {
    name: 'a text that makes no policy',
    steps: (() => {
      const bytes = new Uint8Array(Buffer.from('livegate: policy/v1\nnonsense\n'))
      const digest = policyDigest(bytes)
      const one = { ...activation(2, second, LATER(90)), digest }
      return honest()
        .filter(({ name }) => name !== 'second')
        .flatMap((step): readonly Step[] => {
          if (step.name === 'activation2')
            return [
              ...policyDrafts(bytes).map((draft) => ({ name: 'second', draft: () => draft })),
              { name: 'activation2', draft: () => activationDraft(one) },
            ]
          return step.name === 'decision' ? [decisionStep({ policy: digest })] : [step]
        })
    })(),
    codes: ['replay_policy@7'],
  },
  {
    name: 'what an earlier revision promised is forgotten',
    steps: instead(decisionStep({ plan: second })),
    codes: ['replay_field@7', 'replay_field@7'],
  },
  {
    name: 'the text of another revision',
    steps: instead(decisionStep({ plan: first })),
    codes: ['policy_not_active@7'],
  },
  {
    name: 'a revision that did not decide yet',
    steps: instead({
      name: 'activation2',
      draft: () => activationDraft(activation(2, second, LATER(5000))),
    }),
    codes: ['policy_not_active@7'],
  },
  {
    name: 'no revision although there are',
    steps: instead(decisionStep({ plan: second, revision: null })),
    codes: ['policy_not_active@7'],
  },
  {
    name: 'a revision another had taken the place of',
    steps: outdated(400),
    // The heartbeats are in the file because of it.
    codes: ['policy_outdated@14'],
  },
  {
    name: 'one number for two activations',
    steps: before('heartbeat', {
      name: 'again',
      draft: () => activationDraft(activation(2, first, LATER(90))),
    }),
    codes: ['activation_order@6'],
  },
  {
    name: 'parts of a policy that do not fit',
    steps: before('strike', {
      name: 'part',
      draft: () => {
        const [draft] = policyDrafts(SECOND_POLICY)
        return { kind: 'policy', claims: { ...draft?.claims, text: 'AAAA' }, groups: null }
      },
    }),
    bundle: { also: ['strike', 'reversal', 'part'] },
    codes: ['policy_parts@5'],
  },
  {
    name: 'the facts tell a strike otherwise than its record',
    steps: instead(strikeStep({ severity: 'critical' })),
    codes: ['strike_altered@5'],
  },
  {
    name: 'the facts make a strike weigh more',
    steps: instead(decisionStep({ facts: factsOf(LATER(120), [{ ...STRIKE, weight: 3 }]) })),
    codes: ['strike_altered@5'],
  },
  {
    name: 'a strike relied on before it was recorded',
    steps: honest().map((step) => {
      if (step.name === 'strike') return decisionStep({ seq: 1 })
      return step.name === 'decision' ? strikeStep({}, 2) : step
    }),
    bundle: { also: ['strike'] },
    codes: ['chain_time@7', 'strike_invented@7'],
  },
  {
    name: 'a reversal that was ignored',
    steps: honest()
      .filter(({ name }) => name !== 'reversal')
      .flatMap((step) =>
        step.name === 'decision'
          ? [reversalStep({ seq: 2, at: LATER(100) }), decisionStep({ seq: 3 })]
          : [step],
      ),
    codes: ['reversal_ignored@7'],
  },
  {
    name: 'a strike counted as reversed before it was',
    steps: instead(
      decisionStep({ facts: factsOf(LATER(120), [{ ...STRIKE, status: 'reversed' }]) }),
    ),
    codes: ['reversal_invented@8'],
  },
  {
    name: 'two records at one place of a chain',
    steps: after('reversal', reversalStep({ seq: 3, at: LATER(700) }, 'twice')),
    bundle: { also: ['strike', 'reversal', 'twice'] },
    codes: ['chain_fork@9'],
  },
  {
    name: 'a link that names another record',
    steps: instead(decisionStep({ prev: 'A'.repeat(43) })),
    codes: ['chain_prev@7'],
  },
  {
    name: 'time that runs back along a chain',
    steps: instead(reversalStep({ at: LATER(90) })),
    codes: ['chain_time@8'],
  },
  {
    name: 'a key that signs before any record names it',
    steps: honest().map((step) =>
      step.name === 'decision' ? { ...step, signer: OTHER.signer } : step,
    ),
    // It could be that a key record was kept back: that is not for this file to say.
    codes: ['key_missing@7'],
  },
  {
    name: 'a key that had ended',
    steps: before(
      'strike',
      keyStep('key2', OTHER.jwk, 'active'),
      keyStep('retired', testKey(1).jwk, 'retired', OTHER.signer),
    ).map((step) =>
      step.name === 'reversal' || step.name === 'end' ? { ...step, signer: OTHER.signer } : step,
    ),
    bundle: { also: [] },
    codes: ['key_not_in_force@9'],
  },
  {
    name: 'a log that does not begin with its key',
    steps: [
      { name: 'key', draft: () => keyDraft({ jwk: OTHER.jwk, use: 'record', status: 'active' }) },
      ...honest().slice(1),
    ],
    bundle: { also: [] },
    codes: [
      'key_missing@0',
      'key_missing@1',
      'key_missing@2',
      'key_missing@3',
      'key_missing@4',
      'key_missing@7',
      'first_not_key@0',
    ],
  },
  {
    name: 'a key that comes back',
    steps: before(
      'strike',
      keyStep('key2', OTHER.jwk, 'active'),
      keyStep('gone', OTHER.jwk, 'retired'),
      keyStep('back', OTHER.jwk, 'active'),
    ),
    codes: ['key_record@7'],
  },
  {
    name: 'a decision in the log its key has not signed',
    steps: honest().map((step) => (step.name === 'decision' ? { ...step, spoil: spoiled } : step)),
    bundle: { also: ['strike'] },
    codes: ['signature@7'],
  },
  {
    name: 'an entry in the log that is no record',
    steps: honest().map((step) =>
      step.name === 'strike' ? { ...step, spoil: () => 'e30.e30.AA' } : step,
    ),
    bundle: { open: [] },
    codes: ['record@5'],
  },
  {
    name: 'a record made after a witness saw it',
    steps: honest().map((step) =>
      step.name === 'decision' ? { ...step, iat_s: SEEN_S + 1000 } : step,
    ),
    codes: ['future@7'],
  },
]

describe('a lie:', () => {
  for (const { name, steps, bundle, codes } of LIES)
    test(name, async () => {
      const world = await aWorld(steps)
      const report = await read(await aBundle(world, bundle))
      expect(codesOf(report)).toEqual(codes)
      const verdict = codes.every((code) => code.startsWith('key_missing')) ? 'unfinished' : 'lie'
      expect(report.verdict).toBe(verdict)
      expect(report.proves).toEqual([])
      for (const { message } of report.faults) expect(message).not.toMatch(/u_1|s_1|mod_7|b_1/)
    })

  test('and a heartbeat that tells nothing of how long another revision was there has no business beside it', async () => {
    const report = await read(await aBundle(await aWorld(outdated(400)), { also: ['end'] }))
    expect(codesOf(report)).toEqual(['entry_unneeded@16', 'policy_outdated@14'])
    expect(report.verdict).toBe('altered')
  })

  test('a fork: two trees of one size, both signed', async () => {
    const [world, other] = [await aWorld(), await aWorld(says({ until: 'forever' }))]
    const size = world.entries.length
    const file = await aBundle(world)
    const report = await read(file, { trusted: { size, root: await other.root(size) } })
    expect(codesOf(report)).toEqual(['fork'])
    expect(report.verdict).toBe('lie')
    const since = { checkpoint: await noteOf({ size, root: await other.root(size) }), proof: [] }
    const both = await read(`${JSON.stringify({ ...JSON.parse(file), since })}\n`)
    expect(codesOf(both)).toEqual(['fork'])
  })

  test('a group that was committed to and is not what the table allows', async () => {
    // An issuer of livegate cannot be made to sign it, so the log is given what another one would.
    const world = await aWorld(
      honest().map((step) =>
        step.name === 'strike' ? { ...step, spoil: (jws) => signedBadly(jws).jws } : step,
      ),
    )
    const file = await aBundle(world, {
      also: ['strike'],
      change: (input) => ({
        ...input,
        records: input.records.map((record) =>
          record.index === 5
            ? { ...record, disclosures: [signedBadly(record.jws).disclosure] }
            : record,
        ),
      }),
    })
    expect(codesOf(await read(file))).toEqual(['disclosure_false@5'])
  })
})

describe('no lie, only not shown:', () => {
  const CASES: readonly (Lie & { readonly verdict?: 'holds' })[] = [
    {
      name: 'a policy text in the log after the decision',
      steps: moved('second', 'decision'),
      bundle: { also: ['strike', 'reversal', 'second'] },
      codes: ['policy_after@7'],
    },
    {
      name: 'an activation in the log after the decision',
      steps: moved('activation2', 'decision'),
      bundle: { also: ['strike', 'reversal', 'activation2', 'first'] },
      codes: ['activation_after@7'],
    },
    {
      name: 'a key record after what the key signed',
      steps: [
        ...honest().map((step) =>
          step.name === 'reversal' ? { ...step, signer: OTHER.signer } : step,
        ),
        keyStep('key2', OTHER.jwk, 'active'),
      ],
      codes: ['key_missing@8'],
    },
    {
      name: 'a key withdrawn for the time of the decision',
      steps: [
        ...honest(),
        keyStep('key2', OTHER.jwk, 'active'),
        {
          name: 'revoked',
          draft: () => keyDraft({ jwk: testKey(1).jwk, use: 'record', status: 'revoked', from: 7 }),
        },
      ],
      codes: ['key_revoked@7', 'key_revoked@8', 'key_revoked@10', 'key_revoked@11'],
    },
    {
      name: 'an engine this program does not have',
      steps: honest().map((step) =>
        step.name === 'decision' ? { ...step, engine: 'livegate-policy/9' } : step,
      ),
      codes: ['engine_unknown@7'],
    },
    {
      name: 'an older revision, where the log itself does not tell that a minute passed',
      steps: outdated(400, [200, 220, 240]),
      codes: [],
      verdict: 'holds',
    },
    {
      name: 'an older revision within a minute of another that the log had for long',
      steps: outdated(90 + 59),
      codes: [],
      verdict: 'holds',
    },
    {
      name: 'a reversal nobody opened',
      steps: honest(),
      bundle: { open: ['chain', 'result'] },
      codes: [],
      verdict: 'holds',
    },
    {
      name: 'a strike of the facts without a record',
      steps: honest(),
      bundle: { also: [] },
      codes: [],
      verdict: 'holds',
    },
    {
      name: 'the reversal of a strike it did not rely on',
      steps: instead({
        name: 'reversal',
        draft: (_entries, named) =>
          reversalDraft({
            chain: {
              ...{ sub: SUB, seq: 3, at: LATER(600) },
              prev: Buffer.from(named.get('decision')?.leaf ?? []).toString('base64url'),
            },
            ...{ subject: 'u_1', strike: 's_other', reason: '', request: { caller: 'key_2' } },
          }),
      }),
      codes: [],
      verdict: 'holds',
    },
  ]
  for (const { name, steps, bundle, codes, verdict = 'unfinished' } of CASES)
    test(name, async () => {
      const report = await read(await aBundle(await aWorld(steps), bundle))
      expect(codesOf(report)).toEqual(codes)
      expect(report.verdict).toBe(verdict)
    })
})

describe('erasures of the subject in a bundle', () => {
  const erased = (claims: {
    sub?: string
    scope?: 'subject' | 'retention'
    last_seq?: number
  }): readonly Step[] => [
    ...honest(),
    {
      name: 'erasure',
      draft: () =>
        erasureDraft({
          ...{ sub: SUB, scope: 'subject', basis: 'art17', counts: { openings: 3 }, ...claims },
        }),
    },
  ]
  const also = ['strike', 'reversal', 'erasure']

  test.each([
    ['of the whole chain is told', { last_seq: 3 }, [], 'Its subject was erased (subject)'],
    ['for its age is told', { scope: 'retention' }, [], 'were removed for their age'],
    ['that names an earlier end of the chain is a lie', { last_seq: 2 }, ['erased_chain@11'], null],
    [
      'of another chain has no business there',
      { sub: 'B'.repeat(22) },
      ['entry_unneeded@11'],
      null,
    ],
  ] as const)('one %s', async (_, claims, codes, words) => {
    const world = await aWorld(erased(claims))
    const report = await read(await aBundle(world, { also }))
    const at = `@${world.named.get('erasure')}`
    expect(codesOf(report)).toEqual(codes.map((code) => code.replace('@11', at)))
    if (words === null) expect(report.proves).toEqual([])
    else expect(report.proves.join()).toContain(words)
  })

  test('cannot be laid to a decision whose chain is closed', async () => {
    const world = await aWorld(erased({ last_seq: 3 }))
    const report = await read(await aBundle(world, { also: ['erasure'], open: ['result'] }))
    expect([report.verdict, codesOf(report)[0]?.split('@')[0]]).toEqual([
      'altered',
      'entry_unneeded',
    ])
  })

  test('are found by a survey, by the chain they name', async () => {
    const world = await aWorld(erased({ last_seq: 3 }))
    const survey = new EvidenceSurvey(world.entries[world.named.get('decision') ?? 0]?.jti ?? '')
    for (const [index, { bytes }] of world.entries.entries()) survey.entry(index, bytes)
    expect([...survey.end().erasures]).toEqual([[SUB, [world.named.get('erasure')]]])
  })
})

test('a byte-identical repeat of a strike, after the decision, accuses nobody', async () => {
  const world = await aWorld()
  const strike = world.entries[5]?.jws ?? ''
  const repeated = await aWorld([
    ...honest(),
    { ...strikeStep(), name: 'repeat', spoil: () => strike },
  ])
  for (const also of [['strike', 'repeat'], ['repeat']]) {
    const report = await read(await aBundle(repeated, { also }))
    expect(codesOf(report)).toEqual([])
  }
})

test('the instant of the samples is the one the worlds are made at', () => {
  expect(STRIKE.issued_at).toBe(AT + 60_000)
  expect(inForce.revision).toBe(2)
})
