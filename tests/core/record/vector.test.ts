/**
 * The golden vector: signed bytes do not change unless somebody means them to (`npx vitest -u` is the update script;
 * review the difference as a change of format).
 */
import { expect, test } from 'vitest'
import { toBase64Url, toHex } from '../../../src/core/encoding.ts'
import { openDisclosures } from '../../../src/core/record/disclosure.ts'
import {
  activationDraft,
  closingDraft,
  keyDraft,
  predecessorDraft,
  strikeDraft,
} from '../../../src/core/record/drafts.ts'
import { keyRing } from '../../../src/core/record/jwk.ts'
import { policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { verifyRecord } from '../../../src/core/record/verify.ts'
import {
  AT,
  aDecision,
  aStrike,
  POLICY_DIGEST,
  POLICY_TEXT,
  SUB,
  testIssuer,
  testKey,
} from './samples.ts'

test('fixed key, salts, ids and times give the bytes in tests/vectors/record', async () => {
  const key = testKey(1)
  const issue = testIssuer(key, 'vector')
  const time = { iat_s: 1_769_817_600 }
  const strike = await issue(
    strikeDraft({
      chain: { sub: SUB, seq: 1, prev: null, at: AT },
      strike: aStrike('s_1'),
      received_at: AT,
      request: { caller: 'key_1' },
    }),
    time,
  )
  const records = [
    await issue(keyDraft({ jwk: key.jwk, use: 'record', status: 'active' }), time),
    await issue(policyDrafts(POLICY_TEXT)[0] as ReturnType<typeof policyDrafts>[number], time),
    strike,
    await issue(aDecision({ seq: 2, prev: toBase64Url(strike.leaf) }), time),
    await issue(closingDraft(['gate.example/log/next/0', 'gate.example/log/next/1']), time),
    await issue(
      predecessorDraft({
        predecessor: 'gate.example/log/before',
        vkey: 'gate.example/log/before+a7ce74b9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4',
        checkpoint: `gate.example/log/before\n7\n${'A'.repeat(43)}=\n\n— gate.example/log/before AAAA\n`,
        keys: [key.jwk.x],
      }),
      time,
    ),
    await issue(
      activationDraft({
        ...{
          revision: 2,
          digest: POLICY_DIGEST,
          name: 'vector',
          active_from: AT,
          scheduled: false,
        },
        ...{ previous: 1, cause: 'rollback', source: 'api', by: 'key_1', note: 'as it was' },
      }),
      time,
    ),
  ]
  const vector = {
    seed: '01'.repeat(32),
    jwk: key.jwk,
    kid: key.signer.kid,
    records: records.map(({ kind, jws, leaf, openings }) => ({
      kind,
      jws,
      leaf: toHex(leaf),
      openings,
    })),
  }
  await expect(`${JSON.stringify(vector, null, 2)}\n`).toMatchFileSnapshot(
    '../../vectors/record/golden.json',
  )
  for (const { jws, openings } of records) {
    const verified = await verifyRecord(jws, keyRing([key.jwk]))
    expect(verified.ok && openDisclosures(verified.value, Object.values(openings)).ok).toBe(true)
  }
})
