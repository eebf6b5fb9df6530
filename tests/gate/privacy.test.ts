/**
 * G7: nothing personal stands in the log; whoever erases the openings leaves every entry, chain and proof as it was.
 */
import { describe, expect, it } from 'vitest'
import { textFromBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { leafOf, portableHasher } from '../../src/core/record/hashing.ts'
import { parseRecord } from '../../src/core/record/parse.ts'
import { epochMs } from '../../src/core/time.ts'
import { aStrike, ask, NOW, opened, policyOf, useGates } from '../support/gate.ts'

const gates = useGates()
const policy = policyOf(
  '  - { id: struck, ground: terms, count: { category: spam.* }, ladder: { 1: 30d }, outcome: deny }',
)
const PERSONAL = [
  'ada-lovelace',
  'grace-hopper',
  'stream-4711',
  'strike-4711',
  'linked-4711',
  'hidden-context',
]

async function aHistory() {
  const world = await gates({ policy })
  await world.gate.putFacts('ada-lovelace', { linked: ['linked-4711'] }, NOW)
  const question = ask('ada-lovelace', {
    stream: { id: 'stream-4711', hosts: [{ subject: 'grace-hopper' }] },
    facts: { created_at: epochMs(0) },
  })
  await world.gate.decide(question)
  await world.gate.strike(
    aStrike('strike-4711', 'ada-lovelace', { category: 'spam.bulk', context: 'hidden-context' }),
  )
  const denied = await world.gate.decide(question)
  await world.gate.reverse({ strike: 'strike-4711', reason: 'hidden-context' })
  return { world, denied }
}

describe('the log', () => {
  it('holds no subject, stream, strike, linked account or word of context, in whatever spelling', async () => {
    const { world } = await aHistory()
    const entries = world.store.entries()
    expect(entries.length).toBeGreaterThan(5)
    for (const { jws } of entries) {
      const read = jws.split('.').map((part) => textFromBase64Url(part) ?? '')
      for (const value of PERSONAL)
        for (const text of [jws, ...read])
          for (const spelling of [
            value,
            toBase64Url(utf8(value)),
            portableHasher.digestText(value),
          ])
            expect(text).not.toContain(spelling)
    }
  })

  it('names nobody in the facts either: only the group `subject` says who', async () => {
    const { denied } = await aHistory()
    const facts = JSON.stringify(opened(denied.openings, 'facts'))
    for (const value of ['ada-lovelace', 'grace-hopper', 'linked-4711'])
      expect(facts).not.toContain(value)
    expect(opened(denied.openings, 'subject')).toEqual({
      subject: 'ada-lovelace',
      cohosts: ['grace-hopper'],
    })
  })

  it('stays what it is without its openings: each entry parses and hashes to its leaf', async () => {
    const { world } = await aHistory()
    for (const { jws, leaf } of world.store.entries()) {
      expect(parseRecord(jws).ok).toBe(true)
      expect(leafOf(utf8(jws), portableHasher)).toEqual(leaf)
    }
  })

  it('gives equal values unequal digests: a salt of its own for each group of each record', async () => {
    const { world } = await aHistory()
    const digests = world.store.entries().flatMap(({ jws }) => {
      const claims = JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}') as {
        _sd?: string[]
      }
      return claims._sd ?? []
    })
    expect(digests.length).toBeGreaterThan(15)
    expect(new Set(digests).size).toBe(digests.length)
  })
})
