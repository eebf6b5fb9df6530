/**
 * New secrets of an edge deployment, and the text form each is set in.
 *
 * Made once for the life of a deployment: records, object names and logs depend on them. docs/hosts/cloudflare.md,
 * "Secrets".
 */
import { randomBytes } from 'node:crypto'

export interface EdgeSecrets {
  readonly LIVEGATE_PEPPER: string
  readonly LIVEGATE_RECORD_KEY: string
  readonly LIVEGATE_CHECKPOINT_SEED: string
  readonly LIVEGATE_ADMIN_KEY: string
}

/** Fresh ones from the system's randomness. */
export function newSecrets(): EdgeSecrets {
  return {
    LIVEGATE_PEPPER: randomText(32),
    LIVEGATE_RECORD_KEY: randomText(32),
    LIVEGATE_CHECKPOINT_SEED: randomText(32),
    LIVEGATE_ADMIN_KEY: `lg_admin_${randomText(32)}`,
  }
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
