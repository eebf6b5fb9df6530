/**
 * Late copies in a server's list: what the delayed application shows must belong to a broadcast that still may run.
 *
 * A copy is made by the operator's own program and ends by itself with its broadcast (docs/media/tape.md). Where it
 * does not, viewers would go on seeing what was cut. So whatever runs in the delayed application without such a
 * broadcast is dropped. Pure. From: kept-server.ts.
 */
import type { BroadcastView } from '../../ports.ts'
import type { LiveSession } from './control.ts'
import type { MediaDialect } from './dialect.ts'
import { streamOfPlayback } from './resolve-subject.ts'
import type { MediaServer } from './servers-file.ts'

export interface SortedList {
  /** Publishers. */
  readonly ours: readonly LiveSession[]
  /** Late copies of what publishers send. */
  readonly copies: readonly LiveSession[]
}

/** What of a list is the gate's business. Other applications are the operator's own, where `app` names one. */
export function sortList(
  { app, delayed }: Pick<MediaServer, 'app' | 'delayed'>,
  { capabilities }: Pick<MediaDialect, 'capabilities'>,
  list: readonly LiveSession[],
): SortedList {
  const isLate = (one: LiveSession): boolean => delayed !== null && one.app === delayed.app
  const { late } = capabilities
  return {
    ours: list.filter((one) => (isLate(one) ? late === 'move' : app === null || one.app === app)),
    copies: late === 'copy' ? list.filter(isLate) : [],
  }
}

/**
 * Copies of nothing that may be shown: neither is there a publisher whom the gate sent that way, nor a broadcast that may
 * run. Either is enough, so that neither a lease that could not be renewed in time nor a publisher whom a list does not
 * tell of (after a reload an old worker of nginx keeps him) takes the pictures away from viewers.
 */
export function strayCopies(
  copies: readonly LiveSession[],
  sent: ReadonlySet<string>,
  open: readonly Pick<BroadcastView, 'stream' | 'cutting'>[],
): readonly LiveSession[] {
  const running = open.filter(({ cutting }) => cutting === null)
  const streams = new Set(running.map(({ stream }) => stream))
  return copies.filter(
    ({ name }) => name === null || !(sent.has(name) || streams.has(streamOfPlayback(name) ?? '')),
  )
}
