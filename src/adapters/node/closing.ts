/**
 * Ends a log: a heartbeat over all that was not covered, then the record that names who goes on, and nothing after it.
 *
 * Whatever is interrupted here is finished by the next opening (store.ts publishes and halts a closed log), or by closing
 * again with the same successors. Spec: docs/spec/log.md, "Closing a log".
 */
import { LivegateError } from '../../core/errors.ts'
import { MAX_SUCCESSORS } from '../../core/limits.ts'
import { closingDraft, heartbeatDraft } from '../../core/record/drafts.ts'
import { isKeyName } from '../../core/tlog/note-key.ts'
import type { Scribe } from './bootstrap.ts'
import type { NodeStore } from './store.ts'

type ClosingStore = Pick<NodeStore, 'origin' | 'heartbeats' | 'signer' | 'status' | 'conclude'>

/** Closes the log in favour of `successors`; resolves when its last checkpoint is published. Again is fine. */
export async function closeLog(
  store: ClosingStore,
  scribe: Pick<Scribe, 'append'>,
  successors: readonly string[],
): Promise<void> {
  requireNames(store.origin, successors)
  const { successors: named, entries, halted } = store.status()
  if (named !== null) {
    if (named.join(' ') !== successors.join(' '))
      throw refusal(`it is closed already and goes on in ${named.join(', ')}`)
    return store.conclude()
  }
  if (halted !== null) throw refusal(`it has halted: ${halted}`)
  const span = { from_index: store.heartbeats.uncovered(), to_index: entries }
  const totals = store.heartbeats.totals(span)
  await scribe.append(
    [heartbeatDraft({ ...span, totals, shed: 0 }), closingDraft(successors)],
    [store.signer.kid],
  )
  await store.conclude()
}

function requireNames(origin: string, successors: readonly string[]): void {
  const wrong = successors.find((name) => !isKeyName(name) || name.length > 256)
  if (wrong !== undefined || successors.length === 0 || successors.length > MAX_SUCCESSORS)
    throw refusal('a successor has no name', 'names of logs, as --origin of the new host has them')
  if (new Set(successors).size < successors.length) throw refusal('a successor is named twice')
  if (successors.includes(origin))
    throw refusal('it cannot succeed itself', 'another origin: a log that ended stays as it is')
}

function refusal(state: string, expected?: string): LivegateError {
  const wish = expected === undefined ? '' : `, expected ${expected}`
  return new LivegateError('conflict', `Cannot close the log: ${state}${wish}`)
}
