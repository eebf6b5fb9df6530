/**
 * `npm run bench`: every budget in one table, ratios from one run, with the machine named.
 *
 * `-- --peer cerbos` also installs Cerbos' npm binary package into a temporary folder and measures beside it;
 * `-- --only http,audit` leaves the others out. Quote ratios; absolute rates belong to the machine of the run.
 */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { benchAuditRows } from './audit.ts'
import { benchBacktestRows } from './backtest.ts'
import { benchCutRows } from './cut.ts'
import { benchErasureRows } from './erasure.ts'
import { benchEvaluatePeers } from './evaluate-peers.ts'
import { benchHookRows } from './hooks.ts'
import { benchHttp } from './http.ts'
import { benchReconnectRows } from './reconnect.ts'
import { benchSubjectsRows } from './subjects.ts'

const { values } = parseArgs({ options: { peer: { type: 'string' }, only: { type: 'string' } } })
const BENCHES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  evaluate: benchEvaluatePeers,
  http: () => benchHttp({ peer: values.peer === 'cerbos' }),
  subjects: benchSubjectsRows,
  audit: benchAuditRows,
  erasure: benchErasureRows,
  backtest: benchBacktestRows,
  hooks: benchHookRows,
  reconnect: benchReconnectRows,
  cut: benchCutRows,
}

const chosen = values.only === undefined ? Object.keys(BENCHES) : values.only.split(',')
const unknown = chosen.filter((name) => BENCHES[name] === undefined)
if (unknown.length > 0) {
  console.error(
    `error: Cannot run bench ${unknown.join(', ')}: expected ${Object.keys(BENCHES).join(', ')}`,
  )
  process.exit(2)
}
const rows: string[] = []
for (const name of chosen) rows.push(...((await BENCHES[name]?.()) ?? []))
const memory = Math.round(totalmem() / 2 ** 30)
console.log(
  `\n${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores shared with the load generator, ${memory} GiB, Node ${process.versions.node}\n`,
)
console.log('| what | ratio or figure (min–max) | beside it |\n|---|---|---|')
for (const row of rows) console.log(row)
