/**
 * What an auditor reads: state files, entries and their disclosures, challenge seeds, openings; evidence bundles; and the
 * lines a deployment moves in.
 */
import fc from 'fast-check'
import { createAudit } from '../../src/core/audit/audit.ts'
import { CHALLENGE_SEED, challengedIndexes, judgeOpening } from '../../src/core/audit/challenge.ts'
import { LogPlans } from '../../src/core/audit/replay/log-plans.ts'
import { type AuditState, parseAuditState } from '../../src/core/audit/state.ts'
import { fromHex, toHex, utf8 } from '../../src/core/encoding.ts'
import { formatEvidence, parseEvidence } from '../../src/core/evidence/format.ts'
import { verifyEvidence } from '../../src/core/evidence/verify.ts'
import { ACTIVATION_CAUSES, type ActivationCause } from '../../src/core/model.ts'
import { checkHeader, MoveCheck } from '../../src/core/move/check.ts'
import { ENGINE } from '../../src/core/policy/plan.ts'
import { policyDigest } from '../../src/core/record/policy-parts.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosignatureVerifier } from '../../src/core/tlog/cosignature.ts'
import { ed25519Verifier, type VerifyEd25519 } from '../../src/core/tlog/note.ts'
import { type Change, changeJson, changes, changeText } from './mutate.ts'
import { changeRecord } from './record-targets.ts'
import {
  CORPUS,
  type CorpusLog,
  EVIDENCE,
  learn,
  MOVE_LINES,
  oracle,
  READER,
  RECORDS,
  value,
} from './seeds.ts'
import {
  changed,
  damaged,
  type FuzzTarget,
  must,
  refusing,
  requireSame,
  spelling,
  target,
} from './target.ts'

const [LOG] = CORPUS as [CorpusLog]
const HEAD = value(parseCheckpoint(LOG.checkpoint.slice(0, LOG.checkpoint.indexOf('\n\n') + 1)))
const SIGNED_HEAD = { ...HEAD, note: LOG.checkpoint }
const OPTIONS = { origin: HEAD.origin, trusted: null }
const ENTRIES = LOG.entries.map((jws, i) => ({ bytes: utf8(jws), disclosures: LOG.disclosures[i] }))
type Entry = { readonly bytes: Uint8Array; readonly disclosures?: readonly string[] }
const READ: readonly Entry[] = ENTRIES.map(({ bytes, disclosures }) =>
  disclosures === undefined ? { bytes } : { bytes, disclosures },
)

/** Where audits of the log's beginning stopped, all that is in a state among them. */
const STATES: readonly AuditState[] = [5, 12, READ.length].map((size) => {
  const audit = createAudit(OPTIONS)
  audit.entries(READ.slice(0, size))
  return audit.state()
})
const STATE_TEXTS = STATES.map((state) => JSON.stringify(state))
const JSON_OR_TEXT = (text: string, change: Change): string => {
  try {
    return change.how % 16 === 15 ? changeText(text, change) : changeJson(text, change)
  } catch {
    return changeText(text, change)
  }
}

/** A state is refused as one, or an audit goes on from it. */
function checkState(text: string): void {
  const state = refusing(() => parseAuditState(text, HEAD.origin))
  if (state === null) return
  const audit = refusing(() => createAudit({ ...OPTIONS, state }))
  if (audit === null || text.length % 16 > 0) return
  audit.entries(READ.slice(state.size, state.size + 3))
  audit.finish(SIGNED_HEAD)
  audit.state()
}

/** Entries one log holds: the damaged ones and the first, without which nothing is known. */
const PER_LOG = 8

const logs = fc.tuple(
  fc.nat(READ.length - PER_LOG),
  fc.array(fc.tuple(changes, fc.nat(9)), { minLength: PER_LOG, maxLength: PER_LOG }),
)

/** Damaged one by one, where signatures are checked by somebody else: what is in them is followed all the same. */
function checkLog([from, each]: readonly [
  number,
  readonly (readonly [readonly Change[], number])[],
]): void {
  const audit = createAudit({
    ...OPTIONS,
    state: from < 5 ? undefined : STATES[0],
  } as typeof OPTIONS)
  const start = from < 5 ? 0 : 5
  const entries = READ.slice(start, start + 2).concat(
    each.map(([done, which], i) => damagedEntry(from + i, done, which)),
  )
  audit.entries(entries)
  audit.partialTiles()
  const report = audit.finish({ ...SIGNED_HEAD, size: audit.size() })
  must(report.counts.size === audit.size(), 'an entry was not counted')
  JSON.stringify([report, audit.state()])
}

function damagedEntry(at: number, done: readonly Change[], which: number): Entry {
  const { bytes, disclosures } = READ[at] ?? { bytes: new Uint8Array(0) }
  if (which === 0) return { bytes: new Uint8Array(bytes).reverse() }
  if (which < 7 || disclosures === undefined) {
    const jws = done.reduce(changeRecord, LOG.entries[at] ?? '')
    return disclosures === undefined ? { bytes: utf8(jws) } : { bytes: utf8(jws), disclosures }
  }
  const spoilt = done[0]?.size ?? 0
  return {
    bytes,
    disclosures: disclosures.map((text, i) =>
      i === spoilt ? done.reduce(changeText, text) : text,
    ),
  }
}

const SEEDS = ['0f'.repeat(16), 'ab'.repeat(32), '09'.repeat(64)]

/** A seed is in lower case and whole bytes; picks are in the log, each once, in order. */
function checkSeed([seed, size, count]: readonly [string, number, number]): void {
  if (!CHALLENGE_SEED.test(seed)) return
  const bytes = fromHex(seed)
  must(bytes !== null && bytes.length >= 16 && toHex(bytes) === seed, 'a second spelling')
  const head = { ...HEAD, size }
  const picks = challengedIndexes({ seed, head, count })
  must(picks.length === Math.min(size, count), 'other than asked for')
  must(
    picks.every((pick, i) => pick < size && pick > (picks[i - 1] ?? -1)),
    'a pick outside, or twice',
  )
}

const PLANS = planless()
function planless(): LogPlans {
  const audit = createAudit(OPTIONS)
  audit.entries(READ)
  const book = audit.book()
  if (book === null) throw new Error('an audit that replays has a book')
  return new LogPlans(book)
}

interface Drawn {
  readonly skipped: number
  readonly digest: number
  readonly active_from: number
  readonly cause: ActivationCause
}

/** Policies of one name that promise different things, by digest. */
const TEXTS = ['1: 30d', '1: forever', '1: 1h, 2: 90d'].map((ladder) => {
  const rule = `{ id: r, ground: terms, clause: c, count: { category: ["a.*"] }, ladder: { ${ladder} }, outcome: deny, because: { en: x } }`
  const bytes = utf8(`livegate: policy/v1\nname: p\nrules:\n  - ${rule}\ndefault: allow\n`)
  return [policyDigest(bytes), bytes] as const
})

const openings = changed(
  RECORDS.filter(({ disclosures }) => disclosures.length > 0),
  ({ jws, disclosures }, change) => {
    const { how, size } = change
    if (how % 8 === 0) return { jws: changeRecord(jws, change), disclosures }
    if (how % 8 === 1) return { jws, disclosures: disclosures.toSpliced(size % 5, 1) }
    if (how % 8 === 2) return { jws, disclosures: [...disclosures, disclosures[size % 5] ?? ''] }
    return {
      jws,
      disclosures: disclosures.map((text, i) => (i === size % 5 ? changeText(text, change) : text)),
    }
  },
)
const GENUINE = new Set(RECORDS.flatMap(({ jws, disclosures }) => [jws, ...disclosures]))

function readerOf(verify: VerifyEd25519, bytes: Uint8Array): Parameters<typeof verifyEvidence>[0] {
  return {
    ...{ bytes, origin: READER.origin, quorum: 1, verifyEd25519: verify },
    verifiers: [value(ed25519Verifier(READER.vkey, verify))],
    witnesses: [value(cosignatureVerifier(READER.witness, verify))],
  }
}

const PIECES = new Set(
  (JSON.parse(EVIDENCE) as { entries: { record: string }[] }).entries.flatMap(({ record }) =>
    record.split('~'),
  ),
)

/** A damaged file of an honest log never holds with anything new in it, and never accuses the log. */
async function checkEvidence(text: string): Promise<void> {
  const bytes = utf8(text)
  const read = parseEvidence(bytes)
  if (read.ok) requireSame('a bundle', utf8(formatEvidence(read.value)), bytes)
  const { verdict, proves } = await verifyEvidence(readerOf(oracle, bytes))
  must(verdict !== 'lie', 'an honest log is accused')
  must(verdict === 'holds' || proves.length === 0, 'what does not hold proves something')
  if (verdict === 'holds' && read.ok)
    for (const { record } of read.value.entries)
      must(
        record.split('~').every((piece) => PIECES.has(piece)),
        'something new is believed',
      )
  if (read.ok && text.length % 8 === 0) await verifyEvidence(readerOf(() => true, bytes))
}

/** JSON of the bundle, or of a record in it. */
function changeEvidence(text: string, change: Change): string {
  const value =
    change.how % 3 === 0 ? JSON_OR_TEXT(text.trimEnd(), change) : withRecord(text, change)
  // Bytes hold no lone surrogates.
  return `${value}${change.size === 6 ? '' : '\n'}`.toWellFormed()
}

function withRecord(text: string, change: Change): string {
  const found = [...text.matchAll(/"record":"([^"]+)"/g)].map(([, record = '']) => record)
  const record = found[change.with % Math.max(1, found.length)]
  if (record === undefined) return changeText(text, change)
  const parts = record.split('~')
  const at = change.size % parts.length
  parts[at] = at === 0 ? changeRecord(parts[0] ?? '', change) : changeText(parts[at] ?? '', change)
  return text.replace(record, () => parts.join('~')).trimEnd()
}

const HEADER = JSON.parse(MOVE_LINES[0] ?? '') as unknown

/** A file with one line damaged: each line is refused in words or fits the ones before. */
function checkMove([at, text]: readonly [number, string]): void {
  const lines = MOVE_LINES.slice(0, FIRST_FILE).with(at, text)
  const parsed = lines.map(jsonOf)
  const header = checkHeader(parsed[0])
  const check = new MoveCheck(header.ok ? header.value : value(checkHeader(HEADER)))
  // The rest of a file that was not refused looks like the rest of any other.
  for (const one of text.length % 8 === 0 ? parsed.slice(1) : parsed.slice(1, at + 4)) {
    const read = check.line(one)
    if (!read.ok) {
      must(read.error.length > 0, 'a refusal without words')
      return
    }
  }
  check.finish()
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const FIRST_FILE = MOVE_LINES.findIndex((line) => line.startsWith('{"end"')) + 1
const moves = fc
  .tuple(fc.nat(FIRST_FILE - 1), changes)
  .map(([at, done]): readonly [number, string] => [
    at,
    done.reduce(JSON_OR_TEXT, MOVE_LINES[at] ?? ''),
  ])

const PER_HISTORY = 5
/** What a dishonest log may say of its policies: numbers rise, or it would have been a finding; nothing else need be so. */
const histories = fc.array(
  fc.record({
    skipped: fc.constantFrom(0, 0, 0, 1),
    digest: fc.nat(TEXTS.length - 1),
    active_from: fc.integer({ min: 0, max: 4 }),
    cause: fc.constantFrom(...ACTIVATION_CAUSES),
  }),
  { minLength: PER_HISTORY, maxLength: PER_HISTORY },
)

function checkHistory(history: readonly Drawn[]): void {
  let revision = 0
  const activations = history.map(({ skipped, digest, active_from, cause }) => {
    revision += 1 + skipped
    return { revision, active_from, cause, digest: TEXTS[digest]?.[0] ?? '' }
  })
  const plans = new LogPlans({ texts: new Map(TEXTS), activations })
  for (const { revision: under, digest: policy } of activations)
    must(
      plans.planFor({ engine: ENGINE, policy, revision: under }).is !== 'other_engine',
      'the engine of this version is another one',
    )
}

export const AUDIT_TARGETS: readonly FuzzTarget[] = [
  target('audit-state', damaged(STATE_TEXTS, JSON_OR_TEXT), checkState),
  target('audit-entries', logs, checkLog, PER_LOG),
  target(
    'challenge-seed',
    fc.tuple(damaged(SEEDS), fc.constantFrom(1, 26, 300), fc.constantFrom(1, 2, 26)),
    checkSeed,
  ),
  target('challenge-opening', openings, (given) => {
    const { fate } = judgeOpening(given, PLANS)
    if (fate === 'opened')
      must(
        [given.jws, ...given.disclosures].every((text) => GENUINE.has(text)) || !isWhole(given.jws),
        'an opening that was never made',
      )
  }),
  spelling(
    'evidence',
    [EVIDENCE],
    (text) => {
      const read = parseEvidence(utf8(text))
      return read.ok ? formatEvidence(read.value) : null
    },
    changeEvidence,
  ),
  target('evidence-verify', damaged([EVIDENCE], changeEvidence), checkEvidence),
  target('audit-plans', histories, checkHistory, PER_HISTORY),
  target('move', moves, checkMove),
]

/** A token nobody damaged. */
function isWhole(jws: string): boolean {
  return GENUINE.has(jws)
}

await learn(
  async (verify) => (await verifyEvidence(readerOf(verify, utf8(EVIDENCE)))).verdict === 'holds',
)
