/**
 * Sends each endpoint what the log says, from where it stands: at least once, nothing lost, nobody waited for.
 *
 * One pump an endpoint takes one step after the other (step.ts) as long as there is something to do, and then when something is
 * due or somebody says that there is news. The log is the queue. A crash repeats at most one stretch, under the same message
 * ids. Spec: docs/webhooks.md.
 */
import type { After } from '../context.ts'
import type { WebhookEndpoint } from './port.ts'
import { createStep, IDLE_MS, type StepParts } from './step.ts'

export interface DispatcherParts extends StepParts {
  readonly endpoints: readonly WebhookEndpoint[]
  readonly after: After
  readonly onError: (error: unknown) => void
}

export interface Dispatcher {
  start(): Promise<void>
  /** There is something new in the log, or to be tried at once. Cheap. */
  wake(): void
  /** Resolves when what is under way has ended; nothing is begun any more. */
  stop(): Promise<void>
}

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const pumps = parts.endpoints.map((endpoint) => createPump(parts, endpoint))
  return {
    async start() {
      const { outbox } = parts
      for (const { id } of parts.endpoints) await outbox.begin(id, outbox.size())
      for (const pump of pumps) pump.wake()
    },
    wake: () => {
      for (const pump of pumps) pump.wake()
    },
    async stop() {
      await Promise.all(pumps.map((pump) => pump.stop()))
    },
  }
}

interface Pump {
  wake(): void
  stop(): Promise<void>
}

function createPump(parts: DispatcherParts, endpoint: WebhookEndpoint): Pump {
  const { after, clock, onError } = parts
  const step = createStep(parts, endpoint)
  let running: Promise<void> | null = null
  let again = false
  let stopped = false
  let cancel = (): void => {}

  async function run(): Promise<void> {
    try {
      do {
        again = false
        const wait_ms = await step(clock.now(), () => stopped).catch((error: unknown) => {
          onError(error)
          return IDLE_MS
        })
        if (wait_ms === 0) again = true
        else if (!again) plan(wait_ms)
      } while (again && !stopped)
    } finally {
      // At once, not when the promise has settled: a wake in between would be lost.
      running = null
    }
  }

  function plan(wait_ms: number): void {
    cancel()
    if (!stopped) cancel = after(wait_ms, wake)
  }

  function wake(): void {
    if (stopped) return
    again = true
    running ??= run()
  }

  return {
    wake,
    async stop() {
      stopped = true
      cancel()
      await running
    },
  }
}
