/**
 * Runs the Python programs beside livegate's own audit, and says both in one form.
 *
 * Next: second-auditor.test.ts (logs), second-reader.test.ts (bundles, two logs).
 */
import { execFile, spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe as block, expect } from 'vitest'
import { run } from '../cli/a-world.ts'

export const AUDITOR: string = resolve(import.meta.dirname, 'second-auditor')
/** The same auditor with more of what facts say; and the one of bundles. */
export const READER: string = resolve(import.meta.dirname, 'second-reader')
export const VECTORS: string = resolve(import.meta.dirname, '../vectors')
/** It does not replay, judges strikes of the asking subject alone, and is not given records that were handed out. */
const NOT_LOOKED_AT =
  /^(replay_|instant_false|hold_false|review_false|broadcasts_false|record_missing)/

/** Without Python 3.9 and OpenSSL 3 there is nothing to compare with: skipped, and failing where CI=true. */
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'])
const openssl = spawnSync('openssl', ['version'], { encoding: 'utf8' })
const there = python.status === 0 && /^OpenSSL ([3-9]|\d\d)/.test(openssl.stdout ?? '')
export const describe: typeof block | typeof block.skip =
  there || process.env.CI === 'true' ? block : block.skip
export const needs: string = there
  ? ''
  : ' (skipped: python3, 3.9 or later, or openssl, 3 or later, is not there)'

/** What an auditor tells of a log. */
export interface Told {
  readonly exit: number
  /** `index code`, of the tree as a whole `tree code`; each once. */
  readonly findings: readonly string[]
}

export type Second = Told & { readonly verdict: string }

/** The second auditor's word on a log, with all it can check of it. */
export const second = (...words: readonly string[]): Promise<Second> =>
  told(READER, 'facts.py', words)

/** What one of the programs prints. */
export async function told(
  dir: string,
  program: string,
  words: readonly string[],
): Promise<Second> {
  const ran = await promisify(execFile)('python3', [join(dir, program), ...words]).then(
    ({ stdout }) => ({ exit: 0, stdout }),
    (error: { code: number; stdout: string; stderr: string }) => {
      expect(error.stderr).toBe('')
      return { exit: error.code, stdout: error.stdout }
    },
  )
  const lines = ran.stdout.split('\n').map((line) => line.split('\t'))
  const found = lines.filter(([kind]) => kind === 'finding' || kind === 'fault')
  const verdict = lines.find(([kind]) => kind === 'verdict')?.[1] ?? ''
  return { exit: ran.exit, verdict, findings: once(found.map(([, code, at]) => [at, code])) }
}

/** Livegate's own word, of what the second auditor looks at. */
export async function ours(dir: string, ...words: readonly string[]): Promise<Told> {
  const { exit, out, err } = await run(dir, ['log', 'audit', dir, ...words, '--json'])
  expect(err).not.toContain('error')
  const { findings } = JSON.parse(out) as { findings: { index: number | null; code: string }[] }
  const looked = findings.filter(({ code }) => !NOT_LOOKED_AT.test(code))
  return { exit, findings: once(looked.map(({ index, code }) => [index, code])) }
}

/** Each once, in one order. */
export function once(pairs: readonly (readonly unknown[])[]): readonly string[] {
  const names = pairs.map(([at, code]) => `${at === null || at === '-' ? 'tree' : at} ${code}`)
  return [...new Set(names)].toSorted()
}
