/**
 * The activations a log holds, and the one way another gets in.
 *
 * The log is the only copy: what is activated is what a record says, in the order of its number, and text and record come
 * in one append, so that there is never one without the other. Who calls `activateIn` makes sure that nobody else does so
 * meanwhile. Spec: docs/spec/record.md, "Activations".
 */
import type { Activation } from '../../core/model.ts'
import { isRestated } from '../../core/move/receive.ts'
import { activationDraft } from '../../core/record/drafts.ts'
import { policyDigest, policyDrafts } from '../../core/record/policy-parts.ts'
import { activationName } from '../../gate/in-force.ts'
import type { Log, RecordSigner } from '../../ports.ts'
import { claimsOf, PREDECESSOR } from './entries.ts'
import type { Scribe } from './scribe.ts'
import { integer, type Sql, text } from './sql.ts'

/** All of them by their number. */
export function loggedActivations(sql: Sql): readonly Activation[] {
  return sql
    .all(
      `SELECT e.jws FROM log_requirements r JOIN entries e ON e.idx = r.idx
       WHERE r.name LIKE 'revision-%' ORDER BY r.idx`,
    )
    .map((row) => activationOf(claimsOf(text(row, 'jws'))))
}

function activationOf(claims: Readonly<Record<string, unknown>>): Activation {
  const { revision, digest, name, active_from, scheduled, previous, cause, source, by, note } =
    claims as unknown as Activation
  const what = { revision, digest, name, active_from, scheduled }
  return { ...what, previous, cause, source, by, note: note ?? null }
}

/** The newest revision that was activated before the log said which one it goes on from; 0 when none was. */
export function ownRevisions(sql: Sql): number {
  const seam = sql.get('SELECT idx FROM log_requirements WHERE name = ?', PREDECESSOR)
  const before = seam === undefined ? Number.MAX_SAFE_INTEGER : integer(seam, 'idx')
  const own = sql.get(
    `SELECT count(*) AS own FROM log_requirements WHERE name LIKE 'revision-%' AND idx < ?`,
    before,
  )
  return own === undefined ? 0 : integer(own, 'own')
}

/**
 * Puts an activation of an earlier log into the one that goes on from it, as it was; its text is there. Again is fine.
 * `known` are those this log has. Throws `conflict` when another one has the number.
 */
export async function restateIn(
  known: readonly Activation[],
  signer: Pick<RecordSigner, 'kid'>,
  scribe: Pick<Scribe, 'append'>,
  activation: Activation,
): Promise<void> {
  const { revision, digest } = activation
  if (isRestated(activation, known)) return
  const before = known.length === 0 ? [] : [activationName(revision - 1)]
  await scribe.append([activationDraft(activation)], [signer.kid, digest, ...before])
}

/** Puts an activation into the log, with its text unless that is there. Durable when resolved. */
export async function activateIn(
  log: Pick<Log, 'has'>,
  signer: Pick<RecordSigner, 'kid'>,
  scribe: Pick<Scribe, 'append'>,
  { activation, bytes }: { readonly activation: Activation; readonly bytes: Uint8Array },
): Promise<void> {
  const { revision, digest } = activation
  if (policyDigest(bytes) !== digest)
    throw new TypeError('the text of an activation has another digest than it says')
  const text = log.has(digest) ? [] : policyDrafts(bytes)
  const before = revision === 1 ? [] : [activationName(revision - 1)]
  await scribe.append([...text, activationDraft(activation)], [signer.kid, ...before])
}
