/**
 * Budgets of ending what runs. A strike: from its answer until nginx has closed the publisher's connection, so that no
 * byte of media can follow, p99 at most 1 s with 100 streams live, through a real nginx-rtmp and real encoders, on the
 * Node host and on the edge host under plain workerd. An incident: 1,000 streams cut in at most 10 s, decisions meanwhile
 * at most 20 % slower, against a simulated control server.
 *
 * Encoders send a recording without encoding, so that two cores carry a hundred. Each goes through a relay of its own,
 * which sees when nginx closes. `LIVEGATE_STREAMS` = how many are live, 100 unless given.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startControlServer } from '../tests/support/control-server.ts'
import { edgeGate } from '../tests/support/edge-gate.ts'
import { recording, replay } from '../tests/support/ffmpeg.ts'
import { startNginx } from '../tests/support/nginx.ts'
import { pageConfig } from '../tests/support/nginx-page.ts'
import { freePorts } from '../tests/support/ports.ts'
import { programPath } from '../tests/support/programs.ts'
import { median } from './figures.ts'
import { generateLoad } from './generator.ts'
import { ADMIN_KEY, apiCall, type GateProcess, startGate } from './processes.ts'

const LIVE = Number(process.env.LIVEGATE_STREAMS ?? 100)
const STRUCK = 50
const INCIDENT_STREAMS = 1_000
/** The first finds a process that was never asked to cut before. */
const INCIDENTS = 3
const SECRET = 'YmVuY2gtc2VjcmV0LW9mLXRoZS1jdXQ'
const YEARS_AGO = '2020-01-01T00:00:00Z'

const serversFile = (control: string, playback: string, secret = `secret: ${SECRET}`): string =>
  `servers:\n  - { id: edge-1, kind: nginx-rtmp, ${secret}, subject: { from: stream_key }, app: live, playback: ${playback}, control: "${control}" }\n`

/** Denies everything that comes by RTMP while there is an incident, and nothing else. */
const INCIDENT_POLICY = `livegate: policy/v1
name: incident-bench
rules:
  - { id: lockdown, ground: terms, when: 'incident.active && request.ingest == "rtmp"', outcome: deny }
on_unknown: { retry_after: 30s }
default: allow
lease: 4h
`

/** Rows of the bench table. */
export async function benchCutRows(): Promise<readonly string[]> {
  const real = programPath('nginx') !== null && programPath('ffmpeg') !== null
  const strikes = real ? [await strikeToCut('Node', onNode), await strikeToCut('edge', onEdge)] : []
  return [...strikes, ...(await incidentCuts())]
}

type Gate = Pick<GateProcess, 'url' | 'stop'>

/** Starts a host that knows the server at `control` as `edge-1`. */
type StartHost = (where: {
  readonly dir: string
  readonly port: number
  readonly control: string
}) => Promise<Gate>

const onNode: StartHost = ({ dir, port, control }) => {
  const servers = join(dir, 'servers.yaml')
  writeFileSync(servers, serversFile(control, 'rename'))
  return startGate({ dir, port, servers })
}

const onEdge: StartHost = async ({ dir, port, control }) => {
  const env = { EDGE_1_SECRET: SECRET, LIVEGATE_ADMIN_KEY: ADMIN_KEY, LIVEGATE_RATE: '9999999' }
  const servers = serversFile(control, 'rename', 'secret_env: EDGE_1_SECRET')
  const process = await (await edgeGate({ dir, servers, env })).start(port)
  return { url: process.url, stop: async () => void (await process.stop()) }
}

interface Relay {
  readonly port: number
  /** When nginx closed it. */
  closed(): Promise<number>
  stop(): void
}

/** One publisher's way to nginx. */
async function startRelay(target: number): Promise<Relay> {
  let over: (at: number) => void = () => {}
  const closed = new Promise<number>((resolve) => {
    over = resolve
  })
  const server = createServer((publisher) => {
    const nginx = connect(target, '127.0.0.1')
    publisher.on('data', (chunk) => {
      if (nginx.writable) nginx.write(chunk)
    })
    nginx.on('data', (chunk) => void publisher.write(chunk))
    for (const event of ['end', 'close', 'error'] as const)
      nginx.on(event, () => {
        over(performance.now())
        publisher.destroy()
      })
    publisher.on('error', () => nginx.destroy())
    publisher.on('close', () => nginx.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, closed: () => closed, stop: () => void server.close() }
}

async function strikeToCut(host: string, start: StartHost): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-bench-'))
  const file = join(dir, 'pictures.flv')
  await recording(file)
  const [port = 0] = await freePorts(1)
  const nginx = await startNginx((ports) =>
    pageConfig({
      ...{ ...ports, gate: `http://127.0.0.1:${port}`, secret: SECRET, when_down: 'deny' },
    }),
  )
  const gate = await start({ dir, port, control: nginx.http })
  const rtmp = Number(new URL(nginx.rtmp.replace('rtmp', 'http')).port)
  const streams: { readonly relay: Relay; stop(): Promise<void> }[] = []
  try {
    for (let i = 0; i < LIVE; i++) {
      const relay = await startRelay(rtmp)
      const on = replay(file, `rtmp://127.0.0.1:${relay.port}/live/${await keyFor(gate, i)}`, 100)
      if (!(await on.live)) throw new Error(`stream ${i} did not start: ${(await on.ended).log}`)
      streams.push({ relay, stop: on.stop })
    }
    const took: Took[] = []
    for (let i = 0; i < STRUCK; i++) took.push(await struck(gate, i, streams[i]?.relay))
    return rowOfStrikes(host, took)
  } finally {
    await Promise.all(streams.map((stream) => stream.stop()))
    for (const { relay } of streams) relay.stop()
    await gate.stop()
    await nginx.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function keyFor(gate: Gate, i: number): Promise<string> {
  const facts = { created_at: YEARS_AGO, followers: 120 }
  const made = await apiCall(gate.url, 'POST', '/v1/stream-keys', { subject: `u${i}`, facts })
  return (made as { key: string }).key
}

interface Took {
  /** From the answer of the strike until nothing could be sent any more; 0 when that came first. */
  readonly from_answer_ms: number
  readonly from_call_ms: number
}

async function struck(gate: Gate, i: number, relay: Relay | undefined): Promise<Took> {
  if (relay === undefined) throw new Error(`stream ${i} is missing`)
  const called = performance.now()
  await apiCall(gate.url, 'POST', `/v1/subjects/u${i}/strikes`, {
    ...{ id: `s${i}`, category: 'terrorism.link', severity: 'high' },
    issued_at: new Date().toISOString(),
  })
  const answered = performance.now()
  const closed = await relay.closed()
  return { from_answer_ms: Math.max(0, closed - answered), from_call_ms: closed - called }
}

function rowOfStrikes(host: string, took: readonly Took[]): string {
  const at = (share: number, of: (one: Took) => number): string => {
    const sorted = took.map(of).sort((a, b) => a - b)
    return (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0)
  }
  const answer = (one: Took): number => one.from_answer_ms
  const call = (one: Took): number => one.from_call_ms
  return `| strike to cut, ${host} host: from its 2xx until no media can follow, ${took.length} of ${LIVE} live streams (p99 at most 1,000 ms) | p50 ${at(0.5, answer)} ms, p99 ${at(0.99, answer)} ms | from sending the strike p50 ${at(0.5, call)} ms, p99 ${at(0.99, call)} ms |`
}

async function incidentCuts(): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-bench-'))
  const control = await startControlServer()
  writeFileSync(join(dir, 'servers.yaml'), serversFile(control.url, 'keep'))
  writeFileSync(join(dir, 'policy.yaml'), INCIDENT_POLICY)
  const files = { servers: join(dir, 'servers.yaml'), policy: join(dir, 'policy.yaml') }
  const gate = await startGate({ dir, ...files })
  try {
    const rounds: Incident[] = []
    await decisions(gate, 3)
    for (let i = 0; i < INCIDENTS; i++) rounds.push(await oneIncident(gate, control, i))
    const took = rounds.map(({ took_s }) => took_s)
    const slower = rounds.map(({ slower }) => slower)
    const percent = (share: number): string => (100 * share).toFixed(0)
    const spread = `${percent(Math.min(...slower))} to ${percent(Math.max(...slower))}`
    return [
      `| ${INCIDENT_STREAMS} streams of one incident cut (at most 10 s) | ${median(took).toFixed(1)} s (${took.map((s) => s.toFixed(1)).join(', ')}) | decisions meanwhile ${percent(median(slower))} % slower (${spread}; at most 20), ${median(rounds.map(({ usual }) => usual)).toFixed(0)}/s otherwise |`,
    ]
  } finally {
    await gate.stop()
    await control.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

interface Incident {
  readonly took_s: number
  /** Decisions a second, before and after. */
  readonly usual: number
  /** Share of these that was missing while streams were cut. */
  readonly slower: number
}

/** Decisions are asked before, while and after, because what else a machine does comes and goes. */
async function oneIncident(
  gate: GateProcess,
  control: Awaited<ReturnType<typeof startControlServer>>,
  round: number,
): Promise<Incident> {
  for (let i = 0; i < INCIDENT_STREAMS; i += 20)
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => goLive(gate, control, round * INCIDENT_STREAMS + i + n)),
    )
  const before = await decisions(gate, 5)
  const from = performance.now()
  const during = decisionsWhile(gate, () => control.publishers.size > 0)
  await apiCall(gate.url, 'PUT', '/v1/incident', {
    ...{ scope: 'bench', reason: 'a bench' },
    expires_at: new Date(Date.now() + 600_000).toISOString(),
  })
  while (control.publishers.size > 0) {
    if (performance.now() - from > 30_000) throw new Error(`${control.publishers.size} are left`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const took_s = (performance.now() - from) / 1000
  const rate = await during
  await apiCall(gate.url, 'DELETE', '/v1/incident')
  const after = await decisions(gate, 5)
  const usual = (before.rate + after.rate) / 2
  return { took_s, usual, slower: 1 - rate / usual }
}

async function goLive(
  gate: GateProcess,
  control: Awaited<ReturnType<typeof startControlServer>>,
  i: number,
): Promise<void> {
  const key = await keyFor(gate, i)
  const body = `app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=203.0.113.9&clientid=${i}&call=publish&name=${key}&type=live`
  const answer = await fetch(`${gate.url}/hooks/nginx-rtmp/edge-1`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body,
  })
  if (answer.status !== 200) throw new Error(`stream ${i}: ${answer.status}`)
  control.publishers.set(String(i), { app: 'live', name: key })
}

/** Decisions a second until it is over: all of it counts, the look at what runs as well as the cuts. */
async function decisionsWhile(gate: GateProcess, more: () => boolean): Promise<number> {
  const from = performance.now()
  let answered = 0
  while (more()) answered += (await decisions(gate, 1)).answered
  return (1000 * answered) / (performance.now() - from)
}

function decisions(gate: GateProcess, seconds: number): ReturnType<typeof generateLoad> {
  return generateLoad({
    ...{ url: gate.url, path: '/v1/decisions', connections: 16, seconds },
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    bodies: Array.from({ length: 5_000 }, (_, i) =>
      JSON.stringify({
        subject: `p${i}`,
        stream: { id: `b${i}` },
        request: { ingest: 'whip' },
        facts: { created_at: YEARS_AGO, followers: 120 },
      }),
    ),
  })
}

if (import.meta.main) for (const row of await benchCutRows()) console.log(row)
