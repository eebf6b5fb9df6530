/**
 * LiveKit's RoomService (Twirp, JSON): who publishes in which room, and out with them.
 *
 * A cut takes the right to publish first, then the participant: the order in which nothing is left if the second fails. Each
 * call carries a token of its own for one room. Set-up for people: docs/media/livekit.md.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { Clock } from '../../ports.ts'
import type { ControlAccess, ControlDriver, ControlFault, LiveSession } from './control.ts'
import type { ControlAuth } from './control-auth.ts'
import { callJson, everyItem, type JsonAnswer } from './control-json.ts'
import { fieldsOf, type JsonFields, textOf } from './json-fields.ts'
import { isMachine, liveKitHandle, liveKitSession } from './livekit.ts'
import { JOIN_MS, signLiveKit } from './livekit-jwt.ts'

const CALL_MS = 60_000
/** Rooms one look walks through: at three calls a second it would take longer than anybody waits. */
const MAX_ROOMS = 2_000

export const livekitControl: ControlDriver = {
  kind: 'livekit',
  start_timeout_ms: JOIN_MS + 20_000,
  list,
  async cut(access, { handle }) {
    const [room, identity] = handle.split('/').map(decoded)
    if (!room || !identity) return err('unreadable')
    const permission = { canPublish: false, canSubscribe: false, canPublishData: false }
    const muted = await ask(access, 'UpdateParticipant', { room, identity, permission })
    if (!muted.ok) return muted
    const removed = await ask(access, 'RemoveParticipant', { room, identity })
    if (!removed.ok) return removed
    const { status, fields } = removed.value
    if (status === 404) return ok({ dropped: 0 })
    return status === 200 && fields !== null ? ok({ dropped: 1 }) : err('unreadable')
  },
}

async function list(access: ControlAccess): Promise<Result<readonly LiveSession[], ControlFault>> {
  const rooms = await ask(access, 'ListRooms', {})
  if (!rooms.ok) return rooms
  const names = namesOf(rooms.value)
  if (names === null) return err('unreadable')
  if (names.length > MAX_ROOMS) return err('too_large')
  const sessions: LiveSession[] = []
  for (const room of names) {
    const found = await ask(access, 'ListParticipants', { room })
    if (!found.ok) return found
    // It closed since.
    if (found.value.status === 404) continue
    const list = listIn(found.value, 'participants')
    const publishers = list === null ? null : everyItem(list, publisherIn(room))
    if (publishers === null) return err('unreadable')
    sessions.push(...publishers)
  }
  return ok(sessions)
}

/** A member that is a list; empty where it is left out, as protocol buffers do; null for no answer at all. */
function listIn({ status, fields }: JsonAnswer, member: string): readonly unknown[] | null {
  if (status !== 200 || fields === null) return null
  const list = fields[member] ?? []
  return Array.isArray(list) ? list : null
}

function namesOf(answer: JsonAnswer): readonly string[] | null {
  const rooms = listIn(answer, 'rooms')
  if (rooms === null) return null
  const names = rooms.map((room) => textOf(fieldsOf(room), 'name'))
  return names.every((name) => name !== null && name !== '') ? (names as string[]) : null
}

function publisherIn(room: string): (item: JsonFields) => LiveSession | 'none' | null {
  return (item) => {
    const { tracks = [] } = item
    const identity = textOf(item, 'identity')
    if (!identity || !Array.isArray(tracks)) return null
    if (tracks.length === 0 || isMachine(item)) return 'none'
    const handle = liveKitHandle(room, identity)
    return { session: liveKitSession(room, identity), handle, app: room, name: identity }
  }
}

function ask(
  access: ControlAccess,
  method: string,
  body: JsonFields,
): Promise<Result<JsonAnswer, ControlFault>> {
  return callJson(access, {
    method: 'POST',
    path: `/twirp/livekit.RoomService/${method}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** An access whose calls carry a token for the room they are about. */
export function withRoomTokens(
  access: ControlAccess,
  auth: Pick<ControlAuth, 'user' | 'reveal'>,
  clock: Clock,
): ControlAccess {
  return {
    async call(call) {
      const { room } = JSON.parse(call.body ?? '{}') as { readonly room?: string }
      const video = room === undefined ? { roomList: true } : { roomAdmin: true, room }
      const given = { now: clock.now(), life_ms: CALL_MS }
      const token = await signLiveKit(auth, { video }, given)
      return access.call({
        ...call,
        headers: { ...call.headers, authorization: `Bearer ${token}` },
      })
    },
  }
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}
