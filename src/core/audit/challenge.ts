/**
 * Challenge sampling: an auditor's seed picks entries after the checkpoint is known, the operator opens them, and what
 * can be said of all records follows from how many it could not.
 *
 * Nobody who signed the checkpoint before the seed was drawn can have prepared for it, so a few hundred records speak for
 * millions. The picks follow from seed and checkpoint alone: everybody gets the same. Spec: docs/spec/log.md, "Challenges".
 */
import { utf8 } from '../encoding.ts'
import { openDisclosures } from '../record/disclosure.ts'
import { type Hasher, portableHasher } from '../record/hashing.ts'
import type { GroupName } from '../record/kinds.ts'
import { parseRecord } from '../record/parse.ts'
import { formatCheckpoint, type TreeHead } from '../tlog/checkpoint.ts'
import type { LogPlans } from './replay/log-plans.ts'
import { rederive } from './replay/rederive.ts'
import { scanEntry } from './scan.ts'

/** Entries one challenge may pick. */
export const MAX_CHALLENGED = 10_000

/** 32 to 128 hexadecimal digits in lower case: at least 128 random bits, drawn after the checkpoint. */
export const CHALLENGE_SEED: RegExp = /^(?:[0-9a-f]{2}){16,64}$/

/** Indexes of `count` entries below `head.size`, each once, ascending; all of them when there are no more. */
export function challengedIndexes(
  { seed, head, count }: { readonly seed: string; readonly head: TreeHead; readonly count: number },
  hasher: Hasher = portableHasher,
): readonly number[] {
  const wanted = Math.min(count, head.size)
  if (wanted === head.size) return Array.from({ length: wanted }, (_, i) => i)
  const prefix = `livegate-challenge/v1\n${seed}\n${formatCheckpoint(head)}`
  const size = BigInt(head.size)
  // Above it, numbers of 64 bits are not shared out evenly.
  const limit = (2n ** 64n / size) * size
  const picked = new Set<number>()
  for (let draw = 0; picked.size < wanted; draw++) {
    const hash = hasher.digest(utf8(`${prefix}${draw}\n`))
    const value = new DataView(hash.buffer, hash.byteOffset, 8).getBigUint64(0)
    if (value < limit) picked.add(Number(value % size))
  }
  return [...picked].sort((a, b) => a - b)
}

/** What became of a record that was picked. */
export type ChallengeFate =
  /** A record of the deployment: everything in it is public. */
  | 'public'
  /** All of it opened; a decision derived again. */
  | 'opened'
  /** Its contents were removed, as the log says of that many. */
  | 'erased'
  /** Not given, or without some of its groups. */
  | 'refused'
  /** What was given is not what the record commits to. */
  | 'unfit'
  /** Opened, and policy and facts give another decision. */
  | 'false'

/** The groups that must be opened: all but who the subject is. */
const GROUPS: readonly GroupName[] = ['chain', 'result', 'request', 'facts']

/** Judges what was given of a record of a chain; `plans` null leaves deriving out. `why` names no personal data. */
export function judgeOpening(
  given: { readonly jws: string; readonly disclosures: readonly string[] },
  plans: LogPlans | null,
  hasher: Hasher = portableHasher,
): { readonly fate: ChallengeFate; readonly why: string } {
  const { jws, disclosures } = given
  const parsed = parseRecord(jws)
  if (!parsed.ok) return { fate: 'unfit', why: parsed.error.message }
  if (disclosures.length === 0) return { fate: 'erased', why: 'nothing of it is disclosed' }
  const opened = openDisclosures(parsed.value, disclosures, hasher)
  if (!opened.ok) return { fate: 'unfit', why: opened.error.message }
  const missing = GROUPS.filter((group) => opened.value[group] === undefined)
  if (missing.length > 0)
    return { fate: 'refused', why: `Group ${missing.join(', ')} is not disclosed` }
  const scanned = scanEntry(utf8(jws), hasher, { disclosed: () => disclosures, replay: true })
  if (plans === null || !('evaluated' in scanned) || scanned.evaluated === undefined)
    return { fate: 'opened', why: '' }
  const [wrong] = rederive([{ ...scanned.evaluated, index: 0 }], plans).findings
  return wrong === undefined ? { fate: 'opened', why: '' } : { fate: 'false', why: wrong.message }
}

export type ChallengeTally = Readonly<Record<ChallengeFate, number>>

/** Records that speak for others, and those of them that failed: erased and public ones are neither. */
export function trialsOf(tally: ChallengeTally): {
  readonly trials: number
  readonly failures: number
} {
  const failures = tally.refused + tally.unfit + tally.false
  return { trials: tally.opened + failures, failures }
}

/**
 * The share below which all failures are with this confidence, when `failures` of `trials` drawn at random failed: the
 * one-sided upper limit of Clopper and Pearson, where the binomial distribution gives so few failures with probability
 * 1 - confidence. 1 when nothing can be said.
 */
export function upperBound(
  { trials, failures }: { readonly trials: number; readonly failures: number },
  confidence = 0.95,
): number {
  if (failures >= trials) return 1
  let [low, high] = [failures / trials, 1]
  for (let step = 0; step < 64; step++) {
    const middle = (low + high) / 2
    if (atMost(failures, trials, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

/** Probability of at most `failures` among `trials` when each fails with probability `p`. */
function atMost(failures: number, trials: number, p: number): number {
  // In logarithms, because (1 - p)^trials alone may be too small a number.
  let term = trials * Math.log1p(-p)
  let sum = Math.exp(term)
  for (let i = 1; i <= failures; i++) {
    term += Math.log((trials - i + 1) / i) + Math.log(p) - Math.log1p(-p)
    sum += Math.exp(term)
  }
  return Math.min(1, sum)
}
