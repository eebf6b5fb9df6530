/**
 * A host for the suites: the bundle as it would be deployed, in plain `workerd serve` with a directory of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSelfHost } from '../../scripts/edge/self-host.ts'
import { startWorkerd, type Workerd } from '../../scripts/edge/workerd.ts'
import { toBase64Url } from '../../src/core/encoding.ts'
import { CANDIDATE } from './candidate.ts'
import type { Host } from './host.ts'
import { narrowApiKeys } from './keys.ts'

const ORIGIN = 'gate.example/log/workerd'
const ISSUER = 'https://gate.example'
const ADMIN = 'lg_admin_0123456789abcdefghijklmnopqrstuv'
const SHARDS = 3

const secret = (byte: number): string => toBase64Url(new Uint8Array(32).fill(byte))

const VARIABLES: Readonly<Record<string, string>> = {
  LIVEGATE_ORIGIN: ORIGIN,
  LIVEGATE_ISSUER: ISSUER,
  LIVEGATE_SHARDS: String(SHARDS),
  LIVEGATE_PEPPER: secret(1),
  LIVEGATE_RECORD_KEY: secret(2),
  LIVEGATE_CHECKPOINT_SEED: secret(3),
  LIVEGATE_RECORD_KEY_NEXT: secret(4),
  LIVEGATE_CHECKPOINT_SEED_NEXT: secret(5),
  LIVEGATE_ADMIN_KEY: ADMIN,
  LIVEGATE_API_KEYS: JSON.stringify(narrowApiKeys()),
  LIVEGATE_RATE: '100000',
  LIVEGATE_LOG_LEVEL: 'warn',
  LIVEGATE_SHADOW_POLICY: CANDIDATE,
  LIVEGATE_SHADOW_SHARE: '1',
}

export interface WorkerdHost extends Host {
  /** SIGKILL, and a new process over what it left on disk; the log is not begun again. */
  killAndStart(): Promise<void>
  stop(): Promise<void>
}

export async function aWorkerdHost(): Promise<WorkerdHost> {
  const root = await mkdtemp(join(tmpdir(), 'livegate-workerd-'))
  const { config } = await writeSelfHost(join(root, 'host'))
  const data = join(root, 'data')
  const start = (create: boolean): Promise<Workerd> =>
    startWorkerd({ config, data, env: { ...VARIABLES, LIVEGATE_CREATE_LOG: String(create) } })
  let workerd = await start(true)
  return {
    ...{ origin: ORIGIN, issuer: ISSUER, shards: SHARDS, adminKey: ADMIN },
    async ask(request) {
      const { method, headers } = request
      const { pathname, search } = new URL(request.url)
      const body = await request.arrayBuffer()
      return fetch(new URL(pathname + search, workerd.url), {
        ...{ method, headers },
        body: body.byteLength === 0 ? null : body,
      })
    },
    async killAndStart() {
      await workerd.stop('SIGKILL')
      workerd = await start(false)
    },
    async stop() {
      await workerd.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
}
