/** Signing on another thread: the same signatures, in the same order, whoever makes them. */
import { createPrivateKey, sign } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { generateKeys, readKeys } from '../../../src/adapters/node/keys.ts'
import { createSigning, type Signing } from '../../../src/adapters/node/signing.ts'
import { utf8 } from '../../../src/core/encoding.ts'

const ORIGIN = 'gate.example/log'
const texts = generateKeys(ORIGIN)
const keys = readKeys(texts, ORIGIN)
const key = createPrivateKey(texts.record)
let signing: Signing
let here: number
afterEach(() => signing.stop())

function start(): void {
  here = 0
  signing = createSigning({
    signer: {
      ...keys.signer,
      sign: (bytes) => {
        here++
        return keys.signer.sign(bytes)
      },
    },
    key: keys.recordKey,
    onError: (error) => {
      throw error
    },
  })
}

async function signAll(count: number): Promise<number> {
  const texts = Array.from({ length: count }, (_, i) => utf8(`${i} `.repeat(1 + (i % 50))))
  const before = here
  const signatures = await Promise.all(texts.map((bytes) => signing.signer.sign(bytes)))
  for (const [i, bytes] of texts.entries())
    expect(signatures[i]).toEqual(new Uint8Array(sign(null, bytes, key)))
  return here - before
}

it('signs here until a rush has started the thread, then there, and a single record here again', async () => {
  start()
  expect(await signAll(1)).toBe(1)
  while ((await signAll(20)) > 0);
  expect(await signAll(20)).toBe(0)
  expect(await signAll(1)).toBe(1)
})

it('signs here what a thread that ends has left, and everything afterwards', async () => {
  start()
  while ((await signAll(20)) > 0);
  const left = signAll(20)
  await signing.stop()
  expect(await left).toBeGreaterThanOrEqual(0)
  expect(await signAll(20)).toBe(20)
})
