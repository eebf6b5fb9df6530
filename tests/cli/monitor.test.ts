/** `log monitor` over real HTTP servers: honest, slow, hostile and lying ones; clocks are the test's. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { World } from '../../src/cli/world.ts'
import { utf8 } from '../../src/core/encoding.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { rootFrom } from '../../src/core/tlog/tree.ts'
import { readerOver } from '../core/tlog/support.ts'
import { createTestWitness } from '../support/witness.ts'
import {
  type LogFiles,
  makeEntries,
  ORIGIN,
  publish,
  signedCheckpoint,
  VKEY,
  vkeyOf,
} from './a-log.ts'
import { aDirectory, run } from './a-world.ts'

type Answering = (path: string, response: ServerResponse, request: IncomingMessage) => boolean

interface Site {
  readonly url: string
  files: LogFiles
  /** Answers instead when it returns true. */
  instead: Answering
  readonly asked: string[]
}

async function aSite(files: LogFiles): Promise<Site> {
  const site: { -readonly [K in keyof Site]: Site[K] } = {
    ...{ url: '', files, instead: () => false, asked: [] },
  }
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace('/log/', '')
    site.asked.push(path)
    if (site.instead(path, response, request)) return
    const bytes = site.files.get(path)
    response.writeHead(bytes === undefined ? 404 : 200)
    response.end(bytes)
  })
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`
  return site
}

const HOUR = 3_600_000
let entries: IssuedRecord[]
let otherEntries: IssuedRecord[]
let begun: number
beforeAll(async () => {
  entries = await makeEntries({ decisions: 300 })
  otherEntries = await makeEntries({ decisions: 300, from: 7 })
  begun = heartbeatAt(entries)
})

/** When the heartbeat at the end of the log was made. */
function heartbeatAt(records: readonly IssuedRecord[]): number {
  const payload = records.at(-1)?.jws.split('.')[1] ?? ''
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iat: number }).iat * 1000
}

interface Monitored {
  readonly dir: string
  at: number
  /** One run with --once. */
  look(...more: readonly string[]): Promise<{ exit: number; out: string; err: string }>
  json(...more: readonly string[]): Promise<Readonly<Record<string, unknown>>>
}

function monitored(site: Site, changes: Partial<World> = {}): Monitored {
  const dir = aDirectory()
  const made: Monitored = {
    ...{ dir, at: begun },
    look: (...more) =>
      run(
        dir,
        ['log', 'monitor', site.url, '--vkey', VKEY, '--state', 'm.json', '--once', ...more],
        {
          now: () => epochMs(made.at),
          fetch: (url, init) => fetch(url, init),
          ...changes,
        },
      ),
    async json(...more) {
      const { out, exit } = await made.look('--json', ...more)
      return { exit, ...(JSON.parse(out) as object) }
    },
  }
  return made
}

describe('a monitor of an honest log', () => {
  it('trusts what it sees first, and follows it from there', async () => {
    const site = await aSite(await publish(entries.slice(0, 200)))
    const monitor = monitored(site)
    expect(await monitor.json()).toMatchObject({ exit: 0, level: 'fine', size: 200, log: ORIGIN })
    site.files = await publish(entries.slice(0, 257), [200])
    expect(await monitor.json()).toMatchObject({ exit: 0, level: 'fine', size: 257 })
    site.files = await publish(entries, [200, 257])
    const { exit, out } = await monitor.look()
    expect([exit, out]).toEqual([
      0,
      `${new Date(begun).toISOString()} ${ORIGIN}: fine, ${entries.length} entries\n`,
    ])
  })

  it('says that it is stale when it has not grown for longer than its heartbeats allow', async () => {
    const site = await aSite(await publish(entries))
    const monitor = monitored(site)
    await monitor.look()
    monitor.at += 1.3 * HOUR
    const { exit, out } = await monitor.look()
    expect(exit).toBe(3)
    expect(out).toContain('stale: it has not grown for 78m; its last heartbeat is 78m old')
    expect((await monitor.look('--max-age', '2h')).exit).toBe(0)
  })

  it('finds the newest heartbeat when it may read entries, and passes it over when it may not', async () => {
    const site = await aSite(await publish(entries))
    const state = async (key: string): Promise<unknown> => {
      const monitor = monitored(site)
      expect((await monitor.look('--key', key)).exit).toBe(0)
      return JSON.parse(readFileSync(join(monitor.dir, 'm.json'), 'utf8')).logs[0].heartbeat
    }
    site.instead = (path, response, request) => {
      const bare = request.headers.authorization !== 'Bearer lg_reader'
      if (!path.startsWith('tile/entries/') || !bare) return false
      response.writeHead(401).end()
      return true
    }
    expect(await state('lg_reader')).toEqual({ index: entries.length - 1, at_s: begun / 1000 })
    expect(await state('lg_other')).toBeNull()
    // Nobody but whoever holds entries is shown the key.
    expect(site.asked.filter((path) => path.startsWith('tile/entries/')).length).toBeGreaterThan(1)
  })

  it('runs until it is told to stop, looks once an interval, and says only what has changed', async () => {
    const site = await aSite(await publish(entries.slice(0, 100)))
    site.instead = (path, response) => {
      if (!path.startsWith('tile/entries/')) return false
      response.writeHead(401).end()
      return true
    }
    const stop = new AbortController()
    const dir = aDirectory()
    const slept: number[] = []
    let at = begun
    const argv = [
      'log',
      'monitor',
      site.url,
      '--vkey',
      VKEY,
      '--state',
      'm.json',
      '--max-age',
      '30m',
    ]
    const ran = await run(dir, argv, {
      now: () => epochMs(at),
      fetch: (url, init) => fetch(url, init),
      signal: stop.signal,
      async sleep(ms) {
        slept.push(ms)
        at += ms
        if (slept.length === 10) at += HOUR
        if (slept.length === 20) site.files = await publish(entries, [100])
        if (slept.length === 30) stop.abort()
      },
    })
    expect(ran.exit).toBe(0)
    expect(slept).toEqual(Array.from({ length: 30 }, () => 60_000))
    const said = ran.out.trimEnd().split('\n')
    expect(said.map((line) => line.split(': ')[1]?.split(',')[0])).toEqual([
      'fine',
      'stale',
      'fine',
    ])
    expect(site.asked.filter((path) => path === 'checkpoint')).toHaveLength(30)
  })

  it('watches several logs, each under its key, and is as bad as the worst', async () => {
    const second = 'gate.example/log/second'
    const [one, two] = [
      await aSite(await publish(entries)),
      await aSite(await publish(otherEntries, [], second)),
    ]
    const monitor = monitored(one)
    const argv = [two.url, '--vkey', vkeyOf(second)]
    const { exit, out } = await monitor.look(...argv)
    expect([exit, out.split('\n').length]).toEqual([0, 3])
    two.instead = (_, response) => {
      response.destroy()
      return true
    }
    expect((await monitor.look(...argv)).exit).toBe(1)
    // A log is the one it was.
    two.instead = () => false
    two.files = one.files
    expect((await monitor.look(...argv)).out).toContain(
      'could not check: its checkpoint is of another log',
    )
  })
})

describe('a monitor of a log that lies', () => {
  it('prints both notes, keeps them, and ends with 4, also when the log takes it back', async () => {
    const honest = await publish(entries.slice(0, 200))
    const site = await aSite(honest)
    const monitor = monitored(site)
    await monitor.look()
    const before = Buffer.from(honest.get('checkpoint') ?? []).toString()
    const forked = [...entries.slice(0, 150), ...otherEntries.slice(0, 100)]
    site.files = await publish(forked)
    const after = Buffer.from(site.files.get('checkpoint') ?? []).toString()
    const { exit, out } = await monitor.look()
    expect(exit).toBe(4)
    expect(out).toContain('THE LOG LIES')
    expect(out).toContain(`trusted before:\n${before}`)
    expect(out).toContain(`seen since:\n${after}`)
    site.files = honest
    expect(await monitor.json()).toMatchObject({
      ...{ exit: 4, level: 'lie', fork: { trusted: before, seen: after } },
    })
  })

  it('needs no tiles for two roots at one size', async () => {
    const site = await aSite(await publish(entries.slice(0, 100)))
    const monitor = monitored(site)
    await monitor.look()
    site.files = new Map([
      [
        'checkpoint',
        (await publish(otherEntries.slice(0, 100))).get('checkpoint') ?? new Uint8Array(),
      ],
    ])
    expect((await monitor.look()).exit).toBe(4)
  })

  it('sees through a log that went back and grew again, and through one that went back and shows less', async () => {
    const site = await aSite(await publish(entries.slice(0, 256)))
    const monitor = monitored(site)
    await monitor.look()
    // Less, of the same tree: a stale cache would look like this; it is no lie.
    const full = site.files
    site.files = new Map([...full, ...(await publish(entries.slice(0, 128)))])
    expect(await monitor.json()).toMatchObject({ exit: 1, trouble: 'older', failures: 1 })
    // Less, of another tree, while the tiles of the larger one are still there.
    const less = (await publish(otherEntries.slice(0, 128))).get('checkpoint') ?? new Uint8Array()
    site.files = new Map([...full, ['checkpoint', less]])
    expect((await monitor.look()).exit).toBe(4)
  })

  it('ends at once while it runs', async () => {
    const site = await aSite(await publish(entries.slice(0, 100)))
    const dir = aDirectory()
    const argv = ['log', 'monitor', site.url, '--vkey', VKEY, '--state', 'm.json']
    const { exit } = await run(dir, argv, {
      now: () => epochMs(begun),
      fetch: (url, init) => fetch(url, init),
      sleep: async () => {
        site.files = await publish(otherEntries)
      },
    })
    expect(exit).toBe(4)
  })
})

describe('a monitor of one log at two addresses', () => {
  const other = async (): Promise<LogFiles> =>
    publish([...entries.slice(0, 150), ...otherEntries.slice(0, 100)])

  it('is content when both serve one tree, also when one of them is behind', async () => {
    const [near, far] = [
      await aSite(await publish(entries)),
      await aSite(await publish(entries.slice(0, 200))),
    ]
    const { exit, out } = await monitored(near).look(far.url)
    expect([exit, out.match(/fine/g)?.length]).toEqual([0, 2])
  })

  it('finds the split view on the first look, with both notes and where each was', async () => {
    const [near, far] = [await aSite(await publish(entries)), await aSite(await other())]
    const monitor = monitored(near)
    const { exit, out } = await monitor.look(far.url)
    expect(exit).toBe(4)
    const note = ({ files }: Site): string => Buffer.from(files.get('checkpoint') ?? []).toString()
    expect(out).toContain(`at ${near.url}:\n${note(near)}`)
    expect(out).toContain(`at ${far.url}:\n${note(far)}`)
    expect(out).toContain('shows one here and one elsewhere')
    // It is remembered of each.
    far.files = near.files
    expect((await monitor.look(far.url)).exit).toBe(4)
    expect(await monitor.json()).toMatchObject({ exit: 4, fork: { elsewhere: far.url } })
  })

  it('remembers what an address served that is gone by now', async () => {
    const [near, far] = [await aSite(await publish(entries)), await aSite(await other())]
    const monitor = monitored(far)
    await monitor.look()
    far.instead = (_, response) => {
      response.destroy()
      return true
    }
    expect((await monitor.look(near.url)).exit).toBe(4)
  })

  it('could not check an address whose tiles do not bear out that it is the same', async () => {
    const [near, far] = [
      await aSite(await publish(entries)),
      await aSite(await publish(entries.slice(0, 200))),
    ]
    near.instead = (path, response) => {
      if (!path.startsWith('tile/0')) return false
      response.writeHead(200).end(new Uint8Array(32))
      return true
    }
    // Its own first look needs no tiles where entries may not be read.
    const seen = near.instead
    near.instead = (path, response, request) => {
      if (!path.startsWith('tile/entries/')) return seen(path, response, request)
      response.writeHead(401).end()
      return true
    }
    const { exit, out } = await monitored(near).look(far.url)
    expect(exit).toBe(1)
    expect(out).toContain('could not check: its hash tiles do not lead to the root it has signed')
  })
})

describe('a monitor of a hostile or broken server', () => {
  const answer =
    (status: number, headers: Record<string, string>, body: string | Uint8Array): Answering =>
    (_, response) => {
      response.writeHead(status, headers).end(body)
      return true
    }
  const tiles =
    (bytes: () => Uint8Array | null): Answering =>
    (path, response) => {
      if (!path.startsWith('tile/0')) return false
      const body = bytes()
      response.writeHead(body === null ? 404 : 200).end(body)
      return true
    }
  const HOSTILE: readonly (readonly [name: string, instead: Answering, trouble: string])[] = [
    [
      'a page for people',
      answer(200, { 'content-type': 'text/html' }, '<!doctype html>\n'),
      'not_a_checkpoint',
    ],
    [
      'bytes that are no text',
      answer(200, {}, new Uint8Array([0xff, 0xfe, 0])),
      'not_a_checkpoint',
    ],
    ['a redirect', answer(302, { location: 'http://127.0.0.1:1/' }, ''), 'redirected'],
    ['10 MB', answer(200, {}, new Uint8Array(10 * 1024 * 1024).fill(65)), 'too_large'],
    ['an error', answer(500, {}, 'oops'), 'refused'],
    ['nothing', answer(404, {}, ''), 'no_checkpoint'],
    [
      'no end',
      (_, response) => {
        response.writeHead(200)
        response.write('gate')
        return true
      },
      'timed_out',
    ],
    [
      'a broken connection',
      (_, response) => {
        response.destroy()
        return true
      },
      'unreachable',
    ],
    ['no hash tiles', tiles(() => null), 'tiles_missing'],
    ['hash tiles of another log', tiles(() => new Uint8Array(256 * 32).fill(7)), 'tiles_wrong'],
    ['hash tiles that are too short', tiles(() => new Uint8Array(31)), 'tiles_wrong'],
    ['hash tiles that are too long', tiles(() => new Uint8Array(9000)), 'too_large'],
  ]
  for (const [name, instead, trouble] of HOSTILE)
    it(`could not check one that answers with ${name}, and says so by name`, async () => {
      const site = await aSite(await publish(entries.slice(0, 256)))
      const monitor = monitored(site)
      await monitor.look()
      site.files = await publish(entries, [256])
      site.instead = instead
      const looked = await monitor.json('--timeout', '300ms')
      expect(looked).toMatchObject({ exit: 1, level: 'could_not_check', trouble, size: 256 })
      site.instead = () => false
      expect(await monitor.json()).toMatchObject({ exit: 0, size: entries.length, failures: 0 })
    })

  it('does not take a checkpoint that others have signed, or that was changed, for the log', async () => {
    const site = await aSite(await publish(entries.slice(0, 256)))
    const monitor = monitored(site)
    await monitor.look()
    const note = Buffer.from(site.files.get('checkpoint') ?? []).toString()
    site.files.set('checkpoint', utf8(note.replace('\n256\n', '\n300\n')))
    expect(await monitor.json()).toMatchObject({ exit: 1, trouble: 'not_signed' })
    const root = rootFrom(
      300,
      readerOver(entries.slice(0, 300).map(({ bytes }) => leafHash(bytes))),
    )
    site.files.set('checkpoint', utf8(await signedCheckpoint(300, root, 'gate.example/log/else')))
    expect(await monitor.json()).toMatchObject({ exit: 1, trouble: 'other_log' })
  })

  it('counts looks that came to nothing, and speaks of it after the grace', async () => {
    const site = await aSite(await publish(entries))
    const monitor = monitored(site)
    await monitor.look()
    site.instead = (_, response) => {
      response.destroy()
      return true
    }
    for (const minutes of [0, 10, 16]) {
      monitor.at = begun + minutes * 60_000
      const { exit, out } = await monitor.look()
      expect(exit).toBe(minutes > 15 ? 3 : 1)
      if (minutes > 15)
        expect(out).toContain('could not be checked for 16m, 3 times: there is no connection')
    }
  })

  it('has room in memory for one look, however many there are', async () => {
    const site = await aSite(await publish(entries))
    const dir = aDirectory()
    const stop = new AbortController()
    let [looks, early, late] = [0, 0, 0]
    const argv = ['log', 'monitor', site.url, '--vkey', VKEY, '--state', 'm.json', '--json']
    let at: EpochMs = epochMs(begun)
    await run(dir, argv, {
      now: () => at,
      fetch: (url, init) => fetch(url, init),
      signal: stop.signal,
      out: () => undefined,
      async sleep(ms) {
        at = epochMs(at + ms)
        looks++
        const bytes = readFileSync(join(dir, 'm.json')).length
        if (looks === 2) early = bytes
        if (looks === 300) {
          late = bytes
          stop.abort()
        }
      },
    })
    expect(late).toBeLessThan(early + 64)
  })
})

describe('the state of a monitor', () => {
  it.each([
    ['no JSON', 'x'],
    ['another format', '{"format":"livegate-audit/v1","logs":[]}'],
    [
      'a damaged note',
      '{"format":"livegate-monitor/v1","logs":[{"url":"http://x","trusted":"x"}]}',
    ],
  ])('is refused with exit 1 when it is %s', async (_, text) => {
    const site = await aSite(await publish(entries))
    const monitor = monitored(site)
    writeFileSync(join(monitor.dir, 'm.json'), text)
    const { exit, err } = await monitor.look()
    expect(exit).toBe(1)
    expect(err).toContain('it is no state of a monitor, or is damaged')
    expect(readFileSync(join(monitor.dir, 'm.json'), 'utf8')).toBe(text)
  })

  it('that somebody has forged cannot make an honest log a liar', async () => {
    const site = await aSite(await publish(entries))
    const monitor = monitored(site)
    await monitor.look()
    const path = join(monitor.dir, 'm.json')
    const state = JSON.parse(readFileSync(path, 'utf8'))
    state.logs[0].trusted = state.logs[0].trusted.replace(`\n${entries.length}\n`, '\n17\n')
    writeFileSync(path, JSON.stringify(state))
    expect(await monitor.json()).toMatchObject({ exit: 1, trouble: 'not_signed' })
  })
})

describe('a monitor with a witness policy', () => {
  async function cosigned(files: LogFiles, count: number): Promise<Uint8Array> {
    const note = Buffer.from(files.get('checkpoint') ?? []).toString()
    const lines = await Promise.all(
      [1, 2, 3].slice(0, count).map(async (seed) => {
        const witness = createTestWitness({
          ...{ name: `w${seed}.example`, seed, logs: [VKEY], now: () => begun },
        })
        const body = `old 0\n\n${note}`
        return (await witness.handle({ method: 'POST', path: '/add-checkpoint', body })).body
      }),
    )
    return utf8(note + lines.join(''))
  }

  function withPolicy(monitor: Monitored): readonly string[] {
    const names = [1, 2, 3].map((seed) => {
      const { vkey } = createTestWitness({
        ...{ name: `w${seed}.example`, seed, logs: [], now: () => begun },
      })
      return `witness w${seed} ${vkey}`
    })
    writeFileSync(
      join(monitor.dir, 'policy.txt'),
      `${names.join('\n')}\ngroup g 2 w1 w2 w3\nquorum g\n`,
    )
    return ['--witness-policy', 'policy.txt']
  }

  it('is content with the quorum, and says when it is missing for too long', async () => {
    const site = await aSite(await publish(entries.slice(0, 200)))
    const monitor = monitored(site)
    const policy = withPolicy(monitor)
    site.files.set('checkpoint.witnessed', await cosigned(site.files, 2))
    expect(await monitor.json(...policy)).toMatchObject({ exit: 0, level: 'fine' })
    const witnessed = site.files.get('checkpoint.witnessed') ?? new Uint8Array()
    site.files = new Map([...(await publish(entries, [200])), ['checkpoint.witnessed', witnessed]])
    expect(await monitor.json(...policy)).toMatchObject({ exit: 0, level: 'fine' })
    monitor.at += 6 * 60_000
    expect(await monitor.json(...policy)).toMatchObject({ exit: 3, findings: ['not_witnessed'] })
    site.files.set('checkpoint.witnessed', await cosigned(site.files, 1))
    expect(await monitor.json(...policy)).toMatchObject({ exit: 3, witnessed: 'quorum_missed' })
    site.files.set('checkpoint.witnessed', await cosigned(site.files, 3))
    expect(await monitor.json(...policy)).toMatchObject({ exit: 0, level: 'fine' })
  })

  it('finds the fork between what witnesses were shown and what it is shown', async () => {
    const site = await aSite(await publish(entries.slice(0, 200)))
    const monitor = monitored(site)
    const other = await publish(otherEntries.slice(0, 150))
    site.files.set('checkpoint.witnessed', await cosigned(other, 3))
    const { exit, out } = await monitor.look(...withPolicy(monitor))
    expect(exit).toBe(4)
    expect(out).toContain('w1.example')
  })
})
