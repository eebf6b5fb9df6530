/**
 * The parts of `log audit` out of the program as it is installed: sources would lose their types anew in each thread, which
 * costs nobody who runs the built one. Builds into `.bench`. From: audit.ts.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const BUILT = join(ROOT, '.bench/built')

/** Its module of Ed25519, once built. */
export const BUILT_ED25519: string = join(BUILT, 'cli/log/ed25519.js')

export interface BuiltAudit {
  readonly run: typeof import('../src/cli/log/audit-run.ts')
  readonly disclosures: typeof import('../src/cli/log/disclosures.ts')
  readonly head: typeof import('../src/cli/log/head.ts')
  readonly source: typeof import('../src/cli/log/source.ts')
  readonly outside: typeof import('../src/cli/log/witnessed-records.ts')
}

/** Builds, and loads what was built. */
export async function buildAudit(): Promise<BuiltAudit> {
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  const args = ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', BUILT]
  execFileSync(tsc, args, { stdio: ['ignore', process.stderr, process.stderr] })
  const part = <T>(name: string): Promise<T> => import(join(BUILT, 'cli/log', name))
  return {
    run: await part('audit-run.js'),
    disclosures: await part('disclosures.js'),
    head: await part('head.js'),
    source: await part('source.js'),
    outside: await part('witnessed-records.js'),
  }
}
