/**
 * Which sessions of media servers may be running, in memory: nearly every start is of a session nobody has seen, and to be
 * told so by the database costs as much as the rest of its hook.
 *
 * A number for every hash of a session, of how many rows have it: raised before a row is written, lowered once it is durably
 * gone, so that it is never too low. Too high (two of one hash, a transaction undone, an erasure) costs a look into the table.
 * Only for a host whose table nobody else writes to. From: ledger.ts. Asked by: directory.ts.
 */
import { type Mirror, type Sql, text } from './sql.ts'

export interface OpenSessions extends Mirror {
  /** False only where no row is. */
  mayBeOpen(server: string, session: string): boolean
  /** A row is about to be written. Inside a transaction only. */
  opened(server: string, session: string): void
  /** A row is deleted. Inside a transaction only. */
  closed(server: string, session: string): void
}

/** 2 MB; a tenth of all questions meets another's hash with 100,000 sessions. */
const SLOTS: number = 2 ** 20
/** A number that got here stays. */
const FULL = 0xffff
const PAGE = 10_000
const READ = `SELECT server, session FROM sessions WHERE (server, session) > (?, ?)
  ORDER BY server, session LIMIT ${PAGE}`

/** Reads the table once; about a second for a million rows. */
export function createOpenSessions(sql: Sql): OpenSessions {
  const counts = new Uint16Array(SLOTS)
  /** Slots of rows deleted by transactions under way: by the running one, and by those on their way. */
  let running: number[] = []
  let sealed: number[][] = []

  function raise(slot: number): void {
    const count = counts[slot] ?? FULL
    if (count < FULL) counts[slot] = count + 1
  }

  function lower(slots: readonly number[]): void {
    for (const slot of slots) {
      const count = counts[slot] ?? FULL
      if (count > 0 && count < FULL) counts[slot] = count - 1
    }
  }

  for (let [server, session] = ['', '']; ; ) {
    const rows = sql.all(READ, server, session)
    for (const row of rows) {
      server = text(row, 'server')
      session = text(row, 'session')
      raise(slotOf(server, session))
    }
    if (rows.length < PAGE) break
  }

  return {
    mayBeOpen: (server, session) => counts[slotOf(server, session)] !== 0,
    opened: (server, session) => raise(slotOf(server, session)),
    closed: (server, session) => void running.push(slotOf(server, session)),
    sealed() {
      sealed.push(running)
      running = []
    },
    committed() {
      const done = sealed.shift()
      lower(done ?? running)
      if (done === undefined) running = []
    },
    aborted() {
      sealed = []
      running = []
    },
  }
}

/** FNV-1a over the letters of both. */
function slotOf(server: string, session: string): number {
  return mixed(session, mixed(server, 0x811c9dc5)) & (SLOTS - 1)
}

function mixed(letters: string, from: number): number {
  let hash = from
  for (let i = 0; i < letters.length; i++)
    hash = Math.imul(hash ^ letters.charCodeAt(i), 0x01000193) >>> 0
  // A letter nobody writes between the two, and the upper bits for the lower ones.
  return (hash ^ (hash >>> 15)) >>> 0
}
