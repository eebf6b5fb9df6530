/**
 * Runs the tests of a target over one mutant after another, in a copy of the repository.
 *
 * The sources one works on are never written to: a copy in the system's temporary directory is, and is gone afterwards.
 * A run that takes longer than the target's limit has found an endless loop, which somebody would notice.
 * Next: main.ts.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CodeMutant } from './code-mutants.ts'
import type { Target } from './code-targets.ts'

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
export function copyOf(root: string, target: Target): Copy {
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
      timeout: target.limit_ms,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
    } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, words, options)
    return status === 0 ? null : `${stdout}${stderr}`
  }
  const stageOf = (file: string): number | null => {
    const failed = target.stagesFor(file).findIndex((files) => test(files) !== null)
    return failed < 0 ? null : failed + 1
  }
  return {
    run({ file, text }) {
      const place = join(dir, file)
      writeFileSync(place, text)
      try {
        return stageOf(file)
      } finally {
        cpSync(join(root, file), place)
      }
    },
    baseline: () => target.stages.map(test).find((output) => output !== null) ?? null,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
