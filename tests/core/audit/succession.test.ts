/**
 * A log that was closed and the one that goes on: an honest pair is clean together, and each lie about the seam is found
 * by its name, at its index.
 */
import { expect, test } from 'vitest'
import { type AuditReport, createAudit } from '../../../src/core/audit/audit.ts'
import { parseAuditState } from '../../../src/core/audit/state.ts'
import type { PredecessorAudit } from '../../../src/core/audit/succession.ts'
import type { SignedHead } from '../../../src/core/audit/tree.ts'
import { toBase64Url } from '../../../src/core/encoding.ts'
import type { RecordDraft } from '../../../src/core/record/drafts.ts'
import {
  activationDraft,
  closingDraft,
  keyDraft,
  predecessorDraft,
} from '../../../src/core/record/drafts.ts'
import type { OwnClaims } from '../../../src/core/record/groups.ts'
import { createIssuer } from '../../../src/core/record/issue.ts'
import { policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { epochMs } from '../../../src/core/time.ts'
import { formatCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import { AT, countedRandom, ISSUER, LOG, testKey } from '../record/samples.ts'
import {
  auditLog,
  beginLog,
  codesOf,
  DIGEST,
  decided,
  feed,
  headOf,
  KEY,
  POLICY,
  SUB_A,
  SUB_B,
  Writer,
} from './small-log.ts'

const NEXT = 'gate.example/log/next'
const VKEY = `${LOG}+00000000+key`
const NEXT_KEY = testKey(3)
const SUB_C = 'C'.repeat(22)

/** The old log: A1, B1, A2, then closed in favour of `successors`; null leaves it open. */
async function oldLog(successors: readonly string[] | null = [NEXT]): Promise<Writer> {
  const log = await beginLog()
  for (const sub of [SUB_A, SUB_B, SUB_A]) await log.link(sub)
  if (successors !== null) await log.add(closingDraft(successors))
  return log
}

/** A head whose note says what it is about. */
function signedHead(log: Writer): SignedHead {
  const head = headOf(log.entries)
  const body = formatCheckpoint({ origin: LOG, size: head.size, root: head.root })
  return { ...head, note: `${body}\n— ${LOG} AAAAAAA=\n` }
}

async function audited(log: Writer): Promise<PredecessorAudit> {
  const audit = createAudit({ origin: LOG, trusted: null })
  await feed(audit, log.entries)
  const head = signedHead(log)
  expect(codesOf(audit.finish(head))).toEqual([])
  return audit.asPredecessor(head, VKEY)
}

const honest = await oldLog()
const before = await audited(honest)
const A2 = toBase64Url(leafHash(honest.entries[4]?.bytes ?? new Uint8Array()))

const CLAIMS: OwnClaims['predecessor'] = {
  predecessor: LOG,
  vkey: VKEY,
  checkpoint: before.head.note,
  keys: [KEY.jwk.x],
}

/** The new log: key, policy, the predecessor record unless `claims` is null. */
async function nextLog(claims: OwnClaims['predecessor'] | null = CLAIMS): Promise<Writer> {
  const issue = createIssuer({
    ...{ issuer: ISSUER, engine: 'livegate-policy/1 livegate-cel/1', log: NEXT },
    ...{ signer: NEXT_KEY.signer, random: countedRandom('next') },
  })
  const log = new Writer(issue)
  await log.add(keyDraft({ jwk: NEXT_KEY.jwk, use: 'record', status: 'active' }))
  for (const part of policyDrafts(POLICY)) await log.add(part)
  if (claims !== null) await log.add(predecessorDraft(claims))
  for (const [sub, strikes] of honest.strikes) log.strikes.set(sub, strikes)
  return log
}

const LATER = AT + 3_600_000
/** A goes on, C begins. */
async function goOn(log: Writer): Promise<Writer> {
  await log.link(SUB_A, { seq: 3, prev: A2, at: LATER })
  await log.link(SUB_C, { at: LATER })
  return log
}

/** Says again what is known, so many seconds after the beginning. */
async function goOnQuietly(log: Writer, seconds: number): Promise<void> {
  const draft = keyDraft({ jwk: NEXT_KEY.jwk, use: 'record', status: 'active' })
  const { bytes } = await log.issue(draft, { iat_s: AT / 1000 + seconds })
  log.entries.push({ bytes, disclosures: [] })
}

function auditNext(
  log: Writer,
  predecessor: PredecessorAudit | null = before,
): Promise<AuditReport> {
  const options = { origin: NEXT, ...(predecessor === null ? {} : { predecessor }) }
  return auditLog({ entries: log.entries, options })
}

test('a closed log says where it goes on', async () => {
  const report = await auditLog({ entries: honest.entries, head: signedHead(honest) })
  expect(report).toMatchObject({ clean: true, counts: { successors: [NEXT], predecessor: null } })
  expect(report.checked).toContain(`The log is closed and goes on in \`${NEXT}\`.`)
})

test('an honest pair is clean together, without a notice', async () => {
  const report = await auditNext(await goOn(await nextLog()))
  expect(codesOf(report)).toEqual([])
  expect(report.notices).toEqual([])
  expect(report.counts).toMatchObject({
    ...{ predecessor: { origin: LOG, checked: true }, successors: null, subjects: 3 },
  })
})

test('the new log alone is clean, and says what was not compared', async () => {
  const report = await auditNext(await goOn(await nextLog()), null)
  expect(codesOf(report)).toEqual([])
  expect(report.notices.map(({ index, code }) => `${index} ${code}`)).toEqual([
    '2 predecessor_unchecked',
    '3 chain_elsewhere',
  ])
  expect(report.not_checked).toContain(
    `What came before: the chains go on from \`${LOG}\` (--predecessor).`,
  )
})

test('entries after the closing record are found, each', async () => {
  const log = await oldLog()
  await log.link(SUB_A)
  await log.heartbeat(0, 6)
  const report = await auditLog({ entries: log.entries })
  expect(codesOf(report)).toEqual(['6 after_closing', '7 after_closing'])
  expect(report.counts.successors).toBeNull()
})

const lies: readonly {
  readonly name: string
  readonly log: () => Promise<Writer>
  readonly predecessor?: () => Promise<PredecessorAudit>
  readonly expect: readonly string[]
}[] = [
  {
    name: 'no predecessor named, although the old log was closed in favour of this one',
    log: () => nextLog(null),
    expect: ['null predecessor_missing'],
  },
  {
    name: 'a chain that goes on without a predecessor',
    log: async () => goOn(await nextLog(null)),
    predecessor: async () => audited(await oldLog(['gate.example/log/other'])),
    expect: ['2 chain_gap'],
  },
  {
    name: 'a predecessor that is not closed',
    log: async () =>
      nextLog({ ...CLAIMS, checkpoint: (await audited(await oldLog(null))).head.note }),
    predecessor: async () => audited(await oldLog(null)),
    expect: ['2 predecessor_open'],
  },
  {
    name: 'a predecessor closed in favour of others',
    log: async () =>
      nextLog({ ...CLAIMS, checkpoint: (await audited(await oldLog(['else/log']))).head.note }),
    predecessor: async () => audited(await oldLog(['else/log'])),
    expect: ['2 predecessor_open'],
  },
  {
    name: 'another checkpoint than the final one',
    log: () => nextLog({ ...CLAIMS, checkpoint: before.head.note.replace('\n6\n', '\n5\n') }),
    expect: ['2 predecessor_false'],
  },
  {
    name: 'a checkpoint that is none',
    log: () => nextLog({ ...CLAIMS, checkpoint: 'trust me' }),
    expect: ['2 predecessor_false'],
  },
  {
    name: 'another verifier key',
    log: () => nextLog({ ...CLAIMS, vkey: `${LOG}+00000001+key` }),
    expect: ['2 predecessor_false'],
  },
  {
    name: 'a record key the old log never had',
    log: () => nextLog({ ...CLAIMS, keys: [KEY.jwk.x, testKey(9).jwk.x] }),
    expect: ['2 predecessor_false'],
  },
  {
    name: 'a record key of the old log left out',
    log: () => nextLog({ ...CLAIMS, keys: [testKey(9).jwk.x] }),
    expect: ['2 predecessor_false'],
  },
  {
    name: 'a predecessor named after a chain has begun',
    log: async () => {
      const log = await nextLog(null)
      await log.link(SUB_C)
      await log.add(predecessorDraft(CLAIMS))
      return log
    },
    expect: ['3 predecessor_late', 'null predecessor_missing'],
  },
  {
    name: 'a second predecessor',
    log: async () => {
      const log = await nextLog()
      await log.add(predecessorDraft({ ...CLAIMS, keys: [testKey(9).jwk.x] }))
      return log
    },
    expect: ['3 predecessor_late'],
  },
  {
    name: 'a chain with a record left out at the seam',
    log: async () => {
      const log = await nextLog()
      await log.link(SUB_A, { seq: 4, prev: A2, at: LATER })
      return log
    },
    expect: ['3 chain_gap'],
  },
  {
    name: 'a chain that goes on from another record than its last',
    log: async () => {
      const log = await nextLog()
      await log.link(SUB_A, { seq: 3, prev: toBase64Url(new Uint8Array(32)), at: LATER })
      return log
    },
    expect: ['3 chain_prev'],
  },
  {
    name: 'a chain whose last old record is there again, with other bytes',
    log: async () => {
      const log = await nextLog()
      await log.link(SUB_A, { seq: 2, prev: A2, at: LATER })
      return log
    },
    expect: ['3 chain_fork'],
  },
  {
    name: 'a chain that begins anew',
    log: async () => {
      const log = await nextLog()
      await log.link(SUB_A, { seq: 1, prev: null, at: LATER })
      return log
    },
    expect: ['3 chain_fork'],
  },
  {
    name: 'an instant that falls across the seam',
    log: async () => {
      const log = await nextLog()
      await log.link(SUB_A, { seq: 3, prev: A2, at: AT })
      return log
    },
    expect: ['3 chain_time'],
  },
  {
    name: 'a chain that goes on although it never was',
    log: async () => {
      const log = await nextLog()
      await log.link(SUB_C, { seq: 2, prev: A2, at: LATER })
      return log
    },
    expect: ['3 chain_gap'],
  },
]
test.each(lies)('$name is found', async ({ log, predecessor, expect: codes }) => {
  const report = await auditNext(await log(), (await predecessor?.()) ?? before)
  expect(codesOf(report)).toEqual(codes)
})

test('a log that goes on from another than the one given is not judged by it', async () => {
  const report = await auditNext(
    await goOn(await nextLog({ ...CLAIMS, predecessor: 'gate.example/log/third' })),
    { ...before, successors: ['else/log'] },
  )
  expect(codesOf(report)).toEqual([])
  expect(report.notices.map(({ code }) => code)).toContain('predecessor_unchecked')
})

test('a log in the middle hands on the chains of the one before it', async () => {
  const middle = await goOn(await nextLog())
  await middle.add(closingDraft(['gate.example/log/last']))
  const audit = createAudit({ origin: NEXT, trusted: null, predecessor: before })
  await feed(audit, middle.entries)
  const head = headOf(middle.entries)
  audit.finish(head)
  const handed = audit.asPredecessor(head, 'vkey')
  expect(handed.successors).toEqual(['gate.example/log/last'])
  expect(handed.keys).toEqual([KEY.jwk.x, NEXT_KEY.jwk.x])
  expect(Object.keys(handed.chains.heads).sort()).toEqual([SUB_A, SUB_B, SUB_C])
  expect(handed.chains.heads[SUB_B]).toMatchObject({ seq: 1 })
})

test('an audit resumes on either side of the seam', async () => {
  const whole = await goOn(await nextLog())
  for (const stop of [2, 3, 4]) {
    const first = createAudit({ origin: NEXT, trusted: null, predecessor: before })
    await feed(first, whole.entries.slice(0, stop))
    const state = parseAuditState(JSON.stringify(first.state()), NEXT)
    const second = createAudit({
      ...{ origin: NEXT, trusted: null, state },
      ...(stop < 3 ? { predecessor: before } : {}),
    })
    await feed(second, whole.entries.slice(stop))
    const report = second.finish(headOf(whole.entries))
    expect(codesOf(report), `stopped at ${stop}`).toEqual([])
    expect(report.notices).toEqual([])
    expect(report.counts.predecessor).toEqual({ origin: LOG, checked: true })
  }
  const closed = createAudit({ origin: LOG, trusted: null })
  await feed(closed, honest.entries)
  const again = createAudit({
    ...{ origin: LOG, trusted: null },
    state: parseAuditState(JSON.stringify(closed.state()), LOG),
  })
  expect(again.finish(headOf(honest.entries)).counts.successors).toEqual([NEXT])
})

const drafts: readonly RecordDraft[] = [closingDraft(['a/log']), predecessorDraft(CLAIMS)]
test('the two records fit an entry, whatever a deployment may name', async () => {
  const issue = createIssuer({
    ...{ issuer: 'i'.repeat(256), engine: 'e'.repeat(64), log: 'l'.repeat(256) },
    ...{ signer: KEY.signer, random: countedRandom() },
  })
  for (const draft of drafts) await issue(draft, { iat_s: 253_402_300_799 })
  const keys = Array.from({ length: 32 }, (_, i) => testKey(i + 1).jwk.x)
  const checkpoint = 'c'.repeat(2048)
  const vkey = `${'v'.repeat(256)}+00000000+${'A'.repeat(44)}`
  const large = { predecessor: 'p'.repeat(256), vkey, checkpoint, keys }
  await issue(predecessorDraft(large), { iat_s: 253_402_300_799 })
  const successors = Array.from({ length: 64 }, (_, i) => `${'s'.repeat(42)}/log/main/${i}`)
  await issue(closingDraft(successors), { iat_s: 253_402_300_799 })
  await expect(
    issue(closingDraft(successors.map((name) => name.repeat(2))), { iat_s: 1 }),
  ).rejects.toThrow(/expected at most 7168/)
})

/** Activations of the old log. */
const PRIOR = [
  { revision: 1, digest: DIGEST, active_from: AT },
  { revision: 2, digest: DIGEST, active_from: AT + 1000 },
] as const
const activated: PredecessorAudit = { ...before, activations: PRIOR }

function activation(revision: number, more: object = {}): RecordDraft {
  const [first, second] = PRIOR
  const { digest, active_from } = revision === 2 ? second : first
  const what = { revision, digest, name: 'sample', active_from: epochMs(active_from) }
  return activationDraft({
    ...{ ...what, scheduled: false, previous: revision === 1 ? null : revision - 1 },
    ...{ cause: 'activation', source: 'api', by: 'author', note: null },
    ...more,
  })
}

const numbered: readonly {
  readonly name: string
  readonly drafts: readonly RecordDraft[]
  readonly decides: number | null
  /** The log goes on for a while before anything is decided. */
  readonly minutes?: true
  readonly expect: readonly string[]
}[] = [
  {
    name: 'all repeated, and the next number after them',
    drafts: [activation(1), activation(2), activation(3)],
    decides: 3,
    expect: [],
  },
  {
    name: 'none repeated: numbers begin anew',
    drafts: [activation(1, { active_from: epochMs(AT + 9) })],
    decides: 1,
    expect: ['3 activation_order'],
  },
  {
    name: 'the last one left out when decisions begin',
    drafts: [activation(1)],
    decides: 1,
    expect: ['4 activation_order'],
  },
  {
    name: 'another text under a number',
    drafts: [activation(1), activation(2, { digest: `sha256-${'A'.repeat(43)}` })],
    decides: 1,
    minutes: true,
    expect: ['4 policy_not_logged', '4 activation_order', '12 policy_outdated'],
  },
  {
    name: 'decisions without any',
    drafts: [],
    decides: null,
    expect: ['3 activation_order'],
  },
]

for (const { name, drafts, decides, minutes, expect: codes } of numbered)
  test(`activations of the log before: ${name}`, async () => {
    const log = await nextLog()
    for (const draft of drafts) await log.add(draft)
    if (minutes) for (let minute = 1; minute <= 7; minute++) await goOnQuietly(log, 60 * minute)
    const at = epochMs(LATER)
    const draft = decided({ sub: SUB_C, seq: 1, prev: null }, at)
    const revision = decides === null ? {} : { revision: decides }
    await log.add({ ...draft, claims: { ...draft.claims, ...revision } })
    expect(codesOf(await auditNext(log, activated))).toEqual(codes)
  })

test('numbers go on after those the new log had itself, and what is awaited survives a pause of the audit', async () => {
  const early = await nextLog(null)
  await early.add(activation(1, { active_from: epochMs(AT + 9) }))
  await early.add(predecessorDraft(CLAIMS))
  await early.add(activation(1, { revision: 2, previous: 1 }))
  await early.add(activation(2, { revision: 3, previous: 2 }))
  expect(codesOf(await auditNext(early, activated))).toEqual([])

  const log = await nextLog()
  await log.add(activation(1))
  const first = createAudit({ origin: NEXT, trusted: null, predecessor: activated })
  await feed(first, log.entries)
  const state = parseAuditState(JSON.stringify(first.state()), NEXT)
  expect(state.activations_awaited).toEqual(PRIOR.slice(1))
  const paused = log.entries.length
  await log.add(activation(2, { active_from: epochMs(AT + 7) }))
  const again = createAudit({ origin: NEXT, trusted: null, state, predecessor: activated })
  await feed(again, log.entries.slice(paused))
  expect(codesOf(again.finish(headOf(log.entries)))).toEqual(['4 activation_order'])
})
