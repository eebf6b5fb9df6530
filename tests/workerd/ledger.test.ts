/** The contract suites of ledger and directory over real objects, and what only an object cannot hold. */
import { expect, it } from 'vitest'
import { MAX_OPENINGS_CHARS } from '../../src/adapters/cloudflare/subject-schema.ts'
import { directoryContract } from '../contract/directory-contract.ts'
import { aDecision, aRecord, commitTo } from '../contract/fixtures.ts'
import { ledgerContract } from '../contract/ledger-contract.ts'
import { anEdgeStore } from './edge-store.ts'

ledgerContract('the edge', anEdgeStore, { durable: true })
directoryContract('the edge', anEdgeStore)

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
