/**
 * What operators and auditors are promised about keys on every durable host: exchanged while decisions go on, both
 * signatures while they overlap, every record verifiable with the published set.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { DECISION_ANSWER } from '../../src/adapters/http/answers.ts'
import { KEY_CHANGE_ANSWER, KEYS_ANSWER } from '../../src/adapters/http/key-schemas.ts'
import { answer, fresh, type Host, OLD_ACCOUNT, problem, send } from './host.ts'

interface Key {
  readonly log: string
  readonly kid: string
  readonly use: string
  readonly status: string
  readonly signs: boolean
  readonly vkey?: string
}

interface Changed {
  readonly changed: boolean
  readonly keys: readonly Key[]
}

export function keysSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
  })

  const list = async (use: string): Promise<readonly Key[]> => {
    const { keys } = await answer<{ readonly keys: readonly Key[] }>(
      host,
      { path: '/v1/keys' },
      { status: 200, shape: KEYS_ANSWER },
    )
    return keys.filter((key) => key.use === use)
  }
  const rotate = (body: object, status: number): Promise<Changed> =>
    answer(
      host,
      { method: 'POST', path: '/v1/keys/rotation', body },
      { status, shape: KEY_CHANGE_ANSWER },
    )
  /** The key that signed a new decision. */
  const decided = async (): Promise<string> => {
    const body = { subject: fresh('keyed'), facts: OLD_ACCOUNT }
    const { record } = await answer<{ readonly record: string }>(
      host,
      { method: 'POST', path: '/v1/decisions', body },
      { status: 200, shape: DECISION_ANSWER },
    )
    const header = record.split('.')[0] ?? ''
    return (JSON.parse(atob(header.replaceAll('-', '+').replaceAll('_', '/'))) as { kid: string })
      .kid
  }
  const published = async (): Promise<readonly string[]> => {
    const { json } = await send(host, { path: '/.well-known/jwks.json', as: null })
    return (json as { readonly keys: readonly { kid: string }[] }).keys.map(({ kid }) => kid)
  }

  describe('keys', () => {
    it('are listed with what has become of them', async () => {
      const kid = await decided()
      for (const log of new Set((await list('record')).map((key) => key.log)))
        expect((await list('record')).filter((key) => key.log === log && key.signs)).toMatchObject([
          { kid, status: 'active' },
        ])
      expect((await list('checkpoint')).every(({ vkey, log }) => vkey?.startsWith(`${log}+`))).toBe(
        true,
      )
    })

    it('are exchanged while decisions go on, and old records still verify', async () => {
      const before = await decided()
      await rotate({ use: 'record' }, 201)
      await expect.poll(decided, { timeout: 15_000, interval: 250 }).not.toBe(before)
      expect(await published()).toEqual(expect.arrayContaining([before, await decided()]))
    }, 30_000)

    it('of checkpoints overlap until they are told not to', async () => {
      const path = host.shards > 1 ? '/log/1/vkey' : '/log/vkey'
      const vkeys = async (): Promise<number> =>
        (await send(host, { path, as: null })).text.trim().split('\n').length
      expect(await vkeys()).toBe(1)
      await rotate({ use: 'checkpoint' }, 201)
      expect((await rotate({ use: 'checkpoint' }, 200)).changed).toBe(false)
      expect(await vkeys()).toBe(2)
      await rotate({ use: 'checkpoint', step: 'finish' }, 201)
      expect(await vkeys()).toBe(1)
    })

    it.each([
      ['no use', '/v1/keys/rotation', {}, 400, 'invalid_request'],
      [
        'another step',
        '/v1/keys/rotation',
        { use: 'record', step: 'again' },
        400,
        'invalid_request',
      ],
      ['no thumbprint', '/v1/keys/revocation', { kid: 'x' }, 400, 'invalid_request'],
      ['a stranger', '/v1/keys/revocation', { kid: 'A'.repeat(43) }, 404, 'not_found'],
      [
        'a log that is none',
        '/v1/keys/revocation',
        { kid: 'A'.repeat(43), log: 'x' },
        404,
        'not_found',
      ],
    ])('refuse %s', async (_, path, body, status, code) => {
      await problem(host, { method: 'POST', path, body }, { status, code })
    })
  })
}
