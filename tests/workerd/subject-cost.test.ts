/** What a decision costs its subject's object, in rows and bytes as the platform bills them: figures of bench/scale. */
import { evictDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { ask } from '../support/gate.ts'
import { gate, inSubject, subjectStub } from './deployment.ts'

interface Cost {
  readonly written: number
  readonly read: number
  readonly bytes: number
  readonly alarm: number | null
}

/** Of one plain decision, and of writing down that its answer left. */
async function costOf(subject: string): Promise<Cost> {
  const cursors: { readonly rowsWritten: number; readonly rowsRead: number }[] = []
  await inSubject(subject, async ({ storage: { sql } }) => {
    const exec = sql.exec.bind(sql)
    const value = (...given: Parameters<typeof exec>) => {
      const cursor = exec(...given)
      cursors.push(cursor)
      return cursor
    }
    Object.defineProperty(sql, 'exec', { configurable: true, value })
  })
  await gate.decide(ask(subject))
  const total = (): Promise<Cost> =>
    inSubject(subject, async ({ storage }) => ({
      written: cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
      read: cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
      bytes: storage.sql.databaseSize,
      alarm: await storage.getAlarm(),
    }))
  const noted = (): Promise<boolean> =>
    inSubject(subject, async ({ storage: { sql } }) => {
      const newest = 'SELECT (SELECT max(idx) FROM records) IS (SELECT placed FROM subjects) AS it'
      return sql.exec<{ it: number }>(newest).one().it === 1
    })
  const before = cursors.length
  while (!(await noted())) await new Promise((go) => setTimeout(go, 1))
  // What this test asked is not what it counts.
  const asked = cursors.slice(before)
  const own = asked.filter(({ rowsWritten }) => rowsWritten === 0)
  const { written, read, ...rest } = await total()
  return { ...rest, written, read: read - own.reduce((sum, { rowsRead }) => sum + rowsRead, 0) }
}

it('a plain decision writes two rows and arms no alarm; the first one makes a database of 12 KB', async () => {
  const subject = 'u_cost'
  const first = await costOf(subject)
  expect(first).toMatchObject({ written: 9, bytes: 12_288, alarm: null })
  await evictDurableObject(subjectStub(subject))
  const woken = await costOf(subject)
  expect(woken).toMatchObject({ written: 2, alarm: null })
  expect(woken.read).toBeLessThanOrEqual(13)
  expect(woken.bytes - first.bytes).toBeLessThanOrEqual(8_192)
})
