/**
 * Policies as an isolate has them: the one the deployment was bundled with, and every text it has met, compiled once.
 *
 * Which of them decides is not known here: whoever decides asks a log first (subject-ready.ts).
 */
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ActivePolicy } from '../../ports.ts'
import type { BundledFile } from './bundle.ts'

/** The compiled policy, or what is wrong with it, one line each. */
export function compileBundled(file: BundledFile): Result<ActivePolicy, readonly string[]> {
  const bytes = utf8(file.text)
  const compiled = compilePolicy(bytes, { file: file.name })
  if (compiled.ok) return ok({ plan: compiled.value.plan, bytes })
  return err(compiled.error.map((d) => `${d.file}:${d.line}:${d.column} ${d.code}: ${d.message}`))
}

const compiled = new Map<string, Result<ActivePolicy, readonly string[]>>()

/** As `compileBundled`, once an isolate. */
export function bundledPolicy(file: BundledFile): Result<ActivePolicy, readonly string[]> {
  const known = compiled.get(file.text)
  if (known !== undefined) return known
  const result = compileBundled(file)
  compiled.set(file.text, result)
  if (result.ok) keepText(result.value.plan.digest, result.value.bytes)
  return result
}

/** For objects. Throws `internal` with every problem, one a line. */
export function requireBundledPolicy(file: BundledFile): ActivePolicy {
  const policy = bundledPolicy(file)
  if (policy.ok) return policy.value
  throw new LivegateError(
    'internal',
    `Cannot decide: ${file.name} does not compile\n${policy.error.join('\n')}`,
  )
}

/** What is under a digest never changes, and a deployment has few policies: kept as long as the isolate lives. */
const texts = new Map<string, Uint8Array>()
/** Shared by all books of the isolate: compiling is the dear part. */
export const PLANS: Map<string, Plan | null> = new Map<string, Plan | null>()

export function keptText(digest: string): Uint8Array | null {
  return texts.get(digest) ?? null
}

export function keepText(digest: string, bytes: Uint8Array): void {
  texts.set(digest, bytes)
}

/** The plan of a text that `read` gets if it is not here; null where there is none that compiles. */
export async function planOfText(
  digest: string,
  read: () => Promise<Uint8Array | null>,
): Promise<Plan | null> {
  const known = PLANS.get(digest)
  if (known !== undefined) return known
  const bytes = keptText(digest) ?? (await read())
  if (bytes === null) return null
  keepText(digest, bytes)
  const made = compilePolicy(bytes, { file: digest })
  const plan = made.ok ? made.value.plan : null
  PLANS.set(digest, plan)
  return plan
}
