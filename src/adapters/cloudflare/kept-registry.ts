/**
 * How it is judged who has registered: chosen by the composition root, because what knows media servers is no part of this host.
 *
 * All of it is in one object. What looks after the servers is in others (keeper-object.ts), told of each change before it is
 * answered, and asking again with every look.
 */
import type { BroadcastView, Pepper } from '../../ports.ts'
import {
  createSqlMediaServers,
  MEDIA_SERVER_TABLES,
  type SqlMediaServers,
} from '../sqlite/media-servers.ts'
import { migrate } from '../sqlite/schema.ts'
import type { Sql } from '../sqlite/sql.ts'
import type { Env } from './env.ts'
import { readSessions, viewSession } from './kept-media.ts'
import { keeperOfServer } from './names.ts'
import { opened, type Stubs } from './rpc.ts'
import type { RegisteredAs, ServerShown } from './rpc-registry.ts'

export interface Registry {
  register(asked: {
    readonly id: string
    readonly template: string
    readonly host: string
  }): Promise<{ readonly view: ServerShown; readonly created: boolean }>
  deregister(id: string): Promise<void>
  list(): readonly ServerShown[]
  registration(id: string): RegisteredAs | null
  /** Does what time has made due. Never rejects. */
  tick(): Promise<void>
  /** When there is something to do, UTC ms; null for nothing. */
  next(): number | null
}

/** Opens what the object's storage holds. */
export type OpenRegistry = (env: Env, store: SqlMediaServers) => Promise<Registry>

let chosen: OpenRegistry | null = null

/** Once, when the program is loaded. */
export function useRegistry(open: OpenRegistry): void {
  chosen = open
}

/** Null where nobody registers. */
export async function openRegistry(env: Env, sql: Sql): Promise<Registry | null> {
  if (chosen === null) return null
  migrate(sql, [MEDIA_SERVER_TABLES])
  return chosen(env, createSqlMediaServers(sql, { write: async (work) => sql.transaction(work) }))
}

export interface CustodyParts {
  readonly stubs: Pick<Stubs, 'keeper' | 'directory' | 'subject'>
  readonly pepper: Pepper
  /** Ends what needs no cut, as lost. */
  readonly lose: (server: string, broadcast: string) => Promise<unknown>
}

/** Objects that look after servers which registered themselves, and what is open there. */
export function createEdgeCustody({ stubs, pepper, lose }: CustodyParts): {
  readonly keep: (server: { readonly id: string }) => Promise<void>
  readonly release: (id: string) => Promise<void>
  readonly isOpen: (id: string) => Promise<boolean>
  readonly silentFor: (id: string) => Promise<number | null>
  readonly abandon: (id: string) => Promise<void>
} {
  const watch = async (id: string): Promise<void> => {
    await opened(stubs.keeper(keeperOfServer(id)).watch(id))
  }
  async function* open(id: string): AsyncGenerator<BroadcastView> {
    const { open: rows } = await readSessions(stubs, id, [])
    for (const row of rows) {
      const view = await viewSession({ stubs, pepper }, row)
      if (view !== null) yield view
    }
  }
  return {
    keep: ({ id }) => watch(id),
    release: watch,
    async isOpen(id) {
      for await (const _ of open(id)) return true
      return false
    },
    silentFor: (id) => opened(stubs.keeper(keeperOfServer(id)).silentFor()),
    async abandon(id) {
      for await (const { id: broadcast, cutting } of open(id))
        if (cutting === null) await lose(id, broadcast)
    },
  }
}
