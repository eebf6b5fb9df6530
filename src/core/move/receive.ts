/**
 * What every host does alike when a deployment moves in: whether it may, and what the new log says of the old one.
 *
 * Next stop: importer.ts.
 */
import { LivegateError } from '../errors.ts'
import type { Activation } from '../model.ts'
import { predecessorDraft, type RecordDraft } from '../record/drafts.ts'
import { type MoveHeader, type MoveLine, pepperProbe } from './lines.ts'

/** The host a deployment moves to. */
export interface Receiver {
  /** Names of its logs, all of which go on. */
  readonly origins: readonly string[]
  /** HMAC under its pepper. */
  readonly hash: (text: string) => string
}

/** Throws `conflict` for a deployment this host must not take in. */
export function requireAcceptable(header: MoveHeader, { origins, hash }: Receiver): void {
  const { origin, successors, pepper_probe } = header
  const missing = origins.find((name) => !successors.includes(name))
  if (missing !== undefined)
    throw refusal(
      `\`${origin}\` was closed in favour of ${successors.map((name) => `\`${name}\``).join(', ')}`,
      `\`${missing}\` among them`,
    )
  if (hash(pepperProbe(origin)) !== pepper_probe)
    throw refusal(
      'the pepper here is another one, and stream keys would admit nobody',
      'that of the old deployment',
    )
}

/** Under the number it has here: after those that this deployment, where nobody was decided about, had activated itself. */
export function numberedAfter(own: number, activation: Activation): Activation {
  const { revision, previous } = activation
  if (own === 0) return activation
  return { ...activation, revision: own + revision, previous: own + (previous ?? 0) }
}

/** True when the log has it already, word for word; throws `conflict` for another one under its number. */
export function isRestated(activation: Activation, here: readonly Activation[]): boolean {
  const there = here.find(({ revision }) => revision === activation.revision)
  if (there === undefined) return false
  const names = Object.keys(activation) as readonly (keyof Activation)[]
  if (names.every((name) => there[name] === activation[name])) return true
  throw refusal(`revision ${activation.revision} is another one here`, 'a fresh log')
}

/** What a new log says of the one it goes on from. */
export function predecessorOf(header: MoveHeader): RecordDraft {
  const { origin: predecessor, vkey, checkpoint, keys } = header
  return predecessorDraft({ predecessor, vkey, checkpoint, keys })
}

/** Throws `conflict` unless what is begun already is this very file. */
export function requireSameFile(
  known: { readonly header: string; readonly finished: boolean },
  header: MoveHeader,
): void {
  if (known.header === JSON.stringify(header)) return
  const state = known.finished ? 'another deployment has moved in' : 'another file was begun'
  throw refusal(state, 'the file it was begun with')
}

/** A key that was for the old gate alone is for the new one alone. */
export function forAudience(line: MoveLine, old: string, audience: string): MoveLine {
  if (!('api_key' in line) || line.api_key.audience !== old) return line
  return { api_key: { ...line.api_key, audience } }
}

/** A refusal to take something in, in the house's grammar. */
export function refusal(state: string, expected: string): LivegateError {
  return new LivegateError('conflict', `Cannot import: ${state}, expected ${expected}`)
}
