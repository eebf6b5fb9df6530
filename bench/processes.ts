/**
 * A gate as a child process, for benchmarks that ask it over HTTP, and one call of its API.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { START_FLAGS } from './start-flags.ts'

const ROOT = resolve(import.meta.dirname, '..')
export const ADMIN_KEY = 'lg_bench_0123456789abcdefghijklmnopqrstuvwxyzABCD'

export interface GateProcess {
  readonly url: string
  /** Processor time it has used so far, all threads, microseconds. Linux only; NaN elsewhere. */
  cpuUs(): number
  stop(): Promise<void>
}

export async function startGate(options: {
  readonly dir: string
  readonly servers?: string
  readonly policy?: string
  readonly port?: number
}): Promise<GateProcess> {
  const { dir, servers, policy, port = 0 } = options
  const args = [
    ...START_FLAGS,
    ...['src/cli/main.ts', 'serve', '--init', '--port', String(port), '--data', join(dir, 'data')],
    ...(servers === undefined ? [] : ['--servers', servers]),
    ...(policy === undefined ? [] : ['--policy', policy]),
  ]
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      LIVEGATE_ADMIN_KEY: ADMIN_KEY,
      LIVEGATE_LOG_LEVEL: 'error',
      LIVEGATE_RATE: '9999999',
    },
  })
  const exited = new Promise<void>((gone) => child.once('exit', () => gone()))
  const url = await new Promise<string>((found, failed) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const match = /listening on (http:\/\/[\d.:]+)/.exec(line)
      if (match !== null) found(match[1] ?? '')
      // What goes wrong beside what is measured.
      else if (line.includes('"level":"error"')) process.stderr.write(`${line}\n`)
    })
    child.once('exit', (code) => failed(new Error(`the gate exited with ${code}`)))
  })
  return {
    url,
    cpuUs: () => cpuUsOf(child.pid),
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** The system counts in ticks of ten milliseconds. */
function cpuUsOf(pid: number | undefined): number {
  try {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const [user = '', system = ''] = fields.split(' ').slice(11, 13)
    return (Number(user) + Number(system)) * 10_000
  } catch {
    return Number.NaN
  }
}

const ADMIN = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' }

/** One JSON call, with the admin key of `startGate` unless other headers are given; rejects unless it is answered 2xx. */
export async function apiCall(
  url: string,
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = ADMIN,
): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text.startsWith('{') ? JSON.parse(text) : text
}
