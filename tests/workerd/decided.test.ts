/** What a log counts of decisions since its object woke: each once, and nothing of what was refused. */
import { describe, expect, it } from 'vitest'
import type { ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import type { Sequencer } from '../../src/adapters/cloudflare/sequencer.ts'
import { NOT_ENFORCED } from '../../src/gate/effects.ts'
import { chain, inPlace } from './sequencers.ts'

const would = { outcome: 'deny', rules: ['small', 'struck'] } as const

function decided(
  object: string,
  seq: number,
  given: Partial<ChainEntry['decision'] & object>,
): ChainEntry {
  const [entry] = chain(object, seq)
  if (entry === undefined) throw new Error('no entry')
  const plain = { outcome: 'allow', mode: null, rules: [], strikes: [] } as const
  return { ...entry, decision: { ...plain, ...given } }
}

async function figures(log: Sequencer): Promise<readonly string[]> {
  const { decided: counts = [] } = await log.status()
  return counts.map(({ what, labels, count }) => `${what} ${labels.join(' ')} ${count}`).toSorted()
}

describe('a log', () => {
  it('counts outcomes, rules and what was not enforced', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.append([
        decided('d-1', 1, {}),
        decided('d-1', 2, { rules: [NOT_ENFORCED], would }),
        decided('d-2', 1, { outcome: 'delay', mode: 'hold', rules: ['wait'] }),
        { ...decided('d-2', 2, {}), decision: null },
      ])
      const all = ['outcome allow none 2', 'outcome delay hold 1', 'rule wait delay 1']
      expect(await figures(log)).toEqual([...all, 'would small deny 1', 'would struck deny 1'])
      await log.append([decided('d-3', 1, { rules: [NOT_ENFORCED], would })])
      expect(await figures(log)).toContain('would struck deny 2')
      expect(await figures(await place.open())).toEqual([])
    }))

  it('counts a decision once, however often it is sent, and none of an append that is refused', () =>
    inPlace(async (place) => {
      const log = await place.open()
      const entry = decided('e', 1, { would, rules: [NOT_ENFORCED] })
      await Promise.all([log.append([entry]), log.append([entry])])
      await log.append([entry])
      await expect(log.append([decided('e', 2, {}), decided('e', 4, {})])).rejects.toMatchObject({
        code: 'conflict',
      })
      expect(await figures(log)).toEqual([
        ...['outcome allow none 1', 'would small deny 1', 'would struck deny 1'],
      ])
    }))

  it('keeps a bounded number of counts', () =>
    inPlace(async (place) => {
      const log = await place.open()
      const rules = Array.from({ length: 4_000 }, (_, i) => `r${i}`)
      await log.append([decided('f', 1, { rules }), decided('f', 2, { rules, outcome: 'deny' })])
      const { decided: counts = [] } = await log.status()
      expect(counts).toHaveLength(6_000)
      expect(counts.at(-1)).toMatchObject({ what: 'rule', labels: ['r3999', 'deny'] })
    }))
})
