/**
 * One record against everything one has: signature, disclosures, inclusion. Says what follows, and what does not.
 *
 * Each step is done, failed, or left out because its input was not given; nothing is assumed.
 */

import { utf8 } from '../../core/encoding.ts'
import { type OpenedGroups, openDisclosures } from '../../core/record/disclosure.ts'
import type { KeyRing } from '../../core/record/jwk.ts'
import { type ParsedRecord, parseRecord } from '../../core/record/parse.ts'
import { verifyRecord } from '../../core/record/verify.ts'
import { formatInstant, isEpochMs } from '../../core/time.ts'
import { leafHash } from '../../core/tlog/hash.ts'
import { parseTlogProof, verifyTlogProof } from '../../core/tlog/proof.ts'
import { quorumOf, type WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import { nodeHasher, verifyEd25519 } from './ed25519.ts'
import type { GivenRecord } from './given-record.ts'
import type { LogKey } from './head.ts'

export interface VerifyInput {
  readonly record: Omit<GivenRecord, 'line'>
  readonly key: LogKey
  /** Record keys one trusts; null when none were given. */
  readonly keys: KeyRing | null
  /** tlog-proof text; null when none was given. */
  readonly proof: string | null
  /** Whose cosignatures its checkpoint needs; null when nobody asked. */
  readonly policy: WitnessPolicy | null
  /** The reader's clock, seconds. */
  readonly now_s: number
}

export interface Verified {
  readonly kind: string | null
  readonly claims: Readonly<Record<string, unknown>> | null
  readonly disclosed: OpenedGroups | null
  readonly index: number | null
  /** What failed; any means exit 4. */
  readonly failures: readonly string[]
  /** What could not be checked although it was asked for; any means exit 1, unless something failed. */
  readonly unfinished: readonly string[]
  readonly proves: readonly string[]
  readonly does_not_prove: readonly string[]
}

const NEVER = [
  'That the decision follows from the policy and the facts: replay shows that, with the facts disclosed.',
  'That nothing else was left out of the log: `livegate log audit` and --records look for that.',
  'That everybody is shown the same log: witnesses, or comparing checkpoints, show that.',
]

/** Checks a record; never throws for what is wrong with it. */
export async function verifyOne(input: VerifyInput): Promise<Verified> {
  const parsed = parseRecord(input.record.jws)
  if (!parsed.ok)
    return {
      ...{ kind: null, claims: null, disclosed: null, index: null },
      failures: [parsed.error.message],
      ...{ unfinished: [], proves: [] },
      does_not_prove: ['Anything: it is not a record.'],
    }
  const words: Words = { failures: [], unfinished: [], proves: [], open: [] }
  checkTime(input, parsed.value, words)
  await checkSignature(input, parsed.value, words)
  const disclosed = checkDisclosures(input, parsed.value, words)
  const index = await checkInclusion(input, parsed.value, words)
  return {
    kind: parsed.value.kind,
    claims: { ...parsed.value.claims },
    disclosed,
    index,
    failures: words.failures,
    unfinished: words.unfinished,
    proves: words.failures.length > 0 ? [] : words.proves,
    does_not_prove: [...words.open, ...NEVER],
  }
}

interface Words {
  readonly failures: string[]
  readonly unfinished: string[]
  readonly proves: string[]
  readonly open: string[]
}

/** Seconds by which clocks may differ. */
const CLOCK_SLACK_S = 600

function checkTime({ now_s }: VerifyInput, { claims }: ParsedRecord, words: Words): void {
  if (claims.iat > now_s + CLOCK_SLACK_S)
    words.unfinished.push(
      `It is dated ${claims.iat - now_s} s later than the clock here: the clock of the gate or this one is wrong`,
    )
}

async function checkSignature(
  { keys, key }: VerifyInput,
  record: ParsedRecord,
  words: Words,
): Promise<void> {
  const { log, iss, iat } = record.claims
  if (log !== key.origin)
    words.failures.push('Cannot verify the record: it belongs to another log than --vkey')
  if (keys === null) {
    words.open.push('Who signed it: no record keys were given (--jwks or --url).')
    return
  }
  const verified = await verifyRecord(record.jws, keys, { verifyEd25519 })
  if (!verified.ok) {
    words.failures.push(verified.error.message)
    return
  }
  const when = isEpochMs(iat * 1000)
    ? formatInstant((iat * 1000) as Parameters<typeof formatInstant>[0])
    : `${iat}`
  words.proves.push(
    `A key of the given key set signed exactly these bytes; they say issuer ${iss}, time ${when}.`,
  )
  words.open.push(
    'That the key was in force at that index: `livegate log audit` follows the key records.',
  )
}

function checkDisclosures(
  { record }: VerifyInput,
  parsed: ParsedRecord,
  words: Words,
): OpenedGroups | null {
  if (record.disclosures.length === 0) {
    if (parsed.digests.length > 0) words.open.push('What the undisclosed groups of the record say.')
    return null
  }
  const opened = openDisclosures(parsed, record.disclosures, nodeHasher)
  if (!opened.ok) {
    words.failures.push(opened.error.message)
    return null
  }
  const groups = Object.keys(opened.value)
  words.proves.push(`The record commits to the disclosed groups: ${groups.join(', ')}.`)
  if (groups.length < parsed.digests.length)
    words.open.push('What the undisclosed groups of the record say.')
  return opened.value
}

async function checkInclusion(
  { proof, key, record, policy }: VerifyInput,
  parsed: ParsedRecord,
  words: Words,
): Promise<number | null> {
  if (proof === null) {
    words.open.push('That it is in the log: no proof was given (--proof or --url).')
    return null
  }
  const leaf = leafHash(utf8(parsed.jws))
  const proven = await verifyTlogProof({ text: proof, leaf, ...key })
  if (!proven.ok) {
    words.failures.push(`Cannot verify the proof: ${proven.error.replaceAll('_', ' ')}`)
    return null
  }
  const { index, checkpoint } = proven.value
  words.proves.push(
    `It stands at index ${index} of log ${key.origin}, under its signed checkpoint of size ${checkpoint.size}.`,
  )
  if (record.index !== null && record.index !== index)
    words.failures.push(
      `Cannot match the receipt: it says index ${record.index}, the proof says ${index}`,
    )
  if (policy !== null) await checkQuorum(proof, policy, words)
  return index
}

async function checkQuorum(proof: string, policy: WitnessPolicy, words: Words): Promise<void> {
  const parsed = parseTlogProof(proof)
  const note = parsed.ok ? parsed.value.checkpoint : ''
  const quorum = await quorumOf(note, policy, verifyEd25519)
  if (!quorum.ok) {
    words.failures.push(`Cannot verify the checkpoint: ${quorum.error.replaceAll('_', ' ')}`)
    return
  }
  const { met, log_signed, rule, cosigned, missing } = quorum.value
  const by = cosigned.map(({ name }) => name).join(', ') || 'nobody'
  if (log_signed === false)
    words.unfinished.push('The witness policy names other logs than the one of this checkpoint')
  else if (met)
    words.proves.push(`Your witnesses saw that tree as the one of this log (${rule}): ${by}.`)
  else
    words.unfinished.push(
      `The checkpoint has no quorum of your witnesses (${rule}): cosigned by ${by}, missing ${missing.join(', ')}`,
    )
}
