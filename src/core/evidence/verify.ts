/**
 * Checks an evidence bundle offline, with the reader's own keys, on any machine and in a browser tab.
 *
 * Reading, then genuineness (authentic.ts), then contradictions (contradictions.ts, replayed.ts), then words. The verdict is
 * the gravest class among the faults; a file in which anything was altered accuses nobody, so no lie is looked for in it.
 * Spec: docs/spec/evidence.md, "Checking" and "Verdict".
 */
import type { OpenedGroups } from '../record/disclosure.ts'
import type { PublicClaims } from '../record/groups.ts'
import { type Hasher, portableHasher } from '../record/hashing.ts'
import type { OpenedCheckpoint } from '../tlog/checkpoint.ts'
import { decodeCosignature } from '../tlog/cosignature.ts'
import type { NoteVerifier, VerifyEd25519 } from '../tlog/note.ts'
import type { WitnessPolicy } from '../tlog/witness-policy.ts'
import { type Authentic, authenticate } from './authentic.ts'
import {
  chainFaults,
  type DecisionEntry,
  erasureFaults,
  isDecision,
  strikeFaults,
} from './contradictions.ts'
import { type EvidenceFault, type EvidenceFaultClass, faultOf } from './faults.ts'
import { type Evidence, parseEvidence } from './format.ts'
import { checkPolicy } from './replayed.ts'
import { openWords, provenWords } from './words.ts'

export interface EvidenceRequest {
  /** The file. */
  readonly bytes: Uint8Array
  /** Name of the log, and its checkpoint keys as the reader has them from somebody he trusts. */
  readonly origin: string
  readonly verifiers: readonly NoteVerifier[]
  /** Witnesses the reader trusts; none when absent. */
  readonly witnesses?: readonly NoteVerifier[]
  /** How many of them must have cosigned; 0 when absent. */
  readonly quorum?: number
  /** Whose cosignatures are needed, as a policy; its keys are witnesses the reader trusts. */
  readonly witness_policy?: WitnessPolicy
  /** The newest checkpoint of this log the reader has verified before. */
  readonly trusted?: { readonly size: number; readonly root: Uint8Array }
  /** The reader's clock, whole seconds; instants beyond it are not called into doubt when absent. */
  readonly now_s?: number
  readonly verifyEd25519: VerifyEd25519
  /** A faster SHA-256 of the host. */
  readonly hasher?: Hasher
}

/** `holds`: nothing contradicts it. Others as docs/spec/evidence.md, "Verdict". */
export type EvidenceVerdict = 'holds' | EvidenceFaultClass

export interface EvidenceReport {
  readonly verdict: EvidenceVerdict
  readonly faults: readonly EvidenceFault[]
  readonly decision: {
    readonly index: number
    readonly claims: PublicClaims<'decision'>
    readonly disclosed: OpenedGroups
  } | null
  readonly checkpoint: {
    readonly origin: string
    readonly size: number
    readonly witnesses: readonly { readonly name: string; readonly time_s: number }[]
  } | null
  readonly replayed: boolean
  /** Exact text of the policy, when all of it is in the file and genuine. */
  readonly policy: Uint8Array | null
  readonly proves: readonly string[]
  readonly does_not_prove: readonly string[]
}

/** The file against the reader's keys. Never throws for what is in it. */
export async function verifyEvidence(request: EvidenceRequest): Promise<EvidenceReport> {
  const { bytes, hasher = portableHasher } = request
  const read = parseEvidence(bytes)
  if (!read.ok) return refused([read.error], null)
  const { origin, verifiers, witnesses = [], quorum = 0, verifyEd25519 } = request
  const { trusted = null, witness_policy = null } = request
  const own = { origin, verifiers, trusted, hasher, verifyEd25519 }
  const trust = { ...own, witnesses, quorum, witness_policy }
  const genuine = await authenticate(read.value, trust)
  const { checkpoint } = genuine
  const decision = decisionOf(read.value, genuine)
  const faults = [...genuine.faults]
  if (checkpoint === null || isAltered(faults)) return refused(faults, checkpoint)
  if (decision === null) {
    if (!faults.some(({ index }) => index === read.value.decision))
      faults.push(
        faultOf('decision_missing', read.value.decision, 'No decision is here, or more than one.'),
      )
    return refused(faults, checkpoint)
  }
  return concluded(request, { ...genuine, faults, checkpoint }, decision)
}

function isAltered(faults: readonly EvidenceFault[]): boolean {
  return faults.some((fault) => fault.class === 'altered')
}

function decisionOf(evidence: Evidence, { entries }: Authentic): DecisionEntry | null {
  const found = entries.filter(isDecision)
  const [only] = found
  return found.length === 1 && only?.index === evidence.decision ? only : null
}

function concluded(
  request: EvidenceRequest,
  genuine: Authentic & { readonly checkpoint: OpenedCheckpoint },
  decision: DecisionEntry,
): EvidenceReport {
  const { checkpoint, entries, since, learned } = genuine
  const { hasher = portableHasher, trusted } = request
  const strikes = strikeFaults(entries, decision)
  const erased = erasureFaults(entries, decision)
  const replayed = checkPolicy(entries, decision, hasher)
  const faults = [
    ...genuine.faults,
    ...chainFaults(entries),
    ...strikes.faults,
    ...erased.faults,
    ...replayed.faults,
    ...timeFaults(genuine, request.now_s),
  ]
  const from_trusted =
    trusted !== undefined && (trusted.size === checkpoint.size || trusted.size === since?.size)
  const checked = {
    ...{ checkpoint, decision, replayed, from_trusted, learned },
    erasures: erased.erasures,
    ...{ since: since?.size ?? null, strikes: strikes.counts },
  }
  return {
    ...{ verdict: verdictOf(faults), faults },
    decision: {
      ...{ index: decision.index, claims: decision.record.claims, disclosed: decision.opened },
    },
    ...{ checkpoint: toldCheckpoint(checkpoint), replayed: replayed.replayed },
    ...{ policy: replayed.policy, proves: faults.length > 0 ? [] : provenWords(checked) },
    does_not_prove: openWords(checked),
  }
}

/** Clocks differ, and a record may be older than the second it is signed in. */
const CLOCK_SLACK_S = 600

/** What was in the log at a witness's time was not made later; what is later than the reader's clock cannot be judged. */
function timeFaults(
  { checkpoint, entries }: { readonly checkpoint: OpenedCheckpoint } & Pick<Authentic, 'entries'>,
  now_s: number | undefined,
): readonly EvidenceFault[] {
  const seen = cosignedAt(checkpoint).map(({ time_s }) => time_s)
  const limit = Math.min(...seen) + CLOCK_SLACK_S
  const faults = entries.flatMap(({ index, record }) =>
    record.claims.iat > limit
      ? [faultOf('future', index, 'It says it was made after a witness saw it in the log.')]
      : [],
  )
  if (now_s === undefined) return faults
  const newest = Math.max(...seen, ...entries.map(({ record }) => record.claims.iat))
  if (newest > now_s + CLOCK_SLACK_S)
    faults.push(
      faultOf('from_future', null, 'It tells of a time to come: its clock or this one is wrong.'),
    )
  return faults
}

function cosignedAt(
  checkpoint: OpenedCheckpoint,
): readonly { readonly name: string; readonly time_s: number }[] {
  return checkpoint.cosignatures.flatMap(({ name, signature }) => {
    const time = decodeCosignature(signature)
    return time === null ? [] : [{ name, time_s: time.timeS }]
  })
}

function toldCheckpoint(checkpoint: OpenedCheckpoint): NonNullable<EvidenceReport['checkpoint']> {
  const { origin, size } = checkpoint
  return { origin, size, witnesses: cosignedAt(checkpoint) }
}

const GRAVEST: readonly EvidenceFaultClass[] = ['unreadable', 'altered', 'lie', 'unfinished']

function verdictOf(faults: readonly EvidenceFault[]): EvidenceVerdict {
  return GRAVEST.find((one) => faults.some((fault) => fault.class === one)) ?? 'holds'
}

/** Nothing follows from it. */
function refused(
  faults: readonly EvidenceFault[],
  checkpoint: OpenedCheckpoint | null,
): EvidenceReport {
  return {
    ...{ verdict: verdictOf(faults), faults, decision: null, replayed: false, policy: null },
    checkpoint: checkpoint === null ? null : toldCheckpoint(checkpoint),
    ...{ proves: [], does_not_prove: [NOTHING] },
  }
}

const NOTHING = 'Anything: it was not, or could not be, checked to its end.'
