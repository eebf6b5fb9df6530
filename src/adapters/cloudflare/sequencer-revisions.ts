/**
 * The activations of one log on the edge.
 *
 * The first log of a deployment gives the numbers; the others are told, in order and with the texts (`learn`), and have
 * every activation before anybody who decides under it asks them. One of these at a time, and every one may be repeated:
 * what is there already is passed over. Who carries from log to log: edge-policies.ts and subject-ready.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Activation } from '../../core/model.ts'
import { latestOf, type Proposed, propose, type Wish } from '../../core/policy/activation.ts'
import type { Clock, RecordSigner } from '../../ports.ts'
import { activateIn, loggedActivations } from '../sqlite/activations.ts'
import type { Entries } from '../sqlite/entries.ts'
import { createPolicyTexts } from '../sqlite/policy-texts.ts'
import type { Scribe } from '../sqlite/scribe.ts'
import type { Sql } from '../sqlite/sql.ts'

/** A text as it is carried between logs. */
export interface PolicyText {
  readonly digest: string
  readonly bytes: Uint8Array
}

export interface Revisions {
  list(): readonly Activation[]
  /** The first activation, unless there is one. */
  begin(bundled: PolicyText & { readonly name: string }): Promise<readonly Activation[]>
  activate(wish: Wish, bytes: Uint8Array | null): Promise<Proposed>
  /** Those of the first log, with the texts this one lacks. */
  learn(activations: readonly Activation[], texts: readonly PolicyText[]): Promise<null>
}

/** How soon an activation decides: whoever decides has asked its log within `FRESH_MS`, and a decision takes two seconds. */
export const LEAD_MS = 10_000
export const FRESH_MS = 5_000

export function createRevisions(parts: {
  readonly sql: Sql
  readonly entries: Pick<Entries, 'has'>
  readonly scribe: Pick<Scribe, 'append'>
  readonly signer: Pick<RecordSigner, 'kid'>
  readonly clock: Clock
}): Revisions {
  const { sql, entries, scribe, signer, clock } = parts
  const texts = createPolicyTexts(sql)
  const list = (): readonly Activation[] => loggedActivations(sql)

  async function put(wish: Wish, given: Uint8Array | null): Promise<Proposed> {
    const proposed = propose(list(), wish, { now: clock.now(), lead_ms: LEAD_MS })
    if (proposed.is !== 'new') return proposed
    const { activation } = proposed
    const bytes = given ?? texts.text(activation.digest)
    if (bytes === null) throw noText(activation)
    await activateIn(entries, signer, scribe, { activation, bytes })
    return proposed
  }

  return {
    list,
    async begin({ digest, name, bytes }) {
      if (list().length === 0) {
        const what = { cause: 'activation', source: 'bundle', digest, name } as const
        const when = { by: 'livegate', note: null, activate_at: null, expect_revision: 0 }
        await put({ ...what, ...when }, bytes)
      }
      return list()
    },
    activate: put,
    async learn(activations, given) {
      for (const activation of activations) {
        if (activation.revision <= (latestOf(list())?.revision ?? 0)) continue
        const { digest } = activation
        const bytes = given.find((one) => one.digest === digest)?.bytes ?? texts.text(digest)
        if (bytes === null) throw noText(activation)
        await activateIn(entries, signer, scribe, { activation, bytes })
      }
      return null
    },
  }
}

function noText({ revision }: Activation): LivegateError {
  return new LivegateError(
    'internal',
    `Cannot activate revision ${revision}: there is no text of it here`,
  )
}
