/**
 * The edge host as a process: the bundled Worker under plain workerd with its objects and its bucket on disk, as
 * docs/hosts/workerd.md has it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSecrets } from '../../scripts/edge/secrets.ts'
import { writeSelfHost } from '../../scripts/edge/self-host.ts'
import { startWorkerd, type Workerd } from '../../scripts/edge/workerd.ts'
import { ADMIN_KEY, type ServerProcess } from './server.ts'

/** Starts again on the same objects, bucket and secrets after it was ended. */
export interface EdgeGate {
  start(port?: number): Promise<ServerProcess>
}

/** Bundles once. `servers` is the text of a media servers file, `webhooks` of a webhooks file. */
export async function edgeGate(options: {
  readonly dir: string
  readonly servers?: string
  readonly webhooks?: string
  readonly env?: Readonly<Record<string, string>>
}): Promise<EdgeGate> {
  const { dir, servers = 'servers: []\n', webhooks = 'endpoints: []\n', env = {} } = options
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'servers.yaml')
  writeFileSync(file, servers)
  const hooks = join(dir, 'webhooks.yaml')
  writeFileSync(hooks, webhooks)
  const { config } = await writeSelfHost(join(dir, 'bundle'), file, hooks)
  const variables = {
    ...newSecrets(),
    LIVEGATE_ADMIN_KEY: ADMIN_KEY,
    LIVEGATE_ORIGIN: 'edge.example/log',
    LIVEGATE_ISSUER: 'https://edge.example',
    LIVEGATE_CREATE_LOG: 'true',
    ...env,
  }
  return {
    async start(port = 0) {
      const workerd = await startWorkerd({ config, data: join(dir, 'data'), port, env: variables })
      return processOf(workerd)
    },
  }
}

function processOf(workerd: Workerd): ServerProcess {
  return {
    url: workerd.url,
    pid: workerd.pid,
    stderr: () => workerd.said().join('\n'),
    kill: () => workerd.stop('SIGKILL'),
    async stop() {
      await workerd.stop()
      return 0
    },
  }
}
