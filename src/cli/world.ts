/**
 * Everything a command touches outside itself, so that a test can run commands without a process.
 *
 * `out` is for results and `talk` for everything said to the person; files are reached through node:fs relative to
 * `cwd`. main.ts builds the real one.
 */
import type { Readable, Writable } from 'node:stream'
import type { EpochMs } from '../core/time.ts'

export interface World {
  /** Results: standard output. */
  out(text: string): void
  /** Talk: standard error. */
  talk(text: string): void
  readonly out_tty: boolean
  readonly talk_tty: boolean
  /** Columns of the terminal behind `talk`. */
  readonly columns: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Standard input and output as bytes, for a command that is a link of a pipe; called once, in place of `out`. */
  pipe(): { readonly input: Readable; readonly output: Writable }
  now(): EpochMs
  fetch(url: string, init: RequestInit): Promise<Response>
  /** Resolves after `ms`, rejects when `signal` aborts. */
  sleep(ms: number): Promise<void>
  /**
   * Calls `changed` whenever something in one of these directories (absolute; their own files only) may have changed,
   * any number of times for one change, until the function it returns is called.
   */
  watch(directories: readonly string[], changed: () => void): () => void
  /** Aborts when the person wants to stop (SIGINT, SIGTERM). */
  readonly signal: AbortSignal
}
