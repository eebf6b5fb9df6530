/**
 * What an audit is made of, one part for each thing it follows, and the state they leave together.
 *
 * Judges nothing itself: entries are handed to the parts by entries.ts. From: audit.ts.
 */
import { type Hasher, portableHasher } from '../record/hashing.ts'
import { Accesses } from './accesses.ts'
import { Activations } from './activations.ts'
import type { AuditOptions } from './audit-types.ts'
import { Chains } from './chains.ts'
import { CheckpointKeys } from './checkpoint-keys.ts'
import { Enforcers } from './enforcers.ts'
import { Erasures } from './erasures.ts'
import { Findings } from './findings.ts'
import { Heartbeats } from './heartbeats.ts'
import { Incidents } from './incidents.ts'
import { KeyBook } from './keys.ts'
import { Liveness } from './liveness.ts'
import { Newest } from './newest.ts'
import { PolicyShelf } from './policies.ts'
import { AuditReplay } from './replay/audit-replay.ts'
import { LogTime } from './replay/log-time.ts'
import type { AuditState } from './state.ts'
import { Succession } from './succession.ts'
import { AuditTree } from './tree.ts'

/** Everything of one audit. */
export interface AuditParts extends ReplayNeeds {
  readonly findings: Findings
  readonly hasher: Hasher
  readonly origin: string
  readonly tree: AuditTree
  readonly keys: KeyBook
  readonly checkpoints: CheckpointKeys
  readonly heartbeats: Heartbeats
  readonly accesses: Accesses
  readonly enforcers: Enforcers
  readonly liveness: Liveness
  readonly newest: Newest
  /** Null when it is left out. */
  readonly replay: AuditReplay | null
  readonly succession: Succession
}

/** What the replay asks of the others. */
interface ReplayNeeds {
  readonly policies: PolicyShelf
  readonly activations: Activations
  readonly incidents: Incidents
  readonly chains: Chains
  readonly erasures: Erasures
  readonly time: LogTime
}

/** As they begin, or as the state has them. */
export function createParts(options: AuditOptions): AuditParts {
  const { origin, trusted, hasher = portableHasher, state } = options
  const needs: ReplayNeeds = {
    policies: new PolicyShelf(hasher, state?.policies),
    activations: new Activations(state?.activations, state?.activations_awaited),
    incidents: new Incidents(state?.incidents),
    chains: new Chains(state?.chains, options.seed),
    erasures: new Erasures(state?.erased),
    time: new LogTime(state?.time),
  }
  return {
    ...needs,
    ...{ origin, hasher, findings: new Findings(), accesses: new Accesses() },
    tree: new AuditTree(trusted, state?.tree, options.hashTile),
    keys: new KeyBook(state?.keys),
    checkpoints: new CheckpointKeys(origin, state),
    heartbeats: new Heartbeats(state?.heartbeats),
    enforcers: new Enforcers(state?.enforcers),
    liveness: new Liveness(state?.beat),
    newest: new Newest(),
    replay: options.replay === false ? null : replayFrom(state, needs),
    succession: new Succession(origin, options.predecessor ?? null, state?.succession),
  }
}

function replayFrom(
  state: AuditState | undefined,
  { policies, activations, incidents, chains, erasures, time }: ReplayNeeds,
): AuditReplay {
  const sources = {
    headOf: (sub: string) => (erasures.has(sub) ? null : chains.headOf(sub)),
    activeFrom: (revision: number) => activations.activeFrom(revision),
    logged: () => time.now(),
    latest: () => time.latest(),
  }
  return new AuditReplay({
    ...{ sources, state: state?.replay },
    strangers: state !== undefined && state.replay === undefined,
    incident: (seen, at) => incidents.fault(seen, { at, logged: time.now() }),
    book: () => ({
      texts: new Map(policies.texts()),
      activations: [...activations.state()],
    }),
  })
}

/** Where an audit of these parts stands; `chains` false: without the chains. */
export function stateOf(
  parts: AuditParts,
  {
    issuer,
    recent,
    chains,
  }: {
    readonly issuer: string | undefined
    readonly recent: readonly string[]
    readonly chains: boolean
  },
): AuditState {
  const { closing, predecessor } = parts.succession.state()
  const activations = parts.activations.state()
  const awaited = parts.activations.awaited()
  const incidents = parts.incidents.state()
  const erased = parts.erasures.state()
  const enforcers = parts.enforcers.state()
  const beat = parts.liveness.state()
  return {
    version: 1,
    origin: parts.origin,
    ...(issuer === undefined ? {} : { issuer }),
    size: parts.tree.size,
    tree: parts.tree.state(),
    keys: parts.keys.state(),
    ...parts.checkpoints.state(),
    policies: parts.policies.state(),
    ...(activations.length === 0 ? {} : { activations }),
    ...(awaited.length === 0 ? {} : { activations_awaited: awaited }),
    ...(incidents.length === 0 ? {} : { incidents }),
    chains: parts.chains.state({ heads: chains }),
    time: parts.time.state(),
    ...(parts.replay === null ? {} : { replay: parts.replay.state({ chains }) }),
    ...(erased.length === 0 ? {} : { erased }),
    heartbeats: parts.heartbeats.state(),
    ...(beat === null ? {} : { beat }),
    ...(enforcers.length === 0 ? {} : { enforcers }),
    recent,
    ...(closing === null && predecessor === null ? {} : { succession: { closing, predecessor } }),
  }
}
