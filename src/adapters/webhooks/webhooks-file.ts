/**
 * Reads the webhooks file as a whole: every fault at once, with its place, and never a word of a secret.
 *
 * Secrets are named, not written here: a file that is reviewed and versioned should not hold them. Sending is
 * gate/webhooks. Spec: docs/webhooks.md, "The webhooks file".
 */
import type { Diagnostic, Reporter } from '../../core/policy/diagnostic.ts'
import { readDocument } from '../../core/policy/document.ts'
import type { At } from '../../core/policy/shape.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { WEBHOOK_TYPES, type WebhookEndpoint } from '../../gate/webhooks/port.ts'
import { scrub } from '../../scrub.ts'
import { type Sign, signerOf, together } from './sign.ts'
import { type EndpointSource, type SecretSource, WEBHOOKS_FILE } from './webhooks-syntax.ts'

/** Where secrets come from. */
export interface SecretSources {
  /** Undefined when the variable is not set. */
  env(name: string): string | undefined
  /** Null when the file cannot be read. */
  file(path: string): string | null
}

const FILE = { noun: 'a webhooks file', words: WEBHOOK_TYPES }
const scrubbed = (problem: Diagnostic): Diagnostic => scrub(problem, FILE)

/** The endpoints of a file. `file` is only its name in messages. */
export async function parseWebhooksFile(
  bytes: Uint8Array,
  file: string,
  sources: SecretSources,
): Promise<Result<readonly WebhookEndpoint[], readonly Diagnostic[]>> {
  const document = readDocument(bytes, file, FILE)
  if (!document.ok) return err(document.error.map(scrubbed))
  const { root, reporter } = document.value
  const read = WEBHOOKS_FILE.read(root, { start: 0, end: 0 }, reporter)
  const endpoints: WebhookEndpoint[] = []
  for (const { value } of read?.value.endpoints.value ?? []) {
    if (endpoints.some(({ id }) => id === value.id.value))
      reporter.report('duplicate-id', value.id, 'two endpoints have this id')
    const endpoint = await endpointOf(value, sources, reporter)
    if (endpoint !== null) endpoints.push(endpoint)
  }
  return reporter.failed() ? err(reporter.sorted().map(scrubbed)) : ok(endpoints)
}

async function endpointOf(
  source: EndpointSource,
  sources: SecretSources,
  reporter: Reporter,
): Promise<WebhookEndpoint | null> {
  const mayBePrivate = source.private?.value ?? false
  if (source.private !== undefined && typeof mayBePrivate !== 'boolean')
    reporter.report(
      'wrong-type',
      source.private,
      'private is not a boolean, expected true or false',
    )
  const url = source.url.value
  if (mayBePrivate !== true && url.startsWith('http:'))
    reporter.report(
      'bad-value',
      source.url,
      'messages hold personal data and this address has no TLS',
      'use https, or say `private: true` for a receiver in your own network',
    )
  if (!URL.canParse(url))
    reporter.report('bad-value', source.url, 'this is no address anything can be sent to')
  const signers: Sign[] = []
  for (const secret of source.secrets.value) {
    const sign = await signerAt(secret, sources, reporter)
    if (sign !== null) signers.push(sign)
  }
  if (signers.length === 0) return null
  const types = new Set(source.types.value.map(({ value }) => value))
  return {
    id: source.id.value,
    url,
    types,
    private: mayBePrivate === true,
    sign: together(signers),
  }
}

async function signerAt(
  secret: At<SecretSource>,
  sources: SecretSources,
  reporter: Reporter,
): Promise<Sign | null> {
  const { env, file } = secret.value
  const named = env ?? file
  if (named === undefined || (env !== undefined && file !== undefined)) {
    reporter.report('missing-key', secret, 'a secret has not exactly one of env and file')
    return null
  }
  const text = textAt(named.value, env === undefined ? sources.file : sources.env)
  if (text === null) {
    const what = env === undefined ? 'a file that cannot be read' : 'a variable that is not set'
    reporter.report('bad-value', named, `the secret is in ${what}`)
    return null
  }
  const signer = await signerOf(text)
  if (signer.ok) return signer.value
  const hint = 'livegate webhook keygen prints one'
  reporter.report('bad-value', named, `the secret from there ${signer.error}`, hint)
  return null
}

function textAt(
  name: string | null,
  source: (name: string) => string | null | undefined,
): string | null {
  const text = name === null ? null : source(name)
  return text === null || text === undefined ? null : text.trim()
}
