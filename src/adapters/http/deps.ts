/**
 * What the HTTP layer needs from its composition root.
 */

import type { Importer } from '../../core/move/importer.ts'
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import type { RetentionRules } from '../../core/retention.ts'
import type { EpochMs } from '../../core/time.ts'
import type { RecordAccess } from '../../gate/access.ts'
import type { ErasureDesk } from '../../gate/erasure-desk.ts'
import type { IncidentDesk } from '../../gate/incident.ts'
import type { KeyDesk } from '../../gate/key-desk.ts'
import type { PolicyDesk } from '../../gate/policy-desk.ts'
import type { ShadowReport } from '../../gate/shadow.ts'
import type { WebhookDesk } from '../../gate/webhooks/desk.ts'
import type { Gate } from '../../gate-types.ts'
import type {
  Clock,
  Directory,
  Log,
  Observe,
  OpenBroadcasts,
  Pepper,
  Random,
  ReviewQueue,
  StreamKeys,
} from '../../ports.ts'
import type { CallerKeys } from './caller-keys.ts'
import type { Hooks } from './hooks.ts'
import type { AccessTokenConfig } from './jwt.ts'
import type { MediaServerDesk } from './media-servers.ts'
import type { RateConfig } from './rate.ts'
import type { RouteId } from './scopes.ts'
import type { WhipDoor } from './whip.ts'

export interface HttpConfig {
  /** The deployment's own name, on Node the log's origin: what the audience of a key must be; null accepts only keys without one. */
  readonly audience: string | null
  readonly log_public: boolean
  readonly metrics_public: boolean
  /** Requests worked on at the same time, and hooks besides; more are answered 503 `overloaded` before any work. */
  readonly max_in_flight: number
  readonly rate: RateConfig
}

/** 512 decisions of 20 ms each are 25,000 a second; a single caller may ask 1,000 times a second. */
export const DEFAULT_HTTP_CONFIG: HttpConfig = {
  audience: null,
  log_public: false,
  metrics_public: true,
  max_in_flight: 512,
  rate: { per_s: 1_000, burst: 2_000 },
}

/** The active revision, and what is wrong with the file as it is now (the last good revision stays active). */
export interface PolicyHealth {
  readonly digest: string
  /** Its number, where policies are activated. */
  readonly revision?: number
  /** True once it is older than it says it may be. */
  readonly stale?: boolean
  readonly file: string
  /** One line each, as the compiler words them; empty when the file is the active revision. */
  readonly problems: readonly string[]
}

/** The candidate in the shadow, and what is wrong with its file as it is now. */
export interface ShadowHealth {
  /** Absent while there was none that compiles. */
  readonly digest?: string
  readonly file: string
  readonly problems: readonly string[]
}

/** Whether a decision can be made now. */
export type Readiness =
  | {
      readonly ready: true
      readonly policy?: PolicyHealth
      readonly shadow?: ShadowHealth
      /** What is wrong with a log and stops no decision yet; absent for nothing. */
      readonly log?: { readonly problems: readonly string[] }
    }
  | {
      readonly ready: false
      readonly code: 'halted' | 'log_unavailable' | 'overloaded'
      /** For operators; no secret, no subject. */
      readonly why: string
    }

export interface PolicyRevision {
  readonly name: string
  readonly digest: string
  readonly active: boolean
  /** When it became active; null when never. */
  readonly activated_at: EpochMs | null
}

export interface PoliciesView {
  /** Newest first. */
  list(): Promise<readonly PolicyRevision[]> | readonly PolicyRevision[]
  /** Exact bytes of a revision; null when unknown. */
  text(digest: string): Promise<Uint8Array | null> | Uint8Array | null
}

/** A log as it is published. */
export interface ServedLog {
  readonly log: Pick<Log, 'origin' | 'checkpoint' | 'witnessed' | 'tile' | 'proof'>
  /** Its verifier key (`name+hash+key`), without a line break; of several in force the newest. */
  readonly vkey: string
  /** All in force, oldest first, where there may be more than one. */
  readonly vkeys?: () => readonly string[] | Promise<readonly string[]>
  /** Writes into it that records of it are opened. */
  readonly access: RecordAccess
}

export interface AppDeps {
  readonly gate: Gate
  readonly clock: Clock
  readonly random: Random
  readonly pepper: Pepper
  /** `createCallerKeys(apiKeys, clock)`; call its `invalidate` on revocation. */
  readonly callerKeys: CallerKeys
  readonly streamKeys: StreamKeys
  readonly directory: Directory
  /** Absent where each subject is a place of its own: broadcasts are not listed (404). */
  readonly broadcasts?: OpenBroadcasts
  /** One, or a log for each shard in their order; receipts name theirs by its origin. */
  readonly logs: readonly ServedLog[]
  readonly observe: Observe
  readonly config: HttpConfig
  readonly readiness: () => Readiness | Promise<Readiness>
  /** Prometheus text, version 0.0.4. */
  readonly metricsText: () => string | Promise<string>
  readonly policiesView: PoliciesView
  /** Absent: policies are not activated through this API (404). */
  readonly policyDesk?: PolicyDesk
  /** What a candidate in the shadow would have answered; absent where there is none (404). */
  readonly shadow?: () => ShadowReport | null | Promise<ShadowReport | null>
  /** Absent: webhooks are not shown (404). */
  readonly webhooks?: WebhookDesk
  /** What people are asked about; absent: 404. */
  readonly reviews?: ReviewQueue
  /** Where incident mode is started and ended; absent: 404. */
  readonly incidents?: IncidentDesk
  /** Where keys are changed; absent: 404. */
  readonly keyDesk?: KeyDesk
  /** Absent: nothing is erased, held or exported through this API (404). */
  readonly erasure?: ErasureDesk
  /** How long things are kept, as exports say it; for ever unless given. */
  readonly retention?: RetentionRules
  /** Public record keys of all logs, retired ones included, revoked ones not. */
  readonly recordKeys: () => readonly Ed25519Jwk[] | Promise<readonly Ed25519Jwk[]>
  /** Absent: access tokens are refused. */
  readonly accessTokens?: AccessTokenConfig
  /** Takes in a deployment from another host; absent: 404. */
  readonly importer?: Importer
  /** Absent: there is no front door (404). */
  readonly whip?: WhipDoor
  /** Absent: no media server registers itself (404). */
  readonly mediaServers?: MediaServerDesk
  /** Absent: every hook is answered 404. */
  readonly hooks?: Hooks
  /** Told of every failure that became 500, for the log of the operator. */
  readonly report?: (failure: { readonly route: RouteId; readonly error: unknown }) => void
}
