/**
 * Directory objects: who owns a strike id, a stream key, a session; also after the object lost its memory, and when a
 * call is lost between any two steps.
 */
import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { createPepper } from '../../src/adapters/cloudflare/edge-pepper.ts'
import { createEdgeStreamKeys } from '../../src/adapters/cloudflare/edge-stream-keys.ts'
import { type DirectoryRpc, opened, type Reply } from '../../src/adapters/cloudflare/rpc.ts'
import type { SessionRow } from '../../src/adapters/cloudflare/rpc-keeper.ts'
import { stubsOf } from '../../src/adapters/cloudflare/stubs.ts'
import { epochMs } from '../../src/core/time.ts'
import type { StreamKey, StreamKeys } from '../../src/ports.ts'
import { streamKeysContract } from '../contract/keys-contract.ts'

const stubs = stubsOf(env)
const pepper = createPepper(new Uint8Array(32).fill(3))
const T0 = epochMs(Date.UTC(2026, 10, 20, 12))

interface SessionPage {
  readonly items: readonly SessionRow[]
  readonly next: string | null
}

let named = 0
/** An object nobody asked before. */
function aDirectory(): { readonly rpc: DirectoryRpc; readonly stub: DurableObjectStub } {
  const name = `test-${++named}-${crypto.randomUUID()}`
  return { rpc: stubs.directory(name), stub: env.DIRECTORIES.getByName(name) as never }
}

streamKeysContract('the edge host', async () => ({
  streamKeys: createEdgeStreamKeys({ pepper, directoryOf: stubs.directory }),
  close: reset,
}))

describe('strike ids', () => {
  it('belong to whoever claims them first, again and again', async () => {
    const { rpc } = aDirectory()
    expect(await opened(rpc.subjectOfStrike('s'))).toBeNull()
    expect(await opened(rpc.claimStrike('s', 'u'))).toBe('ok')
    expect(await opened(rpc.claimStrike('s', 'u'))).toBe('ok')
    expect(await opened(rpc.claimStrike('s', 'v'))).toBe('taken')
    expect(await opened(rpc.subjectOfStrike('s'))).toBe('u')
  })

  it('go to one of forty subjects at once', async () => {
    const { rpc } = aDirectory()
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, i) => opened(rpc.claimStrike('s', `u_${i}`))),
    )
    const winner = all.indexOf('ok')
    expect(all.filter((one) => one === 'ok')).toHaveLength(1)
    expect(await opened(rpc.subjectOfStrike('s'))).toBe(`u_${winner}`)
  })

  it('are remembered by an object that lost its memory', async () => {
    const { rpc, stub } = aDirectory()
    await opened(rpc.claimStrike('s', 'u'))
    await evictDurableObject(stub)
    expect(await opened(rpc.claimStrike('s', 'v'))).toBe('taken')
  })

  it('of a program that is newer than this one are refused, not misread', async () => {
    const { rpc, stub } = aDirectory()
    await opened(rpc.claimStrike('s', 'u'))
    await runInDurableObject(stub, (_object, { storage }) => {
      storage.sql.exec('INSERT INTO schema (version) VALUES (99)')
    })
    await evictDurableObject(stub)
    await expect(opened(rpc.subjectOfStrike('s'))).rejects.toMatchObject({ code: 'internal' })
  })
})

describe('sessions of a media server', () => {
  it('are listed in pages, each once', async () => {
    const { rpc } = aDirectory()
    for (const n of [3, 1, 5, 2, 4]) await opened(rpc.openSession(`s${n}`, `u_${n}`, `b_${n}`))
    const found: string[] = []
    let after: string | null = null
    do {
      const page: SessionPage = await opened(rpc.openSessions(after, 2))
      expect(page.items.length).toBeLessThanOrEqual(2)
      found.push(
        ...page.items.map(
          ({ session, subject, broadcast }) => `${session} ${subject} ${broadcast}`,
        ),
      )
      after = page.next
    } while (after !== null)
    expect(found).toEqual([1, 2, 3, 4, 5].map((n) => `s${n} u_${n} b_${n}`))
  })

  it('are known to be spoken of, by what was said, until the object loses its memory', async () => {
    const { rpc, stub } = aDirectory()
    await opened(rpc.session('1', 'hook'))
    await opened(rpc.session('2', 'poll'))
    await opened(rpc.session('3'))
    const asked = ['1', '2', '3']
    expect(await opened(rpc.spokenOf(asked))).toEqual({ busy: ['1'], heard: ['2'], asked: ['1'] })
    await evictDurableObject(stub)
    expect(await opened(rpc.spokenOf(asked))).toEqual({ busy: [], heard: [], asked: [] })
  })

  it('are found while they are open', async () => {
    const { rpc, stub } = aDirectory()
    await opened(rpc.openSession('41', 'u', 'b_1'))
    await evictDurableObject(stub)
    expect(await opened(rpc.session('41'))).toEqual({ subject: 'u', broadcast: 'b_1' })
    expect(await opened(rpc.session('42'))).toBeNull()
    await opened(rpc.closeSession('41', 'b_1'))
    expect(await opened(rpc.session('41'))).toBeNull()
  })

  it('end only by the broadcast they run, however late the end of an earlier one comes', async () => {
    const { rpc } = aDirectory()
    await opened(rpc.openSession('41', 'u', 'b_1'))
    await opened(rpc.openSession('41', 'v', 'b_2'))
    await opened(rpc.closeSession('41', 'b_1'))
    expect(await opened(rpc.session('41'))).toEqual({ subject: 'v', broadcast: 'b_2' })
  })
})

describe('a stream key when a call is lost', () => {
  const key = (id: string): StreamKey => ({
    id,
    subject: 'u',
    key_hash: 'H',
    created_at: T0,
    revoked_at: null,
  })

  /** Loses the nth call to the directory, before or after it was heard. */
  function losing(nth: number, when: 'before' | 'after', prefix: string): StreamKeys {
    let calls = 0
    const lose = async <T>(call: () => PromiseLike<Reply<T>>): Promise<Reply<T>> => {
      const lost = ++calls === nth
      if (lost && when === 'before') throw new Error('lost before it was heard')
      const reply = await call()
      if (lost) throw new Error('lost after it was heard')
      return reply
    }
    return createEdgeStreamKeys({
      pepper,
      directoryOf(name) {
        const at = stubs.directory(prefix + name)
        return {
          bindStreamKey: (by, one) => lose(() => at.bindStreamKey(by, one)),
          unbindStreamKey: (by, one) => lose(() => at.unbindStreamKey(by, one)),
          streamKey: (by, one) => lose(() => at.streamKey(by, one)),
          revokeStreamKey: (by, one, instant) => lose(() => at.revokeStreamKey(by, one, instant)),
          streamKeysOf: (subject) => lose(() => at.streamKeysOf(subject)),
        }
      },
    })
  }

  for (const when of ['before', 'after'] as const)
    for (const nth of [1, 2, 3])
      it(`admits none that cannot be revoked, and a repetition ends well: call ${nth}, ${when}`, async () => {
        const prefix = `${crypto.randomUUID()} `
        const sound = losing(0, when, prefix)
        await losing(nth, when, prefix)
          .bind(key('sk_1'))
          .catch(() => null)
        const admitted = await sound.byHash('H')
        if (admitted !== null) expect(await sound.byId('sk_1')).toEqual(admitted)
        const again = await sound.bind(key('sk_2'))
        expect(again).toEqual(admitted === null ? { ok: true } : { ok: false, error: 'taken' })
        const bound = admitted === null ? 'sk_2' : 'sk_1'
        expect((await sound.byHash('H'))?.id).toBe(bound)
        await losing(nth, when, prefix)
          .revoke(bound, T0)
          .catch(() => null)
        expect(await sound.revoke(bound, epochMs(T0 + 1))).toBe(true)
        const revoked = await sound.byHash('H')
        expect(revoked?.revoked_at).not.toBeNull()
        expect(await sound.byId(bound)).toEqual(revoked)
        // The one that lost the race, or was never finished, revokes nothing.
        expect(await sound.revoke(bound === 'sk_1' ? 'sk_2' : 'sk_1', T0)).toBe(false)
      })
})
