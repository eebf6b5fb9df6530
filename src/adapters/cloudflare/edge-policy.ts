/**
 * The policy a deployment was bundled with, compiled once an isolate.
 *
 * Whether its text is in the log already is not known here: whoever decides by it asks the sequencer first
 * (`SequencerRpc.ready`), which writes it when it is not.
 */
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
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
