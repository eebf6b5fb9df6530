/**
 * After an erasure is done no byte of the data directory says anything of the subject: neither in the database nor in its
 * journal, its free pages or the gaps inside pages, neither in tiles nor in keys; with the store open, and with it closed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NodeStore } from '../../../src/adapters/node/store.ts'
import { toBase64Url, utf8 } from '../../../src/core/encoding.ts'
import type { StoredFacts, SubjectState } from '../../../src/ports.ts'
import {
  aChange,
  aDecision,
  aRecord,
  aStrike,
  aStrikeChange,
  commitTo,
  later,
  newId,
  T0,
} from '../../contract/fixtures.ts'
import { type DataDir, newDataDir, openStore } from '../../contract/node-store.ts'

let dir: DataDir
let store: NodeStore
beforeEach(async () => {
  dir = await newDataDir()
  store = await openStore({ dir: dir.path })
})
afterEach(async () => {
  await store.close()
  await dir.remove()
})

/** Everything about a subject carries its mark, so that whatever is left of it is found. */
function marksOf(n: number): readonly string[] {
  return ['subject', 'strike', 'label', 'evidence', 'system', 'stream', 'session', 'key'].map(
    (what) => markOf(n, what),
  )
}

function markOf(n: number, what: string): string {
  // Sorted at random, so that rows of many subjects share pages and pages are split in the middle.
  return `${what}-${((n * 2_654_435_761) % 4_294_967_296).toString(36)}-${n}-mark`
}

function openingsOf(n: number, cohost: number | null): Readonly<Record<string, string>> {
  const group = (name: string, value: object): string =>
    toBase64Url(utf8(JSON.stringify(['salt', name, value])))
  const cohosts = cohost === null ? [] : [markOf(cohost, 'subject')]
  return {
    chain: group('chain', { seq: 1 }),
    result: group('result', { rules: [] }),
    subject: group('subject', { subject: markOf(n, 'subject'), cohosts }),
    request: group('request', { stream: markOf(n, 'stream') }),
    facts: group('facts', { hosts: [{ strikes: [] }], label: markOf(n, 'label') }),
  }
}

/** A life: facts that grow, strikes, a session, a stream key, decisions alone and with a co-host. */
async function live(n: number, cohost: number): Promise<void> {
  const subject = markOf(n, 'subject')
  const { ledger, streamKeys } = store
  const facts = (followers: number): StoredFacts => ({
    labels: { value: Array.from({ length: followers }, () => markOf(n, 'label')), as_of: T0 },
  })
  for (const size of [1, 4, 9])
    await commitTo(ledger, subject, (state) => aChange(subject, state, { facts: facts(size) }))
  for (let i = 0; i < 3; i++) {
    const strike = aStrike(subject, {
      ...{ id: `${markOf(n * 3 + i, 'x')}-${markOf(n, 'strike')}` },
      ...{ evidence_hash: markOf(n, 'evidence') },
      source: { system: markOf(n, 'system'), kind: 'human' },
    })
    await commitTo(ledger, subject, (state) => aStrikeChange(subject, state, strike))
  }
  await commitTo(ledger, subject, (state) =>
    aDecision(subject, state, {
      record: aRecord({ id: newId(), openings: openingsOf(n, null) }),
      opens: {
        ...{ id: newId(), stream: markOf(n, 'stream'), opened_at: T0, lease_until: later(9_000) },
        ...{ role: 'host', server: 'nginx', session: markOf(n, 'session') },
      },
    }),
  )
  await commitTo(ledger, subject, (state) =>
    aDecision(subject, state, {
      record: aRecord({ id: newId(), openings: openingsOf(n, cohost) }),
      cohosts: [markOf(cohost, 'subject')],
    }),
  )
  await streamKeys.bind({
    ...{ id: markOf(n, 'key'), subject, key_hash: `h${n}`, created_at: T0, revoked_at: null },
  })
}

async function erase(n: number): Promise<void> {
  const subject = markOf(n, 'subject')
  const state: SubjectState = await store.ledger.load(subject)
  const { seq, head, version } = state
  await store.erasures.begin({
    ...{ subject, at: T0, expect: { seq, head, version }, scope: 'full' },
    ...{ record: aRecord({ kind: 'erasure', openings: {} }), requires: [], counts: {} },
    suppressions: [],
  })
  expect(await store.erasures.finish(subject, 20_000)).toMatchObject({ state: 'done' })
}

/** What is found of a text in any file, in any of the ways it may be written. */
function found(marks: readonly string[]): readonly string[] {
  const files = readdirSync(dir.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return files.flatMap((file) => {
    const bytes = readFileSync(file)
    return marks.filter((mark) => bytes.includes(mark)).map((mark) => `${file}: ${mark}`)
  })
}

/** Inside base64url a text has three spellings; the middle of each is enough. */
function spellings(text: string): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = toBase64Url(utf8('x'.repeat(shift) + text))
    return encoded.slice(4, -4)
  })
}

function everySpelling(n: number): readonly string[] {
  return marksOf(n).flatMap((mark) => [mark, ...spellings(mark)])
}

describe('the bytes of a subject (G7)', () => {
  it('are in the directory before it is erased, so that looking for them means something', async () => {
    await live(1, 2)
    const names = found(everySpelling(1)).join('\n')
    for (const mark of marksOf(1)) expect(names).toContain(mark)
    expect(names).toContain(spellings(markOf(1, 'subject'))[0])
  })

  it('are nowhere soon after a legal hold is lifted, of somebody of whom nothing else is known', async () => {
    const [subject, basis] = [markOf(1, 'subject'), markOf(1, 'basis')]
    await store.erasures.hold({ subject, until: later(9_000), basis, by: 'key', set_at: T0 })
    expect(found([subject, basis])).not.toEqual([])
    expect(await store.erasures.lift(subject)).toBe(true)
    await expect.poll(() => found([subject, basis]), { timeout: 5_000 }).toEqual([])
  })

  it('are in no letter of a webhook either, waiting or dead, of its records or of those that name it', async () => {
    const { webhooks } = store
    await webhooks.begin('platform', 0)
    const first = webhooks.size()
    await live(1, 2)
    const between = webhooks.size()
    await live(2, 1)
    const letters = Array.from({ length: webhooks.size() - first }, (_, i) => ({
      ...{ index: first + i, attempts: 10, failed_at: T0 },
      due_at: i % 2 === 0 ? null : later(9_000),
      // Longer than any of ours, so that no byte of it is overwritten by chance.
      error: `letter-${first + i < between ? 1 : 2}-${i}-mark`.padEnd(300, '.'),
    }))
    await webhooks.advance('platform', webhooks.size(), letters)
    const marksIn = (n: number) =>
      letters.map(({ error }) => error).filter((e) => e.includes(`letter-${n}-`))
    expect(found(marksIn(1))).not.toEqual([])
    const { length: others } = found(marksIn(2))
    await erase(1)
    expect(found(marksIn(1))).toEqual([])
    // The last record of the other names it as a co-host, and nothing of that one can be told any more.
    expect(found(marksIn(2)).length).toBeLessThan(others)
    const { waiting, dead } = webhooks.counts('platform')
    expect(waiting + dead).toBe(marksIn(2).length - 1)
    await webhooks.settle('platform', first, letters[0] ?? null)
    expect(found(marksIn(1)), 'what was under way is not laid again').toEqual([])
  })

  it('are nowhere once it is, among many others and beside work that goes on', async () => {
    const count = 120
    for (let n = 0; n < count; n++) await live(n, (n + 7) % count)
    for (const n of [0, 3, 50, 77, 119]) {
      await Promise.all([erase(n), live(count + n, 10)])
      expect(found(everySpelling(n))).toEqual([])
    }
    expect(found(everySpelling(4))).not.toEqual([])
    await store.publish()
    await store.close()
    for (const n of [0, 3, 50, 77, 119]) expect(found(everySpelling(n))).toEqual([])
    store = await openStore({ dir: dir.path })
  })
})
