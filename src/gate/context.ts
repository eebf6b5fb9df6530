/**
 * What every operation of the gate shares: the ports, the turns, and the few steps all of them take.
 *
 * One change of a subject is always: load, make a record, sign it, commit both, return the receipt. `advance` is that
 * step; it exists once so that no operation can forget the compare-and-swap or the required records.
 */
import { toBase64Url } from '../core/encoding.ts'
import { LivegateError } from '../core/errors.ts'
import type { SubjectId } from '../core/model.ts'
import type { RecordDraft } from '../core/record/drafts.ts'
import type { ChainGroup } from '../core/record/groups.ts'
import type { Issue } from '../core/record/issue.ts'
import { type EpochMs, epochMs } from '../core/time.ts'
import type {
  BroadcastView,
  ChainKind,
  Change,
  Clock,
  Directory,
  Ledger,
  Observe,
  Pepper,
  Policies,
  Random,
  Receipt,
  SignedRecord,
  SubjectState,
  Surroundings,
} from '../ports.ts'
import type { CohostDesk } from './cohosts.ts'
import type { HostRecheck } from './recheck.ts'
import type { NewRecordId } from './record-ids.ts'
import type { RefusedAgain } from './refused-again.ts'
import type { Tables } from './tables.ts'
import type { Turns } from './turns.ts'

/** Signs drafts (core/record/issue.ts). */
export interface Issuer {
  /** The key in use when it was made; each record names the one that signed it. */
  readonly kid: string
  readonly issue: Issue
}

/** Runs `fire` once after `delay_ms` unless cancelled. Not a clock: core never sees it. */
export type After = (delay_ms: number, fire: () => void) => () => void

export interface GatePorts {
  readonly clock: Clock
  readonly random: Random
  /** 96 random bits behind the second unless given. */
  readonly newRecordId?: NewRecordId
  readonly after: After
  readonly issuer: Issuer
  readonly ledger: Ledger
  readonly directory: Directory
  readonly policies: Policies
  readonly surroundings: Surroundings
  readonly pepper: Pepper
  readonly observe: Observe
  /** Told of a broadcast that has to stop once the order is durable; only a hint, never awaited. Must not throw. */
  readonly onRevoked?: (view: BroadcastView) => void
  /** Looks at somebody's broadcast because of one who joined it, where hosts live elsewhere. Rejects when that cannot be. */
  readonly recheckHost?: (broadcast: string) => Promise<HostRecheck>
}

export interface GateSettings {
  /** Stored facts older than this count as absent. */
  readonly facts_max_age_ms: number
  /** One decision's time before 503; 2,000 ms unless given. */
  readonly budget_ms: number
}

export interface Context extends GatePorts {
  readonly newRecordId: NewRecordId
  readonly settings: GateSettings
  readonly turns: Turns
  /**
   * By broadcast, where it has co-hosts or is looked at again: what is done about one of them is done in every ledger before
   * anything else is. Never taken while holding a subject's turn.
   */
  readonly lives: Turns
  readonly tables: Tables
  readonly refusedAgain: RefusedAgain
  readonly cohosts: CohostDesk
}

/**
 * The instant of the next record of a chain: now, but never before the newest one of any subject it is about (a clock may
 * step back; what was acknowledged before stays visible, G2).
 */
export function instantFor(
  context: Pick<Context, 'clock'>,
  ...states: readonly SubjectState[]
): EpochMs {
  let at = context.clock.now()
  for (const { last_at } of states) if (last_at !== null && last_at > at) at = last_at
  return at
}

/** The same state with a pseudonym: drawn now for a subject that has no record yet, so that facts and chain agree. */
export function named(context: Pick<Context, 'random'>, state: SubjectState): SubjectState {
  if (state.pseudonym !== null) return state
  return { ...state, pseudonym: toBase64Url(context.random.bytes(16)) }
}

/** The place of the next record on a subject's chain; a pseudonym is drawn for the first one. */
export function nextPlace(
  context: Pick<Context, 'random'>,
  state: SubjectState,
  at: EpochMs,
): { readonly pseudonym: string; readonly chain: ChainGroup } {
  const pseudonym = named(context, state).pseudonym ?? ''
  return { pseudonym, chain: { sub: pseudonym, seq: state.seq + 1, prev: state.head, at } }
}

/** What an operation adds to the common part of a change. */
export type Effects = Omit<
  Change,
  'subject' | 'at' | 'expect' | 'pseudonym' | 'record' | 'requires'
>

export interface Step {
  readonly subject: SubjectId
  readonly state: SubjectState
  readonly at: EpochMs
  readonly pseudonym: string
  readonly draft: RecordDraft
  readonly id: string
  readonly requires: readonly string[]
  readonly effects: Effects
}

export interface Advanced {
  readonly record: SignedRecord
  readonly receipt: Receipt
}

/**
 * Signs one record and commits it with its effects; resolves when both are durable in the log.
 * @throws LivegateError `conflict` (a strike id owned by another subject), `log_unavailable`.
 */
export async function advance(
  context: Pick<Context, 'issuer' | 'ledger'>,
  step: Step,
): Promise<Advanced> {
  const { id, at, state, draft } = step
  const issued = await context.issuer.issue(draft, { jti: id, iat_s: Math.floor(at / 1000) })
  const record: SignedRecord = {
    id,
    kind: draft.kind as ChainKind,
    jws: issued.jws,
    leaf: issued.leaf,
    openings: issued.openings as Readonly<Record<string, string>>,
  }
  const result = await context.ledger.commit({
    subject: step.subject,
    at,
    expect: expected(state),
    pseudonym: step.pseudonym,
    record,
    requires: [issued.kid, ...step.requires],
    ...step.effects,
  })
  if (!result.ok) throw commitError(result.error)
  if (result.receipt === null) throw new TypeError('a logged change returned no receipt')
  return { record, receipt: result.receipt }
}

/** Commits a change that is not logged. */
export async function change(
  context: Pick<Context, 'ledger'>,
  input: {
    readonly subject: SubjectId
    readonly state: SubjectState
    readonly at: EpochMs
    readonly effects: Effects
  },
): Promise<void> {
  const result = await context.ledger.commit({
    subject: input.subject,
    at: input.at,
    expect: expected(input.state),
    pseudonym: input.state.pseudonym,
    record: null,
    requires: [],
    ...input.effects,
  })
  if (!result.ok) throw commitError(result.error)
}

function expected(state: SubjectState): Change['expect'] {
  return { seq: state.seq, head: state.head, version: state.version }
}

function commitError(failure: 'conflict' | 'strike_taken' | 'requires'): LivegateError {
  switch (failure) {
    case 'strike_taken':
      return new LivegateError(
        'conflict',
        'Cannot record the strike: its id belongs to another subject',
        {
          hint: 'strike ids are unique per deployment; use the id your moderation system gave this strike',
        },
      )
    case 'conflict':
      return new LivegateError('log_unavailable', 'Cannot commit: the subject changed meanwhile', {
        retry_after_s: 1,
      })
    case 'requires':
      return new LivegateError(
        'log_unavailable',
        'Cannot commit: the policy or key it relies on is not in the log yet',
        { retry_after_s: 1 },
      )
  }
}

/** `at + length_ms` as an instant. */
export function later(at: EpochMs, length_ms: number): EpochMs {
  return epochMs(at + length_ms)
}
