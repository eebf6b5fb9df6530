/**
 * Checkpoint keys as an audit follows them: what an honest exchange looks like, and every way to get one wrong.
 */
import { describe, expect, test } from 'vitest'
import { type AuditReport, createAudit } from '../../../src/core/audit/audit.ts'
import type { AuditState } from '../../../src/core/audit/state.ts'
import { keyDraft } from '../../../src/core/record/drafts.ts'
import type { OwnClaims } from '../../../src/core/record/groups.ts'
import { emptyEdge } from '../../../src/core/tlog/edge.ts'
import { grow } from '../../../src/core/tlog/grow.ts'
import { leafHash } from '../../../src/core/tlog/hash.ts'
import { LOG, testIssuer, testKey } from '../record/samples.ts'
import { type Entry, KEY, Writer } from './small-log.ts'

const [FIRST, SECOND, STRANGER] = [testKey(21), testKey(22), testKey(23)]
type Step = readonly [key: typeof FIRST, status: OwnClaims['key']['status'], from?: number]

/** The log's record key at 0, then these key records of checkpoint keys. */
async function logOf(...steps: readonly Step[]): Promise<readonly Entry[]> {
  const writer = new Writer(testIssuer(KEY, 'log'))
  await writer.add(keyDraft({ jwk: KEY.jwk, use: 'record', status: 'active' }))
  for (const [{ jwk }, status, from] of steps)
    await writer.add(
      keyDraft({ jwk, use: 'checkpoint', status, ...(from === undefined ? {} : { from }) }),
    )
  return writer.entries
}

interface Signed {
  readonly by: readonly (typeof FIRST)[]
  readonly spoiled?: readonly (typeof FIRST)[]
  readonly state?: AuditState
  readonly from?: number
}

function audited(
  entries: readonly Entry[],
  { by, spoiled = [], state, from = 0 }: Signed,
): { readonly report: AuditReport; readonly state: AuditState } {
  const audit = createAudit({
    origin: LOG,
    trusted: null,
    ...(state === undefined ? {} : { state }),
  })
  audit.entries(entries.slice(from))
  const bytes = entries.map((entry) => entry.bytes)
  const { root } = grow({
    edge: emptyEdge(),
    leaves: bytes.map(leafHash),
    entries: { unfinished: [], added: bytes },
  })
  const report = audit.finish({
    ...{ size: entries.length, root, note: '' },
    signed_by: by.map(({ jwk }) => jwk.x),
    spoiled_by: spoiled.map(({ jwk }) => jwk.x),
  })
  return { report, state: audit.state() }
}

const codes = ({ findings }: AuditReport): readonly string[] =>
  findings.map(({ index, code }) => `${index} ${code}`)

describe('an honest exchange', () => {
  const cases: readonly (readonly [string, readonly Step[], readonly (typeof FIRST)[]])[] = [
    ['before it', [[FIRST, 'active']], [FIRST]],
    [
      'while both sign',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
      ],
      [FIRST, SECOND],
    ],
    [
      'read by who knows the old key',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
      ],
      [FIRST],
    ],
    [
      'read by who knows the new key',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
      ],
      [SECOND],
    ],
    [
      'at the very checkpoint that covers the end of the old key',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
        [FIRST, 'retired'],
      ],
      [FIRST],
    ],
    [
      'after it',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
        [FIRST, 'retired'],
        [SECOND, 'active'],
      ],
      [SECOND],
    ],
    [
      'after a compromise',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
        [FIRST, 'revoked', 2],
      ],
      [SECOND],
    ],
    ['in a log that names no checkpoint key', [], [STRANGER]],
  ]
  test.each(cases)('is not accused %s', async (_, steps, by) => {
    expect(codes(audited(await logOf(...steps), { by }).report)).toEqual([])
  })

  test('is told with the new verifier key', async () => {
    const { report } = audited(await logOf([FIRST, 'active'], [SECOND, 'active']), { by: [FIRST] })
    expect(report.notices).toMatchObject([{ code: 'checkpoint_key_new', index: 2 }])
    expect(report.notices[0]?.message).toContain(`${LOG}+`)
  })

  test('goes on where a state ended', async () => {
    const entries = await logOf([FIRST, 'active'], [SECOND, 'active'], [FIRST, 'retired'])
    const { state } = audited(entries.slice(0, 3), { by: [FIRST] })
    expect(state.checkpoint_keys).toHaveLength(2)
    expect(codes(audited(entries, { by: [SECOND], state, from: 3 }).report)).toEqual([])
  })

  test('is not accused after a state that did not follow it', async () => {
    const entries = await logOf([FIRST, 'active'], [SECOND, 'active'], [FIRST, 'retired'])
    const { checkpoint_keys: _, ...state } = audited(entries.slice(0, 3), { by: [FIRST] }).state
    const resumed = audited(entries, { by: [STRANGER], state, from: 3 })
    expect(codes(resumed.report)).toEqual([])
    expect(resumed.state.checkpoint_keys).toBeUndefined()
  })
})

describe('a lie', () => {
  const cases: readonly (readonly [string, readonly Step[], Signed, readonly string[]])[] = [
    [
      'signed by a key the log never named',
      [[FIRST, 'active']],
      { by: [STRANGER] },
      ['null checkpoint_key'],
    ],
    [
      'signed by a retired key',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
        [FIRST, 'retired'],
        [SECOND, 'active'],
      ],
      { by: [FIRST] },
      ['null checkpoint_key'],
    ],
    [
      'signed by a key that was withdrawn before',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
        [FIRST, 'revoked', 2],
      ],
      { by: [FIRST] },
      ['null checkpoint_key'],
    ],
    [
      'with a bad signature beside a good one',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
      ],
      { by: [FIRST], spoiled: [SECOND] },
      ['null checkpoint_key'],
    ],
    [
      'with a key that begins again after its end',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
        [FIRST, 'retired'],
        [FIRST, 'active'],
      ],
      { by: [SECOND] },
      ['4 key_record'],
    ],
    [
      'with an end of a key that never began',
      [
        [FIRST, 'active'],
        [SECOND, 'retired'],
      ],
      { by: [FIRST] },
      ['2 key_record'],
    ],
    [
      'with an end that begins before it without a reason',
      [
        [FIRST, 'active'],
        [SECOND, 'active'],
        [FIRST, 'retired', 1],
      ],
      { by: [SECOND] },
      ['3 key_record'],
    ],
  ]
  test.each(cases)('%s is named', async (_, steps, signed, expected) => {
    expect(codes(audited(await logOf(...steps), signed).report)).toEqual(expected)
  })
})
