/**
 * A host for the suites: memory store, real gate, real HTTP app, the clock of the machine.
 */

import { apiKeyFromToken } from '../../src/adapters/http/api-key.ts'
import { createApp } from '../../src/adapters/http/app.ts'
import { createCallerKeys } from '../../src/adapters/http/caller-keys.ts'
import { DEFAULT_HTTP_CONFIG } from '../../src/adapters/http/deps.ts'
import { after } from '../../src/adapters/node/system.ts'
import { fromBase64Url } from '../../src/core/encoding.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { epochMs } from '../../src/core/time.ts'
import { formatVkey, NOTE_ED25519 } from '../../src/core/tlog/note-key.ts'
import { createShadow, withShadow } from '../../src/gate/shadow.ts'
import { testKey } from '../core/record/samples.ts'
import { activePolicy, aGate, ORIGIN, RECORD_KEY } from '../support/gate.ts'
import { CANDIDATE } from './candidate.ts'
import type { Host } from './host.ts'
import { narrowApiKeys } from './keys.ts'

const ADMIN = 'lg_admin_0123456789abcdefghijklmnopqrstuv'

export async function aMemoryHost(): Promise<Host> {
  const world = await aGate({ numbered: true })
  const { store, gate, erasure, incidents, policies } = world
  const clock = { now: () => epochMs(Date.now()) }
  const bytes = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
  const admin = apiKeyFromToken(ADMIN, { scopes: ['admin'], owner: 'admin' }, clock)
  for (const key of [admin, ...narrowApiKeys()]) if (key !== null) await store.apiKeys.create(key)
  const shadow = createShadow({
    clock,
    elapsed: () => performance.now(),
    after,
    observe: () => {},
  })
  shadow.use(activePolicy(CANDIDATE).plan)
  const app = createApp({
    shadow: shadow.report,
    ...{
      gate: withShadow(gate, shadow),
      erasure,
      clock,
      random: bytes,
      streamKeys: store.streamKeys,
      directory: store.directory,
      broadcasts: store.broadcasts,
      ...{ incidents, reviews: store.reviews },
    },
    pepper: { hash: (what, text) => portableHasher.digestText(`pepper ${what} ${text}`) },
    callerKeys: createCallerKeys(store.apiKeys, clock),
    observe: () => {},
    config: { ...DEFAULT_HTTP_CONFIG, rate: { per_s: 100_000, burst: 100_000 } },
    readiness: () => {
      const { digest, revision } = policies.active().plan
      const numbered = revision === null ? {} : { revision }
      return { ready: true, policy: { digest, ...numbered, file: 'default.yaml', problems: [] } }
    },
    metricsText: () => '# TYPE livegate_log_size gauge\nlivegate_log_size 0\n',
    policiesView: {
      list: () => {
        const { name, digest } = policies.active().plan
        return [{ name, digest, active: true, activated_at: clock.now() }]
      },
      text: (asked) => {
        const { plan, bytes } = policies.active()
        return asked === plan.digest ? bytes : null
      },
    },
    policyDesk: world.desk,
    logs: [{ log: store.log, vkey: vkeyOf(8), access: world.access }],
    recordKeys: () => [RECORD_KEY.jwk],
  })
  return {
    ...{ origin: ORIGIN, issuer: 'https://gate.example', shards: 1, adminKey: ADMIN },
    async ask(request) {
      world.clock.set(clock.now())
      return app.fetch(request)
    },
  }
}

/** Of the key tests/support/gate.ts signs checkpoints with. */
function vkeyOf(byte: number): string {
  const publicKey = fromBase64Url(testKey(byte).jwk.x)
  if (publicKey === null) throw new Error('the key of the test log is malformed')
  return formatVkey({ name: ORIGIN, type: NOTE_ED25519, publicKey })
}
