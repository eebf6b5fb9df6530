/**
 * Ends what must stop at one media server: at once, then again with growing pauses, until its end is confirmed.
 *
 * Confirmed means the server dropped at least one, reported the end of that session, or no longer lists it (the keeper
 * says so); "0 dropped" confirms nothing, the publisher may be about to start. The queue is memory only: what is being
 * cut lies in the gate's state and is read from there at start (keeper.ts). An order was durable before it comes here.
 */
import type { Result } from '../../core/result.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Clock, CutConfirmation } from '../../ports.ts'
import type { Budget } from './budget.ts'
import type { ControlFault } from './control.ts'
import type { After } from './decide-start.ts'

/** One order. */
export interface Cut {
  /** Equal for the same order; ids of broadcasts, or of sessions nobody knows. */
  readonly key: string
  /** Null for a publisher of whom nothing is known but that he must not run: nothing is recorded. */
  readonly broadcast: string | null
  readonly session: string
  readonly handle: string
  /** When it is given up. */
  readonly until: EpochMs
}

export interface CutQueuePorts {
  /** One call to the server; null where it has no control interface: then only waiting is left. */
  readonly cut:
    | ((cut: Cut) => Promise<Result<{ readonly dropped: number | 'unknown' }, ControlFault>>)
    | null
  /** Makes the end of an order durable. May reject; it is asked again then. */
  readonly done: (
    cut: Cut,
    end: { readonly confirmed: CutConfirmation; readonly attempts: number },
  ) => Promise<void>
  readonly budget: Budget
  readonly clock: Clock
  readonly after: After
  readonly onFault: (fault: ControlFault) => void
  readonly onError: (error: unknown) => void
}

export interface CutQueue {
  /** An order that is there already keeps its place; its handle becomes the newer one. */
  push(cut: Cut): void
  /** It is over, as `how` says; false when it was no longer there. */
  confirm(key: string, how: CutConfirmation): boolean
  /** Its end is recorded already; nothing more is done. */
  forgetSession(session: string): void
  has(key: string): boolean
  size(): number
  /** No call begins after this; resolves when those under way are over, and what they confirmed is recorded. */
  stop(): Promise<void>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

interface Order {
  cut: Cut
  attempts: number
  pause: number
  confirmed: CutConfirmation | null
  /** A step is under way; whoever confirms meanwhile leaves the rest to it. */
  stepping: boolean
  cancel: () => void
}

export function createCutQueue(ports: CutQueuePorts): CutQueue {
  const orders = new Map<string, Order>()
  /** Those whose call or record is under way. */
  const active = new Set<Order>()
  let stopped = false
  let idle = (): void => {}

  function later(order: Order): void {
    if (stopped || orders.get(order.cut.key) !== order) return
    order.cancel = ports.after(order.pause, () => void step(order))
    order.pause = Math.min(order.pause * 2, LONGEST_PAUSE_MS)
  }

  async function step(order: Order): Promise<void> {
    order.stepping = true
    if (order.confirmed === null && ports.clock.now() >= order.cut.until) order.confirmed = 'none'
    if (order.confirmed === null) await attempt(order)
    const over = order.confirmed !== null && (await finish(order, order.confirmed))
    order.stepping = false
    active.delete(order)
    if (active.size === 0) idle()
    if (!over) later(order)
  }

  async function attempt(order: Order): Promise<void> {
    const { cut, budget, onFault } = ports
    if (cut === null) return
    await budget.run(async () => {
      // It may have ended while it waited.
      if (stopped || order.confirmed !== null || orders.get(order.cut.key) !== order) return
      active.add(order)
      order.attempts++
      const result = await cut(order.cut)
      if (!result.ok) onFault(result.error)
      else if (result.value.dropped !== 'unknown' && result.value.dropped > 0)
        order.confirmed ??= 'dropped'
    })
  }

  /** False when it has to be recorded again. */
  async function finish(order: Order, confirmed: CutConfirmation): Promise<boolean> {
    if (orders.get(order.cut.key) !== order) return true
    active.add(order)
    try {
      await ports.done(order.cut, { confirmed, attempts: order.attempts })
    } catch (error) {
      ports.onError(error)
      return false
    }
    if (orders.get(order.cut.key) === order) orders.delete(order.cut.key)
    return true
  }

  return {
    push(cut) {
      const there = orders.get(cut.key)
      if (there !== undefined) {
        there.cut = cut
        return
      }
      if (stopped) return
      const order: Order = {
        ...{ cut, attempts: 0, pause: FIRST_PAUSE_MS, confirmed: null },
        ...{ stepping: false, cancel: () => {} },
      }
      orders.set(cut.key, order)
      void step(order)
    },
    confirm(key, how) {
      const order = orders.get(key)
      if (order === undefined || order.confirmed !== null) return false
      order.confirmed = how
      if (!order.stepping) {
        order.cancel()
        void step(order)
      }
      return true
    },
    forgetSession(session) {
      for (const [key, order] of orders)
        if (order.cut.session === session) {
          order.cancel()
          orders.delete(key)
        }
    },
    has: (key) => orders.has(key),
    size: () => orders.size,
    async stop() {
      stopped = true
      for (const order of orders.values()) order.cancel()
      if (active.size > 0)
        await new Promise<void>((resolve) => {
          idle = resolve
        })
      orders.clear()
    },
  }
}
