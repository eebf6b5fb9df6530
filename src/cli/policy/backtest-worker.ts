/**
 * Worker thread of `policy backtest`: a desk (backtest-desk.ts) that is taught and given jobs in the order of the log.
 *
 * Spoken to by backtest-pool.ts alone.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { LivegateError } from '../../core/errors.ts'
import type { BacktestPart } from '../../core/policy/compare/backtest.ts'
import { CliFailure } from '../failure.ts'
import type { DisclosureIndex } from '../log/disclosure-index.ts'
import { createReplayDesk, type DeskParts, type Lesson, type ReplayJob } from './backtest-desk.ts'

export type ToReplayWorker =
  /** Not answered. */
  | { readonly lesson: Lesson }
  /** Not answered. */
  | { readonly disclosures: DisclosureIndex | null }
  | { readonly id: number; readonly job: ReplayJob }

export type FromReplayWorker =
  | { readonly id: number; readonly part: BacktestPart }
  /** What the person is told; nothing more follows. */
  | { readonly failed: string; readonly hint: string | undefined }

const desk = createReplayDesk(workerData as DeskParts)

parentPort?.on('message', (message: ToReplayWorker) => {
  try {
    if ('lesson' in message) desk.learn(message.lesson)
    else if ('disclosures' in message) desk.disclose(message.disclosures)
    else answer({ id: message.id, part: desk.replay(message.job) })
  } catch (thrown) {
    if (!(thrown instanceof CliFailure || thrown instanceof LivegateError)) throw thrown
    answer({ failed: thrown.message, hint: thrown.hint })
  }
})

function answer(reply: FromReplayWorker): void {
  parentPort?.postMessage(reply)
}
