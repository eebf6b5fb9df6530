/**
 * What a decision waits outside the sequencer, and what the sequencer waits for: draws from the numbers of parameters.ts.
 */
import { PATH, type Parameter, SEQUENCER } from './parameters.ts'
import { logNormal, type Random } from './random.ts'

/** Each call is another draw, in milliseconds. */
export interface Draws {
  /** Caller's Worker to the log and back, without what is waited in the log. */
  readonly way: () => number
  readonly commit: () => number
  readonly put: () => number
}

export function drawsFrom(random: Random): Draws {
  const between = (p50: Parameter, p99: Parameter): (() => number) =>
    logNormal(random, p50.value, p99.value)
  const toSubject = between(PATH.to_subject_p50_ms, PATH.to_subject_p99_ms)
  const wake = between(PATH.wake_p50_ms, PATH.wake_p99_ms)
  const commit = between(PATH.commit_p50_ms, PATH.commit_p99_ms)
  const toLog = between(PATH.to_log_p50_ms, PATH.to_log_p99_ms)
  const woken = (): number => (random() < PATH.wake_share.value ? wake() : 0)
  return {
    commit,
    put: between(SEQUENCER.put_p50_ms, SEQUENCER.put_p99_ms),
    way: () => PATH.worker_cpu_ms.value + toSubject() + woken() + commit() + toLog(),
  }
}
