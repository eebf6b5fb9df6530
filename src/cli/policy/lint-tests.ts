/**
 * The test files of a policy: those in its folder that say they test it.
 */
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { LintTests } from '../../core/policy/lint/lint.ts'
import { MAX_TEST_FILE_BYTES, parseTestFile, type TestFile } from '../../core/policy/test-file.ts'
import { readBounded } from '../files.ts'
import type { Session } from '../session.ts'
import { isSpecial } from './find-files.ts'

const TEST = /\.test\.ya?ml$/

export interface TestFinder {
  /** For one policy as written. A file that cannot be read counts when it has the policy's name. */
  find(policy: string): Promise<readonly LintTests[]>
}

/** Reads every folder and every test file once. */
export function createTestFinder(session: Session): TestFinder {
  const folders = new Map<string, Promise<readonly Found[]>>()
  return {
    async find(policy) {
      const folder = dirname(policy)
      const found = folders.get(folder) ?? readFolder(session, folder)
      folders.set(folder, found)
      const path = session.path(policy)
      const name = basename(policy).replace(/\.ya?ml$/, '')
      return (await found).flatMap(({ file, test }) => {
        const ours =
          test === null
            ? basename(file).replace(TEST, '') === name
            : session.path(join(folder, test.policy)) === path
        return ours ? [{ file, cases: test?.cases ?? null }] : []
      })
    },
  }
}

interface Found {
  readonly file: string
  readonly test: TestFile | null
}

async function readFolder(session: Session, folder: string): Promise<readonly Found[]> {
  const names = (await readdir(session.path(folder))).filter((name) => TEST.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const file = join(folder, name)
      return { file, test: await readTest(session, file) }
    }),
  )
}

/** Null when it cannot be read or does not parse; why, `policy test` says. */
async function readTest(session: Session, file: string): Promise<TestFile | null> {
  const path = session.path(file)
  if (await isSpecial(path)) return null
  const bytes = await readBounded(path, MAX_TEST_FILE_BYTES).catch(() => null)
  const parsed = bytes === null ? null : parseTestFile(bytes, { file })
  return parsed?.ok ? parsed.value : null
}
