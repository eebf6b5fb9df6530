/**
 * A log tells those who tell endpoints that it has published something: one short call for each endpoint after a round, behind
 * everything else. Where no endpoint is configured nothing is called at all.
 *
 * A call that fails is made again after the next round, which a heartbeat brings within a minute of the last entry. An
 * endpoint nobody has told of anything begins with what was not published yet when the log first knew of it.
 */
import type { News } from './hooks-run.ts'
import { opened } from './rpc.ts'
import type { HooksStubs } from './rpc-webhooks.ts'

/** Takes in the size of each tree that is published. */
export type Telling = (size: number) => void

export function createTelling(parts: {
  readonly shard: number
  /** Ids of the endpoints. */
  readonly endpoints: readonly string[]
  readonly hooks: HooksStubs
  readonly onError: (error: unknown) => void
}): Telling {
  const tellers = parts.endpoints.map((endpoint) => createTeller(parts, endpoint))
  return (size) => {
    for (const tell of tellers) tell(size)
  }
}

function createTeller(
  { shard, hooks, onError }: Parameters<typeof createTelling>[0],
  endpoint: string,
): Telling {
  const which = { endpoint, shard }
  /** Up to where it has been told; null before the first size. */
  let told: number | null = null
  let size = 0
  let telling = false

  async function tellAll(): Promise<void> {
    telling = true
    try {
      let first = told === null
      while (first || (told ?? 0) < size) {
        const news: News = { from: told ?? size, size }
        told = news.from
        first = false
        await opened(hooks(which).told(which, news))
        told = news.size
      }
    } catch (error) {
      onError(error)
    } finally {
      telling = false
    }
  }

  return (published) => {
    size = Math.max(size, published)
    if (!telling) void tellAll()
  }
}
