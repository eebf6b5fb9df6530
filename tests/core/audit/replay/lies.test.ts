/**
 * A gate that lies with a valid key: everything about its log is in order but what it decided, or what it says it saw. Each
 * lie (support/replay-lies.ts) is found at its index, by its name.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { toBase64Url, utf8 } from '../../../../src/core/encoding.ts'
import { leafHash } from '../../../../src/core/tlog/hash.ts'
import { auditOf, forged, named, type Unfolded } from '../../../support/forge.ts'
import {
  dig,
  erasure,
  HAPPENED,
  host,
  REPLAY_LIES,
  replayHistory,
} from '../../../support/replay-lies.ts'

const { allowed, struck, denied, reversed, again, joined } = HAPPENED
const { assign } = Object

let honest: readonly Unfolded[] = []
beforeAll(async () => {
  honest = await replayHistory()
})

/** A fresh copy to lie in. */
const copy = (): Unfolded[] => structuredClone([...honest])

describe('an audit with replay', () => {
  it('accuses the honest log of nothing, as it was and issued anew', async () => {
    const report = await auditOf(await forged(copy()))
    expect(report.findings).toEqual([])
    expect(report.counts.replay).toMatchObject({
      ...{ replayed: 15, followed: 15, believed: 0, cohosts: 1, cohosts_unfollowed: 0 },
    })
  })

  it.each(REPLAY_LIES)('finds that $name', async ({ tell, expect: codes, says = /./ }) => {
    const log = copy()
    tell(log)
    const report = await auditOf(await forged(log))
    expect([...new Set(named(report))].toSorted()).toEqual(codes.toSorted())
    expect(report.findings.some(({ message }) => says.test(message))).toBe(true)
  })

  it('leaves out whatever is not disclosed, and says so', async () => {
    const log = copy()
    assign(host(log, denied), { strikes: [] })
    for (const index of [denied, again]) assign(dig(log, index), { closed: ['facts'] })
    const report = await auditOf(await forged(log))
    expect(report.findings).toEqual([])
    expect(report.not_checked).toContain(
      'Replay of 2 decisions whose result and facts were not disclosed to this audit.',
    )
  })

  it('believes facts once where an unopened record may explain them, and holds to them from there', async () => {
    const log = copy()
    assign(dig(log, struck), { closed: 'all' })
    const report = await auditOf(await forged(log))
    expect(report.findings).toEqual([])
    expect(report.counts.replay).toMatchObject({ believed: 1, followed: 14 })
    assign(host(log, again), { strikes: [] })
    expect(named(await auditOf(await forged(log)))).toEqual([`${again} strike_ignored`])
  })

  it('is left out on request, and says so', async () => {
    const log = copy()
    assign(dig(log, allowed, 'claims'), { outcome: 'deny' })
    const report = await auditOf(await forged(log), { replay: false })
    expect(report.findings).toEqual([])
    expect(report.not_checked).toContain('Replay: left out.')
  })

  it('tolerates the same of a strike that was not opened, and known from facts alone', async () => {
    const log = copy()
    const records = await forged(log)
    const leaf = toBase64Url(leafHash(utf8(records[struck]?.jws ?? '')))
    const removed = { scope: 'retention', basis: 'retention', strikes: [leaf] }
    for (const index of [struck, reversed]) assign(dig(log, index), { closed: 'all' })
    log.splice(again, 0, erasure(log, allowed, reversed, removed))
    assign(host(log, again + 1), { strikes: [] })
    expect(named(await auditOf(await forged(log)))).toEqual([])
    log.splice(again, 1)
    expect(named(await auditOf(await forged(log)))).toEqual([`${again} strike_ignored`])
  })

  it('tolerates the strikes whose contents were removed for their age', async () => {
    const log = copy()
    const records = await forged(log)
    const leaf = toBase64Url(leafHash(utf8(records[struck]?.jws ?? '')))
    const removed = { scope: 'retention', basis: 'retention', strikes: [leaf] }
    log.splice(again, 0, erasure(log, allowed, reversed, removed))
    assign(host(log, again + 1), { strikes: [] })
    expect(named(await auditOf(await forged(log)))).toEqual([])
  })
})

/** Subjects are erased, and what was proven stays so. */
it('an erased subject is reported, with how many records stay proven', async () => {
  const log = copy()
  log.push(erasure(log, joined, joined, { last_seq: 1, scope: 'full' }))
  const report = await auditOf(await forged(log))
  expect(report.findings).toEqual([])
  expect(report.checked).toContain(
    '1 subject erased; still proven included, and chained as far as opened: 1 record.',
  )
})
