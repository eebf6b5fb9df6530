/** The contract suites over the Node store: SQLite in a real directory, group commit, files. */
import { broadcastsContract } from './broadcasts-contract.ts'
import { directoryContract } from './directory-contract.ts'
import { erasuresContract } from './erasures-contract.ts'
import type { StoreUnderTest } from './fixtures.ts'
import { keysContract } from './keys-contract.ts'
import { ledgerContract } from './ledger-contract.ts'
import { logContract } from './log-contract.ts'
import { newDataDir, openStore } from './node-store.ts'

/** `rushed`: commits go through the other thread, as they do once a gate is busy. */
async function create(rushed: boolean): Promise<StoreUnderTest> {
  const dir = await newDataDir()
  const open = async (): Promise<StoreUnderTest> => {
    const store = await openStore({ dir: dir.path, rushed })
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

for (const rushed of [false, true]) {
  const name = rushed ? 'node in a rush' : 'node'
  const creating = (): Promise<StoreUnderTest> => create(rushed)
  ledgerContract(name, creating, { durable: true })
  directoryContract(name, creating)
  broadcastsContract(name, creating, { listed: true })
  erasuresContract(name, creating, { durable: true })
  keysContract(name, creating)
  logContract(name, creating)
}
