/** Test witnesses over real ports, for hosts that can reach one. */
import type { Reach } from '../contract/witness-contract.ts'
import type { TestWitness } from './witness.ts'
import { serveWitness, type WitnessServer } from './witness-server.ts'

export async function portReach(): Promise<Reach> {
  const servers = new Map<TestWitness, WitnessServer>()
  return {
    async serve(witness) {
      const server = await serveWitness(witness)
      servers.set(witness, server)
      return server.url
    },
    down: async (witness) => servers.get(witness)?.close(),
    async up(witness) {
      const port = Number(new URL(servers.get(witness)?.url ?? '').port)
      servers.set(witness, await serveWitness(witness, port))
    },
    fetch: (url, init) => fetch(url, init),
    async end() {
      await Promise.all([...servers.values()].map((server) => server.close()))
    },
  }
}
