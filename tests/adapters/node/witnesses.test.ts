/** Witnesses of a log on disk, over real ports: the contract of every host. */
import { cp } from 'node:fs/promises'
import { describe } from 'vitest'
import type { NodeStore } from '../../../src/adapters/node/store.ts'
import type { WitnessSettings } from '../../../src/adapters/sqlite/witnesses.ts'
import type { GateEvent } from '../../../src/ports.ts'
import { aRecord } from '../../contract/fixtures.ts'
import { newDataDir, openStore } from '../../contract/node-store.ts'
import {
  type WitnessedLog,
  type WitnessHost,
  witnessContract,
} from '../../contract/witness-contract.ts'
import { portReach } from '../../support/witness-reach.ts'

interface Setting {
  readonly witnesses: WitnessSettings
  readonly observe: (event: GateEvent) => void
}

const host: WitnessHost = {
  inside: (work) => work(),
  asks_again: true,
  async open(given) {
    const data = await newDataDir()
    const bare = await openStore({ dir: data.path })
    const { vkey } = bare
    await bare.close()
    const { settings, observe } = await given(vkey)
    const opened: NodeStore[] = []
    const log = await openAt(data.path, { witnesses: settings, observe }, opened)
    return {
      ...log,
      async close() {
        for (const store of opened) await store.close()
        await data.remove()
      },
    }
  },
}

async function openAt(dir: string, setting: Setting, opened: NodeStore[]): Promise<WitnessedLog> {
  const store = await openStore({ dir, ...setting })
  opened.push(store)
  return {
    async grow(count) {
      await store.log.append(
        Array.from({ length: count }, () => aRecord({ kind: 'heartbeat' })),
        [],
      )
      await store.publish()
    },
    settled: () => store.witnessesSettled(),
    checkpoint: store.log.checkpoint,
    witnessed: async () => (await store.log.witnessed?.()) ?? null,
    status: async () => store.status(),
    async crash() {
      const copy = `${dir}-after`
      await cp(dir, copy, { recursive: true, filter: (name) => !name.endsWith('lock') })
      return openAt(copy, setting, opened)
    },
    close: async () => {},
  }
}

describe('the witnesses of a log in Node', () => witnessContract(host, portReach))
