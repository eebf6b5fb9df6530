/** The contract suites of ledger and directory over real objects, and what only an object cannot hold. */
import { expect, it } from 'vitest'
import { MAX_REPLY_CHARS } from '../../src/adapters/cloudflare/object-directory.ts'
import { MAX_OPENINGS_CHARS } from '../../src/adapters/cloudflare/subject-schema.ts'
import { broadcastsContract } from '../contract/broadcasts-contract.ts'
import { directoryContract } from '../contract/directory-contract.ts'
import { erasuresContract } from '../contract/erasures-contract.ts'
import { aDecision, aRecord, commitTo } from '../contract/fixtures.ts'
import { ledgerContract } from '../contract/ledger-contract.ts'
import { anEdgeStore } from './edge-store.ts'

ledgerContract('the edge', anEdgeStore, { durable: true })
broadcastsContract('the edge', anEdgeStore, { listed: false })
directoryContract('the edge', anEdgeStore)
erasuresContract('the edge', anEdgeStore, { durable: true, apart: true })

it('a record whose disclosures fit no row is refused whole, and the largest that fits is kept', async () => {
  const { ledger, directory } = await anEdgeStore()
  const frame = JSON.stringify({ facts: '' }).length
  const recordOf = (chars: number) => aRecord({ openings: { facts: 'a'.repeat(chars - frame) } })
  const commit = (record: ReturnType<typeof aRecord>) =>
    commitTo(ledger, 'u_1', (state) => aDecision('u_1', state, { record }))
  await expect(commit(recordOf(MAX_OPENINGS_CHARS + 1))).rejects.toMatchObject({ code: 'conflict' })
  expect(await ledger.load('u_1')).toMatchObject({ seq: 0 })
  const largest = recordOf(MAX_OPENINGS_CHARS)
  expect(await commit(largest)).toMatchObject({ ok: true })
  expect((await directory.record(largest.id))?.openings).toEqual(largest.openings)
})

it('large records come a few at a time, and a page has them all', async () => {
  const { ledger, directory, asked } = await anEdgeStore()
  const facts = 'a'.repeat(MAX_REPLY_CHARS / 4)
  for (let i = 0; i < 10; i++)
    await commitTo(ledger, 'u_1', (state) =>
      aDecision('u_1', state, { record: aRecord({ openings: { facts } }) }),
    )
  const { records } = await directory.records({ from: 0, limit: 20 })
  expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(asked).toEqual([10, 7, 4, 1])
})
