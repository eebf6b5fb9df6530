/**
 * What became of broadcasts is derived again and followed along their chains; each lie (support/broadcast-lies.ts) is found at
 * its index, by its name, and a chain that was not seen whole accuses nobody.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { BROADCAST_LIES, broadcastHistory, LIFE } from '../../../support/broadcast-lies.ts'
import { auditOf, forged, named, type Unfolded } from '../../../support/forge.ts'
import { dig } from '../../../support/replay-lies.ts'

const { assign } = Object
let honest: readonly Unfolded[] = []
beforeAll(async () => {
  honest = await broadcastHistory()
})

const copy = (): Unfolded[] => structuredClone([...honest])

describe('an audit of broadcasts', () => {
  it('accuses the honest log of nothing', async () => {
    expect(honest).toHaveLength(LIFE.held + 1)
    const report = await auditOf(await forged(copy()))
    expect(report.findings).toEqual([])
    expect(report.counts.replay).toMatchObject({ replayed: 10, followed: 10, believed: 0 })
  })

  it.each(BROADCAST_LIES)('finds that $name', async ({ tell, expect: codes, says = /./ }) => {
    const log = copy()
    tell(log)
    const report = await auditOf(await forged(log))
    expect([...new Set(named(report))].toSorted()).toEqual(codes.toSorted())
    expect(report.findings.some(({ message }) => says.test(message))).toBe(true)
  })

  it.each(['allowed', 'renewed', 'struck', 'revoked'] as const)(
    'says nothing of a cut when the record %s before it was not opened',
    async (which) => {
      const log = copy()
      assign(dig(log, LIFE[which]), { closed: 'all' })
      const took = dig(log, LIFE.cut, 'groups', 'facts')
      assign(took, { took_ms: 1 })
      const report = await auditOf(await forged(log))
      expect(report.findings).toEqual([])
    },
  )
})
