/**
 * A world for commands under test: what they print is kept, the clock stands, waiting is instant, there is no network
 * unless a test brings one.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { ExitCode } from '../../src/cli/failure.ts'
import { runCli } from '../../src/cli/program.ts'
import type { World } from '../../src/cli/world.ts'
import { epochMs } from '../../src/core/time.ts'

export interface Ran {
  readonly exit: ExitCode
  readonly out: string
  readonly err: string
}

/** The instant all commands under test run at. */
export const NOW: string = '2026-01-31T00:00:00Z'

/** Nobody listens anywhere. */
export const noNetwork: World['fetch'] = () =>
  Promise.reject(Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } }))

/** Runs one command line in `cwd`. */
export async function run(
  cwd: string,
  argv: readonly string[],
  changes: Partial<World> = {},
): Promise<Ran> {
  let out = ''
  let err = ''
  const world: World = {
    out: (text) => {
      out += text
    },
    talk: (text) => {
      err += text
    },
    out_tty: false,
    talk_tty: false,
    columns: 80,
    env: {},
    cwd,
    pipe: () => ({ input: Readable.from([]), output: new PassThrough() }),
    now: () => epochMs(Date.parse(NOW)),
    fetch: noNetwork,
    sleep: async () => undefined,
    watch: () => () => undefined,
    signal: new AbortController().signal,
    ...changes,
  }
  const exit = await runCli(argv, world)
  return { exit, out, err }
}

/** A directory that is gone when the test is over. */
export function aDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-cli-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
