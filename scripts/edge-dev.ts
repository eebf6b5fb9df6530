/**
 * `npm run dev:worker`: the whole edge host on this machine, under `wrangler dev`, with nothing to set up.
 *
 * Secrets are made once, next to the local state they belong to, readable by nobody else, in a directory git ignores
 * (`.wrangler/livegate`, or LIVEGATE_DATA). Every variable of the Worker that is set in the environment counts more:
 * LIVEGATE_ADMIN_KEY among them. LIVEGATE_PORT is where it listens. docs/hosts/cloudflare.md, "On your machine".
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { binary, ROOT } from './edge/bundle.ts'
import { newSecrets } from './edge/secrets.ts'
import { edgeVariables, readVariableLines, variableLines } from './edge/variables.ts'

const READY_WITHIN_MS = 60_000
const BEAT_EVERY_MS = 60_000

const port = process.env.LIVEGATE_PORT ?? '8787'
const dir = resolve(process.env.LIVEGATE_DATA ?? join(ROOT, '.wrangler/livegate'))

/** What the Worker gets; also written where wrangler reads it. */
function prepare(): { readonly file: string; readonly adminKey: string } {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const kept = join(dir, 'secrets')
  if (!existsSync(kept)) writeFileSync(kept, variableLines({ ...newSecrets() }), { mode: 0o600 })
  const given = edgeVariables().flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const variables = {
    ...readVariableLines(readFileSync(kept, 'utf8')),
    ...Object.fromEntries(given),
  }
  const file = join(dir, 'vars')
  writeFileSync(file, variableLines(variables), { mode: 0o600 })
  return { file, adminKey: variables.LIVEGATE_ADMIN_KEY ?? '' }
}

async function ready(url: string): Promise<boolean> {
  const deadline = Date.now() + READY_WITHIN_MS
  while (Date.now() < deadline) {
    const answer = await fetch(`${url}/readyz`).catch(() => null)
    if (answer?.ok === true) return true
    await new Promise((done) => setTimeout(done, 200))
  }
  return false
}

const { file, adminKey } = prepare()
const url = `http://127.0.0.1:${port}`
const args = ['dev', '--env', '', '--ip', '127.0.0.1', '--port', port, '--env-file', file]
const quiet = ['--show-interactive-dev-session=false', '--inspector-port', '0']
const child = spawn(binary('wrangler'), [...args, ...quiet, '--persist-to', join(dir, 'state')], {
  cwd: ROOT,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 0))

if (await ready(url)) {
  // wrangler dev never runs a cron trigger by itself; heartbeats belong to the whole thing.
  setInterval(() => void fetch(`${url}/cdn-cgi/local/scheduled`).catch(() => {}), BEAT_EVERY_MS)
  const shown = process.env.LIVEGATE_ADMIN_KEY === undefined ? adminKey : '$LIVEGATE_ADMIN_KEY'
  console.log(`\nlivegate listening on ${url}\n`)
  console.log(`curl -s ${url}/v1/decisions -H "Authorization: Bearer ${shown}" \\
  -H 'Content-Type: application/json' \\
  -d '{"subject":"ada","stream":{"id":"b_1"},"facts":{"created_at":"2020-01-01T00:00:00Z"}}'\n`)
} else console.error(`error: Cannot start: ${url}/readyz did not answer 200 within a minute`)
