/** What the doctor concludes of what two viewers see of a broadcast that is to be shown late, and that he cleans up. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { examineDelay } from '../../../src/cli/media/doctor-delay.ts'
import type { Check, DoctorPorts } from '../../../src/cli/media/doctor-steps.ts'
import { aDirectory, run } from '../a-world.ts'

interface Server {
  /** When viewers see the first picture, ms after the encoder was started; null for never. */
  readonly early?: number | null
  readonly late?: number | null
  readonly refuses?: boolean
  /** What a strike takes to end the stream, ms. */
  readonly cut_ms?: number
  /** Pictures that are shown after the cut, ms after it. */
  readonly after_cut_ms?: number
  readonly explained?: object
}

const LATE: NonNullable<DoctorPorts['late']> = {
  ...{ facts: { followers: 5 }, play: 'rtmp://h/live_delayed', at_least_s: 0 },
}
const DELAYED = { app: 'live_delayed', up_to_s: 10 }

/** A day in the life of a server: a clock that only moves while somebody waits. */
function aServer(given: Server = {}, ports: Partial<DoctorPorts> = {}) {
  const { early = null, late = 6_500, refuses = false, cut_ms = 200 } = given
  const explained = given.explained ?? { outcome: 'delay', mode: 'broadcast', broadcast_delay_s: 5 }
  const asked: string[] = []
  const stopped: string[] = []
  let now = 0
  let struck: number | null = null
  let end = (_at: number): void => {}
  const ended = new Promise<number>((done) => {
    end = done
  })
  const ask: DoctorPorts['gate']['ask'] = async (method, path, body) => {
    asked.push(`${method} ${path} ${JSON.stringify(body ?? null)}`)
    if (path === '/v1/stream-keys') return { id: 'sk_1', key: 'k' }
    if (path === '/v1/explanations') return explained
    if (path.endsWith('/strikes')) {
      struck = now
      end(now + cut_ms)
    }
    return {}
  }
  const given_ports: DoctorPorts = {
    ...{ gate: { ask }, cleaner: { ask }, subject: 'd', facts: {} },
    server: { id: 'edge-1', playback: 'rename', when_down: 'deny', cuts: true, delayed: DELAYED },
    ...{ publish: 'rtmp://h/live', play: 'rtmp://h/live', late: LATE },
    send: () => ({
      live: Promise.resolve(!refuses),
      ended,
      stop: async () => void stopped.push('s'),
    }),
    canPlay: async () => true,
    watch(url) {
      const at = url.startsWith(LATE.play) ? late : early
      const { after_cut_ms } = given
      return {
        first: () => (at !== null && now >= at ? at : null),
        bytes: () =>
          struck !== null && after_cut_ms !== undefined && now >= struck + after_cut_ms ? 900 : 100,
        stop: async () => void stopped.push(url),
      }
    },
    elapsed: () => now,
    now: () => '',
    sleep: async (ms) => {
      now += ms
    },
    told: () => {},
    ...ports,
  }
  async function examined(): Promise<readonly Check[]> {
    const checks: Check[] = []
    await examineDelay(given_ports, (check) => {
      checks.push(check)
      return check.result !== 'fail'
    })
    return checks
  }
  return { examined, asked, stopped, waited: () => now }
}

const results = (checks: readonly Check[]): readonly string[] =>
  checks.map(({ id, result, seen }) => `${id} ${result}: ${seen}`)

describe('a broadcast that is to be shown late', () => {
  it('is shown late and then not at all: nothing to mend', async () => {
    const server = aServer()
    expect(results(await server.examined())).toEqual([
      'delay pass: shown 6.5 s after it began, the rule asks for 5 s',
      'delay-cut pass: ended 200 ms after the strike, and nothing that was held back was shown',
    ])
    expect(server.stopped.toSorted()).toEqual([
      'rtmp://h/live/live_1',
      'rtmp://h/live_delayed/live_1',
      's',
    ])
    expect(server.asked.slice(-3)).toEqual([
      'POST /v1/strikes/doctor-d-late/reversal {"reason":"media doctor"}',
      'DELETE /v1/stream-keys/sk_1 null',
      'DELETE /v1/subjects/d-late {"basis":"media doctor","scope":"full"}',
    ])
    expect(server.asked[1]).toContain('"supports":["broadcast_delay:10"]')
  })

  const ill: readonly {
    readonly name: string
    readonly server: Server
    readonly late?: Partial<typeof LATE>
    readonly seen: readonly unknown[]
  }[] = [
    {
      name: 'is shown at once under its public name',
      server: { early: 800 },
      seen: [/^delay fail: .* is shown at once/],
    },
    {
      name: 'is shown at both places',
      server: { early: 6_500 },
      seen: [/^delay fail: .* is shown at once/],
    },
    {
      name: 'is shown too early',
      server: { late: 4_499 },
      seen: ['delay fail: shown 4.4 s after it began, the rule asks for 5 s'],
    },
    {
      name: 'is shown to nobody',
      server: { late: null },
      seen: ['delay fail: nothing was shown within 5 s and 15 s more'],
    },
    {
      name: 'is shown later than anybody waits',
      server: { late: 21_000 },
      seen: [/nothing was shown/],
    },
    { name: 'is refused', server: { refuses: true }, seen: [/^delay fail: the server refused/] },
    {
      name: 'is not asked to be late by the policy',
      server: { explained: { outcome: 'allow' } },
      seen: [/^delay fail: the policy answers allow for the account/],
    },
    {
      name: 'is asked to be later than the server can',
      server: { explained: { outcome: 'deny' } },
      seen: [/^delay fail: the policy answers deny/],
    },
    {
      name: 'has to wait instead',
      server: { explained: { outcome: 'delay', mode: 'hold' } },
      seen: [/^delay fail: the policy answers delay \(hold\)/],
    },
    {
      name: 'runs on after a strike',
      server: { cut_ms: 20_000 },
      seen: [/^delay pass/, /^delay-cut fail: a strike did not end/],
    },
    {
      name: 'is shown on after a cut',
      server: { after_cut_ms: 3_000 },
      seen: [/^delay pass/, /^delay-cut fail: what was held back/],
    },
    {
      name: 'is still held by a server that always holds so long, and shown after a cut',
      server: { late: 11_000, after_cut_ms: 9_000 },
      late: { at_least_s: 10 },
      seen: [/^delay pass/, /^delay-cut fail: what was held back/],
    },
  ]
  it.each(ill)(
    'that $name is found, and everything is taken away',
    async ({ server, late, seen }) => {
      const one = aServer(server, late === undefined ? {} : { late: { ...LATE, ...late } })
      const checks = await one.examined()
      const told = results(checks)
      expect(told).toHaveLength(seen.length)
      for (const [i, words] of seen.entries())
        if (words instanceof RegExp) expect(told[i]).toMatch(words)
        else expect(told[i]).toBe(words)
      expect(checks.at(-1)).toMatchObject({ result: 'fail', hint: expect.any(String) })
      expect(one.asked.at(-1)).toMatch(/^DELETE \/v1\/subjects\/d-late/)
    },
  )

  it('is late enough though the encoder was slow to say that it had begun', async () => {
    const [check] = await aServer({ late: 4_500 }).examined()
    expect(check).toMatchObject({ id: 'delay', result: 'pass' })
  })

  it('is not tried where nobody named an account, and not missed where nothing is delayed', async () => {
    const unnamed = aServer({}, { late: null })
    expect(await unnamed.examined()).toMatchObject([
      { id: 'delay', result: 'skipped', hint: expect.stringContaining('--delayed-facts') },
    ])
    const plain = {
      id: 'e',
      playback: 'keep',
      when_down: 'deny',
      cuts: true,
      delayed: null,
    } as const
    const none = aServer({}, { server: plain, late: null })
    expect([await none.examined(), unnamed.asked, none.asked]).toEqual([[], [], []])
  })

  it('is taken away although a person stopped it', async () => {
    const server = aServer()
    const interrupted = aServer(
      {},
      {
        cleaner: { ask: async (method, path) => void server.asked.push(`${method} ${path}`) },
        sleep: () => Promise.reject(new Error('Cannot complete: it was interrupted')),
      },
    )
    await expect(interrupted.examined()).rejects.toThrow('interrupted')
    expect(server.asked.at(-1)).toBe('DELETE /v1/subjects/d-late')
    expect(interrupted.stopped).toHaveLength(3)
  })
})

describe('media doctor', () => {
  const SERVERS = `servers:
  - { id: plain, kind: nginx-rtmp, secret: c2VjcmV0LW9mLWVkZ2UtMQ==, subject: { from: stream_key }, app: live }
  - { id: late, kind: nginx-rtmp, secret: c2VjcmV0LW9mLWVkZ2UtMg==, subject: { from: stream_key }, app: live, control: 'http://127.0.0.1:1', delayed: { app: l, up_to: 9s } }
`
  it.each([
    {
      server: 'plain',
      more: ['--delayed-facts', '{}'],
      says: 'has no `delayed` in the servers file',
    },
    { server: 'late', more: ['--delayed-facts', '[]'], says: 'Cannot read --delayed-facts' },
    {
      server: 'late',
      more: ['--play-delayed', 'rtmp://h/l'],
      says: 'Cannot use --play-delayed without --delayed-facts',
    },
    {
      server: 'late',
      more: ['--delayed-facts', '{}', '--play-delayed', 'http://h/l'],
      says: 'Cannot read --play-delayed: expected an address',
    },
  ])('refuses $more at $server', async ({ server, more, says }) => {
    const dir = aDirectory()
    writeFileSync(join(dir, 'servers.yaml'), SERVERS)
    const words = ['--server', server, '--servers', 'servers.yaml', '--publish', 'rtmp://h/live']
    const ran = await run(dir, ['media', 'doctor', ...words, ...more])
    expect([ran.exit, ran.err]).toEqual([2, expect.stringContaining(says)])
  })
})
