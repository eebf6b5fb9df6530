/** A process that commits as fast as it can and prints the id of each decision once it is acknowledged. */
import { openNodeStore } from '../../../src/adapters/node/store.ts'
import { aDecision, aRecord, commitTo } from '../../contract/fixtures.ts'

const store = await openNodeStore({ dir: process.argv[2] ?? '', roundIntervalMs: 5 })

async function work(subject: string): Promise<never> {
  for (;;) {
    const record = aRecord()
    const result = await commitTo(store.ledger, subject, (state) =>
      aDecision(subject, state, { record }),
    )
    if (result.ok) process.stdout.write(`${record.id}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, (_, i) => work(`u_${i}`)))
