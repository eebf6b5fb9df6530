/**
 * What keepers ask and are asked: they look after what runs, while nobody is there to ask for it.
 *
 * Crosses as everything of rpc.ts does. Who implements what: sequencer-running.ts, subject-sweep.ts, keeper-object.ts.
 */
import type { SubjectId } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { RecheckCause } from '../../ports.ts'
import type { Reply } from './rpc.ts'
import type { RegistryRpc } from './rpc-registry.ts'

/** Which chains of a log may have something running. */
export interface RunningQuery {
  /** Nothing that was allowed or renewed before runs any more. */
  readonly since: EpochMs
  /** `next` of the page before; null for the first. */
  readonly from: number | null
  /**
   * Chains that have a record from here on are told at an earlier one, maybe at several; null: there is no end yet; `size`: the
   * end the log has now.
   */
  readonly until: number | 'size' | null
  /** Some more may come: what is read together is told together. */
  readonly limit: number
}

export interface RunningPage {
  /** Names of subjects' objects. */
  readonly objects: readonly string[]
  /** Where each is told, upwards: whoever has had enough goes on there. */
  readonly indexes: readonly number[]
  readonly next: number
  /** Entries of the log; `next` has come to its end when it is as large. */
  readonly size: number
}

export interface RunningRpc {
  running(query: RunningQuery): Promise<Reply<RunningPage>>
}

/** A session a media server runs: whose, under which decision. */
export interface SessionRow {
  readonly session: string
  readonly subject: SubjectId
  readonly broadcast: string
}

/** What a server has said of sessions a moment ago, as far as the object of that server was asked and is still awake. */
export interface SpokenSessions {
  /** A hook speaks of it now. */
  readonly busy: readonly string[]
  /** It asks whether they may go on. */
  readonly heard: readonly string[]
  /** It asked whether they may start. */
  readonly asked: readonly string[]
}

/** Asked of the object of a media server: what its sessions run, and what it has said of them. */
export interface SessionsRpc {
  /** The broadcast a media server's session runs: named by server, one object for each. */
  openSession(session: string, subject: SubjectId, broadcast: string): Promise<Reply<null>>
  closeSession(session: string, broadcast: string): Promise<Reply<null>>
  /** `spoken`: its server speaks of it, in a hook or by asking whether it may go on. */
  session(
    session: string,
    spoken?: 'hook' | 'poll',
  ): Promise<Reply<{ readonly subject: SubjectId; readonly broadcast: string } | null>>
  /** Those behind `after`, in order of their session. */
  openSessions(
    after: string | null,
    limit: number,
  ): Promise<Reply<{ readonly items: readonly SessionRow[]; readonly next: string | null }>>
  spokenOf(sessions: readonly string[]): Promise<Reply<SpokenSessions>>
}

/** What the keeper of a media server has counted since its object woke. */
export interface KeptCounts {
  readonly covered_s: number
  readonly uncovered_s: number
  /** By why nobody had decided, or why nobody knows whose it is. */
  readonly ungated: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
}

/**
 * One keeper: of a log, which looks again at what runs when what decides has changed; or of a media server, which looks at
 * what that runs.
 */
export interface KeeperRpc {
  /** Something may have changed, for this reason; null: nobody knows of anything. Repeatable, and answered at once. */
  ring(cause: RecheckCause | null): Promise<Reply<null>>
  /** Ends a session when it is its turn: how many the server dropped; null for one that keeps no server. */
  cut(at: {
    readonly session: string
    readonly handle: string
  }): Promise<Reply<number | 'unknown' | null>>
  /** Null for one that counts nothing. */
  counts(): Promise<Reply<KeptCounts | null>>
  /** The server of this object has registered itself, or something about that has changed. Repeatable. */
  watch(server: string): Promise<Reply<null>>
  /** For how long nothing could be heard of what its server runs, ms; null where nobody can be asked that. */
  silentFor(): Promise<Reply<number | null>>
}

export interface KeeperStubs {
  /** By `keeperOfLog` or `keeperOfServer`. */
  keeper(name: string): KeeperRpc
  /** Who has registered. */
  registry(): RegistryRpc
}
