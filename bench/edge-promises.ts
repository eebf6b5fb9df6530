/**
 * How long after its answer a record is in a published checkpoint, while other load runs.
 *
 * One caller asks a few times a second and notes each record's index; one reader polls the checkpoint and notes when
 * which size was first seen. No load is measured here.
 */
import { QUESTIONS, type Target } from './edge-target.ts'

const ASK_EVERY_MS = 25
const POLL_EVERY_MS = 10
const AFTERWARDS_MS = 5_000

export interface Promises {
  readonly p50_ms: number
  readonly p99_ms: number
  readonly count: number
}

interface Answered {
  readonly index: number
  readonly at: number
}
interface Seen {
  readonly size: number
  readonly at: number
}

/** Rejects when a promise is not kept within five seconds after the load. */
export async function promisesToCheckpoint(
  target: Target,
  work: () => Promise<unknown>,
): Promise<Promises> {
  const answered: Answered[] = []
  const seen: Seen[] = []
  let asking = true
  let polling = true
  const asker = until(
    () => !asking,
    ASK_EVERY_MS,
    async (i) => {
      answered.push(await ask(target, i))
    },
  )
  const poller = until(
    () => !polling,
    POLL_EVERY_MS,
    async () => {
      const size = await checkpointSize(target)
      if (size > (seen.at(-1)?.size ?? -1)) seen.push({ size, at: performance.now() })
    },
  )
  await work()
  asking = false
  await asker
  const last = answered.reduce((most, { index }) => Math.max(most, index), 0)
  const deadline = performance.now() + AFTERWARDS_MS
  await until(() => (seen.at(-1)?.size ?? 0) > last || performance.now() > deadline, POLL_EVERY_MS)
  polling = false
  await poller
  return summary(answered, seen)
}

function summary(answered: readonly Answered[], seen: readonly Seen[]): Promises {
  const waits = answered
    .map(({ index, at }) => {
      const first = seen.find(({ size }) => size > index)
      if (first === undefined) throw new Error(`record ${index} is in no checkpoint`)
      return Math.max(0, first.at - at)
    })
    .sort((a, b) => a - b)
  const share = (of: number): number => waits[Math.floor(waits.length * of)] ?? Number.NaN
  return { p50_ms: share(0.5), p99_ms: share(0.99), count: waits.length }
}

async function ask({ url, path, headers }: Target, i: number): Promise<Answered> {
  const body = QUESTIONS[(i * 7) % QUESTIONS.length] ?? ''
  const init = { method: 'POST', headers: { ...headers }, body }
  const answer = await fetch(`${url}${path}`, init)
  const { receipt } = (await answer.json()) as { readonly receipt: { readonly index: number } }
  return { index: receipt.index, at: performance.now() }
}

async function checkpointSize({ url }: Target): Promise<number> {
  const answer = await fetch(`${url}/log/checkpoint`)
  const text = await answer.text()
  return answer.ok ? Number(text.split('\n')[1]) : 0
}

/** Does the work again and again, with a pause, until it is over. */
async function until(
  over: () => boolean,
  pause_ms: number,
  work: (i: number) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for (let i = 0; !over(); i++) {
    await work(i)
    await new Promise((done) => setTimeout(done, pause_ms))
  }
}
