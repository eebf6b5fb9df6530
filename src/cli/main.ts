/**
 * Composition root of the command line: builds the real world, runs, sets the exit code. No logic.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { epochMs } from '../core/time.ts'
import { watchDirectories } from './policy/watch.ts'
import { runCli } from './program.ts'
import type { World } from './world.ts'

const stop = new AbortController()
let listens = false
function listen(): void {
  if (listens) return
  listens = true
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
}
// These compute without a pause, so that a listener would hear Ctrl-C only when all is over, and leave nothing half
// done: the system ends them, unless they take hold of the signal themselves, as to watch or to ask a gate.
const COMPUTES: readonly string[] = ['lint', 'test', 'prove', 'diff', 'explain']
const [noun, verb = ''] = process.argv.slice(2)
if (noun !== 'policy' || !COMPUTES.includes(verb)) listen()
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
  pipe: () => ({ input: process.stdin, output: process.stdout }),
  now: () => epochMs(Date.now()),
  fetch: (url, init) => fetch(url, init),
  sleep: (ms) => delay(ms, undefined, { signal: stop.signal }),
  watch: watchDirectories,
  get signal() {
    listen()
    return stop.signal
  },
}

process.exitCode = await runCli(process.argv.slice(2), world)
