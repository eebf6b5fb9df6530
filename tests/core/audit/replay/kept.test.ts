/**
 * Restrictions that outlived an erasure are settled when a chain begins: what an audit says of one that appears, changes or goes.
 */
import { describe, expect, it } from 'vitest'
import { createAudit } from '../../../../src/core/audit/audit.ts'
import { judgeKept, type Kept, type KeptView } from '../../../../src/core/audit/replay/kept.ts'
import { parseAuditState } from '../../../../src/core/audit/state.ts'
import { utf8 } from '../../../../src/core/encoding.ts'
import {
  auditOf,
  forged,
  type LoggedRecord,
  named,
  type Unfolded,
  unfold,
} from '../../../support/forge.ts'
import {
  aGate,
  aStrike,
  ask,
  DAY,
  MINUTE,
  ORIGIN,
  policyOf,
  STRIKE_RULE,
} from '../../../support/gate.ts'
import { dig, host } from '../../../support/replay-lies.ts'

const AT = 1_000_000_000_000
const ONE: Kept = ['one', AT + 5]
const EVER: Kept = ['ever', null]

const TABLE: readonly {
  readonly name: string
  readonly known: readonly Kept[] | null
  readonly listed: readonly Kept[]
  readonly view?: Partial<KeptView>
  readonly codes: readonly string[]
}[] = [
  { name: 'nothing where nothing was', known: [], listed: [], codes: [] },
  { name: 'anything where nothing is fixed yet', known: null, listed: [ONE, EVER], codes: [] },
  { name: 'what was, in any order', known: [ONE, EVER], listed: [EVER, ONE], codes: [] },
  { name: 'one less', known: [ONE, EVER], listed: [EVER], codes: ['suppression_ignored'] },
  { name: 'one more', known: [], listed: [EVER], codes: ['suppression_invented'] },
  {
    name: 'another in its place',
    known: [ONE],
    listed: [['two', AT + 5]],
    codes: ['suppression_invented', 'suppression_ignored'],
  },
  { name: 'one twice', known: [ONE], listed: [ONE, ONE], codes: ['suppression_invented'] },
  {
    name: 'one that has ended, left out',
    known: [ONE],
    listed: [],
    view: { at: AT + 5 },
    codes: [],
  },
  {
    name: 'one that has ended, listed',
    known: [ONE],
    listed: [ONE],
    view: { at: AT + 5 },
    codes: ['suppression_invented'],
  },
  {
    name: 'one that has ended, listed first of all',
    known: null,
    listed: [ONE],
    view: { at: AT + 5 },
    codes: ['suppression_invented'],
  },
  {
    name: 'one less, by a clock that was ahead by a week',
    known: [ONE],
    listed: [],
    view: { latest_s: (AT + 5 + 7 * DAY) / 1000 },
    codes: [],
  },
  {
    name: 'one less, by a clock that was ahead by less',
    known: [ONE],
    listed: [],
    view: { latest_s: (AT + 4 + 7 * DAY) / 1000 },
    codes: ['suppression_ignored'],
  },
  {
    name: 'one less that never ends, by any clock',
    known: [EVER],
    listed: [],
    view: { latest_s: AT },
    codes: ['suppression_ignored'],
  },
]

describe('what facts say was kept', () => {
  for (const { name, known, listed, view, codes } of TABLE)
    it(name, () => {
      const faults = judgeKept(known, listed, { at: AT, latest_s: AT / 1000, whose: '', ...view })
      expect(faults.map(({ code }) => code)).toEqual(codes)
    })
})

/** 0 key, 1 policy; whoever came back: 2 asks, 3 asks, 4 asks, 5 is a co-host of somebody who never left. */
const [FIRST, SECOND, THIRD, JOINED] = [2, 3, 4, 5] as const

async function returned(): Promise<readonly Unfolded[]> {
  const { gate, erasure, pass, store } = await aGate({ policy: policyOf(STRIKE_RULE) })
  await gate.strike(aStrike('s1', 'b'))
  pass(MINUTE)
  await erasure.erase({ subject: 'b', scope: 'subject', basis: 'art17' })
  const before = store.entries().slice(2).length
  for (let asked = 0; asked < 3; asked++) {
    pass(MINUTE)
    await gate.decide(ask('b', { stream: { id: `x${asked}` } }))
  }
  pass(MINUTE)
  await gate.decide(ask('c', { stream: { id: 'w', hosts: [{ subject: 'b' }] } }))
  const records = unfold(store.entries())
  return [...records.slice(0, 2), ...records.slice(2 + before)]
}

/** As if nothing had been kept; what follows from that is not judged here. */
function drop(log: Unfolded[], index: number, which = 0): void {
  delete host(log, index, which).suppressions
}

const ours = (codes: readonly string[]): readonly string[] =>
  codes.filter((one) => !one.includes('replay_'))

async function found(change: (log: Unfolded[]) => void): Promise<readonly string[]> {
  const log = structuredClone([...(await returned())])
  change(log)
  return ours(named(await auditOf(await forged(log))))
}

describe('an audit of somebody who came back', () => {
  it('has nothing to say when it is as it was', async () => {
    expect(await found(() => {})).toEqual([])
  })

  it('finds what is dropped, whatever was not opened in between', async () => {
    expect(await found((log) => drop(log, THIRD))).toEqual([`${THIRD} suppression_ignored`])
    const codes = await found((log) => {
      drop(log, THIRD)
      Object.assign(dig(log, SECOND), { closed: 'all' })
    })
    expect(codes).toEqual([`${THIRD} suppression_ignored`])
  })

  it('finds what is dropped while its subject is a co-host', async () => {
    expect(await found((log) => drop(log, JOINED, 1))).toEqual([`${JOINED} suppression_ignored`])
  })

  it('finds what appears on a chain that began without, also as a co-host', async () => {
    expect(await found((log) => drop(log, FIRST))).toEqual(
      [SECOND, THIRD, JOINED].map((index) => `${index} suppression_invented`),
    )
  })

  it.each([
    ['its place in the chain alone', ['result', 'facts', 'subject', 'request']],
    ['nothing', 'all'],
  ] as const)(
    'believes the first facts it sees, where of the one before it has %s',
    async (_, closed) => {
      const codes = await found((log) => {
        drop(log, FIRST)
        Object.assign(dig(log, FIRST), { closed })
      })
      expect(codes).toEqual([])
    },
  )

  it('still knows when it goes on from where another audit stopped', async () => {
    const log = structuredClone([...(await returned())])
    drop(log, THIRD)
    drop(log, SECOND)
    expect(await inTwo(await forged(log), SECOND)).toEqual([
      `${SECOND} suppression_ignored`,
      `${THIRD} suppression_ignored`,
    ])
    const other = structuredClone([...(await returned())])
    drop(other, FIRST)
    expect(await inTwo((await forged(other)).slice(0, THIRD), SECOND)).toEqual([
      `${SECOND} suppression_invented`,
    ])
  })

  it('holds nobody to a chain that another audit did not replay', async () => {
    const log = structuredClone([...(await returned())])
    drop(log, FIRST)
    expect(await inTwo(await forged(log), SECOND, false)).toEqual([])
  })
})

/** Findings of an audit that stops at an index and is taken up again. */
async function inTwo(
  records: readonly LoggedRecord[],
  stop: number,
  replay = true,
): Promise<readonly string[]> {
  const entries = records.map(({ jws, openings }) => ({
    ...{ bytes: utf8(jws), disclosures: Object.values(openings) },
  }))
  const first = createAudit({ origin: ORIGIN, trusted: null, replay })
  first.entries(entries.slice(0, stop))
  const state = parseAuditState(JSON.stringify(first.state()), ORIGIN)
  const second = createAudit({ origin: ORIGIN, trusted: null, state })
  second.entries(entries.slice(stop))
  const { findings } = second.finish({ size: entries.length, root: new Uint8Array(32), note: '' })
  return ours(findings.map(({ index, code }) => `${index} ${code}`)).filter(
    (one) => !one.startsWith('null'),
  )
}
