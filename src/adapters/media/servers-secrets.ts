/**
 * Secrets of the servers file: written there, in a variable or in a file of their own, and in exactly one of them.
 *
 * A message names the place and the length, never the text.
 */
import type { Reporter, Span } from '../../core/policy/diagnostic.ts'
import type { At } from '../../core/policy/shape.ts'

/** Where secrets come from that are not in the file itself. */
export interface SecretSources {
  /** Undefined when the variable is not set. */
  env(name: string): string | undefined
  /** Null when the file cannot be read; relative paths are the composition root's business. */
  file(path: string): string | null
}

export interface SecretMembers {
  readonly secret?: At<string | null>
  readonly secret_env?: At<string>
  readonly secret_file?: At<string>
}

export interface ReadSecret {
  readonly sources: SecretSources
  readonly reporter: Reporter
  /** `a server`. */
  readonly owner: string
  /** Why a text cannot be the secret, without repeating it; null when it can. */
  fault(text: string): string | null
}

/** The one secret of its owner; null when there is none that can be used, which is reported. */
export function readSecret(
  value: SecretMembers,
  { start }: Span,
  { sources, reporter, owner, fault }: ReadSecret,
): { readonly text: string; readonly at: At<unknown> } | null {
  const given = [value.secret, value.secret_env, value.secret_file].filter((at) => at !== undefined)
  const [at] = given
  if (at === undefined || given.length > 1) {
    const place = given[1] ?? { start, end: start }
    const message = `${owner} has ${given.length} of secret, secret_env and secret_file, expected one`
    reporter.report(at === undefined ? 'missing-key' : 'conflicting-keys', place, message)
    return null
  }
  const text = secretText(value, sources)
  const wrong = text === null ? null : fault(text)
  if (text !== null && wrong === null) return { text, at }
  const what = at === value.secret ? 'secret' : 'secret from there'
  const missing = at === value.secret ? 'is not text, expected text' : 'cannot be read'
  const hint = at === value.secret && text === null ? 'put it in quotes' : 'openssl rand -base64 32'
  reporter.report('bad-value', at, `${what} ${wrong ?? missing}`, hint)
  return null
}

function secretText(value: SecretMembers, sources: SecretSources): string | null {
  if (value.secret !== undefined) return value.secret.value
  if (value.secret_env !== undefined) return sources.env(value.secret_env.value) ?? null
  const text = value.secret_file === undefined ? null : sources.file(value.secret_file.value)
  return text === null ? null : text.replace(/\r?\n$/, '')
}
