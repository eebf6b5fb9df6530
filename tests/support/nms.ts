/**
 * A real node-media-server in a process of its own: own ports, own folder, started and stopped by its process id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from './ports.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Its administrator, known to the tests only. */
export const NMS_USER = 'admin'
export const NMS_PASSWORD = 'only-for-tests-of-livegate'

export interface Nms {
  /** `rtmp://127.0.0.1:PORT`. */
  readonly rtmp: string
  /** `http://127.0.0.1:PORT` of its API. */
  readonly http: string
  /** Everything it has printed. */
  printed(): string
  stop(): Promise<void>
}

const MAIN = `const [config] = process.argv.slice(1).map((text) => JSON.parse(text))
const NodeMediaServer = require('node-media-server')
new NodeMediaServer(config).run()`

/** Starts one that notifies \`notify\`; three attempts, as a port may be taken meanwhile. */
export async function startNms(notify: string, ports: readonly number[] = []): Promise<Nms> {
  for (let attempt = 1; ; attempt++) {
    const [rtmp = 0, http = 0] = ports.length > 0 ? ports : await freePorts(2)
    const folder = mkdtempSync(join(tmpdir(), 'livegate-nms-'))
    const config = pageConfig(notify, { rtmp, http, folder })
    const child = spawn(process.execPath, ['-e', MAIN, JSON.stringify(config)], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const printed = collect(child)
    const exited = new Promise<void>((done) => child.once('exit', () => done()))
    if ((await listens(rtmp, exited)) && (await listens(http, exited)))
      return {
        rtmp: `rtmp://127.0.0.1:${rtmp}`,
        http: `http://127.0.0.1:${http}`,
        printed,
        async stop() {
          child.kill('SIGKILL')
          await exited
          rmSync(folder, { recursive: true, force: true })
        },
      }
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
    if (attempt === 3) throw new Error(`Cannot start node-media-server: ${printed()}`)
  }
}

/** What docs/media/node-media-server.md says to paste. */
interface PageConfig {
  readonly bind: string
  readonly notify: { readonly url: string }
  readonly auth: {
    readonly jwt: { readonly secret: string; readonly users: readonly { username: string }[] }
  }
}

/** The page's configuration with this machine's places in it. */
function pageConfig(
  notify: string,
  { rtmp, http, folder }: { readonly rtmp: number; readonly http: number; readonly folder: string },
): object {
  const page = readFileSync(join(ROOT, 'docs/media/node-media-server.md'), 'utf8')
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
  const config = JSON.parse(json) as PageConfig
  const [user] = config.auth.jwt.users
  const users = [{ ...user, username: NMS_USER, password: NMS_PASSWORD }]
  return {
    ...config,
    bind: '127.0.0.1',
    notify: { url: notify },
    store: { path: join(folder, 'data') },
    auth: {
      ...config.auth,
      jwt: { ...config.auth.jwt, secret: 'signs-tokens-of-the-test', users },
    },
    rtmp: { port: rtmp },
    http: { port: http },
    webadmin: { enable: false },
    record: { auto: false, path: join(folder, 'record') },
  }
}

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
    })
  return () => text
}

/** True once something answers on the port, false when the process has ended first. */
async function listens(port: number, exited: Promise<void>): Promise<boolean> {
  let over = false
  void exited.then(() => {
    over = true
  })
  while (!over) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        done(true)
      })
      socket.once('error', () => setTimeout(() => done(false), 50))
    })
    if (open) return true
  }
  return false
}
