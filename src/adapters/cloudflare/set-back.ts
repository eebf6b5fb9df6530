/**
 * Whether this object was set back: its log knows how far its chain had come.
 *
 * A decision of its own finds out without asking, because the log refuses a record that does not go on from the last. A
 * co-host's answer writes none: with its newest strikes gone it would let others through; nor does a view or an explanation,
 * which would show what was. So the log is asked before the first such answer after waking; once a life, because nothing is
 * set back under an object that runs.
 * Spec: docs/spec/storage.md, "The edge host".
 */
import { LivegateError } from '../../core/errors.ts'
import type { CohostDesk } from '../../gate/cohosts.ts'
import type { Observe } from '../../ports.ts'
import type { ChainStore } from './chain-store.ts'
import { opened, type SequencerRpc } from './rpc.ts'

export interface SetBackParts {
  /** Name of this subject's object. */
  readonly object: string
  readonly log: Pick<SequencerRpc, 'head'>
  readonly store: Pick<ChainStore, 'peek'>
  readonly observe: Observe
}

/** Resolves when the chain here is as long as the log's; rejects with `halted`, or as any question to a log. */
export function createSetBackCheck(parts: SetBackParts): () => Promise<void> {
  const { object, log, store, observe } = parts
  let sure = false
  return async () => {
    if (sure) return
    const logged = await opened(log.head(object))
    // What waits to be sent counts here: only a shorter chain contradicts.
    const chain = store.peek()
    const here = chain?.entries.size() ?? 0
    // And a log that has less than it once acknowledged has erased the chain, or was set back itself.
    const acknowledged = chain?.places.known() ?? 0
    if (logged > here || logged < acknowledged) {
      const error = logged > here ? setBack(here, logged) : erased(acknowledged, logged)
      observe({ type: 'halted', why: error.message })
      throw error
    }
    sure = true
  }
}

/** The desk for others: its standing is not told, and nothing is registered, before that is sure. */
export function checkedDesk(desk: CohostDesk, check: () => Promise<void>): CohostDesk {
  return {
    ...desk,
    async standing(subject) {
      await check()
      return desk.standing(subject)
    },
    async join(subject, pending) {
      await check()
      return desk.join(subject, pending)
    },
  }
}

function erased(here: number, logged: number): LivegateError {
  return new LivegateError(
    'halted',
    `Cannot answer for a subject: its log has ${logged} records of its chain, expected the ${here} it has acknowledged`,
    { hint: 'The storage of the object was set back to before an erasure; restore it forward.' },
  )
}

function setBack(here: number, logged: number): LivegateError {
  return new LivegateError(
    'halted',
    `Cannot answer for a subject: its object has ${here} records of its chain, expected the ${logged} its log has`,
    { hint: 'The storage of the object was set back; restore it forward, to its newest state.' },
  )
}
