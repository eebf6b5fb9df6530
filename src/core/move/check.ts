/**
 * Looks at every line of a moving deployment once, in order, before anything is written anywhere.
 *
 * Each line by itself, the order of the lines, the counts of the header, and every chain: gap-free from 1 to the subject's
 * `seq`, each record naming the one before, the last one its `head`. Memory: one place on one chain. Whether the bytes are
 * those that were written is the digest's (the caller hashes); whether the chains are those of the old log is the audit's.
 * Spec: docs/spec/storage.md, "Moving".
 */
import { fromBase64Url, textFromBase64Url, toBase64Url, utf8 } from '../encoding.ts'
import type { Activation } from '../model.ts'
import { openDisclosures } from '../record/disclosure.ts'
import { type Hasher, leafOf, portableHasher } from '../record/hashing.ts'
import { parseRecord } from '../record/parse.ts'
import { policyDigest } from '../record/policy-parts.ts'
import { err, ok, type Result } from '../result.ts'
import { parseCheckpoint } from '../tlog/checkpoint.ts'
import { parseNote } from '../tlog/note.ts'
import { parseVkey } from '../tlog/note-key.ts'
import {
  COUNTED,
  type MoveCounts,
  type MovedRecord,
  type MovedSubject,
  type MoveEnd,
  type MoveHeader,
  type MoveLine,
} from './lines.ts'
import { headerOf, lineOf } from './read-lines.ts'

type Counted = keyof MoveCounts

/** Which count a line adds to, in the order the lines come in. */
const COUNT_OF = {
  policy: 'policies',
  activation: 'activations',
  subject: 'subjects',
  strike: 'strikes',
  record: 'records',
  stream_key: 'stream_keys',
  api_key: 'api_keys',
  suppression: 'suppressions',
  legal_hold: 'legal_holds',
} as const satisfies Record<string, Counted>
type Name = keyof typeof COUNT_OF
/** Counts that files from before have not. */
const SINCE = ['activations', 'suppressions', 'legal_holds'] as const

/** A subject's strikes and records come with it. */
const SECTION: Readonly<Record<Name | 'end', number>> = {
  policy: 0,
  activation: 1,
  subject: 2,
  strike: 2,
  record: 2,
  stream_key: 3,
  api_key: 4,
  suppression: 5,
  legal_hold: 6,
  end: 7,
}

/** Where the chain of the subject under way is. */
interface Open {
  readonly subject: MovedSubject
  strikes: number
  seq: number
  leaf: string | null
  place: number | null
  at: number
}

/** A header that contradicts itself is refused; what it says of others cannot be checked here. */
export function checkHeader(value: unknown): Result<MoveHeader, string> {
  const read = headerOf(value)
  if (!read.ok) return read
  const header = read.value
  const note = parseNote(header.checkpoint)
  const head = note.ok ? parseCheckpoint(note.value.body) : note
  if (!head.ok || head.value.origin !== header.origin || head.value.size !== header.size)
    return err('its header and the checkpoint in it are not about the same log')
  const vkey = parseVkey(header.vkey)
  if (!vkey.ok || vkey.value.name !== header.origin)
    return err('its header has the verifier key of another log')
  return ok(header)
}

export class MoveCheck {
  readonly header: MoveHeader
  readonly #hasher: Hasher
  readonly #counts: Record<Counted, number>
  readonly #origins: ReadonlySet<string>
  readonly #texts = new Set<string>()
  #revision = 0
  #section = 0
  #lines = 1
  #open: Open | null = null
  #end: MoveEnd | null = null

  constructor(header: MoveHeader, hasher: Hasher = portableHasher) {
    this.header = header
    this.#hasher = hasher
    this.#origins = new Set([header, ...header.predecessors].map(({ origin }) => origin))
    const none = Object.fromEntries(COUNTED.map((name) => [name, 0]))
    const since = Object.fromEntries(SINCE.map((name) => [name, 0]))
    this.#counts = { ...none, ...since } as Record<Counted, number>
  }

  /** The next line, or what is wrong with it; what is wrong never quotes a value. */
  line(value: unknown): Result<MoveLine, string> {
    if (this.#end !== null) return err('there is more after the end')
    const read = lineOf(value)
    if (!read.ok) return read
    const line = read.value
    const name = Object.keys(line)[0] as Name | 'end'
    const fault = this.#place(name) ?? this.#content(line)
    if (fault !== null) return err(fault)
    if (name !== 'end') this.#counts[COUNT_OF[name]]++
    this.#lines++
    return read
  }

  /** After the last line: the end it had, or that it has none. */
  finish(): Result<MoveEnd, string> {
    return this.#end === null ? err('it ends early') : ok(this.#end)
  }

  counts(): MoveCounts {
    return this.#counts
  }

  #place(name: Name | 'end'): string | null {
    const section = SECTION[name]
    if (section < this.#section) return `a ${name} line after those that come later`
    this.#section = section
    return name === 'strike' || name === 'record' ? null : this.#closeSubject()
  }

  #content(line: MoveLine): string | null {
    if ('policy' in line) return this.#policy(line.policy)
    if ('activation' in line) return this.#activated(line.activation)
    if ('subject' in line) return this.#begin(line.subject)
    if ('strike' in line) return this.#strike(line.strike.strike.subject)
    if ('record' in line) return this.#record(line.record)
    return 'end' in line ? this.#close(line.end) : null
  }

  #policy({ digest, text }: { readonly digest: string; readonly text: string }): string | null {
    const bytes = fromBase64Url(text)
    const same = bytes !== null && policyDigest(bytes, this.#hasher) === digest
    this.#texts.add(digest)
    return same ? null : 'the text of a policy is not that of its digest'
  }

  #activated({ revision, digest, previous }: Activation): string | null {
    if (revision !== this.#revision + 1) return `revision ${this.#revision + 1} is missing`
    if (previous !== null && previous >= revision)
      return `revision ${revision} takes the place of one that comes after it`
    this.#revision = revision
    return this.#texts.has(digest) ? null : `revision ${revision} has no text`
  }

  #begin(subject: MovedSubject): string | null {
    const { seq, head, head_place, last_at, pseudonym } = subject
    const begun = [head, head_place, last_at, pseudonym].map((member) => member !== null)
    if (begun.some((set) => set !== seq > 0)) return 'a subject contradicts itself about its chain'
    this.#open = { subject, strikes: 0, seq: 0, leaf: null, place: null, at: 0 }
    return null
  }

  #strike(subject: string): string | null {
    const open = this.#open
    if (open === null || open.seq > 0 || open.subject.subject !== subject)
      return 'a strike is not beneath its subject'
    open.strikes++
    return null
  }

  #record(record: MovedRecord): string | null {
    const open = this.#open
    if (open === null || open.subject.subject !== record.subject)
      return 'a record is not beneath its subject'
    const { seq, at, place, prev_place, jws } = record
    if (seq !== open.seq + 1 || prev_place !== open.place || at < open.at)
      return `a chain does not go on at seq ${open.seq + 1}`
    if (open.place !== null && place <= open.place)
      return `a chain goes back in its log at seq ${seq}`
    const fault = this.#claims(record, open)
    if (fault !== null) return `the record at seq ${seq} of a chain ${fault}`
    const leaf = toBase64Url(leafOf(utf8(jws), this.#hasher))
    Object.assign(open, { seq, leaf, place, at })
    return null
  }

  /** What the record says of itself, as far as it is disclosed. */
  #claims({ kind, id, at, jws, openings, decision }: MovedRecord, open: Open): string | null {
    const parsed = parseRecord(jws)
    if (!parsed.ok) return `cannot be read: ${parsed.error.code}`
    const { claims } = parsed.value
    if (parsed.value.kind !== kind || claims.jti !== id) return 'is another one'
    if (!this.#origins.has(claims.log)) return 'is of another log'
    const outcome = parsed.value.kind === 'decision' ? parsed.value.claims.outcome : null
    if (outcome !== (decision?.outcome ?? null)) return 'has another outcome'
    const opened = openDisclosures(parsed.value, Object.values(openings), this.#hasher)
    if (!opened.ok) return `has openings that are not its own: ${opened.error.code}`
    for (const [group, text] of Object.entries(openings))
      if (groupOf(text) !== group) return 'has an opening under another name'
    const { chain, subject } = opened.value
    if (subject !== undefined && subject.subject !== open.subject.subject)
      return 'is somebody else’s'
    const same =
      chain === undefined ||
      (chain.sub === open.subject.pseudonym &&
        chain.seq === open.seq + 1 &&
        chain.prev === open.leaf &&
        chain.at === at)
    return same ? null : 'has another place than it says'
  }

  #closeSubject(): string | null {
    const open = this.#open
    this.#open = null
    if (open === null) return null
    const { seq, head, head_place, last_at, strikes } = open.subject
    if (open.strikes !== strikes) return 'a subject has other strikes than it says'
    if (open.seq !== seq || open.leaf !== head || open.place !== head_place)
      return 'a chain does not end at the head of its subject'
    return seq > 0 && open.at !== last_at ? 'a chain ends at another instant than it says' : null
  }

  #close(end: MoveEnd): string | null {
    if (end.lines !== this.#lines) return 'lines are missing'
    for (const name of [...COUNTED, ...SINCE])
      if (this.#counts[name] !== (this.header.counts[name] ?? 0))
        return `it has other ${name} than it says`
    this.#end = end
    return null
  }
}

/** `["<salt>","<group>",` is within the first 36 bytes, all of them ASCII. */
function groupOf(disclosure: string): string | undefined {
  const start = textFromBase64Url(disclosure.slice(0, 48)) ?? ''
  return /^\["[\w-]{22}","([a-z]+)"/.exec(start)?.[1]
}
