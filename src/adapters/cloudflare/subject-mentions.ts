/**
 * Who else a subject's object knows of, and who knows of it: what has to be told when the subject is erased.
 *
 * Nothing says it but the records themselves, so they are read through, some at a time; an erasure is rare. What cannot be
 * read names nobody. Next stop: subject-erasing.ts.
 */

import type { SubjectId } from '../../core/model.ts'
import { groupIn, withoutCohosts } from '../../core/record/cohost-openings.ts'
import { integer, type Sql, text, textOrNull } from '../sqlite/sql.ts'
import type { ChainStore } from './chain-store.ts'
import { LATE_GONE } from './late-row.ts'
import { isSession } from './session.ts'

/** A record that is being written, and what it calls somebody it names. */
export interface Naming {
  readonly host: SubjectId
  readonly seq: number
  /** Null for an account that had no chain. */
  readonly pseudonym: string | null
}

export interface Mentions {
  /** Ids of the subject's strikes. */
  readonly strikes: readonly string[]
  /** Decisions that name strikes of co-hosts. */
  readonly named: readonly { readonly strike: string; readonly id: string }[]
  /** Everybody its records name. */
  readonly cohosts: readonly string[]
}

const READ_AT_ONCE = 256
const RECORDS = `SELECT idx, id, openings FROM records
  WHERE idx > ? AND kind = 'decision' AND openings IS NOT NULL ORDER BY idx LIMIT ${READ_AT_ONCE}`

export function mentionsIn({
  sql,
  store,
}: {
  readonly sql: Sql
  readonly store: ChainStore
}): Mentions {
  if (store.peek() === null) return { strikes: [], named: [], cohosts: [] }
  const strikes = sql.all('SELECT id FROM strikes').map((row) => text(row, 'id'))
  const named: { strike: string; id: string }[] = []
  const all = new Set<string>()
  for (let after = -1; ; ) {
    const rows = sql.all(RECORDS, after)
    for (const row of rows) {
      const openings = JSON.parse(text(row, 'openings')) as Readonly<Record<string, string>>
      const { cohosts = [] } = (groupIn(openings, 'subject') ?? {}) as SubjectSaid
      if (cohosts.length === 0) continue
      for (const cohost of cohosts) all.add(cohost)
      const { hosts = [] } = (groupIn(openings, 'facts') ?? {}) as FactsSaid
      for (const { strikes: theirs = [] } of hosts.slice(1))
        for (const { id: strike } of theirs) named.push({ strike, id: text(row, 'id') })
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < READ_AT_ONCE) break
    after = integer(last, 'idx')
  }
  return { strikes, named, cohosts: [...all] }
}

export interface SubjectSaid {
  readonly cohosts?: readonly string[]
}

interface FactsSaid {
  readonly hosts?: readonly { readonly strikes?: readonly { readonly id: string }[] }[]
}

/** Hosts whose records name this subject, with the `seq` of each. */
export function hostsNaming(sql: Sql): ReadonlyMap<string, readonly number[]> {
  const hosts = new Map<string, number[]>()
  for (const row of sql.all('SELECT subject, idx FROM cohosts ORDER BY subject, idx')) {
    const host = text(row, 'subject')
    hosts.set(host, [...(hosts.get(host) ?? []), integer(row, 'idx') + 1])
  }
  return hosts
}

/** Media servers that run a session of the subject. */
export function serversOf(store: ChainStore, subject: string): readonly string[] {
  const open = store.peek()?.subjects.load(subject).state.broadcasts ?? []
  return [...new Set(open.filter(isSession).map(({ server }) => server))]
}

const NOTE = 'INSERT INTO cohosts (subject, idx) VALUES (?, ?) ON CONFLICT DO NOTHING'

/** A record of `host` at `seq` is going to name this subject. Inside a transaction only. */
export function noteHost(sql: Sql, host: string, seq: number): void {
  sql.run(NOTE, host, seq - 1)
}

/** Records of `host` no longer name this subject, by `seq` or all. Inside a transaction only. */
export function dropHost(sql: Sql, host: string, seqs: readonly number[] | null): void {
  if (seqs === null) sql.run('DELETE FROM cohosts WHERE subject = ?', host)
  else
    for (const seq of seqs)
      sql.run('DELETE FROM cohosts WHERE subject = ? AND idx = ?', host, seq - 1)
}

const STRIP = `UPDATE records SET openings = ?, ${LATE_GONE} WHERE idx = ?`

/** Takes the groups that name a co-host out of records, by `seq`. Inside a transaction only. */
export function stripNames(sql: Sql, cohost: string, seqs: readonly number[]): void {
  for (const seq of seqs) {
    const row = sql.get('SELECT openings FROM records WHERE idx = ?', seq - 1)
    const stored = row === undefined ? null : textOrNull(row, 'openings')
    if (stored === null) continue
    const openings = JSON.parse(stored) as Readonly<Record<string, string>>
    const said = groupIn(openings, 'subject') as SubjectSaid | undefined
    // Of another chain: who was named at this place is gone already.
    if (said !== undefined && said.cohosts?.includes(cohost) !== true) continue
    const left = JSON.stringify(withoutCohosts(openings))
    sql.run(STRIP, left, seq - 1)
  }
}
