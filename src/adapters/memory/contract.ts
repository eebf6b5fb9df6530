/**
 * What the memory adapters do when a caller breaks a port's contract, and how tests make a write fail.
 *
 * A fake that forgives hides bugs: these throw, and name the duty. Failures can be injected around each write: before
 * it (nothing happened) or after it (it happened, but the caller is told it did not).
 */
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { MAX_ENTRY_BYTES } from '../../core/limits.ts'
import { leafHash, sameHash } from '../../core/tlog/hash.ts'
import type { SignedRecord } from '../../ports.ts'

/** A port was used against its contract: always a bug in the caller. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws unless `held`; `duty` says what the port demands. */
export function demand(held: boolean, duty: string): asserts held {
  if (!held) throw new AssertionError(`Contract broken: ${duty}`)
}

/** What any log demands of an entry. */
export function checkRecord({ jws, leaf }: SignedRecord): void {
  demand(jws.length <= MAX_ENTRY_BYTES, `an entry has at most ${MAX_ENTRY_BYTES} bytes`)
  demand(sameHash(leaf, leafHash(utf8(jws))), 'a leaf is the hash of its record')
}

/** What becomes of one write: `before` fails it, `after` does it and then reports it lost. */
export type Fate = 'done' | 'before' | 'after'
/** Asked before each write; `what` names it, for example `ledger.commit`. */
export type Fates = (what: string) => Fate

export const noFailures: Fates = () => 'done'

/** Runs one write under its fate. */
export async function fated<T>(fates: Fates, what: string, write: () => T): Promise<T> {
  // A port's promise never resolves in the turn it was made in: callers must not rely on luck.
  await Promise.resolve()
  const fate = fates(what)
  const lost = new LivegateError('log_unavailable', `Cannot write: ${what} was made to fail`, {
    retry_after_s: 1,
  })
  if (fate === 'before') throw lost
  const result = write()
  if (fate === 'after') throw lost
  return result
}
