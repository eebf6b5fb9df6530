/**
 * Shortcuts for texts an audit reads of every record: payloads that differ from one already checked only in
 * `jti`, `iat` and the digests, as most of a log's do, results that differ only in the end of their lease, and
 * disclosures of the groups `chain` and `subject`.
 *
 * A text equal to a checked one everywhere else, with those well-formed and in their one spelling, is a checked
 * text too: no claim's check looks at another claim. So nothing is accepted here that parse.ts and disclosure.ts would
 * refuse; whatever is not recognised is left to them, who know the words for what is wrong. Only speed depends on this.
 */
import type { EpochMs } from '../time.ts'
import type { ChainGroup, SubjectGroup } from './groups.ts'
import type { RecordKind } from './kinds.ts'

/** A payload as `JSON.parse` gives it. */
type Payload = Readonly<Record<string, unknown>>

interface Template {
  readonly payload: Payload
  /** The text up to `jti`, between it and `iat`, between that and the digests, and after them. */
  readonly parts: readonly [string, string, string, string]
}

/** A log has few of them a kind: as many as outcomes and policies in use. Hostile ones must not make this slow. */
const MAX_TEMPLATES = 8
const templates = new Map<RecordKind, Template[]>()

/** The claims of a text like one that was learnt; undefined when it must be read the long way. */
export function readAlike(kind: RecordKind, text: string): Payload | undefined {
  const known = templates.get(kind)
  if (known === undefined) return undefined
  for (const template of known) {
    const payload = fill(template, text)
    if (payload !== undefined) return payload
  }
  return undefined
}

/** Remembers a payload that has passed every check, and whose text is its one spelling. */
export function learn(kind: RecordKind, text: string, payload: Payload): void {
  const parts = partsOf(text, payload)
  if (parts === null) return
  const known = templates.get(kind) ?? []
  known.unshift({ payload, parts })
  templates.set(kind, known.slice(0, MAX_TEMPLATES))
}

const DIGESTS = 5
const DIGEST_CHARS = 43
const BETWEEN = '","'
const STEP: number = DIGEST_CHARS + BETWEEN.length

/** Null for a payload without the three, or with them in an order nobody writes. */
function partsOf(text: string, { jti, iat, _sd }: Payload): Template['parts'] | null {
  if (!Array.isArray(_sd) || _sd.length !== DIGESTS) return null
  const [jtiText, iatText, digests] = [
    `"jti":"${jti}"`,
    `"iat":${iat},`,
    `"_sd":["${_sd.join(BETWEEN)}"]`,
  ]
  const [a, b, c] = [text.indexOf(jtiText), text.indexOf(iatText), text.indexOf(digests)]
  const found = a > 0 && b > a && c > b
  // Inside another claim's text quotes are escaped, so what was found are members; of the payload, as no claim of a
  // kind with digests is an object.
  if (!found) return null
  const afterJti = a + jtiText.length - 1
  const afterIat = b + iatText.length - 1
  const afterDigests = c + digests.length - 2
  return [
    text.slice(0, a + '"jti":"'.length),
    text.slice(afterJti, b + '"iat":'.length),
    text.slice(afterIat, c + '"_sd":["'.length),
    text.slice(afterDigests),
  ]
}

function fill({ payload, parts }: Template, text: string): Payload | undefined {
  const [first, second, third, last] = parts
  if (!text.startsWith(first)) return undefined
  const jtiEnd = wordEnd(text, first.length)
  if (jtiEnd - first.length < 22 || jtiEnd - first.length > 64) return undefined
  if (!text.startsWith(second, jtiEnd)) return undefined
  const iatStart = jtiEnd + second.length
  const iatEnd = digitsEnd(text, iatStart)
  const iat = Number(text.slice(iatStart, iatEnd))
  const written = iatEnd > iatStart && String(iat).length === iatEnd - iatStart
  if (!written || iat > MAX_IAT || !text.startsWith(third, iatEnd)) return undefined
  const from = iatEnd + third.length
  const end = from + DIGESTS * STEP - BETWEEN.length
  if (text.length !== end + last.length || !text.endsWith(last)) return undefined
  const _sd = digestsAt(text, from)
  return _sd && { ...payload, jti: text.slice(first.length, jtiEnd), iat, _sd }
}

const MAX_IAT = 253_402_300_799

function digestsAt(text: string, from: number): readonly string[] | undefined {
  const digests: string[] = []
  for (let at = from; digests.length < DIGESTS; at += STEP) {
    if (!isDigest(text, at)) return undefined
    if (digests.length > 0 && !text.startsWith(BETWEEN, at - BETWEEN.length)) return undefined
    digests.push(text.slice(at, at + DIGEST_CHARS))
  }
  return digests
}

/** 1 for each of these letters. */
function tableOf(letters: string): Uint8Array {
  const table = new Uint8Array(128)
  for (const c of letters) table[c.charCodeAt(0)] = 1
  return table
}

const WORD = tableOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
/** Last letters that leave two bits zero, and four. */
const LAST_OF_32 = tableOf('AEIMQUYcgkosw048')
const LAST_OF_16 = tableOf('AQgw')

/** 32 bytes. */
function isDigest(text: string, from: number): boolean {
  const end = from + DIGEST_CHARS - 1
  for (let i = from; i < end; i++) if (WORD[text.charCodeAt(i)] !== 1) return false
  return LAST_OF_32[text.charCodeAt(end)] === 1
}

/** 16 bytes. */
function isSalt(text: string, from: number): boolean {
  const end = from + SALT_CHARS - 1
  for (let i = from; i < end; i++) if (WORD[text.charCodeAt(i)] !== 1) return false
  return LAST_OF_16[text.charCodeAt(end)] === 1
}

const SALT_CHARS = 22

/** Where the letters of base64url that begin at `from` end. */
function wordEnd(text: string, from: number): number {
  let i = from
  while (i < text.length && WORD[text.charCodeAt(i)] === 1) i++
  return i
}

function digitsEnd(text: string, from: number): number {
  let i = from
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x30 || code > 0x39) return i
  }
  return i
}

/** Where the name of a disclosure's group stands: after `["`, the salt, and `",`. */
const GROUP_AT = 26
const [BEFORE_SUB, BEFORE_SEQ, BEFORE_PREV, BEFORE_AT] = [
  '"chain",{"sub":"',
  '","seq":',
  ',"prev":',
  ',"at":',
]

/** The place in a chain a disclosure opens; undefined when it must be read the long way. Only for kinds on chains. */
export function readChain(text: string): ChainGroup | undefined {
  if (!text.startsWith(BEFORE_SUB, GROUP_AT) || !hasSalt(text)) return undefined
  const subAt = GROUP_AT + BEFORE_SUB.length
  const subEnd = wordEnd(text, subAt)
  if (subEnd - subAt < 22 || subEnd - subAt > 64) return undefined
  if (!text.startsWith(BEFORE_SEQ, subEnd)) return undefined
  const seqAt = subEnd + BEFORE_SEQ.length
  const seqEnd = numberEnd(text, seqAt, 15)
  if (seqEnd < 0 || !text.startsWith(BEFORE_PREV, seqEnd)) return undefined
  const prevAt = seqEnd + BEFORE_PREV.length
  const begins = text.startsWith('null', prevAt)
  if (!begins && !isQuotedDigest(text, prevAt)) return undefined
  const prevEnd = begins ? prevAt + 4 : prevAt + DIGEST_CHARS + 2
  if (!text.startsWith(BEFORE_AT, prevEnd)) return undefined
  const atAt = prevEnd + BEFORE_AT.length
  const atEnd = numberEnd(text, atAt, 14)
  if (atEnd < 0 || text.length !== atEnd + 2 || !text.startsWith('}]', atEnd)) return undefined
  return {
    sub: text.slice(subAt, subEnd),
    seq: Number(text.slice(seqAt, seqEnd)),
    prev: begins ? null : text.slice(prevAt + 1, prevEnd - 1),
    at: Number(text.slice(atAt, atEnd)) as EpochMs,
  }
}

function hasSalt(text: string): boolean {
  return text.startsWith('["') && isSalt(text, 2) && text.startsWith('",', GROUP_AT - 2)
}

function isQuotedDigest(text: string, at: number): boolean {
  return (
    text.charAt(at) === '"' && isDigest(text, at + 1) && text.charAt(at + DIGEST_CHARS + 1) === '"'
  )
}

/** Where a number of 1 to `most` digits ends that is far inside its bounds and no zero; -1 for none. */
function numberEnd(text: string, from: number, most: number): number {
  const end = digitsEnd(text, from)
  return end > from && end - from <= most && text.charAt(from) !== '0' ? end : -1
}

/** What follows the salt of somebody alone, whose id needs no escapes and is no longer than claims.ts allows. */
const SUBJECT = /^"subject",\{"subject":"([ !#-[\]-~]{1,256})","cohosts":\[\]\}\]$/

/** Whom a disclosure names; undefined when it must be read the long way. Only for kinds on chains. */
export function readSubject(text: string): SubjectGroup | undefined {
  if (!text.startsWith('"subject"', GROUP_AT) || !hasSalt(text)) return undefined
  const subject = SUBJECT.exec(text.slice(GROUP_AT))?.[1]
  return subject === undefined ? undefined : { subject, cohosts: [] }
}

interface ResultTemplate {
  readonly value: Payload
  /** The text after the salt, before and after the end of the lease. */
  readonly before: string
  readonly after: string
}

/** What lets somebody start says the same as long as the policy does; whatever is refused names its reasons. */
const results = new Map<RecordKind, readonly ResultTemplate[]>()
const LEASE = '"lease_until":'

/** A result like one that was learnt; undefined when it must be read the long way. */
export function readResult(kind: RecordKind, text: string): object | undefined {
  if (!text.startsWith('"result"', GROUP_AT)) return undefined
  for (const { value, before, after } of results.get(kind) ?? []) {
    if (!text.startsWith(before, GROUP_AT)) continue
    const from = GROUP_AT + before.length
    const end = numberEnd(text, from, 14)
    if (end < 0 || text.length !== end + after.length || !text.endsWith(after)) continue
    return hasSalt(text) ? { ...value, lease_until: Number(text.slice(from, end)) } : undefined
  }
  return undefined
}

/** Remembers a disclosed result that has passed every check, and whose text is its one spelling. */
export function learnResult(kind: RecordKind, text: string, value: Payload): void {
  if (typeof value.lease_until !== 'number') return
  const found = text.indexOf(LEASE)
  // There once, it is the result's own: in a text quotes are escaped.
  if (found < 0 || text.indexOf(LEASE, found + 1) >= 0) return
  const from = found + LEASE.length
  const end = numberEnd(text, from, 14)
  if (end < 0) return
  const template = { value, before: text.slice(GROUP_AT, from), after: text.slice(end) }
  const known = results.get(kind) ?? []
  results.set(kind, [template, ...known].slice(0, MAX_TEMPLATES))
}
