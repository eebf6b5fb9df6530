/**
 * Where the keys of a deployment are changed: the same step in each of its logs, one after the other.
 *
 * A step that is repeated goes on where it stopped, so whoever was interrupted asks again. An index means something in one
 * log only; whoever revokes from one names the log. What a step is: key-rotation.ts. Spec: docs/spec/api.md, "Keys".
 */
import { LivegateError } from '../core/errors.ts'
import { type LoggedKey, vkeyOf } from '../core/record/key-history.ts'
import type { KeyWish } from './key-rotation.ts'

/** The keys of one log. */
export interface LogKeys {
  readonly keys: readonly LoggedKey[]
  /** Kids of those that sign, of either use. */
  readonly signing: readonly string[]
}

/** One log as the desk asks it. */
export interface KeyLog {
  readonly origin: string
  keys(): Promise<LogKeys> | LogKeys
  /** True when the log has changed. */
  take(wish: KeyWish): Promise<boolean>
}

/** A key of one log, and what has become of it. */
export interface KeyView extends Omit<LoggedKey, 'x' | 'since_s'> {
  readonly log: string
  readonly signs: boolean
  /** Of checkpoint keys: how an auditor writes it. */
  readonly vkey: string | null
}

export interface KeyChange {
  /** False when everything was so already. */
  readonly changed: boolean
  readonly keys: readonly KeyView[]
}

/** What is wished for, in every log or in the named one. */
export type KeyChangeRequest = KeyWish & { readonly log: string | null }

export interface KeyDesk {
  list(): Promise<readonly KeyView[]>
  /** Durable in every log it is about when resolved. Rejects with `conflict` for what cannot be. */
  change(request: KeyChangeRequest): Promise<KeyChange>
}

export function createKeyDesk(logs: readonly KeyLog[]): KeyDesk {
  async function list(): Promise<readonly KeyView[]> {
    const views: KeyView[] = []
    for (const log of logs) views.push(...viewsOf(log.origin, await log.keys()))
    return views
  }

  return {
    list,
    async change({ log, ...wish }) {
      const about = logs.filter(({ origin }) => log === null || origin === log)
      if (about.length === 0)
        throw new LivegateError('not_found', 'Cannot change keys: there is no log of this name')
      if (wish.step === 'revoke' && wish.from !== null && about.length > 1)
        throw new LivegateError(
          'invalid_request',
          'Cannot revoke a key from an index: there are several logs, expected the name of one',
        )
      let changed = false
      for (const one of await knowing(about, wish)) changed = (await one.take(wish)) || changed
      return { changed, keys: await list() }
    },
  }
}

/** A key may be known to some logs only: one that has joined since. */
async function knowing(logs: readonly KeyLog[], wish: KeyWish): Promise<readonly KeyLog[]> {
  if (wish.step !== 'revoke') return logs
  const found: KeyLog[] = []
  for (const log of logs) {
    const { keys } = await log.keys()
    if (keys.some(({ kid }) => kid === wish.kid)) found.push(log)
  }
  if (found.length > 0) return found
  throw new LivegateError('not_found', `Cannot revoke key ${wish.kid}: no log knows it`)
}

function viewsOf(log: string, { keys, signing }: LogKeys): readonly KeyView[] {
  return keys.map(({ x, since_s: _, ...key }) => ({
    ...{ log, ...key, signs: signing.includes(key.kid) },
    vkey: key.use === 'checkpoint' ? vkeyOf(x, log) : null,
  }))
}
