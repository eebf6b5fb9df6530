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
import { RECORD_KINDS, type RecordKind } from './kinds.ts'
import { KnownForms, literal } from './known-forms.ts'

/** A payload as `JSON.parse` gives it. */
type Payload = Readonly<Record<string, unknown>>

interface Template {
  readonly payload: Payload
  /** Captures what may differ. */
  readonly form: RegExp
}

type Templates = Readonly<Record<RecordKind, KnownForms<Template>>>

function createTemplates(): Templates {
  const none = RECORD_KINDS.map((kind) => [kind, new KnownForms<Template>()])
  return Object.fromEntries(none) as Templates
}

/** 32 bytes: the last letter leaves two bits zero. */
const DIGEST = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]'
/** 16 bytes: the last letter leaves four. */
const SALT = '[A-Za-z0-9_-]{21}[AQgw]'
/** As long as identifiers of records and pseudonyms are. */
const WORD = '[A-Za-z0-9_-]{22,64}'
/** Above zero, and far below the last instant there is. */
const INSTANT = '[1-9][0-9]{0,13}'

const payloads = createTemplates()

/** The claims of a text like one that was learnt; undefined when it must be read the long way. */
export function readAlike(kind: RecordKind, text: string): Payload | undefined {
  return payloads[kind].fit(text, ({ payload, form }) => {
    const [, jti, second, a, b, c, d, e] = form.exec(text) ?? []
    const iat = Number(second)
    return iat <= MAX_IAT ? { ...payload, jti, iat, _sd: [a, b, c, d, e] } : undefined
  })
}

const MAX_IAT = 253_402_300_799

/** Remembers a payload that has passed every check, and whose text is its one spelling. */
export function learn(kind: RecordKind, text: string, payload: Payload): void {
  payloads[kind].learn(text, () => {
    const form = payloadForm(text, payload)
    return form && { payload, form }
  })
}

const DIGESTS = 5
const BETWEEN = '","'

/** Null for a payload without the three, or with them in an order nobody writes. */
function payloadForm(text: string, { jti, iat, _sd }: Payload): RegExp | null {
  if (!Array.isArray(_sd) || _sd.length !== DIGESTS) return null
  const given = [`"jti":"${jti}"`, `"iat":${iat},`, `"_sd":["${_sd.join(BETWEEN)}"]`] as const
  const [a, b, c] = given.map((member) => text.indexOf(member)) as [number, number, number]
  // Inside another claim's text quotes are escaped, so what was found are members; of the payload, as no claim of a
  // kind with digests is an object.
  if (a < 0 || b < a || c < b) return null
  const digests = Array(DIGESTS).fill(`(${DIGEST})`).join(BETWEEN)
  const before = literal(text.slice(0, a))
  const afterJti = literal(text.slice(a + given[0].length, b))
  const afterIat = literal(text.slice(b + given[1].length, c))
  const after = literal(text.slice(c + given[2].length))
  return new RegExp(
    `^${before}"jti":"(${WORD})"${afterJti}"iat":(0|[1-9][0-9]{0,11}),${afterIat}"_sd":\\["${digests}"\\]${after}$`,
  )
}

/** Where the name of a disclosure's group stands: after `["`, the salt, and `",`. */
export const GROUP_AT = 26

const CHAIN = new RegExp(
  `^\\["${SALT}","chain",\\{"sub":"(${WORD})","seq":([1-9][0-9]{0,14}),"prev":(?:null|"(${DIGEST})"),"at":(${INSTANT})\\}\\]$`,
)

/** The place in a chain a disclosure opens; undefined when it must be read the long way. Only for kinds on chains. */
export function readChain(text: string): ChainGroup | undefined {
  if (!text.startsWith('"chain"', GROUP_AT)) return undefined
  const [, sub, seq, prev = null, at] = CHAIN.exec(text) ?? []
  if (sub === undefined) return undefined
  return { sub, seq: Number(seq), prev, at: Number(at) as EpochMs }
}

/** Somebody alone, whose id needs no escapes and is no longer than claims.ts allows. */
const SUBJECT = new RegExp(
  `^\\["${SALT}","subject",\\{"subject":"([ !#-[\\]-~]{1,256})","cohosts":\\[\\]\\}\\]$`,
)

/** Whom a disclosure names; undefined when it must be read the long way. Only for kinds on chains. */
export function readSubject(text: string): SubjectGroup | undefined {
  if (!text.startsWith('"subject"', GROUP_AT)) return undefined
  const subject = SUBJECT.exec(text)?.[1]
  return subject === undefined ? undefined : { subject, cohosts: [] }
}

/** What lets somebody start says the same as long as the policy does; whatever is refused names its reasons. */
const results = createTemplates()
const LEASE = '"lease_until":'

/** A result like one that was learnt; undefined when it must be read the long way. */
export function readResult(kind: RecordKind, text: string): object | undefined {
  if (!text.startsWith('"result"', GROUP_AT)) return undefined
  return results[kind].fit(text, ({ payload, form }) => {
    const lease_until = Number(form.exec(text)?.[1])
    return lease_until > 0 ? { ...payload, lease_until } : undefined
  })
}

/** Remembers a disclosed result that has passed every check, and whose text is its one spelling. */
export function learnResult(kind: RecordKind, text: string, payload: Payload): void {
  const lease = `${LEASE}${payload.lease_until}`
  const found = text.indexOf(lease)
  // There once, it is the result's own: in a text quotes are escaped.
  if (found < 0 || text.indexOf(LEASE) !== text.lastIndexOf(LEASE)) return
  if (typeof payload.lease_until !== 'number') return
  const before = literal(text.slice(GROUP_AT, found))
  const after = literal(text.slice(found + lease.length))
  results[kind].learn(text, () => ({
    payload,
    form: new RegExp(`^\\["${SALT}",${before}${LEASE}(${INSTANT})${after}$`),
  }))
}
