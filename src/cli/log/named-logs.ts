/**
 * Several logs and several keys, brought together by the names in the checkpoints.
 *
 * What a checkpoint says it is of picks the key, and only under that key is it believed. From: audit-logs.ts.
 */
import { type CliFailure, EXIT, failureOf, usage } from '../failure.ts'
import { quote, type Session } from '../session.ts'
import { type LogKey, logKeyOf, openHead, originIn, readNote } from './head.ts'
import type { OpenLog } from './predecessor.ts'
import { openSource } from './source.ts'

/** A log of the run; `origin` is null when not even its checkpoint could be read. */
export type NamedLog = { readonly name: string; readonly origin: string | null } & (
  | { readonly open: OpenLog }
  | { readonly failure: CliFailure }
)

/** Verifier keys by the log they are of; a log that exchanges its key has two. */
export function keysByOrigin(vkeys: readonly string[]): ReadonlyMap<string, LogKey> {
  const byOrigin = Map.groupBy(vkeys, (vkey) => logKeyOf(vkey).origin)
  return new Map([...byOrigin].map(([origin, own]) => [origin, logKeyOf(own.join('\n'))]))
}

/** Opens each; that keys and logs do not match is wrong usage, what else goes wrong with a log stays its own. */
export async function openLogs(
  session: Session,
  input: {
    readonly names: readonly string[]
    readonly keys: ReadonlyMap<string, LogKey>
    /** API key for private entries. */
    readonly key: string | undefined
  },
): Promise<readonly NamedLog[]> {
  const { names, keys, key } = input
  const logs: NamedLog[] = []
  for (const name of names) {
    const log = await openLog(session, { name, keys, key })
    const twin = logs.find(({ origin }) => origin !== null && origin === log.origin)
    if (twin !== undefined)
      throw usage(
        `Cannot audit ${quote(name)} beside ${quote(twin.name)}: both are log ${quote(log.origin ?? '')}`,
      )
    logs.push(log)
  }
  const unused = [...keys.keys()].filter((key) => !logs.some(({ origin }) => origin === key))
  // The key of a log that could not be read is one nobody used.
  const unread = logs.filter(({ origin }) => origin === null).length
  if (unused.length > unread)
    throw usage(
      `Cannot use --vkey of ${unused.map(quote).join(', ')}: no log given is of that name`,
    )
  return logs
}

async function openLog(
  session: Session,
  from: {
    readonly name: string
    readonly keys: ReadonlyMap<string, LogKey>
    readonly key: string | undefined
  },
): Promise<NamedLog> {
  const { name, keys } = from
  let origin: string | null = null
  try {
    const source = await openSource(session, name, from.key)
    const note = await readNote(source)
    origin = originIn(note, name)
    const key = keys.get(origin)
    if (key === undefined)
      throw usage(`Cannot audit ${quote(name)}: it is log ${quote(origin)}, expected its --vkey`)
    return { name, origin, open: { source, head: await openHead(note, key, name) } }
  } catch (thrown) {
    const failure = failureOf(thrown)
    if (failure.exit === EXIT.usage) throw failure
    return { name, origin, failure }
  }
}
