/**
 * A progress bar on standard error, for terminals only: nothing is drawn where nobody watches.
 *
 * Redraws at most ten times a second by the injected clock and wipes itself at the end, so the talk that follows
 * starts on a clean line.
 */
import type { World } from './world.ts'

export interface Progress {
  /** `done` so far. */
  update(done: number): void
  /** Removes the bar. */
  end(): void
}

const REDRAW_MS = 100
const BAR = 24

/** `total` null: only a count is shown. */
export function createProgress(world: World, label: string, total: number | null): Progress {
  if (!world.talk_tty) return { update: () => undefined, end: () => undefined }
  const started = world.now()
  let drawn = 0
  return {
    update(done) {
      const now = world.now()
      if (now - drawn < REDRAW_MS) return
      drawn = now
      const line = lineOf(label, done, total, now - started)
      world.talk(`\r${line.slice(0, world.columns - 1)}\x1b[K`)
    },
    end() {
      if (drawn > 0) world.talk('\r\x1b[K')
    },
  }
}

function lineOf(label: string, done: number, total: number | null, tookMs: number): string {
  const rate = tookMs > 0 ? ` ${Math.round((done * 1000) / tookMs)}/s` : ''
  if (total === null || total === 0) return `${label} ${done}${rate}`
  const share = Math.min(1, done / total)
  const full = Math.round(share * BAR)
  const bar = `${'#'.repeat(full)}${'.'.repeat(BAR - full)}`
  return `${label} [${bar}] ${Math.floor(share * 100)}% ${done}/${total}${rate}`
}
