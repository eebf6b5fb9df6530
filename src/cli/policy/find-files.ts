/**
 * Finds policies and their test files: what is named, what lies beside a named policy, what is anywhere below a directory.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { usage } from '../failure.ts'
import { quote, type Session } from '../session.ts'

const TEST = /\.test\.ya?ml$/
const POLICY = /\.ya?ml$/

/** Test files for what was written, in order, each once; paths as relative as they were written. */
export async function findTestFiles(
  session: Session,
  written: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const path of written) {
    const stats = await stat(session.path(path))
    if (stats.isDirectory()) for (const file of await below(session, path, isTest)) found.add(file)
    else if (TEST.test(path)) found.add(path)
    else if (POLICY.test(path)) found.add(path.replace(POLICY, '.test.yaml'))
    else
      throw usage(`Cannot test ${quote(path)}: expected a policy, a .test.yaml file or a directory`)
  }
  return [...found]
}

/** Policies for what was written, in order, each once. Below a directory test files are not policies. */
export async function findPolicyFiles(
  session: Session,
  written: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const path of written) {
    const stats = await stat(session.path(path))
    if (!stats.isDirectory()) found.add(path)
    else for (const file of await below(session, path, isPolicy)) found.add(file)
  }
  return [...found]
}

const isTest = (name: string): boolean => TEST.test(name)
const isPolicy = (name: string): boolean => POLICY.test(name) && !TEST.test(name)

async function below(
  session: Session,
  directory: string,
  wanted: (name: string) => boolean,
): Promise<string[]> {
  const entries = await readdir(session.path(directory), { recursive: true })
  return entries
    .filter((name) => wanted(name) && !name.includes('node_modules'))
    .sort()
    .map((name) => join(directory, name))
}
