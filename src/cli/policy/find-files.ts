/**
 * Finds policies and their test files: what is named, what lies beside a named policy, what is anywhere below a directory.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { usage } from '../failure.ts'
import { quote, type Session } from '../session.ts'

const TEST = /\.test\.ya?ml$/
const POLICY = /\.ya?ml$/
/** What `policy diff --write-accept` wrote. */
const ACCEPTED = /(?:^|[./\\])accepted\.ya?ml$/

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

/** Policies for what was written, in order, each once. Below a directory test files and lists of accepted differences are none. */
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
const isPolicy = (name: string): boolean =>
  POLICY.test(name) && !TEST.test(name) && !ACCEPTED.test(name)

async function below(
  session: Session,
  directory: string,
  wanted: (name: string) => boolean,
): Promise<string[]> {
  const entries = await readdir(session.path(directory), { recursive: true })
  const named = entries.filter((name) => wanted(name) && !name.includes('node_modules')).sort()
  const found = named.map((name) => join(directory, name))
  const special = await Promise.all(found.map((file) => isSpecial(session.path(file))))
  return found.filter((_, i) => special[i] !== true)
}

/**
 * A directory, a pipe, a socket or a device: nobody asked for it by name, and to open a pipe waits for ever. What is not
 * there, such as the end of a broken link, is for whoever reads it to say.
 */
export async function isSpecial(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null)
  return stats !== null && !stats.isFile()
}
