/**
 * Hands every event to all who observe; observers join as their parts come into being.
 */
import type { Observe } from '../../ports.ts'

export interface Observers {
  readonly observe: Observe
  add(observer: Observe): void
}

export function createObservers(...first: readonly Observe[]): Observers {
  const observers = [...first]
  return {
    observe(event) {
      for (const one of observers) one(event)
    },
    add: (observer) => void observers.push(observer),
  }
}
