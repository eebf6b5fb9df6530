/**
 * What happens in a gate, for metrics and log lines; part of the ports (ports.ts hands it on).
 */
import type { Outcome } from '../core/model.ts'
import type { Change } from '../core/policy/compare/changes.ts'
import type { WitnessFault } from '../core/tlog/witness.ts'
import type { CutConfirmation, Cutting, RecheckCause, UngatedCause } from './broadcast-port.ts'

/** What happened, for metrics and log lines. No subject id, no secret, ever. */
export type GateEvent =
  | {
      readonly type: 'decided'
      readonly outcome: Outcome
      readonly mode: string | null
      readonly rules: readonly string[]
      readonly unknown: readonly string[]
      readonly policy: string
      readonly took_ms: number
      /** True when an earlier record was the answer. */
      readonly repeated: boolean
      /** Where something applied that is not enforced: the outcome with it, and what it is. */
      readonly would?: { readonly outcome: Outcome; readonly rules: readonly string[] }
    }
  | {
      readonly type: 'strike_recorded'
      readonly category: string
      readonly known_category: boolean
    }
  | { readonly type: 'strike_reversed' }
  /** An erasure has begun; of whom is nobody's business. */
  | { readonly type: 'erased'; readonly scope: 'subject' | 'full'; readonly suppressed: number }
  /** Bytes of an erasure are gone from every file, so long after it began. */
  | { readonly type: 'erasure_done'; readonly took_ms: number }
  /** A retention period was over: how many of what went. */
  | { readonly type: 'retained'; readonly what: string; readonly count: number }
  /** Everything has been looked at once whose time may be over. */
  | { readonly type: 'retention_swept'; readonly took_ms: number }
  | { readonly type: 'committed'; readonly batch: number; readonly took_ms: number }
  | {
      readonly type: 'round'
      readonly size: number
      readonly entries: number
      readonly took_ms: number
    }
  /** A request was answered without an outcome because too much was asked: once per request, where it is answered. */
  | { readonly type: 'shed'; readonly code: 'overloaded' | 'rate_limited' }
  /** Something that should have ended now ends with its lease instead. */
  | {
      readonly type: 'left_to_lease'
      readonly what: 'unanswered_broadcast' | 'cohost' | 'recheck' | 'ungated' | 'cut'
    }
  /** What runs was looked at again, and a record says so. */
  | { readonly type: 'renewed' | 'revoked'; readonly cause: RecheckCause }
  /** Something ran that no decision covered, and a record says so; `kept`: it may go on. */
  | { readonly type: 'ungated'; readonly cause: UngatedCause; readonly kept: boolean }
  /** What had to stop has stopped, or nobody could confirm it in time. */
  | {
      readonly type: 'cut'
      readonly cause: Cutting['cause']
      readonly confirmed: CutConfirmation
      readonly took_ms: number
      readonly attempts: number
    }
  | { readonly type: 'halted'; readonly why: string }
  /** A witness has not cosigned the checkpoint of a size; `witness` as the witness policy calls it. */
  | {
      readonly type: 'witness_failed'
      readonly witness: string
      readonly fault: WitnessFault
      readonly size: number
    }
  /** A checkpoint has the quorum of the witness policy, and is published with it. */
  | { readonly type: 'witnessed'; readonly size: number; readonly cosignatures: number }
  | {
      readonly type: 'policy_active'
      readonly name: string
      readonly digest: string
      readonly revision?: number
    }
  /** What decides is older than it says it may be; `effect`: what follows from that. */
  | {
      readonly type: 'policy_stale'
      readonly name: string
      readonly digest: string
      readonly effect: 'keep' | 'unknown' | 'deny'
      readonly revision?: number
    }
  | { readonly type: 'policy_rejected'; readonly file: string; readonly problems: number }
  /** A decision that was made has been answered by a candidate in the shadow too (gate/shadow.ts). */
  | {
      readonly type: 'shadowed'
      readonly change: Change | 'same' | 'passed_over' | 'failed'
      /** Rules behind the change. */
      readonly rules: readonly string[]
    }
  /** One attempt to tell an endpoint; `result` as `status_2xx` or a fault. */
  | { readonly type: 'webhook_posted'; readonly endpoint: string; readonly result: string }
  | {
      readonly type: 'hook_refused'
      readonly server: string
      /** Of a server that has registered itself. */
      readonly template?: string
      readonly why: string
    }
  /** A media server's control interface could not be used; nothing is known of it then. */
  | {
      readonly type: 'control_failed'
      readonly server: string
      readonly template?: string
      readonly fault: string
    }
  /** A media server that registers itself has come or gone. */
  | {
      readonly type: 'media_server'
      readonly server: string
      readonly template: string
      readonly change: MediaServerChange
    }
  /** Somebody publishes of whom is not known who it is: cut without a decision. */
  | { readonly type: 'ungated_stranger'; readonly server: string; readonly why: string }
  /** Stream-seconds a media server was seen to run, with and without a decision. */
  | { readonly type: 'observed'; readonly covered_s: number; readonly uncovered_s: number }

/**
 * `returned`: heard of again while it was leaving. `displaced`: another has its address. `gone`: nothing of it is left.
 * `dropped`: the servers file has no room for it any more.
 */
export type MediaServerChange =
  | 'registered'
  | 'returned'
  | 'expired'
  | 'deregistered'
  | 'displaced'
  | 'gone'
  | 'dropped'

/** Must not throw and must not block. */
export type Observe = (event: GateEvent) => void
