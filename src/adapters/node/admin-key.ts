/**
 * The first key of a deployment: generated while there is no key at all and written beside the data, or chosen by
 * whoever starts the gate (LIVEGATE_ADMIN_KEY). Only its hash is stored; the file is the owner's to move and delete.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LivegateError } from '../../core/errors.ts'
import type { ApiKey, ApiKeys } from '../../ports.ts'

/** Where a generated admin key is written, mode 0600. */
export const ADMIN_KEY_FILE = 'admin.key'

/** What an admin key may do, and whose it is. */
export const ADMIN_GRANT = { scopes: ['admin'], owner: 'admin' } as const

export interface AdminKeyParts {
  /** A token somebody chose; null leaves it to us. */
  readonly chosen: string | null
  /** Whether a first key may be generated. */
  readonly init: boolean
  /** The data directory. */
  readonly dir: string
  readonly apiKeys: ApiKeys
  /** Makes keys with `ADMIN_GRANT`; null for a malformed token. */
  readonly keyOf: (token: string) => ApiKey | null
  readonly newKey: () => { readonly token: string; readonly key: ApiKey }
}

/**
 * Makes sure of the first key. Resolves with a generated token, to be shown once, or null.
 * A start that was cut short before it had a key generates one the next time.
 */
export async function ensureAdminKey(parts: AdminKeyParts): Promise<string | null> {
  const { chosen, init, dir, apiKeys } = parts
  if (chosen !== null) {
    const key = parts.keyOf(chosen)
    if (key === null)
      throw new LivegateError('internal', 'Cannot install the admin key: it is malformed')
    await installAdminKey(apiKeys, key)
    return null
  }
  if (!init || (await apiKeys.list()).length > 0) return null
  const { token, key } = parts.newKey()
  // The file first: a key nobody holds would be in the way of generating another.
  await writeAdminKey(dir, token)
  await apiKeys.create(key)
  return token
}

/** Refuses to overwrite a file that is there: it may be the only copy of a key. */
async function writeAdminKey(dir: string, token: string): Promise<void> {
  const path = join(dir, ADMIN_KEY_FILE)
  try {
    await writeFile(path, `${token}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    const hint = `Move ${path} away; a new key is generated at the next start.`
    const message = `Cannot write ${ADMIN_KEY_FILE}: there is one already, or the directory is not writable`
    throw new LivegateError('internal', message, { cause, hint })
  }
}

/** Installs a chosen key unless it is there; the same id as another key is refused, not replaced. */
async function installAdminKey(apiKeys: ApiKeys, key: ApiKey): Promise<void> {
  const existing = await apiKeys.byId(key.id)
  if (existing === null) return apiKeys.create(key)
  const difference = differenceOf(existing, key)
  if (difference === null) return
  throw new LivegateError('internal', `Cannot install the admin key: its id exists ${difference}`, {
    hint: 'Choose another id in LIVEGATE_ADMIN_KEY (lg_<id>_<secret>), or leave it unset.',
  })
}

function differenceOf(existing: ApiKey, key: ApiKey): string | null {
  if (existing.secret_hash !== key.secret_hash) return 'with another secret'
  if (existing.revoked_at !== null) return 'and was revoked'
  return existing.scopes.includes('admin') ? null : 'without the scope admin'
}
