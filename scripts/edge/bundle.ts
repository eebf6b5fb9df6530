/**
 * Bundles a Worker the way a deployment does (`wrangler deploy --dry-run`), and says how large it is.
 *
 * What wrangler writes is what Cloudflare would receive and what plain workerd serves. Nothing is uploaded.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

export const ROOT: string = resolve(import.meta.dirname, '../..')

export interface BundleModule {
  /** As other modules import it. */
  readonly name: string
  readonly path: string
  readonly kind: 'esModule' | 'text' | 'wasm'
}

export interface Bundle {
  readonly dir: string
  /** The entry first. */
  readonly modules: readonly BundleModule[]
  readonly bytes: number
  readonly gzip_bytes: number
}

const KINDS: readonly (readonly [ending: string, kind: BundleModule['kind']])[] = [
  ['.js', 'esModule'],
  ['.wasm', 'wasm'],
  ['.yaml', 'text'],
  ['.txt', 'text'],
]

/** `config` is a wrangler.toml; `environment` one of its sections, or none. */
export async function bundleWorker(options: {
  readonly config: string
  readonly outdir: string
  readonly environment?: string
}): Promise<Bundle> {
  const { config, outdir, environment = '' } = options
  const args = ['deploy', '--dry-run', '--config', config, '--outdir', outdir]
  await run('wrangler', [...args, '--env', environment])
  return readBundle(outdir)
}

/** A directory wrangler wrote. */
export function readBundle(dir: string): Bundle {
  const modules = readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .flatMap((file): readonly BundleModule[] => {
      const kind = KINDS.find(([ending]) => file.endsWith(ending))?.[1]
      const path = join(dir, file)
      return kind === undefined ? [] : [{ name: relative(dir, path), path, kind }]
    })
    .sort((a, b) => Number(b.kind === 'esModule') - Number(a.kind === 'esModule'))
  const contents = modules.map(({ path }) => readFileSync(path))
  return {
    dir,
    modules,
    bytes: contents.reduce((sum, content) => sum + content.length, 0),
    gzip_bytes: gzipSync(Buffer.concat(contents)).length,
  }
}

/** A program of node_modules/.bin; rejects with what it said. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' }
  const { stdout } = await promisify(execFile)(binary(program), [...args], { cwd: ROOT, env })
  return stdout
}

/** Path of a program npm installed. */
export function binary(program: string): string {
  return join(ROOT, 'node_modules/.bin', program)
}
