/** Data directories for tests: created with one key record, removed afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  initNodeStore,
  type NodeStore,
  type NodeStoreOptions,
  openNodeStore,
} from '../../src/adapters/node/store.ts'
import { aRecord, ORIGIN } from './fixtures.ts'

export interface DataDir {
  readonly path: string
  remove(): Promise<void>
}

/** Writes the active record key at index 0, as a log must begin. */
export async function bootstrap(store: Pick<NodeStore, 'log' | 'recordJwk'>): Promise<void> {
  const claims = { jwk: store.recordJwk, use: 'record', status: 'active' }
  await store.log.append([aRecord({ kind: 'key', claims })], [])
}

/** A fresh, initialised data directory. */
export async function newDataDir(): Promise<DataDir> {
  const root = await mkdtemp(join(tmpdir(), 'livegate-'))
  const path = join(root, 'data')
  await initNodeStore({ dir: path, origin: ORIGIN, bootstrap, die: fail })
  return { path, remove: () => rm(root, { recursive: true, force: true }) }
}

/** Opens a store whose rounds run only when told to. */
export function openStore(
  options: Partial<NodeStoreOptions> & { readonly dir: string },
): Promise<NodeStore> {
  return openNodeStore({ roundIntervalMs: 3_600_000, die: fail, ...options })
}

/** A sync that fails in a test is a failed test. */
export function fail(error: unknown): never {
  throw error
}
