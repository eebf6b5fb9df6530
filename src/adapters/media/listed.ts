/**
 * From a name in a server's list to the stream it stands for, and to whose broadcast that would be.
 *
 * A list shows the names streams run under. A public name tells which stream it is, but is no proof that whoever runs
 * under it may: anybody can know it. Proof is the secret key itself (a stream that was admitted undecided still runs
 * under it), a name an upstream has checked, or a lease that this very session once had for that stream.
 */
import type { SubjectId } from '../../core/model.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Directory, Pepper, StreamKeys } from '../../ports.ts'
import type { LiveSession } from './control.ts'
import type { Refusal, StartEvent } from './dialect.ts'
import { NO_GUESS_LIMIT } from './guess-limit.ts'
import type { Listed } from './reconcile.ts'
import { playbackName, resolveSubject, streamOfName, streamOfPlayback } from './resolve-subject.ts'
import type { MediaServer } from './servers-file.ts'
import { readTapeName } from './tape.ts'

export interface ListedPorts {
  readonly streamKeys: StreamKeys
  readonly pepper: Pepper
  readonly directory: Pick<Directory, 'broadcastOfSession'>
}

/** The stream the name stands for; empty when it is nobody's, null when the list does not tell the name. */
export async function streamOf(
  ports: ListedPorts,
  server: MediaServer,
  listed: LiveSession,
): Promise<Listed['stream']> {
  const { name } = listed
  if (name === null) return null
  if (server.subject_from === 'name') return streamOfName(ports.pepper, server, name)
  const shown = readTapeName(ports.pepper, server, listed)?.playback_name ?? name
  const stream = streamOfPlayback(shown)
  if (stream !== null && server.playback !== 'keep') return stream
  const key = await ports.streamKeys.byHash(ports.pepper.hash('stream_key', name))
  return key?.id ?? ''
}

export interface Whose {
  readonly subject: SubjectId
  readonly stream: string
  /** Name it runs under, where that is no secret. */
  readonly playback_name: string | null
  /** It had a lease once. */
  readonly leased: boolean
}

/** Whose broadcast a session without a lease is, if there is proof of that; the refusal its start would have got else. */
export async function whoseIs(
  ports: ListedPorts,
  server: MediaServer,
  listed: Listed,
  now: EpochMs,
): Promise<Result<Whose, Refusal>> {
  const before = await ports.directory.broadcastOfSession(server.id, listed.session)
  if (before !== null && before.broadcast.stream === listed.stream)
    return ok({
      subject: before.subject,
      stream: listed.stream,
      playback_name: listed.name === playbackName(listed.stream) ? listed.name : null,
      leased: true,
    })
  if (listed.name === null) return err('malformed')
  const lookup = { ...ports, guesses: NO_GUESS_LIMIT }
  const resolved = await resolveSubject(lookup, server, asStart(listed, listed.name), now)
  // It was admitted by nobody who could have renamed it.
  return resolved.ok ? ok({ ...resolved.value, playback_name: null, leased: false }) : resolved
}

function asStart(listed: Listed, name: string): StartEvent {
  const { session, app, client_ip = '' } = listed
  return { kind: 'start', session, connection: '', app, name, args: [], client_ip }
}
