/**
 * Budget: a durable, signed, logged decision over HTTP at 32 connections costs at most 1 / 0.6 of the bare floor, and
 * answers at least 2.5 times as many questions as Cerbos without signature or log.
 *
 * All servers are child processes on loopback, loaded in turn (A B A B …) by the same generator on the same two cores;
 * only ratios between neighbours are quoted. `--peer cerbos` installs Cerbos' npm binary package into a temporary
 * folder first.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { median, spread } from './figures.ts'
import { generateLoad, type Loaded } from './generator.ts'
import { START_FLAGS } from './start-flags.ts'

const ROOT = resolve(import.meta.dirname, '..')
const ADMIN_KEY = 'lg_bench_0123456789abcdefghijklmnopqrstuvwxyzABCD'
const CONNECTIONS = 32
const SUBJECTS = 10_000
const ROUNDS = 5
const SECONDS = 6
/** Every subject has asked before, and the code is compiled. */
const WARM_UP_SECONDS = 10

/** A server under load. */
interface Target {
  readonly name: string
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Body of the i-th request. */
  readonly body: (i: number) => string
  stop(): void
}

/** What one load measured. */
/** Starts a child and resolves with the URL it prints. */
async function started(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((found, failed) => {
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => {
          const match = pattern.exec(line)
          if (match !== null) found(match[1] ?? '')
        })
    child.once('exit', (code) => failed(new Error(`server exited with ${code}`)))
  })
}

const LISTENING = /listening on (http:\/\/[\d.:]+)/
/** Everybody has one channel: starting again replaces the broadcast before, as an encoder that reconnects does. */
const question = (i: number, subjects: number = SUBJECTS): object => ({
  subject: `u${i % subjects}`,
  stream: { id: `b${i % subjects}`, audience: 'public', category: 'irl' },
  request: { territory: 'FR', ingest: 'rtmp' },
  facts: { created_at: '2020-01-01T00:00:00Z', followers: 120, labels: [] },
})

async function floor(dir: string): Promise<Target> {
  const child = spawn(process.execPath, [join(ROOT, 'bench/floor.ts'), join(dir, 'floor.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return {
    name: 'bare floor',
    url: await started(child, LISTENING),
    path: '/',
    headers: { 'content-type': 'application/json' },
    body: (i) => JSON.stringify(question(i)),
    stop: () => child.kill('SIGTERM'),
  }
}

async function livegate(dir: string): Promise<Target> {
  const serve = ['src/cli/main.ts', 'serve', '--init', '--port', '0', '--data', join(dir, 'data')]
  const args = [...START_FLAGS, ...serve]
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LIVEGATE_ADMIN_KEY: ADMIN_KEY,
      LIVEGATE_LOG_LEVEL: 'error',
      LIVEGATE_RATE: '9999999',
    },
  })
  return {
    name: 'livegate',
    url: await started(child, LISTENING),
    path: '/v1/decisions',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: (i) => JSON.stringify(question(i)),
    stop: () => child.kill('SIGTERM'),
  }
}

/** The same question as a Cerbos resource policy: the default policy's two rules as CEL over attributes. */
async function cerbos(dir: string): Promise<Target> {
  const home = join(dir, 'cerbos')
  mkdirSync(join(home, 'policies'), { recursive: true })
  execFileSync(
    'npm',
    ['install', '--no-save', '--prefix', home, '@cerbos/cerbos-linux-x64@0.55.0'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  writeFileSync(join(home, 'policies/live.yaml'), CERBOS_POLICY)
  writeFileSync(join(home, 'config.yaml'), CERBOS_CONFIG.replaceAll('$HOME', home))
  const binary = join(home, 'node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64')
  const child = spawn(binary, ['server', '--config', join(home, 'config.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CERBOS_NO_TELEMETRY: '1' },
  })
  await started(child, /(Starting HTTP server)/)
  return {
    name: 'Cerbos 0.55 (no signature, no log)',
    url: 'http://127.0.0.1:13592',
    path: '/api/check/resources',
    headers: { 'content-type': 'application/json' },
    body: (i) =>
      JSON.stringify({
        requestId: `b${i}`,
        principal: {
          id: `u${i % SUBJECTS}`,
          roles: ['user'],
          attr: { created_at: '2020-01-01T00:00:00Z', strikes: [] },
        },
        resources: [
          {
            actions: ['start'],
            resource: { kind: 'broadcast', id: `b${i}`, attr: { audience: 'public' } },
          },
        ],
      }),
    stop: () => child.kill('SIGTERM'),
  }
}

const CERBOS_CONFIG = `server:
  httpListenAddr: "127.0.0.1:13592"
  grpcListenAddr: "127.0.0.1:13593"
telemetry:
  disabled: true
audit:
  enabled: false
storage:
  driver: disk
  disk:
    directory: $HOME/policies
    watchForChanges: false
`
const CERBOS_POLICY = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: broadcast
  rules:
    - actions: ["start"]
      effect: EFFECT_ALLOW
      roles: ["user"]
      condition:
        match:
          all:
            of:
              - expr: now() - timestamp(request.principal.attr.created_at) >= duration("24h")
              - expr: request.principal.attr.strikes.filter(s, s.category.startsWith("terrorism.") && now() - timestamp(s.at) < duration("720h")).size() == 0
`

/** Loads a server with 32 connections; every one of the subjects asks in turn. */
function load(target: Target, seconds: number): Promise<Loaded> {
  const { url, path, headers, body } = target
  const bodies = Array.from({ length: SUBJECTS }, (_, i) => body(i))
  return generateLoad({ url, path, headers, bodies, connections: CONNECTIONS, seconds })
}

/** One target against another, by ratios of neighbours. */
function rowOf(rounds: readonly ReadonlyMap<Target, Loaded>[], one: Target, other: Target): string {
  const [ours, theirs] = [one, other].map((target) =>
    rounds.flatMap((round) => round.get(target) ?? []),
  )
  const ratios = (ours ?? []).map((mine, i) => mine.rate / (theirs?.[i]?.rate ?? Number.NaN))
  const told = (name: string, measured: readonly Loaded[] = []): string =>
    `${name} ${median(measured.map((m) => m.rate)).toFixed(0)}/s, p50 ${median(measured.map((m) => m.p50_ms))} ms, p99 ${median(measured.map((m) => m.p99_ms))} ms`
  const title = `decisions over HTTP, ${one.name} against ${other.name}`
  return `| ${title} | ${median(ratios).toFixed(2)} (${spread(ratios)}) | ${told(one.name, ours)}; ${told(other.name, theirs)} |`
}

/** Rows of the bench table. */
export async function benchHttp(options: { readonly peer: boolean }): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-bench-'))
  const targets: Target[] = []
  try {
    const gate = await livegate(dir)
    targets.push(gate)
    const others: Target[] = []
    for (const start of options.peer ? [floor, cerbos] : [floor]) {
      const other = await start(dir)
      others.push(other)
      targets.push(other)
    }
    for (const target of targets) await load(target, WARM_UP_SECONDS)
    const rounds: ReadonlyMap<Target, Loaded>[] = []
    for (let i = 0; i < ROUNDS; i++) {
      const round = new Map<Target, Loaded>()
      for (const target of targets) round.set(target, await load(target, SECONDS))
      rounds.push(round)
    }
    const rows = others.map((other) => rowOf(rounds, gate, other))
    const [bare, peer] = others
    // What no gate can pass: the bare floor already signs and stores.
    if (bare !== undefined && peer !== undefined) rows.push(rowOf(rounds, bare, peer))
    return rows
  } finally {
    for (const target of targets) target.stop()
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

if (import.meta.main)
  for (const row of await benchHttp({ peer: process.argv.includes('--peer') })) console.log(row)
