/**
 * Whether heartbeats came as promised: hourly when nothing happens, within minutes when something does.
 *
 * A log whose newest heartbeat is older than that shows a gate that was not running, or a part of the log that somebody
 * wants to be forgotten; which, an auditor has to ask. Instants are the gate's own. Spec: docs/spec/record.md, "Heartbeats".
 */
import type { Findings } from './findings.ts'

/** Seconds between two heartbeats at most, and what a timer and a slow commit may add. */
const HEARTBEAT_S = 3_600
const GRACE_S = 300

export class Liveness {
  /** `iat` of the newest heartbeat, of the first entry before one. */
  #beat: number | null

  constructor(beat: number | null = null) {
    this.#beat = beat
  }

  beat(iat: number): void {
    this.#beat = Math.max(this.#beat ?? iat, iat)
  }

  /** `newest`: index and `iat` of the last entry, -1 without one; the checkpoint was signed after it. */
  finish(newest: { readonly index: number; readonly iat: number }, findings: Findings): void {
    if (this.#beat === null) return
    const late = newest.iat - this.#beat
    if (late <= HEARTBEAT_S + GRACE_S) return
    findings.note(
      'heartbeat_late',
      newest.index,
      `The newest heartbeat is ${Math.floor(late / 60)} minutes older than the newest entry, expected at most ${HEARTBEAT_S / 60}`,
    )
  }

  state(): number | null {
    return this.#beat
  }
}
