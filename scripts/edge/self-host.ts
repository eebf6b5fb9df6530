/**
 * Writes a directory plain `workerd serve` runs from: the Worker as Cloudflare would get it, the bucket service, and
 * the configuration that joins them. Secrets and variables stay in the environment workerd is started in.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { type Bundle, bundleWorker, ROOT } from './bundle.ts'
import { edgeVariables, SERVERS_FILE, WEBHOOKS_FILE } from './variables.ts'
import {
  fromEnvironment,
  PUBLIC_SERVICE,
  type WorkerdWorker,
  workerdConfig,
} from './workerd-config.ts'

const BUCKET_SOURCE = 'src/adapters/cloudflare/bucket-service.ts'

export interface SelfHost {
  /** The file to give to `workerd serve`. */
  readonly config: string
  readonly bundle: Bundle
}

/**
 * Bundles into `dir`, replacing what an earlier version wrote there; `servers` and `webhooks` in place of
 * deploy/servers.yaml and deploy/webhooks.yaml.
 */
export async function writeSelfHost(
  dir: string,
  servers: string = SERVERS_FILE,
  webhooks: string = WEBHOOKS_FILE,
): Promise<SelfHost> {
  const toml = join(ROOT, 'wrangler.toml')
  const bundle = await bundleWorker({ config: toml, outdir: join(dir, 'livegate') })
  for (const [file, name] of [
    [servers, 'servers.yaml'],
    [webhooks, 'webhooks.yaml'],
  ] as const) {
    const module = bundle.modules.find((one) => one.name.endsWith(`-${name}`))
    if (module === undefined) throw new TypeError(`the bundle has no ${name}`)
    copyFileSync(file, module.path)
  }
  mkdirSync(join(dir, 'bucket'), { recursive: true })
  // One file whose only import is the runtime's own: taking the types away is all the building it needs.
  const source = readFileSync(join(ROOT, BUCKET_SOURCE), 'utf8')
  writeFileSync(join(dir, 'bucket/bucket.js'), stripTypeScriptTypes(source))
  const config = join(dir, 'livegate.capnp')
  writeFileSync(
    config,
    workerdConfig({
      ...compatibilityOf(readFileSync(toml, 'utf8')),
      workers: [livegateWorker(bundle, edgeVariables(servers, webhooks)), BUCKET],
    }),
  )
  return { config, bundle }
}

function livegateWorker(bundle: Bundle, variables: readonly string[]): WorkerdWorker {
  return {
    name: 'livegate',
    modules: bundle.modules,
    objects: [
      { binding: 'SUBJECTS', class_name: 'SubjectObject' },
      { binding: 'SEQUENCERS', class_name: 'SequencerObject' },
      { binding: 'DIRECTORIES', class_name: 'DirectoryObject' },
      { binding: 'WEBHOOKS', class_name: 'WebhooksObject' },
      { binding: 'KEEPERS', class_name: 'KeeperObject' },
    ],
    bindings: [
      ['LOG', 'r2Bucket = (name = "bucket", entrypoint = "Bucket")'],
      ['PUBLIC', PUBLIC_SERVICE],
      ...variables.map(fromEnvironment),
    ],
  }
}

const BUCKET: WorkerdWorker = {
  name: 'bucket',
  modules: [{ name: 'bucket.js', kind: 'esModule' }],
  objects: [
    { binding: 'BUCKET', class_name: 'BucketObject' },
    { binding: 'SEQUENCERS', class_name: 'SequencerObject', of: 'livegate' },
  ],
  bindings: [fromEnvironment('LIVEGATE_SHARDS')],
}

/** What wrangler.toml says of the runtime, so that both serve the same. */
export function compatibilityOf(toml: string): {
  readonly compatibility_date: string
  readonly compatibility_flags: readonly string[]
} {
  const date = /^compatibility_date = "([\d-]+)"$/m.exec(toml)?.[1]
  if (date === undefined) throw new TypeError('wrangler.toml names no compatibility_date')
  const flags = /^compatibility_flags = \[(.*)\]$/m.exec(toml)?.[1] ?? ''
  return {
    compatibility_date: date,
    compatibility_flags: [...flags.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  }
}
