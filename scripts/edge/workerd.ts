/**
 * Starts `workerd serve` on a configuration file and knows when and where it listens.
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** The program itself: its launcher in `.bin` passes on no open file, and is replaced only where install scripts may run. */
const PROGRAM = (createRequire(import.meta.url)('workerd') as { readonly default: string }).default

export interface Workerd {
  readonly url: string
  readonly pid: number
  /** What it wrote on standard error, newest last. */
  readonly said: () => readonly string[]
  /** Ends it and waits; `signal` SIGKILL is a power cut as far as a process can have one. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** Resolves when it listens; rejects with what it said when it ends before. */
export async function startWorkerd(options: {
  readonly config: string
  /** Directory of the objects' databases; made when it is missing. */
  readonly data: string
  /** 0, the default, picks a free one. */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
}): Promise<Workerd> {
  const { config, data, port: wanted = 0 } = options
  mkdirSync(data, { recursive: true })
  const places = [`--directory-path=disk=${data}`, `--socket-addr=http=127.0.0.1:${wanted}`]
  const child = spawn(PROGRAM, ['serve', '--control-fd=3', ...places, config], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream as Readable }).on('line', (line) => {
      said.push(line)
      if (said.length > 1_000) said.shift()
    })
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const port = await Promise.race([
    listening(child.stdio[3] as Readable),
    ended.then((code): never => {
      throw new Error(`workerd ended with ${code}:\n${said.join('\n')}`)
    }),
  ])
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    said: () => said,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await ended
    },
  }
}

async function listening(control: Readable): Promise<number> {
  for await (const line of createInterface({ input: control })) {
    const { event, port } = JSON.parse(line) as { readonly event?: string; readonly port?: number }
    if (event === 'listen' && port !== undefined) return port
  }
  // It is ending: the other half of the race says why.
  return new Promise(() => {})
}
