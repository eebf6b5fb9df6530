/**
 * What an audit says of media servers' numbers, of who opened records, and of a gate that fell silent.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Accesses } from '../../../src/core/audit/accesses.ts'
import { Enforcers } from '../../../src/core/audit/enforcers.ts'
import { Findings } from '../../../src/core/audit/findings.ts'
import { accessDraft } from '../../../src/core/record/drafts.ts'
import { epochMs } from '../../../src/core/time.ts'
import { AT } from '../record/samples.ts'
import { auditLog, beginLog, decided, SUB_A, SUB_B, type Writer } from './small-log.ts'

const INSTANCE = 'E'.repeat(22)
const OTHER = 'F'.repeat(22)

function followed(
  numbers: readonly number[],
  certain = true,
): { enforcers: Enforcers; findings: Findings } {
  const findings = new Findings()
  const enforcers = new Enforcers()
  for (const [index, enf_seq] of numbers.entries())
    enforcers.see({ server: 'edge-1', enforcer: INSTANCE, enf_seq }, { index, certain }, findings)
  return { enforcers, findings }
}

/** What the notice says is missing. */
function missing(numbers: readonly number[]): string | null {
  const { enforcers, findings } = followed(numbers)
  enforcers.finish(findings)
  const [notice] = findings.notices()
  return notice === undefined
    ? null
    : (/under (.*) \((\d+ of \d+)\)/.exec(notice.message)?.[0] ?? '')
}

describe('numbers of an instance', () => {
  const CASES: readonly (readonly [numbers: readonly number[], said: string | null])[] = [
    [[1, 2, 3], null],
    [[3, 1, 2], null],
    [[2], 'under 1 (1 of 2)'],
    [[1, 3], 'under 2 (1 of 3)'],
    [[1, 5, 9, 10], 'under 2 to 4, 6 to 8 (6 of 10)'],
    [[20, 18, 16, 14, 12, 10, 8, 6, 4, 2], 'under 1, 3, 5, 7, 9, 11, 13, 15, … (10 of 20)'],
  ]
  for (const [numbers, said] of CASES)
    it(`${numbers.join(', ')}: ${said ?? 'nothing is missing'}`, () => {
      expect(missing(numbers)).toBe(said)
    })

  it('in any order, resumed anywhere: exactly those that are not there are missing', () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        fc.nat(60),
        (numbers, stop) => {
          const first = followed(numbers.slice(0, stop))
          const findings = new Findings()
          const enforcers = new Enforcers(JSON.parse(JSON.stringify(first.enforcers.state())))
          for (const [index, enf_seq] of numbers.slice(stop).entries())
            enforcers.see(
              { server: 'edge-1', enforcer: INSTANCE, enf_seq },
              { index, certain: true },
              findings,
            )
          enforcers.finish(findings)
          const last = Math.max(...numbers)
          const lost = last - numbers.length
          expect(first.findings.list()).toEqual([])
          expect(findings.list()).toEqual([])
          expect(findings.notices().map(({ message }) => message)).toEqual(
            lost === 0 ? [] : [expect.stringContaining(`(${lost} of ${last})`)],
          )
        },
      ),
    ))

  it('are a lie where one is on two records, and none where it may be a repeat', () => {
    const said = (certain: boolean): readonly unknown[] =>
      followed([1, 2, 3, 2], certain)
        .findings.list()
        .map(({ code, index }) => [code, index])
    expect(said(true)).toEqual([['enforcer_repeat', 3]])
    expect(said(false)).toEqual([])
  })

  it('take bounded memory of a log made to take much, and then accuse nobody', () => {
    const even = Array.from({ length: 10_000 }, (_, i) => 2 * (i + 1))
    const { enforcers, findings } = followed([...even, 2, 3])
    expect(findings.list()).toEqual([])
    const [[, , , , ranges] = []] = enforcers.state()
    expect(ranges?.length).toBeLessThanOrEqual(4_096)
  })
})

async function hooked(
  log: Writer,
  sub: string,
  enf_seq: number,
  enforcer = INSTANCE,
): Promise<void> {
  const at = epochMs(AT + 1000 * log.entries.length)
  const draft = decided({ sub, seq: 1, prev: null }, at)
  const request = { caller: 'hook:edge-1', server: 'edge-1', session: '4', enforcer, enf_seq }
  if (draft.groups === null) throw new Error('a decision has groups')
  await log.add({ ...draft, groups: { ...draft.groups, request } })
}

describe('an audit', () => {
  it('calls one number on two records a lie, of one instance alone', async () => {
    const log = await beginLog()
    await hooked(log, SUB_A, 1)
    await hooked(log, SUB_B, 1)
    await hooked(log, 'C'.repeat(22), 1, OTHER)
    const report = await auditLog({ entries: log.entries })
    expect(report.findings).toMatchObject([{ index: 3, code: 'enforcer_repeat' }])
    expect(report.counts.enforcers).toEqual({ instances: 2, records: 3 })
  })

  it('names a gap as a notice, and a byte-identical repeat as nothing', async () => {
    const log = await beginLog()
    await hooked(log, SUB_A, 1)
    await hooked(log, SUB_B, 3)
    log.entries.push(...log.entries.slice(-1))
    const report = await auditLog({ entries: log.entries })
    expect(report.findings).toEqual([])
    expect(report.notices).toMatchObject([{ index: 3, code: 'enforcer_gap' }])
    expect(report.notices[0]?.message).toContain('`edge-1` has no record under 2 (1 of 3)')
  })

  it('looks at no number that is not opened', async () => {
    const log = await beginLog()
    await hooked(log, SUB_A, 1)
    await hooked(log, SUB_B, 1)
    const closed = log.entries.map(({ bytes, disclosures }) => ({
      bytes,
      disclosures: disclosures.filter((text) => !atob(text).includes('"request"')),
    }))
    const report = await auditLog({ entries: closed })
    expect([report.findings, report.counts.enforcers.records]).toEqual([[], 0])
  })

  it('adds up who opened records', async () => {
    const log = await beginLog()
    await log.add(
      accessDraft({ by: 'k_1', via: 'records', groups: ['facts', 'chain'] }, ['a', 'b']),
    )
    await log.add(accessDraft({ by: 'k_2', via: 'decision', groups: ['chain'] }, ['a']))
    await log.add(accessDraft({ by: 'k_1', via: 'challenge', groups: ['result'] }, ['a']))
    const { counts, checked, findings } = await auditLog({ entries: log.entries })
    expect(findings).toEqual([])
    expect(counts.accesses).toEqual({
      ...{ answers: 3, records: 4 },
      callers: [
        {
          ...{ by: 'k_1', answers: 2, records: 3, via: ['records', 'challenge'] },
          ...{ groups: ['chain', 'result', 'facts'], first: 2, last: 4 },
        },
        {
          ...{ by: 'k_2', answers: 1, records: 1, via: ['decision'] },
          ...{ groups: ['chain'], first: 3, last: 3 },
        },
      ],
    })
    expect(checked).toContain('3 openings of 4 records by 2 callers, as the log says:')
    expect(checked).toContain('  `k_2`: 1 record in 1 answer (decision; chain), entries 3 to 3.')
  })

  it('tells callers apart in bounded memory', () => {
    const accesses = new Accesses()
    const one = { via: 'records', groups: ['chain'], count: 2, digest: '' } as const
    for (let i = 0; i < 3_000; i++) accesses.learn({ ...one, by: `k_${i}` }, i)
    const { answers, records, callers } = accesses.counts()
    expect([answers, records, callers.length]).toEqual([3_000, 6_000, 1_001])
    expect(callers.at(-1)).toMatchObject({ by: '…', answers: 2_000 })
  })

  for (const { minutes, notices } of [
    { minutes: 65, notices: [] },
    { minutes: 66, notices: ['heartbeat_late'] },
  ])
    it(`says ${notices.join() || 'nothing'} of a newest heartbeat ${minutes} minutes old`, async () => {
      const log = await beginLog()
      await log.heartbeat(0, log.entries.length)
      const at = epochMs(AT + 1000 * (log.entries.length - 1) + minutes * 60_000)
      await log.add(decided({ sub: SUB_A, seq: 1, prev: null }, at))
      const { findings, notices: told } = await auditLog({ entries: log.entries })
      expect([findings, told.map(({ code }) => code)]).toEqual([[], notices])
    })
})
