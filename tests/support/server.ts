/**
 * A real livegate process for tests: `livegate serve` on a free loopback port with a data directory of its own.
 *
 * Only processes started here are ended, by their own handle.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = resolve(import.meta.dirname, '../..')

/** Known to the tests only. */
export const ADMIN_KEY = 'lg_test_0123456789abcdefghijklmnopqrstuvwxyzABCD'

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Everything the process wrote to standard error so far. */
  stderr(): string
  /** Sends SIGKILL and waits until it is gone. */
  kill(): Promise<void>
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface ServerOptions {
  readonly data: string
  readonly policy?: string
  readonly servers?: string
  readonly port?: number
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a gate and waits until it can decide. Rejects with its output when it exits before that. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const policy = options.policy ?? join(ROOT, 'policies/default.yaml')
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'src/cli/main.ts'),
      'serve',
      '--init',
      '--port',
      String(options.port ?? 0),
      '--data',
      options.data,
      '--policy',
      policy,
      ...(options.servers === undefined ? [] : ['--servers', options.servers]),
      ...(options.args ?? []),
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LIVEGATE_ADMIN_KEY: ADMIN_KEY, NO_COLOR: '1', ...options.env },
    },
  )
  let output = ''
  const url = await new Promise<string>((found, failed) => {
    const lines = createInterface({ input: child.stderr })
    lines.on('line', (line) => {
      output += `${line}\n`
      const match = /listening on (http:\/\/[\d.:]+)/.exec(line)
      if (match?.[1] !== undefined) found(match[1])
    })
    child.once('exit', (code) => failed(new Error(`livegate exited with ${code}:\n${output}`)))
    child.once('error', failed)
  })
  return {
    url,
    pid: child.pid ?? -1,
    stderr: () => output,
    kill: async () => {
      if (isRunning(child)) {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
    },
    stop: async () => {
      if (isRunning(child)) {
        const gone = once(child, 'exit')
        child.kill('SIGTERM')
        await gone
      }
      return child.exitCode
    },
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** One JSON request with the admin key. */
export async function call(
  server: Pick<ServerProcess, 'url'>,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Headers }> {
  const response = await fetch(new URL(path, server.url), {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = (response.headers.get('content-type') ?? '').includes('json')
  return {
    status: response.status,
    body: isJson ? JSON.parse(text) : text,
    headers: response.headers,
  }
}
