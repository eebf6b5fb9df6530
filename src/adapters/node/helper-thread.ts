/**
 * A thread that is there when it pays: started by the first rush, used once it says that it is ready.
 *
 * A quiet gate and most tests never start one. Replies come in the order of the tasks.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads'

export interface HelperThread<Task> {
  /** True when a task can be handed over; otherwise starts the thread, which takes some 50 ms, and is false. */
  ready(): boolean
  /** Starts the thread and resolves when it is ready or gone. */
  started(): Promise<void>
  /**
   * Only when `ready()` was true; the reply comes back through `onReply`, nothing comes back after `onGone`. The process
   * stays alive until then.
   */
  ask(task: Task): void
  /** As `ask`, for a task that has no reply. */
  tell(task: Task): void
  stop(): Promise<void>
}

/** What it makes lives for one task: a small nursery is enough, and would otherwise grow to some 48 MiB a thread. */
export const YOUNG: ResourceLimits = { maxYoungGenerationSizeMb: 6 }

/** What a thread posts before its first reply. */
export const READY = 'ready'

export function createHelperThread<Task, Reply>(parts: {
  readonly url: URL
  readonly data: unknown
  readonly onReply: (reply: Reply) => void
  /** The thread has ended by itself; a task under way will not be answered. It is not started again. */
  readonly onGone: () => void
  readonly onError: (error: unknown) => void
}): HelperThread<Task> {
  const { url, data, onReply, onGone, onError } = parts
  let thread: Worker | null = null
  let state: 'none' | 'starting' | 'ready' | 'gone' = 'none'
  const waiting: (() => void)[] = []
  let asked = 0

  function start(): void {
    state = 'starting'
    thread = new Worker(url, { workerData: data, resourceLimits: YOUNG })
    thread.unref()
    thread.on('message', (message: Reply | typeof READY) => {
      if (message === READY) {
        if (state === 'starting') state = 'ready'
        for (const go of waiting.splice(0)) go()
        return
      }
      if (--asked === 0) thread?.unref()
      onReply(message as Reply)
    })
    thread.on('error', onError)
    thread.on('exit', () => {
      state = 'gone'
      for (const go of waiting.splice(0)) go()
      onGone()
    })
  }

  return {
    ready() {
      if (state === 'none') start()
      return state === 'ready'
    },
    started() {
      if (state === 'none') start()
      if (state !== 'starting') return Promise.resolve()
      return new Promise((go) => {
        waiting.push(go)
      })
    },
    ask(task) {
      if (++asked === 1) thread?.ref()
      thread?.postMessage(task)
    },
    tell: (task) => thread?.postMessage(task),
    async stop() {
      state = 'gone'
      await thread?.terminate()
    },
  }
}
