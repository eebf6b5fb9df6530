/**
 * All storage ports in memory, for tests and for embedding where nothing has to survive.
 *
 * Same semantics as the durable adapters, minus durability; the contract suites hold both to it. Keys are handed in:
 * core has none, and a test wants them fixed.
 */
import type { NoteSigner } from '../../core/tlog/note.ts'
import type {
  ApiKeys,
  Directory,
  Erasures,
  Ledger,
  Log,
  OpenBroadcasts,
  ReviewQueue,
  SignedRecord,
  StreamKeys,
} from '../../ports.ts'
import { type Fates, noFailures } from './contract.ts'
import { createMemoryErasures } from './erasures.ts'
import { createMemoryApiKeys, createMemoryStreamKeys } from './keys.ts'
import { createMemoryHistory } from './ledger.ts'
import { createMemoryLog } from './log.ts'
import { createMemoryOpenBroadcasts } from './open-broadcasts.ts'

export interface MemoryStoreOptions {
  readonly origin: string
  /** Signs checkpoints; its name is the origin. */
  readonly checkpointSigner: NoteSigner
  /** Decides the fate of each write; nothing fails unless given. */
  readonly fates?: Fates
}

export interface MemoryStore {
  readonly ledger: Ledger
  readonly directory: Directory
  readonly broadcasts: OpenBroadcasts
  readonly erasures: Erasures
  readonly reviews: ReviewQueue
  readonly streamKeys: StreamKeys
  readonly apiKeys: ApiKeys
  readonly log: Log
  /** The log's entries so far, for tests that look. */
  entries(): readonly SignedRecord[]
}

export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  const { origin, checkpointSigner, fates = noFailures } = options
  const log = createMemoryLog(origin, checkpointSigner, fates)
  const history = createMemoryHistory(log, fates)
  const { ledger, directory } = history
  const { owned, ...streamKeys } = createMemoryStreamKeys(fates)
  return {
    ledger,
    directory,
    broadcasts: createMemoryOpenBroadcasts(history.shelves),
    erasures: createMemoryErasures({ ...history, log, keys: owned, fates }),
    reviews: history.reviews,
    streamKeys,
    apiKeys: createMemoryApiKeys(fates),
    log: log.log,
    entries: log.entries,
  }
}
