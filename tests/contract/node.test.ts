/** The contract suites over the Node store: SQLite in a real directory, group commit, files. */
import { directoryContract } from './directory-contract.ts'
import type { StoreUnderTest } from './fixtures.ts'
import { keysContract } from './keys-contract.ts'
import { ledgerContract } from './ledger-contract.ts'
import { logContract } from './log-contract.ts'
import { newDataDir, openStore } from './node-store.ts'

async function create(): Promise<StoreUnderTest> {
  const dir = await newDataDir()
  const open = async (): Promise<StoreUnderTest> => {
    const store = await openStore({ dir: dir.path })
    return {
      ...store,
      publish: async () => {
        while (await store.publish());
      },
      reopen: async () => {
        await store.close()
        return open()
      },
      close: async () => {
        await store.close()
        await dir.remove()
      },
    }
  }
  return open()
}

ledgerContract('node', create, { durable: true })
directoryContract('node', create)
keysContract('node', create)
logContract('node', create)
