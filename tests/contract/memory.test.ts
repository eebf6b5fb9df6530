/** The contract suites over the memory adapters. */
import { createMemoryStore } from '../../src/adapters/memory/store.ts'
import { broadcastsContract } from './broadcasts-contract.ts'
import { directoryContract } from './directory-contract.ts'
import { erasuresContract } from './erasures-contract.ts'
import { noteKey, ORIGIN, type StoreUnderTest } from './fixtures.ts'
import { keysContract } from './keys-contract.ts'
import { ledgerContract } from './ledger-contract.ts'
import { logContract } from './log-contract.ts'

async function create(): Promise<StoreUnderTest> {
  const store = createMemoryStore({ origin: ORIGIN, checkpointSigner: noteKey().signer })
  return {
    ...store,
    publish: async () => void (await store.log.checkpoint()),
    close: async () => {},
  }
}

ledgerContract('memory', create, { durable: false })
directoryContract('memory', create)
broadcastsContract('memory', create, { listed: true })
erasuresContract('memory', create, { durable: false })
keysContract('memory', create)
logContract('memory', create)
