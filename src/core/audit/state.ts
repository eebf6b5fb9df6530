/**
 * Where an audit stopped, as plain JSON: size, root and edge of the tree, keys, policy texts, chain heads, heartbeats.
 *
 * The file is the auditor's own and must be kept like the trusted checkpoint: whoever can change it can hide a lie.
 */
import { LivegateError } from '../errors.ts'
import type { KnownActivation, PriorActivation } from './activations.ts'
import type { ChainState, ChainsState } from './chains.ts'
import type { EnforcerState } from './enforcers.ts'
import type { ErasureState } from './erasures.ts'
import type { HeartbeatState } from './heartbeats.ts'
import type { KnownIncident } from './incidents.ts'
import type { KeyState } from './keys.ts'
import type { PolicyState } from './policies.ts'
import type { LogTimeState } from './replay/log-time.ts'
import type { ChainReplayState, PackedMemory } from './replay/replay-state.ts'
import { stateFault } from './state-shape.ts'
import type { SuccessionState } from './succession.ts'
import type { TreeState } from './tree.ts'

export interface AuditState {
  readonly version: 1
  readonly origin: string
  readonly issuer?: string
  /** Entries audited so far. */
  readonly size: number
  readonly tree: TreeState
  readonly keys: readonly KeyState[]
  /** Absent in states from before they were followed. */
  readonly checkpoint_keys?: readonly KeyState[]
  readonly policies: PolicyState
  /** Absent before the first. */
  readonly activations?: readonly KnownActivation[]
  /** Those of the log before that were not repeated yet; absent when there are none. */
  readonly activations_awaited?: readonly PriorActivation[]
  /** Absent before the first. */
  readonly incidents?: readonly KnownIncident[]
  readonly chains: ChainsState
  readonly time: LogTimeState
  /** Absent when replay was left out, and in states from before there was one. */
  readonly replay?: ChainReplayState
  /** Absent while nobody was erased. */
  readonly erased?: ErasureState
  readonly heartbeats: HeartbeatState
  /** `iat` of the newest heartbeat. */
  readonly beat?: number
  /** Absent while no record says which instance of an adapter asked for it. */
  readonly enforcers?: readonly EnforcerState[]
  readonly recent: readonly string[]
  /** Absent while the log is neither closed nor a successor. */
  readonly succession?: SuccessionState
}

/** One chain of a state, for states that are read and written chain by chain. */
export interface StoredChain extends ChainState {
  /** What its replay remembers; absent for nothing. */
  readonly memory?: PackedMemory
}

/** The chains of a state that has them. */
export function* chainsIn({ chains, replay }: AuditState): Generator<StoredChain> {
  for (const [sub, head] of Object.entries(chains.heads)) {
    const memory = replay?.chains[sub]
    yield memory === undefined ? { sub, head } : { sub, head, memory }
  }
}

/** Reads a state file. Throws LivegateError when it is no state of this version or of another log. */
export function parseAuditState(text: string, origin: string): AuditState {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new LivegateError('invalid_request', 'Cannot resume audit: the state is not JSON')
  }
  const state = value as Partial<AuditState> | null
  if (state?.version !== 1 || state.origin !== origin)
    throw new LivegateError(
      'invalid_request',
      `Cannot resume audit: expected a state of version 1 of log \`${origin}\``,
    )
  const fault = stateFault(state)
  if (fault === null) return state as AuditState
  const expected = fault.problem === 'wrong' ? fault.expected : 'no such member, or one more'
  throw new LivegateError(
    'invalid_request',
    `Cannot resume audit: \`${fault.path.slice(0, 64)}\` of the state is ${fault.problem}, expected ${expected}`,
  )
}
