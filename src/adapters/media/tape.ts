/**
 * Tape delay at a media server: which delay it can make, where a broadcast goes for it, and under which name.
 *
 * A server has a delayed application or it has not (`delayed` of the servers file). With one, an answer that says "live,
 * but shown later" puts the broadcast there; without one, or for more than it can do, the policy's `unsupported` decided
 * already, and what slipped through is refused here: nothing is ever shown at once that should be late. Where the late
 * copy is made beside the broadcast (nginx-rtmp) the broadcast itself gets a name nobody can guess, which tells the
 * program that makes the copy what to do. Set-up for people: docs/media/tape.md. From: hooks.ts, listed.ts.
 */
import { delayUpTo } from '../../core/policy/supports.ts'
import type { Answer } from '../../gate-types.ts'
import type { Pepper } from '../../ports.ts'
import type { LiveSession } from './control.ts'
import type { MediaDialect } from './dialect.ts'
import type { Resolved } from './resolve-subject.ts'
import type { MediaServer } from './servers-file.ts'

/** Who asks: a server with its kind. */
export interface TapeServer {
  readonly server: Pick<MediaServer, 'id' | 'delayed'>
  readonly dialect: Pick<MediaDialect, 'capabilities'>
}

/** `supports` of a start. */
export function supportsOf({ server, dialect }: TapeServer): readonly string[] {
  const { supports } = dialect.capabilities
  return server.delayed === null ? supports : [...supports, delayUpTo(server.delayed.up_to_s)]
}

/** Where and under which name an admitted broadcast runs. */
export interface Place {
  readonly playback_name: string | null
  /** Application it is moved to; absent where it stays. */
  readonly app?: string
}

/** Where the answer lets it run; null = nowhere: it says no, or asks for a delay that cannot be made here. */
export function placeOf(
  { pepper, server, dialect }: TapeServer & { readonly pepper: Pepper },
  { playback_name }: Pick<Resolved, 'playback_name'>,
  { outcome, decision }: Pick<Answer, 'outcome' | 'decision'>,
): Place | null {
  const { mode, broadcast_delay_s: seconds, lease_until } = decision
  if (outcome === 'allow' && seconds === null) return { playback_name }
  if (lease_until === null || (outcome === 'delay' && mode !== 'broadcast')) return null
  const { delayed } = server
  if (outcome === 'deny' || delayed === null || playback_name === null) return null
  if (seconds === null || seconds > delayed.up_to_s) return null
  const { late } = dialect.capabilities
  if (late === 'move') return { playback_name, app: delayed.app }
  const name = tapeName(pepper, server.id, { playback_name, seconds })
  return late === 'copy' ? { playback_name: name } : null
}

/** A broadcast of which a late copy is made. */
interface Tape {
  readonly playback_name: string
  readonly seconds: number
}

const PLAYBACK = /^live_([A-Za-z0-9_-]{22})$/
/** Fixed lengths, so that a shell can take it apart: docs/media/tape.md does. */
const TAPE = /^tape_([1-9][0-9]{0,3})_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{22}$/

/**
 * Seconds and key id in clear, and a keyed hash that only the gate can make. The same for every connection with that key,
 * so that the server turns a second one away as it does with any name.
 */
function tapeName(pepper: Pepper, server: string, { playback_name, seconds }: Tape): string {
  const text = JSON.stringify([server, playback_name, seconds])
  const proof = pepper.hash('tape_name', text).slice(0, 22)
  return `tape_${seconds}_${playback_name.replace(PLAYBACK, '$1')}_${proof}`
}

/** `supports` where it runs already: as late as it is shown, and no later. */
export function supportsListed(
  { pepper, server, dialect }: TapeServer & { readonly pepper: Pepper },
  listed: { readonly name: string | null; readonly app: string },
): readonly string[] {
  const { supports, late } = dialect.capabilities
  const { delayed } = server
  if (delayed === null) return supports
  const moved = late === 'move' && listed.app === delayed.app
  const seconds = moved ? delayed.up_to_s : (readTapeName(pepper, server, listed)?.seconds ?? 0)
  return seconds === 0 ? supports : [...supports, delayUpTo(seconds)]
}

/** What the name of a listed session says, if the gate gave it that name; null for every other name. */
export function readTapeName(
  pepper: Pepper,
  server: Pick<MediaServer, 'id' | 'delayed'>,
  { name }: { readonly name: string | null },
): Tape | null {
  const [, digits, id] = (server.delayed && TAPE.exec(name ?? '')) || []
  if (digits === undefined || id === undefined) return null
  const tape = { playback_name: `live_${id}`, seconds: Number(digits) }
  return tapeName(pepper, server.id, tape) === name ? tape : null
}

/** With its late copy in the handle, as in that of a start: whoever is cut from a list loses the copy in the same moment. */
export function withCopy(
  pepper: Pepper,
  server: Pick<MediaServer, 'id' | 'delayed'>,
  listed: LiveSession,
): LiveSession {
  const tape = readTapeName(pepper, server, listed)
  if (tape === null || server.delayed === null) return listed
  return { ...listed, handle: `${listed.handle} ${server.delayed.app}/${tape.playback_name}` }
}
