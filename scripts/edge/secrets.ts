/**
 * New secrets of an edge deployment, and the text form each is set in.
 *
 * The pepper is made once for the life of a deployment: object names depend on it. Keys are exchanged by a second secret
 * beside the first. docs/hosts/cloudflare.md, "Secrets".
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

/** The secret a key is exchanged for, beside the one in use. */
export function nextSecret(use: string): Readonly<Record<string, string>> | null {
  if (use === 'record') return { LIVEGATE_RECORD_KEY_NEXT: randomText(32) }
  return use === 'checkpoint' ? { LIVEGATE_CHECKPOINT_SEED_NEXT: randomText(32) } : null
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
