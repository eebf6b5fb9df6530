/**
 * What is asked of the object that tells one endpoint of one log (rpc.ts). From: webhooks-object.ts.
 */
import type { DeadPage, Replayed, Standing } from '../../gate/webhooks/desk.ts'
import type { News } from './hooks-run.ts'
import type { Reply } from './rpc.ts'

/** Which of them an object is. */
export interface WhichHooks {
  /** Its id in the webhooks file. */
  readonly endpoint: string
  readonly shard: number
}

/** With attempts by their result, as far as they were written down (hooks-posted.ts). Absent from an older version. */
export interface CountedStanding extends Standing {
  readonly posted?: Readonly<Record<string, number>>
}

export interface WebhooksRpc {
  /** The log has published something; the caller goes on at once. Repeatable. */
  told(which: WhichHooks, news: News): Promise<Reply<null>>
  /** Of an object that was never told anything: nothing. */
  standing(): Promise<Reply<CountedStanding>>
  dead(page: { readonly from: number; readonly limit: number }): Promise<Reply<DeadPage>>
  replay(indexes: readonly number[] | null): Promise<Reply<Replayed>>
}

/** Objects by what they are. */
export type HooksStubs = (which: WhichHooks) => WebhooksRpc
