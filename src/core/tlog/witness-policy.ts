/**
 * Whose word a reader wants on a checkpoint, as text: logs, witnesses, groups of them, and the quorum.
 *
 *     log <vkey> [<url>] | witness <name> <vkey> [<url>] | group <name> all|any|<k> <name>... | quorum <name>|none
 *
 * A name is defined before it is used, and is a member once, so nobody counts twice. Names mean something in this text
 * only; a witness is its key. Nothing is asked here (witness-protocol.ts) and no clock is read: how old a cosignature may
 * be is the reader's question. Text must be UTF-8. Spec: C2SP tlog-policy; docs/spec/log.md, "Witnesses".
 */
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import { parseDecimal } from './arithmetic.ts'
import { cosignatureVerifier, decodeCosignature } from './cosignature.ts'
import { sameBytes } from './hash.ts'
import {
  ed25519Verifier,
  type NoteFault,
  type NoteVerifier,
  type VerifyEd25519,
  verifyNote,
} from './note.ts'
import {
  NOTE_COSIGNATURE_V1,
  NOTE_ED25519,
  type NoteKey,
  type NoteKeyType,
  noteKeyId,
  parseVkey,
} from './note-key.ts'

export interface PolicyLog {
  readonly key: NoteKey
  readonly vkey: string
  readonly url: string | null
}

export interface PolicyWitness {
  /** As other lines of the policy call it. */
  readonly name: string
  readonly key: NoteKey
  readonly vkey: string
  /** Submission prefix, as written. */
  readonly url: string | null
  /** Of the text, from 1. */
  readonly line: number
}

export interface PolicyGroup {
  readonly name: string
  /** 1 to the number of members. */
  readonly threshold: number
  /** Names of witnesses and groups. */
  readonly members: readonly string[]
}

export interface WitnessPolicy {
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  readonly groups: readonly PolicyGroup[]
  /** A witness or a group; null for `quorum none`. */
  readonly quorum: string | null
  /** Where the quorum is named, from 1. */
  readonly quorum_line: number
}

/** What is wrong in a line; `message` is what the line has and what is expected. */
export interface WitnessPolicyFault {
  /** From 1. */
  readonly line: number
  readonly message: string
}

/** Lines of one kind; with the log's own two lines all fit on a note (note.ts, MAX_NOTE_SIGNATURES). */
export const MAX_POLICY_LINES = 60
/** UTF-16 units: 180 lines of 500, and room for comments. */
export const MAX_WITNESS_POLICY_CHARS: number = 128 * 1024

interface Draft {
  readonly logs: PolicyLog[]
  readonly witnesses: PolicyWitness[]
  readonly groups: PolicyGroup[]
  readonly defined: Set<string>
  readonly members: Set<string>
  quorum: { readonly name: string | null; readonly line: number } | null
}

/** Reads a policy; every fault is found at once. */
export function parseWitnessPolicy(
  text: string,
): Result<WitnessPolicy, readonly WitnessPolicyFault[]> {
  if (text.length > MAX_WITNESS_POLICY_CHARS)
    return err([{ line: 1, message: `the policy is longer than ${MAX_WITNESS_POLICY_CHARS}` }])
  const draft: Draft = {
    ...{ logs: [], witnesses: [], groups: [], quorum: null },
    ...{ defined: new Set<string>(), members: new Set<string>() },
  }
  const faults: WitnessPolicyFault[] = []
  const lines = text.replace(/\n$/, '').split('\n')
  for (const [at, content] of lines.entries()) {
    const message = readLine(draft, content, at + 1)
    if (message !== null) faults.push({ line: at + 1, message })
  }
  const { logs, witnesses, groups, quorum } = draft
  if (quorum === null && faults.length === 0)
    faults.push({ line: lines.length, message: 'no quorum line, expected exactly one' })
  if (quorum === null || faults.length > 0) return err(faults)
  return ok({ logs, witnesses, groups, quorum: quorum.name, quorum_line: quorum.line })
}

/** What is wrong with the line; null when it was taken in. */
function readLine(draft: Draft, content: string, line: number): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids exactly these.
  if (!content.isWellFormed() || /[\x00-\x08\x0a-\x1f\x7f]/.test(content))
    return 'a control character, expected none but tab and newline'
  const [verb, ...items] = content.split(/[ \t]+/).filter((item) => item !== '')
  if (verb === undefined || verb.startsWith('#')) return null
  const fault = readItems(draft, verb, items, line)
  // One mistake is told once: who uses the name of a faulty line is right.
  if (fault !== null && items[0] !== undefined && verb !== 'quorum') draft.defined.add(items[0])
  return fault
}

function readItems(
  draft: Draft,
  verb: string,
  items: readonly string[],
  line: number,
): string | null {
  if (verb === 'log') return readLog(draft, items)
  if (verb === 'witness') return readWitness(draft, items, line)
  if (verb === 'group') return readGroup(draft, items)
  if (verb === 'quorum') return readQuorum(draft, items, line)
  return `\`${cut(verb)}\`, expected log, witness, group or quorum`
}

function readLog(draft: Draft, [vkey, url, ...more]: readonly string[]): string | null {
  if (vkey === undefined || more.length > 0) return 'expected `log <vkey> [<url>]`'
  const key = keyOf(vkey, NOTE_ED25519, draft.logs)
  if (!key.ok) return key.error
  if (draft.logs.length >= MAX_POLICY_LINES) return tooMany('logs')
  draft.logs.push({ key: key.value, vkey, url: url ?? null })
  return null
}

function readWitness(draft: Draft, items: readonly string[], line: number): string | null {
  const [name, vkey, url, ...more] = items
  if (name === undefined || vkey === undefined || more.length > 0)
    return 'expected `witness <name> <vkey> [<url>]`'
  const key = keyOf(vkey, NOTE_COSIGNATURE_V1, draft.witnesses)
  if (!key.ok) return key.error
  if (draft.witnesses.length >= MAX_POLICY_LINES) return tooMany('witnesses')
  const taken = define(draft, name)
  if (taken !== null) return taken
  draft.witnesses.push({ name, key: key.value, vkey, url: url ?? null, line })
  return null
}

function readGroup(draft: Draft, items: readonly string[]): string | null {
  const [name, count, ...members] = items
  if (name === undefined || count === undefined || members.length === 0)
    return 'expected `group <name> all|any|<k> <name>...`'
  const threshold =
    count === 'all' ? members.length : count === 'any' ? 1 : (parseDecimal(count) ?? 0)
  if (threshold < 1 || threshold > members.length)
    return `\`${cut(count)}\` of ${members.length}, expected all, any or 1 to ${members.length}`
  if (draft.groups.length >= MAX_POLICY_LINES) return tooMany('groups')
  for (const member of members) {
    if (!draft.defined.has(member))
      return `\`${cut(member)}\` is not defined above, expected a witness or a group`
    if (draft.members.has(member))
      return `\`${cut(member)}\` is a member already, expected each name in one group, once`
    draft.members.add(member)
  }
  const taken = define(draft, name)
  if (taken === null) draft.groups.push({ name, threshold, members })
  return taken
}

function readQuorum(draft: Draft, [name, ...more]: readonly string[], line: number): string | null {
  if (name === undefined || more.length > 0) return 'expected `quorum <name>` or `quorum none`'
  if (draft.quorum !== null) return `a second quorum, expected the one of line ${draft.quorum.line}`
  if (name !== 'none' && !draft.defined.has(name))
    return `\`${cut(name)}\` is not defined above, expected a witness, a group or none`
  draft.quorum = { name: name === 'none' ? null : name, line }
  return null
}

function define({ defined }: Draft, name: string): string | null {
  if (name === 'none') return '`none` as a name, expected another: it stands for no quorum'
  if (defined.has(name)) return `\`${cut(name)}\` is defined already, expected another name`
  defined.add(name)
  return null
}

function keyOf(
  vkey: string,
  type: NoteKeyType,
  others: readonly { readonly key: NoteKey }[],
): Result<NoteKey, string> {
  const key = parseVkey(vkey)
  if (!key.ok)
    return err(`\`${cut(vkey)}\`: ${key.error.replaceAll('_', ' ')}, expected a verifier key`)
  const { name, publicKey } = key.value
  if (key.value.type !== type)
    return err(
      type === NOTE_ED25519
        ? `the key of \`${cut(name)}\` is a witness's, expected a log's (type 01)`
        : `the key of \`${cut(name)}\` is a log's, expected a witness's (type 04)`,
    )
  const id = noteKeyId(key.value)
  for (const { key: other } of others) {
    if (sameBytes(other.publicKey, publicKey))
      return err(`the key of \`${cut(name)}\` is in the policy already, expected each once`)
    if (other.name === name && noteKeyId(other) === id)
      return err(`another key of \`${cut(name)}\` has the same id, expected distinct ones`)
  }
  return key
}

function tooMany(what: string): string {
  return `more than ${MAX_POLICY_LINES} ${what}, expected at most so many`
}

function cut(text: string): string {
  return text.slice(0, 80)
}

/** Whether the quorum is met when the witnesses of these names, as the policy calls them, have cosigned. */
export function isQuorum(policy: WitnessPolicy, cosigned: ReadonlySet<string>): boolean {
  const met = new Set(cosigned)
  // A group's members are defined before it, so one pass settles all.
  for (const { name, threshold, members } of policy.groups)
    if (members.filter((member) => met.has(member)).length >= threshold) met.add(name)
  return policy.quorum === null || met.has(policy.quorum)
}

/** One witness's word on a checkpoint. */
export interface Cosigned {
  /** As the policy calls it. */
  readonly name: string
  /** When the witness says it saw the checkpoint as the newest, POSIX seconds. */
  readonly time_s: number
}

/** How a note stands to a policy. */
export interface Quorum {
  readonly met: boolean
  /** The rule in words: `2 of (a, b, c)`, `a`, or `none`. */
  readonly rule: string
  /** In the order of the policy. */
  readonly cosigned: readonly Cosigned[]
  /** Witnesses of the policy that have not cosigned. */
  readonly missing: readonly string[]
  /** Whether a log of the policy has signed; null when it names none, and the log is known from elsewhere. */
  readonly log_signed: boolean | null
}

/**
 * Whether the note carries the cosignatures the policy wants. A signature of one of its keys that does not verify spoils
 * the note. The log's signature is judged only against the policy's own `log` lines: open the checkpoint as well
 * (checkpoint.ts). Where `log_signed` is false the quorum says nothing about a log the policy knows.
 */
export async function quorumOf(
  note: string,
  policy: WitnessPolicy,
  verifyEd25519: VerifyEd25519,
): Promise<Result<Quorum, NoteFault>> {
  const logs = policy.logs.map(({ vkey }) => must(ed25519Verifier(vkey, verifyEd25519)))
  const witnesses = policy.witnesses.map(({ vkey }) =>
    must(cosignatureVerifier(vkey, verifyEd25519)),
  )
  const read = await verifyNote({ text: note, verifiers: [...logs, ...witnesses] })
  if (!read.ok && read.error !== 'signature_missing') return read
  const lines = read.ok ? read.value.verified : []
  const cosigned: Cosigned[] = []
  for (const { name, key } of policy.witnesses) {
    const line = lines.find((one) => one.name === key.name && one.keyId === noteKeyId(key))
    const time = line === undefined ? null : decodeCosignature(line.signature)
    if (time !== null) cosigned.push({ name, time_s: time.timeS })
  }
  const names = new Set(cosigned.map(({ name }) => name))
  const signed = logs.some((log) =>
    lines.some((line) => line.name === log.name && line.keyId === log.keyId),
  )
  return ok({
    met: isQuorum(policy, names),
    rule: ruleOf(policy),
    cosigned,
    missing: policy.witnesses.map(({ name }) => name).filter((name) => !names.has(name)),
    log_signed: logs.length === 0 ? null : signed,
  })
}

/** The quorum in words. */
export function ruleOf({ groups, quorum }: WitnessPolicy): string {
  const words = (name: string): string => {
    const group = groups.find((one) => one.name === name)
    if (group === undefined) return name
    return `${group.threshold} of (${group.members.map(words).join(', ')})`
  }
  return quorum === null ? 'none' : words(quorum)
}

/** The key was read when the policy was. */
function must(verifier: Result<NoteVerifier, string>): NoteVerifier {
  if (verifier.ok) return verifier.value
  throw new LivegateError('internal', `Cannot use witness policy: ${verifier.error}`)
}
