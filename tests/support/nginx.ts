/**
 * A real nginx with nginx-rtmp: own prefix, own ports, one worker, started and stopped by its process id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './ports.ts'
import { nginxRtmpModule, programPath } from './programs.ts'

export interface NginxConfig {
  /** Whole `rtmp { }` block. */
  readonly rtmp: string
  /** Content of `http { }`. */
  readonly http: string
}

export interface Nginx {
  /** `rtmp://127.0.0.1:PORT`. */
  readonly rtmp: string
  /** `http://127.0.0.1:PORT` of the hook proxy, control and statistics. */
  readonly http: string
  /** Names of the streams it knows now, from its statistics. */
  names(): Promise<string[]>
  /** Everything nginx has written to disk, logs and all. */
  written(): string
  /** Kills it as a crash would and starts it again: same ports, connections counted from one. */
  restart(): Promise<void>
  /** Reads its configuration again: a new worker answers, the old one keeps its publishers. */
  reload(): void
  stop(): Promise<void>
}

/** Starts nginx with what `configure` makes of two free ports; three attempts, as a port may be taken meanwhile. */
export async function startNginx(
  configure: (ports: { readonly rtmp: number; readonly hook: number }) => NginxConfig,
): Promise<Nginx> {
  for (let attempt = 1; ; attempt++) {
    const [rtmp = 0, hook = 0] = await freePorts(2)
    const prefix = mkdtempSync(join(tmpdir(), 'livegate-nginx-'))
    writeFileSync(join(prefix, 'nginx.conf'), wholeConfig(configure({ rtmp, hook }), prefix))
    const process = run(prefix)
    if (await listens(rtmp, process.exited)) return running({ process, prefix, rtmp, hook })
    const log = readFileSync(join(prefix, 'error.log'), 'utf8')
    rmSync(prefix, { recursive: true, force: true })
    if (attempt === 3) throw new Error(`Cannot start nginx: ${log}`)
  }
}

interface NginxProcess {
  readonly child: ChildProcess
  readonly exited: Promise<void>
}

/** In the foreground: its one process of its own is the worker's parent, and both are ours. */
function run(prefix: string): NginxProcess {
  const child = spawn(
    programPath('nginx') ?? 'nginx',
    ['-p', prefix, '-e', join(prefix, 'error.log'), '-c', join(prefix, 'nginx.conf')],
    { stdio: 'ignore' },
  )
  return { child, exited: exitOf(child) }
}

interface Running {
  readonly process: NginxProcess
  readonly prefix: string
  readonly rtmp: number
  readonly hook: number
}

function running({ process, prefix, rtmp, hook }: Running): Nginx {
  const http = `http://127.0.0.1:${hook}`
  let now = process
  return {
    rtmp: `rtmp://127.0.0.1:${rtmp}`,
    http,
    async names() {
      const xml = await (await fetch(`${http}/stat`)).text()
      return [...xml.matchAll(/<stream>\s*<name>([^<]*)<\/name>/g)].map((match) => match[1] ?? '')
    },
    written: () =>
      (readdirSync(prefix, { recursive: true }) as string[])
        .map((file) => join(prefix, file))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'latin1'))
        .join('\n'),
    async restart() {
      // Its worker goes first, so that nobody is told anything.
      for (const worker of childrenOf(now.child.pid)) globalThis.process.kill(worker, 'SIGKILL')
      now.child.kill('SIGKILL')
      await now.exited
      now = run(prefix)
      if (!(await listens(rtmp, now.exited))) throw new Error('Cannot restart nginx')
    },
    reload: () => void now.child.kill('SIGHUP'),
    async stop() {
      now.child.kill('SIGTERM')
      await now.exited
      rmSync(prefix, { recursive: true, force: true })
    },
  }
}

function wholeConfig({ rtmp, http }: NginxConfig, prefix: string): string {
  const user = process.getuid?.() === 0 ? 'user root;\n' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `    ${kind}_temp_path ${prefix}/${kind};`)
    .join('\n')
  return `${user}load_module ${nginxRtmpModule()};
daemon off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log error;
events { worker_connections 1024; }
${rtmp}
http {
${temporary}
${http}
}
`
}

/** Process ids, from the table of the system. */
function childrenOf(parent: number | undefined): number[] {
  const path = `/proc/${parent}/task/${parent}/children`
  return readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number)
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
}

/** True as soon as the port accepts; false when the process ended first. */
async function listens(port: number, exited: Promise<void>): Promise<boolean> {
  let over = false
  void exited.then(() => {
    over = true
  })
  while (!over) {
    if (await accepts(port)) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
