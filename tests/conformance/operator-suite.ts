/**
 * What whoever runs a gate works with: stream keys, policies, health, metrics, the contract.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { READY_ANSWER, STATUS_ANSWER, STREAM_KEY_ANSWER } from '../../src/adapters/http/answers.ts'
import { POLICIES_ANSWER } from '../../src/adapters/http/policy-schemas.ts'
import { methodAndPath, ROUTE_IDS } from '../../src/adapters/http/scopes.ts'
import {
  ROTATED_KEY_ANSWER,
  STREAM_KEYS_ANSWER,
} from '../../src/adapters/http/stream-key-schemas.ts'
import { policyDigest } from '../../src/core/record/policy-parts.ts'
import { answer, fresh, type Host, problem, send } from './host.ts'

export function operatorSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
  })

  describe('stream keys', () => {
    const bind = (body: object): Promise<{ readonly id: string; readonly key?: string }> =>
      answer(
        host,
        { method: 'POST', path: '/v1/stream-keys', body },
        { status: 201, shape: STREAM_KEY_ANSWER },
      )
    const revoke = async (id: string): Promise<number> =>
      (await send(host, { method: 'DELETE', path: `/v1/stream-keys/${id}` })).status

    it('are made, shown once, and revoked again and again', async () => {
      const made = await bind({ subject: fresh('u'), facts: { followers: 3 } })
      expect(made.key).toMatch(/^[A-Za-z0-9_-]{32}$/)
      expect([await revoke(made.id), await revoke(made.id)]).toEqual([204, 204])
    })

    it('may be chosen once, even after they were revoked', async () => {
      const body = { subject: fresh('u'), key: fresh('a-key-of-somebody') }
      const { id, key } = await bind(body)
      expect(key).toBeUndefined()
      const conflict = { status: 409, code: 'conflict' }
      const again = { method: 'POST', path: '/v1/stream-keys', body: { ...body, subject: 'other' } }
      await problem(host, again, conflict)
      expect(await revoke(id)).toBe(204)
      await problem(host, again, conflict)
    })

    it('go to one of many who ask for the same', async () => {
      const key = fresh('a-key-of-everybody')
      const sent = { method: 'POST', path: '/v1/stream-keys' } as const
      const all = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          send(host, { ...sent, body: { subject: `u${i}`, key } }),
        ),
      )
      expect(all.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    })

    it('are listed by subject, and exchanged with an overlap', async () => {
      const subject = fresh('u')
      const old = await bind({ subject })
      const sent = {
        ...{ method: 'POST', path: `/v1/stream-keys/${old.id}/rotation`, body: { overlap_s: 60 } },
        headers: { 'idempotency-key': fresh('k') },
      } as const
      const made = await answer<{ readonly id: string; readonly key: string }>(host, sent, {
        ...{ status: 201, shape: ROTATED_KEY_ANSWER },
      })
      const again = await answer(host, sent, { status: 200, shape: ROTATED_KEY_ANSWER })
      expect(again).toEqual(made)
      const path = `/v1/stream-keys?subject=${subject}`
      const { stream_keys } = await answer<{
        readonly stream_keys: readonly { readonly id: string }[]
      }>(host, { path }, { status: 200, shape: STREAM_KEYS_ANSWER })
      // Both may be of one millisecond: then their ids say which is first.
      const ends = stream_keys.map((key) => [key.id, 'revoked_at' in key] as const)
      expect(new Map(ends)).toEqual(
        new Map([
          [made.id, false],
          [old.id, true],
        ]),
      )
      expect(ends).toHaveLength(2)
      await problem(host, { ...sent, headers: {} }, { status: 409, code: 'conflict' })
      expect([await revoke(old.id), await revoke(made.id)]).toEqual([204, 204])
    })

    it('that never were are not found', async () => {
      for (const id of [`sk_${'A'.repeat(22)}`, 'sk_x', 'x']) expect(await revoke(id)).toBe(404)
    })

    it('warn when they may be guessed', async () => {
      expect(await bind({ subject: fresh('u'), key: fresh('k') })).toHaveProperty('warning')
    })
  })

  describe('policies', () => {
    it('name the one that decides, and give its exact text', async () => {
      const { policies } = await answer<{
        readonly policies: readonly { readonly digest: string; readonly active: boolean }[]
      }>(host, { path: '/v1/policies', as: 'read' }, { status: 200, shape: POLICIES_ANSWER })
      const active = policies.filter((one) => one.active)
      expect(active).toMatchObject([{ name: 'default' }])
      const digest = active[0]?.digest ?? ''
      const { status, bytes } = await send(host, { path: `/v1/policies/${digest}`, as: 'read' })
      expect([status, policyDigest(bytes)]).toEqual([200, digest])
    })

    it('that never were are not found', async () => {
      const path = `/v1/policies/sha256-${'A'.repeat(43)}`
      await problem(host, { path }, { status: 404, code: 'not_found' })
    })
  })

  describe('for everybody', () => {
    it('it is alive, and ready, and says by which policy', async () => {
      const alive = { path: '/healthz', as: null }
      const shape = STATUS_ANSWER
      expect(await answer(host, alive, { status: 200, shape })).toEqual({ status: 'alive' })
      const asked = { path: '/readyz', as: null }
      expect(await answer(host, asked, { status: 200, shape: READY_ANSWER })).toMatchObject({
        status: 'ready',
        policy: { problems: [] },
      })
    })

    it('its metrics are Prometheus text without a name of anybody', async () => {
      const { status, text, headers } = await send(host, { path: '/metrics', as: null })
      expect([status, headers.get('content-type')]).toEqual([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
      ])
      expect(text).toMatch(/^livegate_log_size(?:\{[^}]*\})? \d+$/m)
      for (const one of text.split('\n'))
        expect(one).toMatch(/^(?:# (?:HELP|TYPE) .*|[a-z_:]+(?:\{.*\})? \S+|)$/)
      expect(text).not.toContain('audited-')
    })

    it('its contract describes every route, as it is mounted here', async () => {
      const { json } = await send(host, { path: '/openapi.json', as: null })
      const { paths } = json as { readonly paths: Readonly<Record<string, object>> }
      const described = Object.entries(paths).flatMap(([path, item]) =>
        Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
      )
      const mounted = ROUTE_IDS.map((route) => {
        const { method, path } = methodAndPath(route, host.shards)
        return `${method} ${path.replaceAll(/:([a-z_]+)/g, '{$1}').replace(/\*$/, '{file}')}`
      })
      expect(described.sort()).toEqual(mounted.sort())
    })

    it('HEAD is GET without its body', async () => {
      const given = await send(host, { method: 'HEAD', path: '/healthz', as: null })
      expect([given.status, given.text]).toEqual([200, ''])
    })
  })
}
