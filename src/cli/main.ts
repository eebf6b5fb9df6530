/**
 * Composition root of the command line: builds the real world, runs, sets the exit code. No logic.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { epochMs } from '../core/time.ts'
import { watchDirectories } from './policy/watch.ts'
import { runCli } from './program.ts'
import type { World } from './world.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
// Whoever reads us has gone: nothing more can be said, and "clean" would be a lie.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(1))

const world: World = {
  out: (text) => void process.stdout.write(text),
  talk: (text) => void process.stderr.write(text),
  out_tty: process.stdout.isTTY === true,
  talk_tty: process.stderr.isTTY === true,
  columns: process.stderr.columns ?? 80,
  env: process.env,
  cwd: process.cwd(),
  now: () => epochMs(Date.now()),
  fetch: (url, init) => fetch(url, init),
  sleep: (ms) => delay(ms, undefined, { signal: stop.signal }),
  watch: watchDirectories,
  signal: stop.signal,
}

process.exitCode = await runCli(process.argv.slice(2), world)
