/**
 * Much work in small portions, so that decisions are not kept waiting for the keeper.
 */
import type { BroadcastView, Clock, OpenBroadcasts } from '../../ports.ts'
import type { After } from './decide-start.ts'

/** Two hundred are read in some milliseconds; others are let in between. */
const PAGE = 200

export interface OpenPorts {
  readonly broadcasts: OpenBroadcasts
  readonly clock: Clock
  readonly after: After
}

/** Everything open or being cut at a server, page by page. */
export async function openOf(
  { broadcasts, clock, after: later }: OpenPorts,
  server: string,
  cutting?: boolean,
): Promise<readonly BroadcastView[]> {
  const found: BroadcastView[] = []
  const query = { server, limit: PAGE, ...(cutting === undefined ? {} : { cutting }) }
  let after: string | null = null
  do {
    const page: Awaited<ReturnType<OpenBroadcasts['list']>> = await broadcasts.list(
      { ...query, ...(after === null ? {} : { after }) },
      clock.now(),
    )
    found.push(...page.items)
    after = page.next
    if (after !== null) await new Promise<void>((resolve) => void later(0, resolve))
  } while (after !== null)
  return found
}

/** Runs `work` for each, in order, so many at once. */
export async function each<T>(
  items: readonly T[],
  at_once: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++]
      if (item !== undefined) await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(at_once, items.length) }, worker))
}
