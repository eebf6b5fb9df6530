/**
 * What is mutated, and which tests are asked about it, in stages: those that cost least first.
 *
 * A mutant goes on to the next stage only when it outlived the one before. Of the log and of records the first to be
 * asked are the tests that import the mutated module, then the other quick ones of its folder, then the slow ones.
 * Next: code-run.ts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const ROOT: string = join(import.meta.dirname, '../..')

/** Test files, in the order they are asked. */
export type Stages = readonly (readonly string[])[]

export interface Target {
  readonly name: string
  /** The sources. */
  readonly files: readonly string[]
  /** Every test there is for the target. */
  readonly stages: Stages
  /** Those for one of its files. */
  stagesFor(file: string): Stages
  /** A run that takes longer has found an endless loop: several times what the slowest stage takes on a busy machine. */
  readonly limit_ms: number
}

const STAGES: Stages = [
  [
    'tests/core/standing/standing.test.ts',
    ...[
      ...['evaluate', 'evaluate-count', 'ladder', 'eligible', 'inherit', 'explain', 'sentence'],
      ...['join-obligations', 'test-run', 'cel', 'evaluate-lists'],
      ...['groups', 'holds', 'reasons', 'eligible-edges', 'eligible-work', 'strictest'],
      'suppressions',
    ].map((name) => `tests/core/policy/${name}.test.ts`),
  ],
  [
    'tests/policies/packs.test.ts',
    'tests/core/policy/cel-laws.test.ts',
    ...['counting', 'policy-reference', 'policy'].map((name) => `tests/properties/${name}.test.ts`),
  ],
  ['tests/core/policy/prove/encoding.test.ts', 'tests/properties/fairness.test.ts'],
]

/** What decides: which strikes count, what follows from them, and since when. */
export const EVALUATOR: Target = {
  name: 'evaluator',
  files: [
    'src/core/standing/standing.ts',
    ...[
      ...['evaluate', 'evaluate-rule', 'evaluate-clouded', 'count', 'count-unless', 'ladder'],
      ...['join', 'join-obligations', 'holds', 'restriction', 'reasons', 'trivalent'],
      ...['eligible', 'eligible-edges', 'eligible-work'],
      ...['inherit', 'inherit-forms', 'inherit-ladder', 'inherit-explain'],
    ].map((name) => `src/core/policy/${name}.ts`),
  ],
  stages: STAGES,
  /** The last stage takes longest, so it is asked only what it is about. */
  stagesFor(file) {
    const [units = [], properties = [], [proofs = '', fairness = ''] = []] = STAGES
    if (file.includes('/eligible')) return [units, properties]
    return [units, properties, [file.includes('/inherit') ? fairness : proofs]]
  },
  limit_ms: 90_000,
}

/** The tree, its files, notes, proofs and witnesses. */
export const TLOG: Target = folder('tlog', ['grow.test.ts', 'tree.test.ts'])
/** Records: claims, spelling, disclosures, signatures. */
export const RECORD: Target = folder('record', [])

function folder(name: string, slow: readonly string[]): Target {
  const tests = join('tests/core', name)
  const all = readdirSync(join(ROOT, tests)).filter((file) => file.endsWith('.test.ts'))
  const quick = all.filter((file) => !slow.includes(file)).map((file) => join(tests, file))
  const last = slow.map((file) => join(tests, file))
  return {
    name,
    files: readdirSync(join(ROOT, 'src/core', name)).map((file) => join('src/core', name, file)),
    stages: [quick, last].filter((stage) => stage.length > 0),
    stagesFor(file) {
      const near = quick.filter((test) => imports(test, file))
      const far = quick.filter((test) => !near.includes(test))
      return [near, far, last].filter((stage) => stage.length > 0)
    },
    limit_ms: 60_000,
  }
}

/** True for a test that names the module, or whose own name is the module's. */
function imports(test: string, file: string): boolean {
  const path = join(ROOT, test)
  const module = `${file.slice('src/'.length)}'`
  return existsSync(path) && readFileSync(path, 'utf8').includes(module)
    ? true
    : basename(test) === basename(file).replace('.ts', '.test.ts')
}
