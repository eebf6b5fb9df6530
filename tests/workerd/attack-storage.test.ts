/** What a hostile caller, a clock, a crash or an old table could do to where the edge keeps things. */
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/core/encoding.ts'
import type { MoveHeader } from '../../src/core/move/lines.ts'
import { policyDigest } from '../../src/core/record/policy-parts.ts'
import { HOUR_MS } from '../../src/core/time.ts'
import { newId } from '../contract/fixtures.ts'
import fileText from '../vectors/move/deployment.jsonl?raw'
import { chain, indexesFound, inPlace } from './sequencers.ts'

const { header } = JSON.parse(fileText.split('\n', 1)[0] ?? '') as { readonly header: MoveHeader }

describe('a search by time', () => {
  it('finds what moved in after the log began, however long after', () =>
    inPlace(async (place) => {
      const log = await place.open()
      // Too large to share a row with what comes: the first pack stays as old as the log.
      const bytes = utf8(`name: large\n# ${'x'.repeat(30_000)}`)
      await log.ready({ digest: policyDigest(bytes), bytes })
      const made = place.clock.at + 12 * HOUR_MS
      place.clock.at += 24 * HOUR_MS
      await log.move({ begin: header })
      const [entry] = chain('moved', 1)
      if (entry === undefined) throw new Error('no entry')
      const { object, seq, decision } = entry
      const id = newId(made as never)
      const { kind, leaf } = entry.record
      const at = made as never
      const seed = { object, seq, place: -1, id, kind: kind as never, at, leaf, decision }
      await log.move({ seeds: [seed] })
      await log.move({ progress: { lines: 9, finished: true } })
      const from = (made - HOUR_MS / 2) as never
      expect(await indexesFound(log, { limit: 9 })).toEqual([-1])
      expect(await indexesFound(log, { limit: 9, from })).toEqual([-1])
      const [index] = await log.append(chain('new', 1).map((one) => ({ ...one, at })))
      expect(await indexesFound(log, { limit: 1, from })).toEqual([index, -1])
    }))
})
