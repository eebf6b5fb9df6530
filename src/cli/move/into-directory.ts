/**
 * A data directory as the place a deployment moves into: made with its first entries, or gone on with.
 *
 * A directory comes into being together with the beginning of the import, so one that a gate could open by mistake as a
 * new deployment without history is never there.
 */
import { createScribe, writeFirstEntries } from '../../adapters/node/bootstrap.ts'
import { hasDataDir } from '../../adapters/node/data-dir.ts'
import { createNodeImporter } from '../../adapters/node/import.ts'
import { initNodeStore, openNodeStore } from '../../adapters/node/store.ts'
import { createSystemRandom, systemClock } from '../../adapters/node/system.ts'
import type { Importer } from '../../core/move/importer.ts'
import type { MoveHeader } from '../../core/move/lines.ts'
import { usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import type { Session } from '../session.ts'

export interface DirectoryOptions {
  readonly data: string
  readonly init?: boolean
  readonly origin?: string
  readonly issuer?: string
  readonly pepper?: string
}

const KEY_FILE_BYTES = 4096
/** Records come by subject and go where they were in the log, all over the table. */
const CACHE_KIB: number = 128 * 1024

/** Runs `work` with the importer of the directory, which it makes when asked to. */
export async function intoDirectory<T>(
  session: Session,
  options: DirectoryOptions,
  header: MoveHeader,
  work: (importer: Importer) => Promise<T>,
): Promise<T> {
  const dir = session.path(options.data)
  if (!(await hasDataDir(dir))) await make(session, { ...options, dir }, header)
  const store = await openNodeStore({ dir, moving: true, sql: { cacheKib: CACHE_KIB } })
  try {
    const issuer = store.recordIssuer() ?? ''
    return await work(createNodeImporter({ store, scribe: scribeFor(store, issuer) }))
  } finally {
    await store.close()
  }
}

async function make(
  session: Session,
  options: DirectoryOptions & { readonly dir: string },
  header: MoveHeader,
): Promise<void> {
  const { dir, init, origin, issuer, pepper } = options
  if (init !== true)
    throw usage('Cannot import: there is no data directory', 'add --init to create it')
  if (origin === undefined || issuer === undefined || pepper === undefined)
    throw usage(
      'Cannot create a data directory for a deployment that moves: something is missing',
      'give --origin, --issuer and --pepper with the file keys/pepper of the old one',
    )
  const bytes = await readBounded(session.path(pepper), KEY_FILE_BYTES)
  await initNodeStore({
    ...{ dir, origin, pepper: new TextDecoder().decode(bytes) },
    bootstrap: async (store) => {
      const scribe = scribeFor(store, issuer)
      await writeFirstEntries(scribe, { recordKey: store.recordJwk.x, vkey: store.vkey })
      await createNodeImporter({ store, scribe }).begin(header)
    },
  })
}

type Signing = Pick<Parameters<typeof createScribe>[0], 'log' | 'signer'>

function scribeFor({ log, signer }: Signing, issuer: string): ReturnType<typeof createScribe> {
  return createScribe({ issuer, log, signer, clock: systemClock, random: createSystemRandom() })
}
