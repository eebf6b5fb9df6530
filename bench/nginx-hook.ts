/**
 * What nginx-rtmp asks when somebody publishes, for benchmarks of its hook. From: hooks.ts, reconnect.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Load, Loaded } from './generator.ts'
import { apiCall, type GateProcess, startGate } from './processes.ts'

export const CONNECTIONS = 32
const SECRET = 'YmVuY2gtc2VjcmV0LW9mLXRoZS1ob29r'
const SERVERS = `servers:
  - { id: edge-1, kind: nginx-rtmp, secret: ${SECRET}, subject: { from: stream_key }, playback: keep }
`

export interface Measured extends Loaded {
  /** Processor time of one answer. */
  readonly cpu_us: number
}

/** A gate that knows the server, in a directory that goes with it. */
export async function hookedGate(): Promise<GateProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-bench-'))
  writeFileSync(join(dir, 'servers.yaml'), SERVERS)
  const gate = await startGate({ dir, servers: join(dir, 'servers.yaml') })
  return {
    ...gate,
    async stop() {
      await gate.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Where its hook is asked, and as whom. */
export function hookOf(gate: GateProcess): Pick<Load, 'url' | 'path' | 'connections' | 'headers'> {
  return {
    ...{ url: gate.url, path: '/hooks/nginx-rtmp/edge-1', connections: CONNECTIONS },
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Bearer ${SECRET}`,
    },
  }
}

/** The body of a start. */
export function publish(key: string, session: number): string {
  return `app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1/live&pageurl=&addr=203.0.113.9&clientid=${session}&call=publish&name=${key}&type=live`
}

/** Stream keys of `people` with stored facts, called `u0` and so on; `also` is done about each before the next. */
export async function streamKeys(
  gate: GateProcess,
  people: number,
  also: (subject: string, i: number) => Promise<unknown> = async () => {},
): Promise<readonly string[]> {
  const keys: string[] = []
  const each = async (i: number): Promise<void> => {
    const subject = `u${i}`
    const facts = { created_at: '2020-01-01T00:00:00Z', followers: 120 }
    const made = await apiCall(gate.url, 'POST', '/v1/stream-keys', { subject, facts })
    keys[i] = (made as { key: string }).key
    await also(subject, i)
  }
  for (let from = 0; from < people; from += CONNECTIONS)
    await Promise.all(
      Array.from({ length: Math.min(CONNECTIONS, people - from) }, (_, i) => each(from + i)),
    )
  return keys
}
