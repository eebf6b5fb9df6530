/** The importer of a data directory, held to the contract. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { writeFirstEntries } from '../../src/adapters/node/bootstrap.ts'
import { createNodeImporter } from '../../src/adapters/node/import.ts'
import { initNodeStore } from '../../src/adapters/node/store.ts'
import type { Importer } from '../../src/core/move/importer.ts'
import type { MoveHeader, MoveLine } from '../../src/core/move/lines.ts'
import { decide, openHouse, openStore, scribeOf } from '../support/moving.ts'
import { importerContract } from './importer-contract.ts'
import { fail } from './node-store.ts'

describe.each(['deployment.jsonl', 'without-activations.jsonl'])('%s', (name) => {
  const [first, ...lines] = readFileSync(
    new URL(`../vectors/move/${name}`, import.meta.url),
    'utf8',
  )
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as MoveLine & { readonly header: MoveHeader })

  let root: string
  let dir: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'livegate-importer-'))
    dir = join(root, 'data')
    await initNodeStore({
      ...{ dir, origin: 'gate.example/log/edge/0', die: fail },
      // That of tests/vectors/move/make.ts.
      pepper: Buffer.from('pepper pepper pepper pepper pepp').toString('hex'),
      bootstrap: async (store) => {
        const keys = { recordKey: store.recordJwk.x, vkey: store.vkey }
        await writeFirstEntries(scribeOf(store), keys)
      },
    })
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  async function withImporter<T>(work: (importer: Importer) => Promise<T>): Promise<T> {
    const store = await openStore(dir, true)
    try {
      return await work(createNodeImporter({ store, scribe: scribeOf(store) }))
    } finally {
      await store.close()
    }
  }

  async function decides(): Promise<boolean> {
    const house = await openHouse(dir)
    const answered = await decide(house.gate, { subject: 'u_struck', stream: 'b_1' }).then(
      () => true,
      () => false,
    )
    await house.close()
    return answered
  }

  importerContract(() => ({
    header: first?.header as MoveHeader,
    lines,
    with: withImporter,
    decides,
  }))
})
