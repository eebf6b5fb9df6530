/**
 * Runs the tests of the evaluator over one mutant after another, in a copy of the repository.
 *
 * The sources one works on are never written to: a copy in the system's temporary directory is, and is gone afterwards.
 * Units come first because they are quick; properties and proofs see only what those let live. A run that takes longer
 * than the limit has found an endless loop, which somebody would notice. Next: main.ts.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CodeMutant } from './code-mutants.ts'

/** What decides: which strikes count, what follows from them, and since when. */
export const EVALUATOR: readonly string[] = [
  'src/core/standing/standing.ts',
  ...[
    ...['evaluate', 'evaluate-rule', 'evaluate-clouded', 'count', 'count-unless', 'ladder'],
    ...['join', 'join-obligations', 'holds', 'restriction', 'reasons', 'trivalent'],
    ...['eligible', 'eligible-edges', 'eligible-work'],
    ...['inherit', 'inherit-forms', 'inherit-ladder', 'inherit-explain'],
  ].map((name) => `src/core/policy/${name}.ts`),
]

/** In the order they are asked. */
const STAGES: readonly (readonly string[])[] = [
  [
    'tests/core/standing/standing.test.ts',
    ...[
      ...['evaluate', 'evaluate-count', 'ladder', 'eligible', 'inherit', 'explain', 'sentence'],
      ...['join-obligations', 'test-run', 'cel', 'evaluate-lists'],
      ...['groups', 'holds', 'reasons', 'eligible-edges', 'eligible-work', 'strictest'],
    ].map((name) => `tests/core/policy/${name}.test.ts`),
  ],
  [
    'tests/policies/packs.test.ts',
    'tests/core/policy/cel-laws.test.ts',
    ...['counting', 'policy-reference', 'policy'].map((name) => `tests/properties/${name}.test.ts`),
  ],
  ['tests/core/policy/prove/encoding.test.ts', 'tests/properties/fairness.test.ts'],
]

/** The last stage takes longest, so it is asked only what it is about. */
function stagesFor(file: string): readonly (readonly string[])[] {
  const [units = [], properties = [], [proofs = '', fairness = ''] = []] = STAGES
  if (file.includes('/eligible')) return [units, properties]
  return [units, properties, [file.includes('/inherit') ? fairness : proofs]]
}

/** Several times what the slower stage takes on a busy machine with two cores. */
const LIMIT_MS = 90_000

const CONFIG = `import fc from 'fast-check'
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20261122 })
`

const VITEST = `export default { test: {
  include: ['tests/**/*.test.ts'], setupFiles: ['./mutants.setup.ts'], pool: 'threads', isolate: false, bail: 1,
  maxWorkers: 2, testTimeout: 30000, reporters: ['dot'],
} }
`

export interface Copy {
  /** The stage that failed over `mutant`, counted from 1; null when it lived. */
  run(mutant: CodeMutant): number | null
  /** What a run without any change prints when it fails; null when it passes. */
  baseline(): string | null
  remove(): void
}

/** A copy to write mutants into. Dependencies are shared with `root`. */
export function copyOf(root: string): Copy {
  const dir = mkdtempSync(join(tmpdir(), 'livegate-mutants-'))
  for (const name of ['src', 'tests', 'policies', 'docs', 'package.json', 'bin', 'types'])
    cpSync(join(root, name), join(dir, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  writeFileSync(join(dir, 'mutants.setup.ts'), CONFIG)
  writeFileSync(join(dir, 'vitest.config.ts'), VITEST)
  const test = (files: readonly string[]): string | null => {
    const words = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...files]
    // Killed as one process: with threads nothing is left behind by an endless loop.
    const options = {
      cwd: dir,
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
    } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, words, options)
    return status === 0 ? null : `${stdout}${stderr}`
  }
  const stageOf = (file: string): number | null => {
    const failed = stagesFor(file).findIndex((files) => test(files) !== null)
    return failed < 0 ? null : failed + 1
  }
  return {
    run({ file, text }) {
      const target = join(dir, file)
      writeFileSync(target, text)
      try {
        return stageOf(file)
      } finally {
        cpSync(join(root, file), target)
      }
    },
    baseline: () => STAGES.map(test).find((output) => output !== null) ?? null,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
