/** What a platform is told: read from real records of a gate, and nothing once they are erased. */
import { expect, test } from 'vitest'
import { textToBase64Url } from '../../../src/core/encoding.ts'
import { messageOf } from '../../../src/gate/webhooks/messages.ts'
import type { StoredRecord } from '../../../src/ports.ts'
import { aGate, aStrike, ask, policyOf, STRIKE_RULE } from '../../support/gate.ts'

const ORIGIN = 'gate.example/log'

async function recordsOfALife(): Promise<readonly StoredRecord[]> {
  const { gate, store } = await aGate({ policy: policyOf(STRIKE_RULE) })
  await gate.decide(ask('u_1', { stream: { id: 'b_1', hosts: [{ subject: 'u_2', facts: {} }] } }))
  await gate.strike(aStrike('s_1', 'u_1'))
  await gate.decide(ask('u_1', { stream: { id: 'b_2' } }))
  await gate.reverse({ strike: 's_1', reason: 'appeal upheld', decided_by: 'board' })
  return (await store.directory.records({ from: 0, limit: 100 })).records
}

const records = await recordsOfALife()
const told = (record: StoredRecord) =>
  messageOf({ index: record.receipt.index, jws: record.jws, openings: record.openings }, ORIGIN)
const bodyOf = (record: StoredRecord | undefined) => {
  const message = record === undefined ? null : told(record)
  return { id: message?.id, ...(JSON.parse(message?.body ?? '{}') as { data: object }) }
}
const first = (kind: string, from = 0) => records.filter((one) => one.kind === kind)[from]

test('an allow is told with its lease, whoever was in it, and the place of its record', () => {
  const record = first('decision')
  expect(bodyOf(record)).toMatchObject({
    id: `msg_${record?.id}`,
    type: 'decision.made',
    timestamp: expect.stringMatching(/^2026-11-20T/),
    data: {
      record: { id: record?.id, origin: ORIGIN, index: record?.receipt.index },
      ...{ subject: 'u_1', cohosts: ['u_2'], outcome: 'allow', stream: 'b_1', rules: [] },
      lease_until: expect.stringMatching(/Z$/),
    },
  })
})

test('a decision that was not enforced is told with what would have been', async () => {
  const { gate, store } = await aGate({ policy: policyOf(STRIKE_RULE) })
  await gate.strike(aStrike('s_1', 'u_1'))
  await gate.decide(ask('u_1', { enforce: 'off' }))
  await gate.decide(ask('u_1'))
  const page = (await store.directory.records({ from: 0, limit: 100 })).records
  const [spared, refused] = page.filter(({ kind }) => kind === 'decision').map(bodyOf)
  expect(spared?.data).toMatchObject({
    ...{ outcome: 'allow', enforced: false },
    would: {
      ...{ outcome: 'deny', until: '2026-12-20T12:00:00.000Z' },
      rules: [{ host: 0, rule: 'struck' }],
    },
  })
  expect(refused?.data).not.toHaveProperty('enforced')
  expect(refused?.data).not.toHaveProperty('would')
})

test('a strike is told as it was recorded, with instants as text and the id of the person, no pseudonym', () => {
  const { data } = bodyOf(first('strike'))
  expect(data).toMatchObject({ subject: 'u_1', strike: { id: 's_1', status: 'active' } })
  expect(data).toHaveProperty('strike.issued_at', expect.stringMatching(/^2026-.*Z$/))
  expect(data).not.toHaveProperty('strike.subject')
})

test('a deny is told with its end and rules, a reversal with its reason', () => {
  expect(bodyOf(first('decision', 1)).data).toMatchObject({
    ...{ outcome: 'deny', until: expect.stringMatching(/^(2026|2027)-|forever/) },
    rules: [expect.any(String)],
  })
  expect(bodyOf(first('reversal'))).toMatchObject({
    type: 'strike.reversed',
    data: { subject: 'u_1', strike: 's_1', reason: 'appeal upheld', decided_by: 'board' },
  })
})

test.each(['chain', 'subject', 'result'])(
  'without the group %s of a decision nothing is told',
  (group) => {
    const { [group]: _gone, ...openings } = first('decision')?.openings ?? {}
    expect(messageOf({ index: 1, jws: first('decision')?.jws ?? '', openings }, ORIGIN)).toBeNull()
  },
)

/** An entry of a broadcast with these contents. */
function aBroadcast(facts: object, result: object = {}): Parameters<typeof messageOf>[0] {
  const part = (value: object): string => textToBase64Url(JSON.stringify(value))
  const opening = (group: string, value: object): string => part(['c2FsdA', group, value])
  const jws = `${part({ typ: 'livegate-broadcast+jwt' })}.${part({ jti: 'j1', policy: 'sha256-p' })}.`
  const openings = {
    chain: opening('chain', { sub: 'p', at: Date.UTC(2026, 10, 20) }),
    subject: opening('subject', { subject: 'u_1', cohosts: [] }),
    request: opening('request', { caller: 'livegate', stream: 'b_1' }),
    ...{ result: opening('result', result), facts: opening('facts', facts) },
  }
  return { index: 3, jws, openings }
}

test('an order to cut says why and under which result, what came of it how it was confirmed', () => {
  const result = { outcome: 'deny', mode: null, until: 'forever', rules: ['r'], lease_until: null }
  const ordered = messageOf(
    aBroadcast({ event: 'revoked', broadcast: 'd1', reason: 'strike' }, result),
    ORIGIN,
  )
  expect(JSON.parse(ordered?.body ?? '')).toMatchObject({
    type: 'broadcast.cut',
    data: {
      ...{ stage: 'ordered', broadcast: 'd1', reason: 'strike', outcome: 'deny', stream: 'b_1' },
      ...{ until: 'forever', rules: ['r'], policy: 'sha256-p', subject: 'u_1' },
    },
  })
  const done = { event: 'cut', broadcast: 'd1', ordered: 'o1', confirmed: 'dropped' }
  const cut = messageOf(aBroadcast({ ...done, took_ms: 41, attempts: 1 }), ORIGIN)
  expect(JSON.parse(cut?.body ?? '')).toMatchObject({
    type: 'broadcast.cut',
    data: { stage: 'done', ordered: 'o1', confirmed: 'dropped', took_ms: 41, attempts: 1 },
  })
})

test.each(['renewed', 'ended', 'ungated'])('a broadcast that is %s is no news', (event) => {
  expect(messageOf(aBroadcast({ event, broadcast: 'd1' }), ORIGIN)).toBeNull()
})

test('an activation is told with the instant it takes force', () => {
  const part = (value: object): string => textToBase64Url(JSON.stringify(value))
  const claims = {
    ...{ jti: 'j2', iat: 1_795_000_000, revision: 4, digest: 'sha256-p', name: 'one-strike' },
    ...{ active_from: Date.UTC(2026, 10, 21), scheduled: true, previous: 'sha256-o' },
    ...{ cause: 'api', by: 'k_1' },
  }
  const jws = `${part({ typ: 'livegate-activation+jwt' })}.${part(claims)}.`
  expect(JSON.parse(messageOf({ index: 9, jws, openings: {} }, ORIGIN)?.body ?? '')).toMatchObject({
    type: 'policy.activated',
    data: {
      policy: { name: 'one-strike', revision: 4, active_from: '2026-11-21T00:00:00.000Z' },
      by: 'k_1',
    },
  })
})

test.each(['heartbeat', 'key', 'erasure', 'access'])('%s records are nobody’s news', (kind) => {
  const header = textToBase64Url(JSON.stringify({ typ: `livegate-${kind}+jwt` }))
  expect(messageOf({ index: 0, jws: `${header}.e30.`, openings: {} }, ORIGIN)).toBeNull()
})
