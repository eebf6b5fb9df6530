/**
 * `npm run fuzz`: damaged inputs for every codec and verifier of the log, its records and what auditors read.
 *
 * `-- --only NAME` (part of a name, may be given several times), `--runs N` inputs for each (100,000 unless given),
 * `--seed S` (drawn and printed unless given). Exit 3 when one is not refused in its reader's own words, is accepted in a
 * second spelling, or takes too long; tests/fuzz runs 10,000 of each in CI.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { FUZZ_TARGETS, fuzz } from './run.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string' },
  },
})
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
const inputs = Number(values.runs)
const { only } = values
const chosen = FUZZ_TARGETS.filter(
  ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
)
if (chosen.length === 0 || !Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed)) {
  process.stderr.write(`expected one of ${FUZZ_TARGETS.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}
process.stdout.write(`seed ${seed}\n`)
for (const target of chosen) {
  const run = await fuzz(target, { inputs, seed })
  const times = `${run.seconds.toFixed(1)} s, slowest ${run.slowest_ms.toFixed(0)} ms`
  process.stdout.write(`${target.name}: ${run.inputs} inputs, ${times}\n`)
  if (run.fault === null) continue
  process.exitCode = 3
  process.stdout.write(`${run.fault}\n`)
}
