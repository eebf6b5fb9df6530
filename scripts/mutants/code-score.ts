/**
 * The score of a target over a sample of its mutants.
 *
 * The sample depends on the seed and on the mutants themselves, not on their order: an edit elsewhere in a file leaves
 * most of it as it was. Excuses: code-equivalent.ts, log-equivalent.ts.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CODE_EQUIVALENT } from './code-equivalent.ts'
import { type CodeMutant, codeMutants } from './code-mutants.ts'
import { copyOf } from './code-run.ts'
import type { Target } from './code-targets.ts'
import { LOG_EQUIVALENT } from './log-equivalent.ts'
import type { Score, Survivor } from './score.ts'

const ROOT: string = join(import.meta.dirname, '../..')

export interface Sampling {
  readonly sample: number
  readonly seed: string
  /** Parts of names; none: every file of the target. */
  readonly files: readonly string[]
}

/** Every mutant of a target. */
export function mutantsOf(target: Target, files: readonly string[] = []): CodeMutant[] {
  return target.files
    .filter((name) => files.length === 0 || files.some((part) => name.includes(part)))
    .flatMap((name) => codeMutants(name, readFileSync(join(ROOT, name), 'utf8')))
}

/** Runs until the sample is through, telling standard error as it goes. */
export function codeScore(target: Target, { sample, seed, files }: Sampling): Score {
  const all = mutantsOf(target, files)
  const excused = new Set([...CODE_EQUIVALENT, ...LOG_EQUIVALENT].map(([id]) => id))
  const chosen = sampleOf(all, sample, seed)
  const copy = copyOf(ROOT, target)
  const survivors: Survivor[] = []
  let killed = 0
  try {
    const failure = copy.baseline()
    if (failure !== null)
      throw new Error(`Cannot measure: the tests fail without any change\n${failure.slice(-4000)}`)
    const tried = chosen.filter(({ id }) => !excused.has(id))
    tried.forEach((mutant, i) => {
      const stage = copy.run(mutant)
      const told = `${mutant.file}:${mutant.line}:${mutant.column} ${mutant.from} -> ${mutant.to}`
      process.stderr.write(`${i + 1}/${tried.length} ${stage ?? 'LIVED'} ${told}\n`)
      if (stage === null) survivors.push({ id: mutant.id, told })
      else killed++
    })
    const equivalent = chosen.length - tried.length
    return {
      ...{ of: target.name, all: all.length, tried: chosen.length },
      ...{ killed, equivalent, survivors, unused: [] },
    }
  } finally {
    copy.remove()
  }
}

/** `size` of them in their order, the same for the same seed. */
export function sampleOf(
  all: readonly CodeMutant[],
  size: number,
  seed: string,
): readonly CodeMutant[] {
  if (size >= all.length) return all
  const lot = ({ id }: CodeMutant): string =>
    createHash('sha256').update(`${seed}\0${id}`).digest('hex')
  const drawn = all.map((mutant) => ({ mutant, lot: lot(mutant) }))
  drawn.sort((a, b) => (a.lot < b.lot ? -1 : 1))
  const chosen = new Set(drawn.slice(0, size).map(({ mutant }) => mutant))
  return all.filter((mutant) => chosen.has(mutant))
}
