/** What each draft says, with all it may say and with the least: nothing that was not given is written down. */
import { expect, test } from 'vitest'
import type { Activation } from '../../../src/core/model.ts'
import {
  accessDraft,
  activationDraft,
  broadcastDraft,
  decisionDraft,
  erasureDraft,
  incidentDraft,
  keyDraft,
  type RecordDraft,
  renewalDraft,
  resultOf,
  reversalDraft,
  reviewDraft,
  strikeDraft,
} from '../../../src/core/record/drafts.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import {
  AT,
  aStrike,
  DENY,
  POLICY_DIGEST,
  REQUEST,
  SUB,
  someFacts,
  testKey,
  WHO,
} from './samples.ts'

const chain = { sub: SUB, seq: 2, prev: 'A'.repeat(43), at: AT }
const facts = someFacts()
const { jwk } = testKey(1)
const base = { chain, request: REQUEST }
const evaluated = { ...base, policy: POLICY_DIGEST, subject: WHO, facts, decision: DENY }
const groups = { chain, result: {}, subject: { subject: 'u_1', cohosts: [] }, request: REQUEST }
const broadcast = { ...base, broadcast: 'd_1', subject: 'u_1', cohosts: ['u_2'] }
const together = { ...groups, subject: { subject: 'u_1', cohosts: ['u_2'] } }
const reversal = { ...base, subject: 'u_1', strike: 's_1', reason: 'appeal' }
const cut = { ordered: 'd_2', confirmed: 'absent', took_ms: 12, attempts: 1 } as const
const ended = { change: 2, active: false, id: 'i_1', scope: 'fr', at: AT, by: 'key_1' } as const
const begun = { active: true, until: AT, expires_at: AT, confirmed: false, reason: 'why' } as const
const review = { ...base, subject: 'u_1', rule: 'look', result: 'refused' } as const
const activation: Omit<Activation, 'note'> = {
  ...{ revision: 2, digest: POLICY_DIGEST, name: 'p', active_from: AT, scheduled: false },
  ...{ previous: 1, cause: 'activation', source: 'file', by: 'key_1' },
}
const erasure = { sub: SUB, scope: 'retention', basis: 'policy', counts: { records: 2 } } as const

const TABLE: readonly (readonly [about: string, draft: RecordDraft, expected: object])[] = [
  [
    'a decision of an unnumbered revision',
    decisionDraft(evaluated),
    {
      ...{ kind: 'decision', claims: { outcome: 'deny', policy: POLICY_DIGEST } },
      groups: { chain, result: resultOf(DENY), subject: WHO, request: REQUEST, facts },
    },
  ],
  [
    'a decision of a numbered revision',
    decisionDraft({ ...evaluated, revision: 3 }),
    { claims: { outcome: 'deny', policy: POLICY_DIGEST, revision: 3 } },
  ],
  [
    'a renewal of an unnumbered revision',
    renewalDraft({ ...evaluated, broadcast: 'd_1' }),
    {
      ...{ kind: 'broadcast', claims: { policy: POLICY_DIGEST } },
      groups: {
        ...{ chain, subject: WHO, request: REQUEST },
        result: { outcome: 'deny', ...resultOf(DENY) },
        facts: { event: 'renewed', broadcast: 'd_1', facts },
      },
    },
  ],
  [
    'a renewal of a numbered revision',
    renewalDraft({ ...evaluated, broadcast: 'd_1', revision: 3 }),
    { claims: { policy: POLICY_DIGEST, revision: 3 } },
  ],
  [
    'a strike, under the pseudonym of its subject',
    strikeDraft({ ...base, strike: aStrike('s_1'), received_at: AT }),
    {
      ...{ kind: 'strike', claims: {} },
      groups: {
        ...groups,
        subject: { subject: 'u_81f', cohosts: [] },
        facts: { strike: { ...aStrike('s_1'), subject: SUB }, received_at: AT },
      },
    },
  ],
  [
    'a reversal by nobody in particular',
    reversalDraft(reversal),
    {
      ...{ kind: 'reversal', claims: {} },
      groups: { ...groups, facts: { strike: 's_1', reason: 'appeal', at: AT } },
    },
  ],
  [
    'a reversal by somebody',
    reversalDraft({ ...reversal, decided_by: 'mod_1' }),
    {
      groups: {
        ...groups,
        facts: { strike: 's_1', reason: 'appeal', decided_by: 'mod_1', at: AT },
      },
    },
  ],
  [
    'the end of a broadcast without a reason',
    broadcastDraft({ ...broadcast, event: 'ended' }),
    {
      ...{ kind: 'broadcast', claims: {} },
      groups: { ...together, facts: { event: 'ended', broadcast: 'd_1' } },
    },
  ],
  [
    'a cut with its reason',
    broadcastDraft({ ...broadcast, event: 'cut', reason: 'strike' }),
    { groups: { ...together, facts: { event: 'cut', broadcast: 'd_1', reason: 'strike' } } },
  ],
  [
    'a cut that was carried out',
    broadcastDraft({ ...broadcast, event: 'cut', cut }),
    { groups: { ...together, facts: { event: 'cut', broadcast: 'd_1', ...cut } } },
  ],
  [
    'the end of an incident',
    incidentDraft(ended),
    { kind: 'incident', claims: ended, groups: null },
  ],
  [
    'the beginning of an incident, with its ends and a reason',
    incidentDraft({ ...ended, ...begun }),
    { claims: { ...ended, ...begun } },
  ],
  [
    'a review without more',
    reviewDraft(review),
    {
      ...{ kind: 'review', claims: {} },
      groups: { ...groups, facts: { rule: 'look', result: 'refused', at: AT } },
    },
  ],
  [
    'a review of a decision, by somebody, with a reason',
    reviewDraft({ ...review, stream: 'b_1', decision: 'd_1', decided_by: 'mod_1', reason: 'no' }),
    {
      groups: {
        ...groups,
        facts: {
          ...{ rule: 'look', result: 'refused', at: AT, stream: 'b_1', decision: 'd_1' },
          ...{ decided_by: 'mod_1', reason: 'no' },
        },
      },
    },
  ],
  [
    'a key that is active',
    keyDraft({ jwk, use: 'record', status: 'active' }),
    { kind: 'key', claims: { jwk, use: 'record', status: 'active' }, groups: null },
  ],
  [
    'a key that is revoked from an index on, the first of all',
    keyDraft({ jwk, use: 'record', status: 'revoked', from: 0 }),
    { claims: { jwk, use: 'record', status: 'revoked', from: 0 } },
  ],
  [
    'the erasure of a chain without records',
    erasureDraft(erasure),
    { kind: 'erasure', claims: erasure, groups: null },
  ],
  [
    'an erasure up to a record, of strikes by name',
    erasureDraft({ ...erasure, last_seq: 4, strikes: ['B'.repeat(43)] }),
    { claims: { ...erasure, last_seq: 4, strikes: ['B'.repeat(43)] } },
  ],
  [
    'an activation without a note',
    activationDraft({ ...activation, note: null }),
    { kind: 'activation', claims: activation, groups: null },
  ],
  [
    'an activation with a note',
    activationDraft({ ...activation, note: 'why' }),
    { claims: { ...activation, note: 'why' } },
  ],
  [
    'an access to two records',
    accessDraft({ by: 'key_1', via: 'records', groups: ['chain'] }, ['d_1', 'd_2']),
    {
      ...{ kind: 'access', groups: null },
      claims: {
        ...{ by: 'key_1', via: 'records', groups: ['chain'], count: 2 },
        digest: portableHasher.digestText('d_1\nd_2'),
      },
    },
  ],
]

test.each(TABLE)('%s', (_, draft, expected) => {
  expect({ ...draft, ...expected }).toStrictEqual(draft)
})

test('a kind without groups says so', () => {
  expect(keyDraft({ jwk, use: 'checkpoint', status: 'retired' }).groups).toBeNull()
})
