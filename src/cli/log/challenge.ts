/**
 * `log audit --challenge`: the entries a seed picks, opened from a file or by the gate, and what follows for all records.
 *
 * While the log streams by, the leaves of what was picked are kept: whatever is given afterwards must hash to them. What no
 * file discloses the gate is asked for, record by record. Not being given a record is no proof of a lie, but it makes the
 * bound worse. Core: core/audit/challenge.ts. From: commands/log-audit.ts.
 */
import { statSync } from 'node:fs'
import {
  CHALLENGE_SEED,
  type ChallengeFate,
  type ChallengeTally,
  challengedIndexes,
  judgeOpening,
  MAX_CHALLENGED,
  trialsOf,
  upperBound,
} from '../../core/audit/challenge.ts'
import { type LogBook, LogPlans } from '../../core/audit/replay/log-plans.ts'
import { toBase64Url, utf8 } from '../../core/encoding.ts'
import { leafOf } from '../../core/record/hashing.ts'
import { isChainKind } from '../../core/record/kinds.ts'
import type { TreeHead } from '../../core/tlog/checkpoint.ts'
import { HASH_BYTES } from '../../core/tlog/hash.ts'
import { CliFailure, usage } from '../failure.ts'
import { type GateClient, gateClient } from '../gate-client.ts'
import { plural, quote, type Session } from '../session.ts'
import type { PackedScan } from './bundle-scan.ts'
import { readRecords } from './collected-records.ts'
import { nodeHasher } from './ed25519.ts'
import { type GivenRecord, parseGiven } from './given-record.ts'

export interface ChallengeOptions {
  readonly challenge?: string
  readonly seed?: string
  readonly gate?: string
  readonly shard?: string
}

interface Picked {
  readonly index: number
  readonly leaf: string
  readonly kind: string
  /** Contents of it were removed, as the log itself says. */
  removed: boolean
  fate: ChallengeFate | null
  why: string
}

export interface ChallengeFinding {
  readonly index: number
  readonly code: 'challenge_false'
  readonly message: string
}

export interface ChallengeReport {
  readonly seed: string
  readonly picked: number
  readonly tally: ChallengeTally
  /** Share of records that fail, with 95 % confidence at most; 1 when nothing can be said. */
  readonly bound: number
  readonly findings: readonly ChallengeFinding[]
  /** Records not opened, with why. */
  readonly failed: readonly {
    readonly index: number
    readonly fate: ChallengeFate
    readonly why: string
  }[]
}

/** What was asked for; null for no challenge. Throws wrong usage. */
export function challengeOf(
  options: ChallengeOptions,
): { readonly seed: string; readonly count: number } | null {
  const { challenge, seed } = options
  if (challenge === undefined) {
    if (seed !== undefined) throw usage('Cannot use --seed: expected it with --challenge')
    return null
  }
  const count = /^[1-9]\d{0,4}$/.test(challenge) ? Number(challenge) : 0
  if (count < 1 || count > MAX_CHALLENGED)
    throw usage(
      `Cannot challenge ${quote(challenge)}: expected a number of records, 1 to ${MAX_CHALLENGED}`,
    )
  const drawn = seed?.toLowerCase() ?? ''
  if (!CHALLENGE_SEED.test(drawn))
    throw usage(
      'Cannot challenge: expected --seed with 32 to 128 hexadecimal digits',
      'draw it once the checkpoint is known: openssl rand -hex 16',
    )
  return { seed: drawn, count }
}

/** One challenge of one log. */
export class Challenge {
  readonly #seed: string
  readonly #indexes: readonly number[]
  readonly #picked = new Map<string, Picked[]>()
  #next = 0

  constructor({ seed, count }: { readonly seed: string; readonly count: number }, head: TreeHead) {
    this.#seed = seed
    this.#indexes = challengedIndexes({ seed, head, count }, nodeHasher)
  }

  /** The next entries of the log, in order and from the first on. */
  look(first_index: number, { leaves, which, table }: PackedScan): void {
    const end = first_index + which.length
    for (; (this.#indexes[this.#next] ?? end) < end; this.#next++) {
      const index = this.#indexes[this.#next] ?? 0
      const i = index - first_index
      const read = table[which[i] ?? 0]
      const kind = read !== undefined && 'record' in read ? read.record.kind : 'unreadable'
      const leaf = toBase64Url(leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
      const isPublic = kind !== 'unreadable' && !isChainKind(kind)
      const fate = isPublic ? 'public' : null
      const all = this.#picked.get(leaf) ?? []
      this.#picked.set(leaf, [...all, { index, leaf, kind, removed: false, fate, why: '' }])
    }
    // What was removed stands before what says so, often in the same bundle.
    for (const read of table)
      if ('record' in read && read.record.kind === 'erasure')
        this.#erased(read.record.claims.strikes ?? [])
  }

  /** Something that was given, by whomever; what is better than before counts. False when it is of no record picked. */
  take(given: Pick<GivenRecord, 'jws' | 'disclosures'>, plans: LogPlans | null): boolean {
    const picked = this.#picked.get(toBase64Url(leafOf(utf8(given.jws), nodeHasher)))
    if (picked === undefined) return false
    const { fate, why } = judgeOpening(given, plans, nodeHasher)
    for (const one of picked) {
      const removed = fate === 'refused' && one.removed
      this.#better(one, removed ? 'erased' : fate, why)
    }
    return true
  }

  #better(one: Picked, fate: ChallengeFate, why: string): void {
    const rank = (of: ChallengeFate | null): number => (of === null ? -1 : RANKS.indexOf(of))
    if (rank(fate) <= rank(one.fate)) return
    one.fate = fate
    one.why = why
  }

  #erased(strikes: readonly string[]): void {
    for (const leaf of strikes) for (const one of this.#picked.get(leaf) ?? []) one.removed = true
  }

  /** Indexes nothing good was given for. */
  open(): readonly number[] {
    return this.#all().flatMap(({ fate, index }) =>
      fate === null || fate === 'refused' || fate === 'unfit' || fate === 'erased' ? [index] : [],
    )
  }

  /** What the gate answered instead of the record. */
  refuse(index: number, fate: 'refused' | 'erased', why: string): void {
    for (const one of this.#all()) if (one.index === index) this.#better(one, fate, why)
  }

  /** `erased_records`: how many the log says were erased; who claims more has not been believed. */
  report(erased_records: number): ChallengeReport {
    let believed = erased_records
    const tally = { public: 0, opened: 0, erased: 0, refused: 0, unfit: 0, false: 0 }
    const failed: { index: number; fate: ChallengeFate; why: string }[] = []
    const findings: ChallengeFinding[] = []
    for (const { index, fate, removed, why } of this.#all()) {
      const claimed = fate === 'erased' && !removed
      const told = fate === null || (claimed && believed-- <= 0) ? 'refused' : fate
      tally[told]++
      if (told === 'false') findings.push({ index, code: 'challenge_false', message: why })
      if (told === 'refused' || told === 'unfit')
        failed.push({ index, fate: told, why: why === '' ? 'nothing was given' : why })
    }
    const bound = upperBound(trialsOf(tally))
    const { length: picked } = this.#indexes
    return { seed: this.#seed, picked, tally, bound, findings, failed }
  }

  #all(): readonly Picked[] {
    return [...this.#picked.values()].flat().sort((a, b) => a.index - b.index)
  }
}

/** Worst first: what is given later counts when it is better, but a lie stays one. */
const RANKS: readonly ChallengeFate[] = ['refused', 'unfit', 'erased', 'opened', 'false', 'public']

/** Has it answered from the file of disclosures and by the gate. */
export async function answerChallenge(
  session: Session,
  challenge: Challenge,
  from: {
    readonly disclosures: string | undefined
    readonly gate: string | undefined
    readonly key: string | undefined
    readonly shard: string | undefined
    /** What decisions follow from; null leaves deriving out. */
    readonly book: LogBook | null
  },
): Promise<void> {
  const plans = from.book === null ? null : new LogPlans(from.book)
  if (from.disclosures !== undefined) {
    const path = session.path(from.disclosures)
    // It has been read once by the audit itself.
    if (!statSync(path).isFile())
      throw usage(`Cannot challenge with ${quote(path)}: expected a file that can be read again`)
    await readRecords(path, (record) => challenge.take(record, plans))
  }
  if (from.gate === undefined) return
  const { key } = from
  const client = await gateClient(session, {
    url: from.gate,
    ...(key === undefined ? {} : { key }),
  })
  const which = from.shard === undefined ? '' : `shard=${encodeURIComponent(from.shard)}&`
  await askGate(session, challenge, { client, which, plans })
}

/** A gate that fails this often one after the other is not asked for the rest. */
const PATIENCE = 3

async function askGate(
  session: Session,
  challenge: Challenge,
  asking: { readonly client: GateClient; readonly which: string; readonly plans: LogPlans | null },
): Promise<void> {
  const { client, which, plans } = asking
  const open = challenge.open()
  const progress = session.progress('challenging', open.length)
  let [failures, done] = [0, 0]
  try {
    for (const index of open) {
      const path = `/v1/records?${which}from=${index}&limit=1&for=challenge`
      const answer =
        failures < PATIENCE && !session.world.signal.aborted
          ? await recordFrom(client, path)
          : GAVE_UP
      failures = 'failed' in answer ? failures + 1 : 0
      if ('failed' in answer) challenge.refuse(index, 'refused', answer.failed)
      else if (answer.index !== index || answer.given === null)
        challenge.refuse(index, 'erased', 'the gate gives no record of this index')
      else if (!challenge.take(answer.given, plans))
        challenge.refuse(index, 'refused', 'the gate gives another record than the log has')
      progress.update(++done)
    }
  } finally {
    progress.end()
  }
}

type FromGate =
  | {
      readonly index: number | null
      readonly given: Pick<GivenRecord, 'jws' | 'disclosures'> | null
    }
  | { readonly failed: string }

const GAVE_UP: FromGate = { failed: 'the gate was not asked any more' }

async function recordFrom(client: GateClient, path: string): Promise<FromGate> {
  try {
    const page = (await client.json({ method: 'GET', path }, 'open a record')) as {
      readonly records?: readonly { readonly index?: unknown; readonly record?: unknown }[]
    } | null
    const [record] = page?.records ?? []
    if (record === undefined) return { index: null, given: null }
    const index = typeof record.index === 'number' ? record.index : null
    return { index, given: parseGiven(JSON.stringify(record)) }
  } catch (error) {
    if (error instanceof CliFailure) return { failed: error.message }
    throw error
  }
}

/** The report for people: what was asked, what came, and what follows. */
export function challengeText(
  session: Session,
  report: ChallengeReport,
  replayed: boolean,
): string {
  const { seed, picked, tally, findings, failed } = report
  const lines = [
    ...findings.map(
      ({ index, code, message }) => `${session.paint('red', `index ${index} ${code}`)}: ${message}`,
    ),
    ...failed
      .slice(0, SHOWN)
      .map(
        ({ index, fate, why }) => `${session.paint('yellow', `index ${index} ${fate}`)}: ${why}`,
      ),
    ...(failed.length > SHOWN ? [`… and ${failed.length - SHOWN} more`] : []),
    'challenge:',
    `  ${plural(picked, 'entry', 'entries')} picked by seed ${seed}: ${countsOf(tally)}.`,
    `  ${boundOf(report, replayed)}`,
  ]
  return lines.join('\n')
}

const SHOWN = 20

function countsOf(tally: ChallengeTally): string {
  return Object.entries(tally)
    .filter(([fate, count]) => count > 0 || fate === 'opened')
    .map(([fate, count]) => `${count} ${fate === 'false' ? 'derived otherwise' : fate}`)
    .join(', ')
}

function boundOf({ bound, tally }: ChallengeReport, replayed: boolean): string {
  const { trials } = trialsOf(tally)
  if (trials === 0) return 'Nothing follows: no record that could be opened was picked.'
  // Rounded up, so that what is said stays true.
  const percent = Math.min(100, Math.ceil(bound * 10_000) / 100)
  const failing = replayed ? 'cannot be opened or replay falsely' : 'cannot be opened'
  return `With 95 % confidence fewer than ${percent} % of the records that are not erased ${failing}.`
}
