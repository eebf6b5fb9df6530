/**
 * A host for the suites: a real `livegate serve` with a data directory of its own, asked over HTTP.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createScribe, writeFirstEntries } from '../../src/adapters/node/bootstrap.ts'
import { initNodeStore, openNodeStore } from '../../src/adapters/node/store.ts'
import { systemClock as clock, createSystemRandom } from '../../src/adapters/node/system.ts'
import { ADMIN_KEY, startServer } from '../support/server.ts'
import { CANDIDATE } from './candidate.ts'
import type { Host } from './host.ts'
import { narrowApiKeys } from './keys.ts'

const ORIGIN = 'gate.example/log/node'
const ISSUER = 'https://gate.example'

export interface NodeHost extends Host {
  stop(): Promise<void>
}

export async function aNodeHost(): Promise<NodeHost> {
  const root = await mkdtemp(join(tmpdir(), 'livegate-conformance-'))
  const data = join(root, 'data')
  await aDataDir(data)
  const candidate = join(root, 'candidate.yaml')
  await writeFile(candidate, CANDIDATE)
  const named = ['--origin', ORIGIN, '--issuer', ISSUER]
  const server = await startServer({
    data,
    args: [...named, '--rate', '100000', '--shadow-policy', candidate],
  })
  return {
    ...{ origin: ORIGIN, issuer: ISSUER, shards: 1, adminKey: ADMIN_KEY },
    async ask(request) {
      const { method, headers } = request
      const { pathname, search } = new URL(request.url)
      const body = await request.arrayBuffer()
      return fetch(new URL(pathname + search, server.url), {
        ...{ method, headers },
        body: body.byteLength === 0 ? null : body,
      })
    },
    async stop() {
      await server.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** A log with its first entries, and the narrow callers. */
async function aDataDir(dir: string): Promise<void> {
  const die = (error: unknown): never => {
    throw error
  }
  await initNodeStore({
    ...{ dir, die, origin: ORIGIN },
    bootstrap: async ({ log, signer, recordJwk, vkey }) => {
      const random = createSystemRandom()
      const scribe = createScribe({ issuer: ISSUER, log, signer, clock, random })
      await writeFirstEntries(scribe, { recordKey: recordJwk.x, vkey })
    },
  })
  const store = await openNodeStore({ dir, die })
  for (const key of narrowApiKeys()) await store.apiKeys.create(key)
  await store.close()
}
