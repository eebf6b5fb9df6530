/** A log tells of every size it publishes: to each endpoint by itself, again after a call that failed, never two at a time. */
import { describe, expect, it } from 'vitest'
import type { News } from '../../../src/adapters/cloudflare/hooks-run.ts'
import type { HooksStubs, WhichHooks } from '../../../src/adapters/cloudflare/rpc-webhooks.ts'
import { createTelling } from '../../../src/adapters/cloudflare/sequencer-telling.ts'

type Called = WhichHooks & News

/** Objects that answer as they are told. */
function objects() {
  const calls: Called[] = []
  const errors: unknown[] = []
  let answer = (_called: Called): Promise<void> => Promise.resolve()
  const hooks: HooksStubs = (which) => ({
    async told(_which, news) {
      calls.push({ ...which, ...news })
      await answer({ ...which, ...news })
      return { ok: true, value: null }
    },
    standing: () => Promise.reject(new Error('nobody asks')),
    dead: () => Promise.reject(new Error('nobody asks')),
    replay: () => Promise.reject(new Error('nobody asks')),
  })
  const telling = (endpoints: readonly string[]) =>
    createTelling({ shard: 3, endpoints, hooks, onError: (error) => errors.push(error) })
  return {
    ...{ calls, errors, telling },
    answers(how: typeof answer): void {
      answer = how
    },
  }
}

const settled = () => new Promise<void>((go) => setImmediate(go))

describe('a log with endpoints', () => {
  it('tells where it stands when it opens, then what is new', async () => {
    const { calls, telling } = objects()
    const tell = telling(['platform'])
    for (const size of [100, 110, 110, 130]) {
      tell(size)
      await settled()
    }
    expect(calls.map(({ shard, from, size }) => [shard, from, size])).toEqual([
      [3, 100, 100],
      [3, 100, 110],
      [3, 110, 130],
    ])
  })

  it('tells again what was lost, from where it began', async () => {
    const { calls, errors, answers, telling } = objects()
    const tell = telling(['platform'])
    answers(() => Promise.reject(new Error('gone')))
    tell(100)
    await settled()
    tell(110)
    await settled()
    answers(() => Promise.resolve())
    tell(120)
    await settled()
    expect(calls.map(({ from, size }) => [from, size])).toEqual([
      [100, 100],
      [100, 110],
      [100, 120],
    ])
    expect(errors).toHaveLength(2)
  })

  it('tells the newest size once the call under way has ended, and no endpoint waits for another', async () => {
    const { calls, answers, telling } = objects()
    const tell = telling(['slow', 'quick'])
    let end = (): void => {}
    answers(({ endpoint }) =>
      endpoint === 'quick'
        ? Promise.resolve()
        : new Promise((go) => {
            end = go
          }),
    )
    for (const size of [10, 20, 30]) {
      tell(size)
      await settled()
    }
    const of = (endpoint: string) =>
      calls.filter((call) => call.endpoint === endpoint).map(({ from, size }) => [from, size])
    expect(of('slow')).toEqual([[10, 10]])
    expect(of('quick')).toEqual([
      [10, 10],
      [10, 20],
      [20, 30],
    ])
    end()
    await settled()
    expect(of('slow')).toEqual([
      [10, 10],
      [10, 30],
    ])
  })
})
