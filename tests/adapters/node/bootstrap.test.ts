/** What a log begins with, and that a policy's text gets into it once, whole, before its use. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { logPolicy } from '../../../src/adapters/node/bootstrap.ts'
import { toBase64Url } from '../../../src/core/encoding.ts'
import { joinPolicyParts, policyDigest } from '../../../src/core/record/policy-parts.ts'
import { parseVkey } from '../../../src/core/tlog/note-key.ts'
import { aNodeGate, ISSUER, type NodeGate, ORIGIN, POLICY } from '../../support/node-gate.ts'

let world: NodeGate
beforeEach(async () => {
  world = await aNodeGate()
})
afterEach(() => world.close())

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

it('a log begins with its record key, signed by itself, then the key of its checkpoints', async () => {
  const [record, checkpoint] = world.entries()
  const { signer, recordJwk, vkey } = world.store
  const common = { iss: ISSUER, log: ORIGIN, status: 'active' }
  expect(record).toMatchObject({
    typ: 'livegate-key+jwt',
    claims: { ...common, use: 'record', jwk: { ...recordJwk } },
  })
  expect(checkpoint).toMatchObject({
    typ: 'livegate-key+jwt',
    claims: { ...common, use: 'checkpoint' },
  })
  const key = parseVkey(vkey)
  const x = (checkpoint?.claims.jwk as { x?: string } | undefined)?.x
  expect(x).toBe(key.ok ? toBase64Url(key.value.publicKey) : 'no key')
  expect(world.store.log.has(signer.kid)).toBe(true)
  expect((await world.audit()).findings).toEqual([])
})

it('a policy is logged once, part by part, and can be put together again', async () => {
  const text = bytes('x'.repeat(7_000))
  const before = world.entries().length
  const { log, signer } = world.store
  const digest = await logPolicy(world.scribe, log, signer, text)
  expect(digest).toBe(policyDigest(text))
  expect(log.has(digest)).toBe(true)
  await logPolicy(world.scribe, log, signer, text)
  const parts = world.entries().slice(before)
  expect(parts.map(({ typ }) => typ)).toEqual(Array(3).fill('livegate-policy+jwt'))
  const joined = joinPolicyParts(parts.map(({ claims }) => claims as never))
  expect(joined).toEqual({ ok: true, value: text })
})

it('a revision goes behind the one before it, and a return to an old one adds nothing', async () => {
  const { log, signer } = world.store
  const before = world.entries().length
  const other = await logPolicy(world.scribe, log, signer, bytes('another'))
  await logPolicy(world.scribe, log, signer, await POLICY)
  await logPolicy(world.scribe, log, signer, bytes('another'))
  expect(world.entries().slice(before)).toMatchObject([
    { claims: { digest: other, part: 1, of: 1 } },
  ])
  world = await world.restart()
  await logPolicy(world.scribe, world.store.log, world.store.signer, bytes('another'))
  expect(world.entries()).toHaveLength(before + 1)
  expect((await world.audit()).findings).toEqual([])
})

it('nothing is appended under a key the log does not hold', async () => {
  const before = world.entries().length
  const key = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } as const
  const draft = { kind: 'key', claims: { jwk: key, use: 'record', status: 'active' }, groups: null }
  await expect(world.scribe.append([draft as never], ['no-such-key'])).rejects.toMatchObject({
    code: 'conflict',
  })
  expect(world.entries()).toHaveLength(before)
})
