/**
 * `npm run mutants`: how many small mistakes in a policy, the evaluator, the log or its records would a test have noticed?
 *
 * `-- policies` changes compiled policies and runs the tests of their authors (milliseconds each); `-- evaluator`,
 * `-- tlog` and `-- record` change sources and run their tests (seconds each, so of a sample). None is part of `npm test`:
 * tests/mutants holds the scores of the policies and that nothing is excused that no longer exists.
 * Prints what lived; exit 3 when less than nine of ten were noticed.
 */
import { parseArgs } from 'node:util'
import { codeScore } from './code-score.ts'
import { EVALUATOR, RECORD, TLOG } from './code-targets.ts'
import { policyScores } from './policy-score.ts'
import { isEnough, type Score, scoreText } from './score.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    file: { type: 'string', multiple: true, default: [] },
    all: { type: 'boolean', default: false },
  },
})
const parts = positionals.length === 0 ? ['policies', 'evaluator', 'tlog', 'record'] : positionals
const scores: Score[] = parts.includes('policies') ? policyScores() : []
for (const score of scores) process.stdout.write(`${scoreText(score)}\n`)
const sample = values.all ? Number.POSITIVE_INFINITY : Number(values.sample)
for (const target of [EVALUATOR, TLOG, RECORD]) {
  if (!parts.includes(target.name)) continue
  const score = codeScore(target, { sample, seed: values.seed, files: values.file })
  scores.push(score)
  process.stdout.write(`${scoreText(score)}\n`)
}
process.exitCode = scores.every(isEnough) ? 0 : 3
