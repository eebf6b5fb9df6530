/**
 * The first key of a deployment: generated with a fresh data directory and written beside it, or chosen by whoever
 * starts the gate (LIVEGATE_ADMIN_KEY). Only its hash is stored; the file is the owner's to move and delete.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LivegateError } from '../../core/errors.ts'
import type { ApiKey, ApiKeys } from '../../ports.ts'

/** Where a generated admin key is written, mode 0600. */
export const ADMIN_KEY_FILE = 'admin.key'

/** Writes a generated key beside the data; refuses to overwrite one. */
export async function writeAdminKey(dir: string, token: string): Promise<void> {
  await writeFile(join(dir, ADMIN_KEY_FILE), `${token}\n`, { mode: 0o600, flag: 'wx' })
}

/** Installs a chosen key unless it is there; the same id with another secret is refused, not replaced. */
export async function installAdminKey(apiKeys: ApiKeys, key: ApiKey): Promise<void> {
  const existing = await apiKeys.byId(key.id)
  if (existing === null) {
    await apiKeys.create(key)
    return
  }
  if (existing.secret_hash !== key.secret_hash || existing.revoked_at !== null)
    throw new LivegateError(
      'internal',
      'Cannot install the admin key: its id exists with another secret or was revoked',
      { hint: 'choose another id in LIVEGATE_ADMIN_KEY (lg_<id>_<secret>), or leave it unset' },
    )
}
