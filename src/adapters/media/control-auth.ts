/**
 * What the gate shows to a media server's control interface: kept so that it can be used and never printed.
 *
 * Where it was written (file, environment) is servers-control.ts; which call carries it is control.ts.
 */
import { toBase64, utf8 } from '../../core/encoding.ts'

/** `login`: exchanged for a token by the driver, as node-media-server wants it. `livekit`: signs a token for each call. */
export type ControlScheme = 'bearer' | 'basic' | 'login' | 'livekit'

export const MAX_CONTROL_SECRET_CHARS = 1000

/** Why `text` cannot go into a header, without repeating it; null when it can. */
export function controlSecretFault(text: string): string | null {
  if (text.length === 0 || text.length > MAX_CONTROL_SECRET_CHARS)
    return `has ${text.length} characters, expected 1 to ${MAX_CONTROL_SECRET_CHARS}`
  return /^[\x20-\x7e]+$/.test(text) ? null : 'has a character that is not printable ASCII'
}

export class ControlAuth {
  readonly scheme: ControlScheme
  readonly user: string | null
  readonly #secret: string

  constructor(scheme: ControlScheme, user: string | null, secret: string) {
    this.scheme = scheme
    this.user = user
    this.#secret = secret
  }

  /** Value of the Authorization header; null for `login` and `livekit`. Basic without a user is the secret alone, encoded. */
  header(): string | null {
    if (this.scheme === 'login' || this.scheme === 'livekit') return null
    if (this.scheme === 'bearer') return `Bearer ${this.#secret}`
    const pair = this.user === null ? this.#secret : `${this.user}:${this.#secret}`
    return `Basic ${toBase64(utf8(pair))}`
  }

  /** The secret itself, for the body of a login and nothing else. */
  reveal(): string {
    return this.#secret
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }
}
