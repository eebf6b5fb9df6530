/**
 * Incident mode in this process: read from the log, and the one place where a change is put into it.
 *
 * One change at a time. The log is the truth: after an append that failed, what it holds is read again, because it may have
 * happened all the same. Incidents end by the instant of the decision; the timer here only writes down that one has, also
 * when the process was down over its end. Next stop: gate/incident.ts.
 */
import { type IncidentChange, incidentFacts, nextIncidentEnd } from '../../core/incident.ts'
import type { IncidentProposed, IncidentWish } from '../../core/incident-wish.ts'
import type { IncidentFacts } from '../../core/model.ts'
import type { After } from '../../gate/context.ts'
import { createIncidentBook } from '../../gate/incident.ts'
import type { Clock, Random } from '../../ports.ts'
import { putIncidents } from '../sqlite/incidents.ts'
import type { Scribe } from './bootstrap.ts'
import type { NodeStore } from './store.ts'

export interface NodeIncidentsParts {
  readonly store: Pick<NodeStore, 'incidents' | 'signer'>
  readonly scribe: Pick<Scribe, 'append'>
  readonly clock: Clock
  readonly random: Random
  readonly after: After
  /** Decisions see something else from now on. Must not throw. */
  readonly onChange?: () => void
  readonly onError?: (error: unknown) => void
}

export interface NodeIncidents {
  /** What a decision made at `at` sees. */
  facts(at: number): IncidentFacts
  changes(): readonly IncidentChange[]
  /** For `IncidentDeskParts.commit`. */
  commit(wish: IncidentWish): Promise<IncidentProposed>
  /** Writes down what ended while the process was down. */
  resume(): Promise<void>
  stop(): void
}

/** Timers hold at most 24 days; clocks step. */
const MAX_TIMER_MS = 3_600_000
/** After a log that did not take the end. */
const AGAIN_MS = 30_000

export function createNodeIncidents(parts: NodeIncidentsParts): NodeIncidents {
  const { store, scribe, clock, after, onChange = () => {}, onError = () => {} } = parts
  let known = store.incidents()
  let last: Promise<unknown> = Promise.resolve()
  let cancel = (): void => {}
  const book = createIncidentBook({
    ...{ clock, random: parts.random, list: () => known },
    append: (changes) => putIncidents(scribe, store.signer, changes),
  })

  function alone<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  function learn(): void {
    const before = known.length
    known = store.incidents()
    arm()
    if (known.length !== before) onChange()
  }

  async function put(wish: IncidentWish): Promise<IncidentProposed> {
    try {
      return await book.put(wish)
    } finally {
      learn()
    }
  }

  function arm(wait_ms?: number): void {
    cancel()
    const end = nextIncidentEnd(known)
    if (end === null) return
    const wait = wait_ms ?? Math.max(1, Math.min(end - clock.now(), MAX_TIMER_MS))
    cancel = after(wait, settle)
  }

  /** Again later when the log does not take it: nobody decides by this record. */
  function settle(): void {
    alone(() => put({ is: 'expire' })).catch((error: unknown) => {
      arm(AGAIN_MS)
      onError(error)
    })
  }

  return {
    facts: (at) => incidentFacts(known, at),
    changes: () => known,
    commit: (wish) => alone(() => put(wish)),
    async resume() {
      await alone(() => put({ is: 'expire' }))
    },
    stop: () => cancel(),
  }
}
