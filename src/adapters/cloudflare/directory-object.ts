/**
 * The object of one slice of the directory, or of one media server: a shell around its tables.
 *
 * Every method is one synchronous statement on its own database, so nothing can come between reading and writing; no
 * answer leaves before it is durable. What the tables mean: directory-tables.ts. Who asks: edge-directory.ts.
 */
import { DurableObject } from 'cloudflare:workers'
import type { SubjectId } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ReviewItem, ReviewSearch, StreamKey } from '../../ports.ts'
import { type DirectoryTables, openDirectory } from './directory-tables.ts'
import { createDoSql } from './do-sql.ts'
import type { Env } from './env.ts'
import { carried, type DirectoryRpc, type Reply } from './rpc.ts'
import type { SpokenSessions } from './rpc-keeper.ts'
import { createSpokenBook, type SpokenBook } from './spoken-sessions.ts'
import { reportFailure } from './worker-lines.ts'

export class DirectoryObject extends DurableObject<Env> implements DirectoryRpc {
  #tables: DirectoryTables | null = null
  readonly #spoken: SpokenBook = createSpokenBook(Date.now)

  claimStrike(id: string, subject: SubjectId): Promise<Reply<'ok' | 'taken'>> {
    return this.#ask((tables) => tables.claimStrike(id, subject))
  }

  subjectOfStrike(id: string): Promise<Reply<SubjectId | null>> {
    return this.#ask((tables) => tables.subjectOfStrike(id))
  }

  bindStreamKey(by: 'hash' | 'id', key: StreamKey): Promise<Reply<'ok' | 'taken'>> {
    return this.#ask((tables) => tables.bindStreamKey(by, key))
  }

  unbindStreamKey(by: 'hash' | 'id', name: string): Promise<Reply<null>> {
    return this.#ask((tables) => tables.unbindStreamKey(by, name))
  }

  streamKey(by: 'hash' | 'id', name: string): Promise<Reply<StreamKey | null>> {
    return this.#ask((tables) => tables.streamKey(by, name))
  }

  revokeStreamKey(by: 'hash' | 'id', name: string, at: EpochMs): Promise<Reply<boolean>> {
    return this.#ask((tables) => tables.revokeStreamKey(by, name, at))
  }

  streamKeysOf(subject: SubjectId): Promise<Reply<readonly StreamKey[]>> {
    return this.#ask((tables) => tables.streamKeysOf(subject))
  }

  openSession(session: string, subject: SubjectId, broadcast: string): Promise<Reply<null>> {
    return this.#ask((tables) => tables.openSession(session, subject, broadcast))
  }

  closeSession(session: string, broadcast: string): Promise<Reply<null>> {
    return this.#ask((tables) => tables.closeSession(session, broadcast))
  }

  session(
    session: string,
    spoken?: 'hook' | 'poll',
  ): Promise<Reply<{ readonly subject: SubjectId; readonly broadcast: string } | null>> {
    if (spoken !== undefined) this.#spoken.note(session, spoken)
    return this.#ask((tables) => tables.session(session))
  }

  openSessions(after: string | null, limit: number): ReturnType<DirectoryRpc['openSessions']> {
    return this.#ask((tables) => tables.openSessions(after, limit))
  }

  spokenOf(sessions: readonly string[]): Promise<Reply<SpokenSessions>> {
    return this.#ask(() => this.#spoken.of(sessions))
  }

  keysOf(subject: SubjectId): Promise<Reply<number>> {
    return this.#ask((tables) => tables.keysOf(subject))
  }

  dropSubject(subject: SubjectId): Promise<Reply<null>> {
    return this.#ask((tables) => tables.dropSubject(subject))
  }

  releaseStrikes(ids: readonly string[], subject: SubjectId): Promise<Reply<null>> {
    return this.#ask((tables) => tables.releaseStrikes(ids, subject))
  }

  putReviews(subject: SubjectId, items: readonly ReviewItem[], at: EpochMs): Promise<Reply<null>> {
    return this.#ask((tables) => tables.putReviews(subject, items, at))
  }

  listReviews(search: ReviewSearch): ReturnType<DirectoryRpc['listReviews']> {
    return this.#ask((tables) => tables.listReviews(search))
  }

  openReviews(at: EpochMs): Promise<Reply<number>> {
    return this.#ask((tables) => tables.openReviews(at))
  }

  /** Tables are opened with the first question: one that fails is answered, not a constructor that throws. */
  #ask<T>(question: (tables: DirectoryTables) => T): Promise<Reply<T>> {
    return carried(
      () => {
        this.#tables ??= openDirectory(createDoSql(this.ctx.storage))
        return question(this.#tables)
      },
      (error) => reportFailure('directory', error),
    )
  }
}
