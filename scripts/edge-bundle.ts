/**
 * `npm run edge:bundle`: bundles the Worker as a deployment does and prints its size; fails above a megabyte compressed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bundle, bundleWorker, ROOT } from './edge/bundle.ts'

/** A larger Worker starts more slowly; Cloudflare itself refuses from 10 MiB. */
export const BUNDLE_LIMIT_BYTES: number = 1_048_576

/** Bundles into a directory that is gone afterwards. */
export async function measureBundle(environment: string): Promise<Omit<Bundle, 'dir'>> {
  const outdir = mkdtempSync(join(tmpdir(), 'livegate-bundle-'))
  try {
    return await bundleWorker({ config: join(ROOT, 'wrangler.toml'), outdir, environment })
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { bytes, gzip_bytes } = await measureBundle('')
  const kib = (size: number): string => `${(size / 1024).toFixed(0)} KiB`
  console.log(
    `Worker: ${kib(gzip_bytes)} compressed (limit ${kib(BUNDLE_LIMIT_BYTES)}), ${kib(bytes)} as it is`,
  )
  if (gzip_bytes > BUNDLE_LIMIT_BYTES) process.exit(1)
}
