/**
 * `livegate log verify`: one record or one evidence bundle, as somebody holds it, and what it proves.
 */
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { isEvidence, MAX_EVIDENCE_BYTES } from '../../core/evidence/format.ts'
import { type KeyRing, keyRing, parseJwks } from '../../core/record/jwk.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { baseUrl, createGateClient } from '../gate-client.ts'
import { tellEvidence } from '../log/evidence-verify.ts'
import { type GivenRecord, parseGiven } from '../log/given-record.ts'
import { type LogKey, logKeyOf, vkeyOption } from '../log/head.ts'
import { proofOf } from '../log/proof-of.ts'
import { openSource } from '../log/source.ts'
import { type Verified, verifyOne } from '../log/verify-record.ts'
import { witnessPolicyOf } from '../log/witness-policy-file.ts'
import { quote, type Session } from '../session.ts'

interface Options {
  readonly vkey: string
  readonly proof?: string
  readonly jwks?: string
  readonly url?: string
  readonly key?: string
  readonly witness?: readonly string[]
  readonly quorum?: string
  readonly witnessPolicy?: string
  readonly since?: string
}

export function logVerify(noun: Command, act: Act): void {
  const command = noun
    .command('verify')
    .description('check one record or evidence bundle and say what it proves')
    .argument(
      '<record>',
      'the record, or a file with it, with the answer of the gate, or of `log evidence`',
    )
  vkeyOption(command)
    .option('--proof <file>', 'tlog-proof of the record')
    .option('--jwks <file>', 'record keys, as GET /.well-known/jwks.json answers them')
    .option('--url <url>', 'address of the gate: fetches keys, and a proof if the receipt is there')
    .option('--key <key>', 'API key, or @FILE that holds it (LIVEGATE_KEY)')
    .option('--witness <key...>', 'evidence: verifier keys of witnesses you trust')
    .option('--quorum <number>', 'evidence: how many of them must have cosigned (else all)')
    .option(
      '--witness-policy <file>',
      'whose cosignatures its checkpoint needs (c2sp.org/tlog-policy)',
    )
    .option('--since <file>', 'evidence: a checkpoint of this log you trust')
    .addHelpText('after', EXAMPLE)
  act(command, verify)
}

const EXAMPLE = `
Example:
  livegate log verify answer.json --vkey gate.example/log+1a2b3c4d+AQ… --proof answer.proof
  livegate log verify case-81.json --vkey gate.example/log+1a2b3c4d+AQ…

Keys inside an evidence bundle are only a hint: --vkey is what you trust.`

const MAX_FILE_BYTES: number = 8 * 1024 * 1024

async function verify(session: Session, written: string, options: Options): Promise<ExitCode> {
  const key = logKeyOf(options.vkey)
  const file = await fileAt(session, written)
  if (file !== null && isEvidence(new TextDecoder().decode(file.subarray(0, PEEK_BYTES))))
    return tellEvidence(session, file, options)
  const record = recordOf(written, file)
  forEvidence(options)
  const proof = await proofText(session, options, record, key)
  const policy = await witnessPolicyOf(session, options.witnessPolicy)
  if (policy !== null && proof === null)
    throw usage(
      'Cannot hold a record to --witness-policy without its checkpoint',
      'give --proof, or --url and the answer of the gate with its receipt',
    )
  const result = await verifyOne({
    ...{ record, key, keys: await keysOf(session, options), proof, policy },
    now_s: Math.floor(session.world.now() / 1000),
  })
  session.result(textOf(session, result), result)
  if (result.failures.length > 0) return EXIT.verification
  return result.unfinished.length > 0 ? EXIT.incomplete : EXIT.clean
}

/** What is for bundles alone is not passed over in silence. */
function forEvidence({ witness, quorum, since }: Options): void {
  const [given] = Object.entries({ witness, quorum, since }).find(([, one]) => one) ?? []
  if (given !== undefined)
    throw usage(
      `Cannot use --${given} with a record: it is for evidence bundles`,
      'a record with --proof takes --witness-policy',
    )
}

/** Enough to see what kind of file it is. */
const PEEK_BYTES = 256

async function fileAt(session: Session, written: string): Promise<Uint8Array | null> {
  const path = session.path(written)
  const isFile = written.length < 1024 && (await stat(path).catch(() => null)) !== null
  return isFile ? readBounded(path, MAX_EVIDENCE_BYTES) : null
}

function recordOf(written: string, file: Uint8Array | null): Omit<GivenRecord, 'line'> {
  if (file !== null && file.length > MAX_FILE_BYTES)
    throw incomplete(
      `Cannot read ${quote(written)}: it has ${file.length} bytes, expected at most ${MAX_FILE_BYTES}`,
    )
  const text = file === null ? written : new TextDecoder().decode(file)
  const given = parseGiven(text)
  if (given !== null) return given
  throw usage(
    `Cannot read a record from ${quote(written)}: there is no such file and it is no record`,
    'expected jws~disclosure~…~, or JSON with a member `record`',
  )
}

async function keysOf(session: Session, options: Options): Promise<KeyRing | null> {
  if (options.jwks === undefined && options.url === undefined) return null
  const value =
    options.jwks === undefined
      ? await fetched(session, options.url ?? '')
      : await stored(session, options.jwks)
  const keys = parseJwks(value)
  if (!keys.ok) throw incomplete(keys.error)
  return keyRing(keys.value)
}

function fetched(session: Session, url: string): Promise<unknown> {
  const client = createGateClient(session.world, baseUrl(url), null)
  return client.json({ method: 'GET', path: '/.well-known/jwks.json' }, 'read record keys')
}

async function stored(session: Session, file: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBounded(session.path(file), MAX_FILE_BYTES))
  try {
    return JSON.parse(text)
  } catch {
    throw incomplete(`Cannot read record keys from ${quote(file)}: it is not JSON`)
  }
}

async function proofText(
  session: Session,
  options: Options,
  record: Omit<GivenRecord, 'line'>,
  key: LogKey,
): Promise<string | null> {
  if (options.proof !== undefined)
    return new TextDecoder().decode(await readBounded(session.path(options.proof), MAX_FILE_BYTES))
  if (options.url === undefined || record.index === null) return null
  const source = await openSource(session, `${baseUrl(options.url)}/log`, options.key)
  return proofOf(source, key, record.index)
}

function textOf(session: Session, result: Verified): string {
  const failures = result.failures.map((line) => session.paint('red', line))
  const verdict =
    failures.length > 0
      ? session.paint('red', 'verification failed')
      : result.unfinished.length > 0
        ? session.paint('yellow', 'could not check everything, which says nothing about the log')
        : session.paint('green', 'nothing contradicts this record')
  return [
    `${result.kind ?? 'unknown'} record: ${verdict}`,
    ...failures,
    ...result.unfinished.map((line) => session.paint('yellow', line)),
    ...(result.proves.length > 0 ? ['proves:', ...result.proves.map((line) => `  ${line}`)] : []),
    'does not prove:',
    ...result.does_not_prove.map((line) => `  ${line}`),
    ...disclosedLines(result),
  ].join('\n')
}

function disclosedLines({ disclosed, failures }: Verified): string[] {
  if (disclosed === null || failures.length > 0) return []
  return [
    'disclosed:',
    ...JSON.stringify(disclosed, null, 2)
      .split('\n')
      .map((line) => `  ${line}`),
  ]
}
