/**
 * An honest log is clean; each planted lie is found at its index, by its name, and alone.
 */
import { expect, test } from 'vitest'
import { createAudit } from '../../../src/core/audit/audit.ts'
import { verifyRange } from '../../../src/core/audit/range.ts'
import { type AuditState, chainsIn, parseAuditState } from '../../../src/core/audit/state.ts'
import { fromAscii, textToBase64Url, toBase64Url, utf8 } from '../../../src/core/encoding.ts'
import { keyDraft } from '../../../src/core/record/drafts.ts'
import { policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { emptyEdge } from '../../../src/core/tlog/edge.ts'
import { grow } from '../../../src/core/tlog/grow.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import { AT, ISSUER, LOG, testIssuer, testKey } from '../record/samples.ts'
import {
  auditLog,
  beginLog,
  codesOf,
  decided,
  type Entry,
  feed,
  headOf,
  honestLog,
  KEY,
  SUB_A,
  SUB_B,
  type Writer,
} from './small-log.ts'

const honest = (await honestLog()).entries
const KEY_2 = testKey(2)

test('an honest log is clean, and the report says what was and was not checked', async () => {
  const report = await auditLog({ entries: honest, trusted: headOf(honest.slice(0, 4)) })
  expect(codesOf(report)).toEqual([])
  expect(report).toMatchObject({
    clean: true,
    counts: {
      size: 8,
      signatures: 8,
      chain_opened: 5,
      chain_unopened: 0,
      subjects: 2,
      policies: 1,
      after_last_heartbeat: 3,
      by_kind: { key: 1, policy: 1, strike: 3, decision: 2, heartbeat: 1 },
    },
  })
  expect(report.checked).toContain('Consistency with the trusted checkpoint.')
  expect(report.checked).toContain('8 signatures hold.')
  expect(report.not_checked.join(' ')).toMatch(/facts are true.*Stored hash tiles/)
  expect(report.checked.join(' ')).toMatch(/2 of 2 decisions replayed: .*What 2 decisions saw/)
})

test('jose alone audits the same log', async () => {
  const audit = createAudit({ origin: LOG, issuer: ISSUER, trusted: null })
  audit.entries(honest)
  const entries = honest.map(({ bytes }) => bytes)
  audit.signatures(await verifyRange({ first_index: 0, entries, keys: audit.keys() }))
  expect(audit.finish(headOf(honest))).toMatchObject({ clean: true, counts: { signatures: 8 } })
})

test('without openings the log is clean but the report admits that chains were not checked', async () => {
  const closed = honest.map(({ bytes }) => ({ bytes, disclosures: [] }))
  const report = await auditLog({ entries: closed })
  expect(report.clean).toBe(true)
  expect(report.not_checked).toContain(
    '5 records whose place in a chain was not disclosed to this audit.',
  )
  expect(report.not_checked).toContain('Consistency: no trusted checkpoint was met.')
})

const swapped = (index: number, entry: Partial<Entry>): Entry[] =>
  honest.map((old, i) => (i === index ? { ...old, ...entry } : old))

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
}

test('any changed byte of an entry contradicts the root', async () => {
  const bytes = honest[4]?.bytes ?? new Uint8Array()
  for (let at = 0; at < bytes.length; at += 97) {
    const report = await auditLog({
      entries: swapped(4, { bytes: flipped(bytes, at) }),
      head: headOf(honest),
    })
    expect(codesOf(report).at(-1), `byte ${at}`).toBe('null root')
    expect(codesOf(report).length, `byte ${at}`).toBeGreaterThan(1)
  }
})

test('a dropped entry leaves a gap in its chain, the wrong size and other totals', async () => {
  const entries = honest.filter((_, i) => i !== 4)
  const report = await auditLog({ entries, head: headOf(honest) })
  expect(codesOf(report)).toEqual(['4 heartbeat_gap', '6 chain_gap', 'null size'])
})

/** Writes a log with one lie in it; the tree is honest about the lying entries. */
const lies: readonly {
  name: string
  write: (log: Writer) => Promise<unknown>
  expect: string[]
}[] = [
  { name: 'a gap in seq', write: (log) => log.link(SUB_A, { seq: 3 }), expect: ['3 chain_gap'] },
  {
    name: 'a chain that does not begin at 1',
    write: (log) => log.link(SUB_B, { seq: 2, prev: toBase64Url(new Uint8Array(32)) }),
    expect: ['3 chain_gap'],
  },
  {
    name: 'the same seq with other bytes',
    write: (log) => log.link(SUB_A, { seq: 1, prev: null }),
    expect: ['3 chain_fork'],
  },
  {
    name: 'a wrong prev',
    write: (log) => log.link(SUB_A, { prev: toBase64Url(new Uint8Array(32)) }),
    expect: ['3 chain_prev'],
  },
  {
    name: 'an instant that falls',
    write: (log) => log.link(SUB_A, { at: AT + 1999 }),
    expect: ['3 chain_time'],
  },
  {
    name: 'wrong totals',
    write: (log) => log.heartbeat(0, 3, { totals: { key: 1, policy: 1 } }),
    expect: ['3 heartbeat_totals'],
  },
  {
    name: 'a heartbeat about the future',
    write: (log) => log.heartbeat(0, 4),
    expect: ['3 heartbeat_gap'],
  },
  {
    name: 'a heartbeat that skips entries',
    write: (log) => log.heartbeat(1, 3),
    expect: ['3 heartbeat_gap'],
  },
  {
    name: 'a decision under a policy nobody logged',
    write: (log) => {
      const draft = decided({ sub: SUB_B, seq: 1, prev: null }, AT)
      return log.add({
        ...draft,
        claims: { ...draft.claims, policy: `sha256-${toBase64Url(new Uint8Array(32))}` },
      })
    },
    expect: ['3 policy_not_logged'],
  },
  {
    name: 'a decision under a policy whose second part is missing',
    write: async (log) => {
      const [first] = policyDrafts(new Uint8Array(4000))
      if (first === undefined) throw new Error('no part')
      await log.add(first)
      const { digest } = first.claims as { digest: string }
      const draft = decided({ sub: SUB_B, seq: 1, prev: null }, AT)
      await log.add({ ...draft, claims: { ...draft.claims, policy: digest } })
    },
    expect: ['4 policy_not_logged'],
  },
  {
    name: 'a policy text that is not that of its digest',
    write: (log) => {
      const digest = `sha256-${toBase64Url(new Uint8Array(32))}`
      return log.add({
        kind: 'policy',
        claims: { digest, part: 1, of: 1, text: 'AAAA' },
        groups: null,
      })
    },
    expect: ['3 policy_parts'],
  },
  {
    name: 'a record by a key nobody announced',
    write: (log) => {
      log.issue = testIssuer(KEY_2, 'two')
      return log.link(SUB_A)
    },
    expect: ['3 key_unknown'],
  },
  {
    name: 'a key that announces itself',
    write: (log) => {
      log.issue = testIssuer(KEY_2, 'two')
      return log.add(keyDraft({ jwk: KEY_2.jwk, use: 'record', status: 'active' }))
    },
    expect: ['3 key_unknown'],
  },
  {
    name: 'a record by a retired key',
    write: async (log) => {
      await log.add(keyDraft({ jwk: KEY_2.jwk, use: 'record', status: 'active' }))
      await log.add(keyDraft({ jwk: KEY.jwk, use: 'record', status: 'retired' }))
      await log.link(SUB_A)
    },
    expect: ['5 key_not_in_force'],
  },
  {
    name: 'a retired key taken back',
    write: async (log) => {
      await log.add(keyDraft({ jwk: KEY_2.jwk, use: 'record', status: 'active' }))
      await log.add(keyDraft({ jwk: KEY.jwk, use: 'record', status: 'retired' }))
      log.issue = testIssuer(KEY_2, 'two')
      await log.add(keyDraft({ jwk: KEY.jwk, use: 'record', status: 'active' }))
    },
    expect: ['5 key_record'],
  },
  {
    name: 'the retirement of an unknown key',
    write: (log) => log.add(keyDraft({ jwk: KEY_2.jwk, use: 'record', status: 'retired' })),
    expect: ['3 key_record'],
  },
]
test.each(lies)('$name is found', async ({ write, expect: codes }) => {
  const log = await beginLog()
  await log.link(SUB_A)
  await write(log)
  expect(codesOf(await auditLog({ entries: log.entries }))).toEqual(codes)
})

test('a forged signature is found in its own record', async () => {
  const bytes = honest[6]?.bytes ?? new Uint8Array()
  const entries = swapped(6, { bytes: flipped(bytes, bytes.length - 40) })
  const report = await auditLog({ entries })
  expect(codesOf(report)).toContain('6 signature')
})

test('an unknown typ, a foreign log, a foreign issuer and rubbish are found, never skipped', async () => {
  const header = { alg: 'Ed25519', typ: 'livegate-pardon+jwt', kid: KEY.signer.kid }
  const signed = `${textToBase64Url(JSON.stringify(header))}.${textToBase64Url('{}')}`
  const unknown = utf8(`${signed}.${toBase64Url(await KEY.signer.sign(utf8(signed)))}`)
  const entries = [
    ...honest,
    ...[unknown, utf8('hello'), Uint8Array.of(0xff)].map((bytes) => ({ bytes, disclosures: [] })),
  ]
  expect(codesOf(await auditLog({ entries }))).toEqual([
    '8 type_unknown',
    '9 malformed',
    '10 malformed',
  ])
  const foreign = await auditLog({ entries: honest, options: { origin: 'other.example/log' } })
  expect(codesOf(foreign)).toContain('2 log')
  const issuer = await auditLog({ entries: honest, options: { issuer: 'https://other.example' } })
  expect(codesOf(issuer)).toContain('0 issuer')
})

test('a disclosure of another record is found', async () => {
  const entries = swapped(4, { disclosures: honest[3]?.disclosures ?? [] })
  expect(codesOf(await auditLog({ entries }))).toContain('4 disclosure_unmatched')
})

test('entry 0 must be the key that signs it', async () => {
  expect(codesOf(await auditLog({ entries: honest.slice(1, 3) }))).toEqual([
    '0 first_not_key',
    '0 key_unknown',
    '1 key_unknown',
  ])
})

test('byte-identical repeats are ignored, also of a link that is not the newest', async () => {
  const repeated = [0, 1, 5, 7, 4, 2].flatMap((i) => honest[i] ?? [])
  const report = await auditLog({ entries: [...honest, ...repeated] })
  expect(codesOf(report)).toEqual([])
  expect(report.counts.repeats).toBe(3)
})

test('a link nobody opened is a notice while it can be the missing one, then a lie', async () => {
  const closed = swapped(4, { disclosures: [] })
  const report = await auditLog({ entries: closed })
  expect(codesOf(report)).toEqual([])
  expect(report.notices).toMatchObject([{ index: 7, code: 'chain_unopened' }])
})

test('keys rotate: the new key counts after its record, the old one until its retirement', async () => {
  const log = await honestLog()
  await log.add(keyDraft({ jwk: KEY_2.jwk, use: 'record', status: 'active' }))
  const first = log.issue
  log.issue = testIssuer(KEY_2, 'two')
  await log.link(SUB_A)
  log.issue = first
  await log.link(SUB_B)
  await log.add(keyDraft({ jwk: KEY.jwk, use: 'record', status: 'retired' }))
  log.issue = testIssuer(KEY_2, 'three')
  await log.link(SUB_B)
  const report = await auditLog({ entries: log.entries })
  expect(codesOf(report)).toEqual([])
  expect(report.counts.signatures).toBe(log.entries.length)
})

test('a key revoked from an earlier index is a notice about what it signed since', async () => {
  const log = await honestLog()
  await log.add(keyDraft({ jwk: KEY_2.jwk, use: 'record', status: 'active' }))
  log.issue = testIssuer(KEY_2, 'two')
  await log.add(keyDraft({ jwk: KEY.jwk, use: 'record', status: 'revoked', from: 6 }))
  const report = await auditLog({ entries: log.entries, step: 100 })
  expect(codesOf(report)).toEqual([])
  expect(report.notices).toMatchObject([{ index: 9, code: 'key_revoked' }])
  expect(report.counts.signatures).toBe(log.entries.length - 3)
})

test('a fork shows both notes, an older checkpoint is a rollback', async () => {
  const other = (await beginLog()).entries
  const trusted = {
    ...headOf([...other, ...honest.slice(2, 4)].toReversed()),
    note: 'the trusted note',
  }
  for (const step of [1, 3, 8]) {
    const report = await auditLog({ entries: honest, trusted, step })
    expect(codesOf(report)).toEqual(['null fork'])
    expect(report.findings[0]?.message).toMatch(/the trusted note[\s\S]*note of size 8/)
  }
  const back = await auditLog({ entries: honest.slice(0, 5), trusted: headOf(honest) })
  expect(codesOf(back)).toEqual(['null rollback'])
})

test('stored hash tiles are compared with the entries, full and partial', async () => {
  const entries = Array.from({ length: 300 }, (_, i) => ({
    bytes: utf8(`entry ${i}`),
    disclosures: [],
  }))
  const leaves = entries.map(({ bytes }) => leafHash(bytes))
  const stored = new Map(
    grow({ edge: emptyEdge(), leaves }).tiles.map(({ path, bytes }) => [path, bytes]),
  )
  const tiles = (change: (path: string, bytes: Uint8Array) => Uint8Array | null): string[] => {
    const audit = createAudit({ origin: LOG, trusted: null })
    const found = [
      audit.entries(entries.slice(0, 100)),
      audit.entries(entries.slice(100)),
      audit.partialTiles(),
    ].flat()
    expect(found.map(({ path }) => path).toSorted()).toEqual([...stored.keys()].toSorted())
    for (const tile of found)
      audit.tile(tile, change(tile.path, stored.get(tile.path) ?? new Uint8Array()))
    const { findings } = audit.finish(headOf(entries))
    return findings.filter(({ code }) => code === 'tile').map(({ message }) => message)
  }
  expect(tiles((_, bytes) => bytes)).toEqual([])
  expect(tiles((path, bytes) => (path === 'tile/0/000' ? flipped(bytes, 8191) : bytes))).toEqual([
    'Hash tile `tile/0/000` differs from the entries',
  ])
  expect(tiles((path, bytes) => (path === 'tile/1/000.p/1' ? null : bytes))).toEqual([
    'Hash tile `tile/1/000.p/1` is missing',
  ])
})

test('an audit resumes from its state at any index and finds the same', async () => {
  const log = await honestLog()
  await log.link(SUB_A, { at: AT })
  await log.heartbeat(5, 9)
  await log.heartbeat(9, 10, { totals: {} })
  for (let stop = 1; stop < log.entries.length; stop++) {
    const first = createAudit({ origin: LOG, trusted: null })
    await feed(first, log.entries.slice(0, stop))
    const state = parseAuditState(JSON.stringify(first.state()), LOG)
    const rest = parseAuditState(JSON.stringify(first.state({ chains: false })), LOG)
    expect(rest.chains.heads).toEqual({})
    const trusted = headOf(log.entries.slice(0, stop))
    const second = createAudit({ origin: LOG, trusted, state })
    const byOne = createAudit({ origin: LOG, trusted, state: rest, seed: stop })
    for (const chain of JSON.parse(JSON.stringify([...first.chains()]))) byOne.adopt(chain)
    expect(byOne.state()).toEqual(second.state())
    expect([...chainsIn(byOne.state())]).toEqual([...byOne.chains()])
    const before = codesOf(first.finish(trusted))
    for (const next of [second, byOne]) {
      await feed(next, log.entries.slice(stop))
      const report = next.finish(headOf(log.entries))
      const both = [...before, ...codesOf(report)]
      expect(both, `stop ${stop}`).toEqual(['8 chain_time', '10 heartbeat_totals'])
      expect(report.checked).toContain('Consistency with the trusted checkpoint.')
    }
  }
})

const activated = (revision: number): object => ({
  ...{ revision, digest: `sha256-${'A'.repeat(43)}`, active_from: AT },
  ...{ cause: 'activation', logged: 0 },
})

test.each<[string, (state: AuditState) => object, string]>([
  ['without its tree', ({ tree: _, ...rest }) => rest, '`tree` of the state is missing'],
  [
    'with a member nobody knows',
    (state) => ({ ...state, more: 1 }),
    '`more` of the state is unknown',
  ],
  [
    'of another size than its tree',
    (state) => ({ ...state, size: state.size + 1 }),
    '`size` of the state is wrong, expected the size of the tree',
  ],
  [
    'that awaits more heartbeats than there are entries',
    (state) => ({ ...state, heartbeats: { next: 0, runs: [[0, 1e15]] } }),
    '`heartbeats` of the state is wrong',
  ],
  [
    'with a run that is no pair',
    (state) => ({ ...state, heartbeats: { next: 0, runs: [[0, 1, 2]] } }),
    '`heartbeats.runs.0` of the state is wrong, expected a list of 2 to 2 items',
  ],
  [
    'with a kind there is not',
    (state) => ({ ...state, heartbeats: { next: 0, runs: [['key', 1]] } }),
    '`heartbeats.runs.0.0` of the state is wrong',
  ],
  [
    'with activations out of order',
    (state) => ({ ...state, activations: [2, 1].map(activated) }),
    '`activations` of the state is wrong, expected rising numbers',
  ],
  [
    'with an activation before the first',
    (state) => ({ ...state, activations: [0, 1].map(activated) }),
    '`activations.0.revision` of the state is wrong',
  ],
  [
    'with a key that is none',
    (state) => ({ ...state, keys: [null] }),
    '`keys.0` of the state is wrong, expected an object',
  ],
])('a state %s is refused', (_, change, message) => {
  const audit = createAudit({ origin: LOG, trusted: null })
  audit.entries(honest)
  const state = JSON.stringify(change(audit.state()))
  expect(() => parseAuditState(state, LOG)).toThrow(`Cannot resume audit: ${message}`)
})

test('a state that was tampered with, or is another log’s, is refused', () => {
  const audit = createAudit({ origin: LOG, trusted: null })
  audit.entries(honest)
  const state = audit.state()
  const tree = { ...state.tree, root: toBase64Url(new Uint8Array(32)) }
  expect(() => createAudit({ origin: LOG, trusted: null, state: { ...state, tree } })).toThrow(
    /stored root/,
  )
  expect(() => parseAuditState(JSON.stringify(state), 'other')).toThrow(/version 1/)
  expect(() => parseAuditState('{', LOG)).toThrow(/not JSON/)
  expect(fromAscii(honest[0]?.bytes ?? new Uint8Array())).toMatch(/^eyJ/)
})
