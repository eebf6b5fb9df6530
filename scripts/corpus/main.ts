/**
 * `npm run corpus`: a small real log of each host, as this version makes it, for every later version to audit.
 *
 * Written once for each release into tests/vectors/corpus/<version>/<host> and never changed again: a mirror with its
 * entries, what the gate discloses, the verifier keys, what an audit counts. tests/corpus.test.ts audits all of them.
 * `-- --only edge --as NAME` adds one more log of a host, under another name. What is there already is left alone, and said.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { edgeGate } from '../../tests/support/edge-gate.ts'
import { ADMIN_KEY, startServer } from '../../tests/support/server.ts'
import { newSecrets, nextSecret } from '../edge/secrets.ts'
import { ask, type Gate, IN_PEACE, live, livegate, REVOKED, type Rotation } from './live.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
}
const into = join(ROOT, 'tests/vectors/corpus', version)
const { values } = parseArgs({ options: { only: { type: 'string' }, as: { type: 'string' } } })

/** Where the log of a host goes. */
function placeOf(host: string): string {
  const { only, as } = values
  return join(into, only === host && as !== undefined ? as : host)
}

async function take(host: string, gate: Gate, how: Rotation): Promise<void> {
  const dir = placeOf(host)
  mkdirSync(dir, { recursive: true })
  const outcomes = await live(gate, how)
  console.error(`${host}: ${outcomes.join(', ')}`)
  await wait(2_500)
  const vkeys = await (await fetch(new URL('/log/vkey', gate.url))).text()
  writeFileSync(join(dir, 'vkey'), vkeys)
  const log = join(dir, 'log')
  await livegate(gate, 'log', 'mirror', `${gate.url}/log`, log, '--vkey', vkeys)
  const disclosures = join(dir, 'disclosures.jsonl')
  writeFileSync(disclosures, await livegate(gate, 'log', 'disclosures'))
  const told = await livegate(
    gate,
    ...['log', 'audit', log, '--vkey', vkeys, '--disclosures', disclosures, '--json'],
  )
  writeFileSync(join(dir, 'audit.json'), `${JSON.stringify(expected(told), null, 2)}\n`)
}

/** What a later version has to find again; it may well count more. */
function expected(report: string): object {
  const { counts, notices } = JSON.parse(report) as {
    readonly counts: Readonly<Record<string, unknown>>
    readonly notices: readonly { readonly code: string; readonly index: number }[]
  }
  const { size, by_kind, signatures, chain_opened, chain_unopened, subjects, policies } = counts
  const { replayed, followed, other_engine } = counts.replay as Readonly<Record<string, number>>
  return {
    ...{ size, by_kind, signatures, chain_opened, chain_unopened, subjects, policies },
    replay: { replayed, followed, other_engine },
    notices: notices.map(({ code, index }) => ({ code, index })),
  }
}

async function nodeLog(work: string): Promise<void> {
  const args = ['--origin', 'node.example/log', '--issuer', 'https://node.example']
  const node = await startServer({ data: join(work, 'node'), args })
  await take('node', { url: node.url, key: ADMIN_KEY }, IN_PEACE)
  await node.stop()
}

async function edgeLog(work: string): Promise<void> {
  const env = { ...newSecrets(), ...nextSecret('record'), ...nextSecret('checkpoint') }
  const edge = await edgeGate({
    dir: join(work, 'edge'),
    env: { ...env, LIVEGATE_ADMIN_KEY: ADMIN_KEY },
  })
  const workerd = await edge.start()
  const gate: Gate = { url: workerd.url, key: ADMIN_KEY }
  await ask(gate, 'POST', '/v1/explanations', { subject: 'anna' })
  await take('edge', gate, REVOKED)
  await workerd.stop()
}

const makers = { node: nodeLog, edge: edgeLog }
const work = mkdtempSync(join(tmpdir(), 'livegate-corpus-'))
try {
  for (const [host, make] of Object.entries(makers)) {
    if (values.only !== undefined && values.only !== host) continue
    if (existsSync(placeOf(host))) console.error(`${placeOf(host)} is there already`)
    else await make(work)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
