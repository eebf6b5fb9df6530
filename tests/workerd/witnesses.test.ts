/** Witnesses of a log on the edge: the contract of every host, inside workerd. */
import { describe } from 'vitest'
import { createCheckpointSigner } from '../../src/adapters/cloudflare/edge-keys.ts'
import { createR2Witnessed } from '../../src/adapters/cloudflare/r2-witnessed.ts'
import type { Sequencer, SequencerParts } from '../../src/adapters/cloudflare/sequencer.ts'
import { after } from '../../src/adapters/cloudflare/worker-system.ts'
import { aRecord } from '../contract/fixtures.ts'
import {
  type Reach,
  type WitnessedLog,
  type WitnessHost,
  witnessContract,
} from '../contract/witness-contract.ts'
import type { TestWitness } from '../support/witness.ts'
import { inPlace, ORIGIN, type Place, SEED } from './sequencers.ts'

let here: Place | null = null

const host: WitnessHost = {
  asks_again: false,
  inside: (work) =>
    inPlace(async (place) => {
      here = place
      await work()
    }),
  async open(given) {
    const place = here
    if (place === null) throw new Error('a log is opened inside its object')
    const { vkey } = await createCheckpointSigner(SEED, ORIGIN)
    const { settings, observe } = await given(vkey)
    const log = logOf(place, await place.open({ witnesses: settings, observe }), {
      ...{ witnesses: settings, observe },
    })
    await log.grow(1)
    return log
  },
}

function logOf(place: Place, sequencer: Sequencer, given: Partial<SequencerParts>): WitnessedLog {
  const file = createR2Witnessed(place.bucket, place.prefix, after)
  return {
    async grow(count) {
      const records = Array.from({ length: count }, () => aRecord({ kind: 'heartbeat' }))
      await sequencer.appendDeployment(records, [])
      await sequencer.publish()
    },
    settled: sequencer.witnessesSettled,
    checkpoint: sequencer.checkpoint,
    witnessed: file.get,
    status: async () => {
      const { halted, witnesses = null } = await sequencer.status()
      return { halted, witnesses }
    },
    crash: async () => logOf(place, await place.open(given), given),
    close: async () => {},
  }
}

/** In the same isolate: requests are calls. */
async function callReach(): Promise<Reach> {
  const served = new Map<string, TestWitness>()
  const away = new Set<TestWitness>()
  return {
    async serve(witness) {
      const url = `https://${witness.name.split('/')[0]}/log-witness`
      served.set(url, witness)
      return url
    },
    down: async (witness) => void away.add(witness),
    up: async (witness) => void away.delete(witness),
    async fetch(url, { method, body = '' }) {
      const prefix = url.slice(0, url.indexOf('/', url.indexOf('/log-witness') + 1))
      const witness = served.get(prefix)
      if (witness === undefined || away.has(witness)) throw new TypeError('no connection')
      const path = url.slice(url.indexOf('/log-witness'))
      const answer = await witness.handle({ method, path, body })
      if (answer.lost) throw new TypeError('the connection was lost')
      const { status, headers } = answer
      return new Response(answer.body === '' ? null : answer.body, { status, headers })
    },
    end: async () => {},
  }
}

describe('the witnesses of a log on the edge', () => witnessContract(host, callReach))
