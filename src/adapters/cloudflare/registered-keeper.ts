/**
 * Looks after one server that has registered itself: what keeper-object.ts does for those of the servers file, and for as long
 * as the registry knows it.
 *
 * Asked with every look, so that a call is made to an address only while that is the server's. A registry that does not answer
 * changes nothing.
 */
import type { KeptMedia } from './kept-media.ts'
import type { KeptCounts } from './rpc-keeper.ts'
import type { RegisteredAs } from './rpc-registry.ts'

export interface RegisteredKeeperParts {
  /** Null: nobody has registered under its id. */
  readonly registration: () => Promise<RegisteredAs | null>
  /** Null where nobody can ask it what is live. */
  readonly open: (as: RegisteredAs) => KeptMedia | null
  readonly onError: (error: unknown) => void
}

export interface RegisteredKeeper {
  /** Asks what has become of the registration; `gone`: there is none. */
  refresh(): Promise<'kept' | 'unkept' | 'gone'>
  /** Null where there is nothing to look after any more. */
  kept(): KeptMedia | null
}

export function createRegisteredKeeper(parts: RegisteredKeeperParts): RegisteredKeeper {
  let known: RegisteredAs | null = null
  let kept: KeptMedia | null = null
  return {
    kept: () => kept,
    async refresh() {
      let found: RegisteredAs | null
      try {
        found = await parts.registration()
      } catch (error) {
        parts.onError(error)
        return kept === null ? 'unkept' : 'kept'
      }
      if (found === null) {
        ;[known, kept] = [null, null]
        return 'gone'
      }
      if (known === null || addressOf(known) !== addressOf(found)) kept = parts.open(found)
      known = found
      return kept === null ? 'unkept' : 'kept'
    },
  }
}

/** What is looked after changes with it, and with nothing else. */
function addressOf({ template, host, state }: RegisteredAs): string {
  return `${template} ${host} ${state === 'displaced'}`
}

export const NO_COUNTS: KeptCounts = { covered_s: 0, uncovered_s: 0, ungated: {}, faults: {} }
