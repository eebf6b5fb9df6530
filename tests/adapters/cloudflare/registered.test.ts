/** What an isolate and a keeper make of registrations they have to ask for: fresh, forgotten, and when nobody answers. */
import { describe, expect, it } from 'vitest'
import { createRegisteredCache } from '../../../src/adapters/cloudflare/registered-cache.ts'
import { createRegisteredKeeper } from '../../../src/adapters/cloudflare/registered-keeper.ts'
import type { RegisteredAs } from '../../../src/adapters/cloudflare/rpc-registry.ts'

const LIVE: RegisteredAs = { template: 'origins', host: '10.0.3.7', state: 'live' }
const AWAY = new Error('the registry is away')

function aCache() {
  const world = { now: 1_000_000, found: LIVE as RegisteredAs | null | Error, asked: 0 }
  const cache = createRegisteredCache(
    async () => {
      world.asked++
      await Promise.resolve()
      if (world.found instanceof Error) throw world.found
      return world.found
    },
    () => world.now,
  )
  return { world, cache }
}

describe('what an isolate knows of a registration', () => {
  it('is good for five seconds, and asked for once by many at once', async () => {
    const { world, cache } = aCache()
    const all = await Promise.all(Array.from({ length: 5 }, () => cache.find('o')))
    expect(all).toEqual(Array(5).fill(LIVE))
    world.found = null
    world.now += 4_999
    expect(await cache.find('o')).toEqual(LIVE)
    expect(world.asked).toBe(1)
    world.now += 1
    expect(await cache.find('o')).toBeNull()
  })

  it('of an id nobody has is good for one', async () => {
    const { world, cache } = aCache()
    world.found = null
    expect(await cache.find('o')).toBeNull()
    world.found = LIVE
    world.now += 999
    expect(await cache.find('o')).toBeNull()
    world.now += 1
    expect(await cache.find('o')).toEqual(LIVE)
  })

  it('is forgotten where it was changed, an answer that was on its way included', async () => {
    const { world, cache } = aCache()
    world.found = null
    const before = cache.find('o')
    cache.forget('o')
    expect(await before).toBeNull()
    world.found = LIVE
    expect(await cache.find('o')).toEqual(LIVE)
  })

  it('is still known for a minute while nobody answers; what never was is not made up', async () => {
    const { world, cache } = aCache()
    await cache.find('o')
    world.found = AWAY
    world.now += 59_999
    expect(await cache.find('o')).toEqual(LIVE)
    await expect(cache.find('other')).rejects.toBe(AWAY)
    world.now += 1
    await expect(cache.find('o')).rejects.toBe(AWAY)
    world.found = LIVE
    expect(await cache.find('other')).toEqual(LIVE)
  })

  for (const step of [-86_400_000, 86_400_000])
    it(`is asked for again after a clock that stepped by ${step / 1000} s`, async () => {
      const { world, cache } = aCache()
      await cache.find('o')
      world.now += step
      world.found = null
      expect(await cache.find('o')).toBeNull()
    })
})

describe('a keeper of a registered server', () => {
  function aKeeper(opens = true) {
    const world = { found: LIVE as RegisteredAs | null | Error, opened: [] as RegisteredAs[] }
    const errors: unknown[] = []
    const keeper = createRegisteredKeeper({
      async registration() {
        if (world.found instanceof Error) throw world.found
        return world.found
      },
      open(as) {
        world.opened.push(as)
        if (!opens || as.state === 'displaced') return null
        const counts = { covered_s: 0, uncovered_s: 0, ungated: {}, faults: {} }
        return {
          ...{ every_ms: 1_000, look: async () => {}, cut: async () => 1 },
          ...{ counts: () => counts, silentFor: () => 0 },
        }
      },
      onError: (error) => void errors.push(error),
    })
    return { world, errors, keeper }
  }

  it('stays what it is through leaving and coming back, so that it forgets no order', async () => {
    const { world, keeper } = aKeeper()
    expect(await keeper.refresh()).toBe('kept')
    const first = keeper.kept()
    for (const state of ['leaving', 'live'] as const) {
      world.found = { ...LIVE, state }
      expect(await keeper.refresh()).toBe('kept')
      expect(keeper.kept()).toBe(first)
    }
  })

  it('is another at another host, and none once its address belongs to somebody else', async () => {
    const { world, keeper } = aKeeper()
    await keeper.refresh()
    world.found = { ...LIVE, host: '10.0.3.8' }
    await keeper.refresh()
    world.found = { ...LIVE, host: '10.0.3.8', state: 'displaced' }
    expect(await keeper.refresh()).toBe('unkept')
    expect(keeper.kept()).toBeNull()
    expect(world.opened).toHaveLength(3)
  })

  it('goes on while the registry does not answer, and ends when it says so', async () => {
    const { world, errors, keeper } = aKeeper()
    await keeper.refresh()
    world.found = AWAY
    expect(await keeper.refresh()).toBe('kept')
    expect(errors).toEqual([AWAY])
    world.found = null
    expect(await keeper.refresh()).toBe('gone')
    expect(keeper.kept()).toBeNull()
  })

  it('has nothing to look at where nobody can be asked what is live', async () => {
    const { keeper } = aKeeper(false)
    expect(await keeper.refresh()).toBe('unkept')
  })
})
