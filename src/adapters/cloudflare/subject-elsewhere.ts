/**
 * What other objects hold of a subject, and how they let go of it: directories, and the objects of whoever streamed together.
 *
 * Keys of a subject, and ids somebody claimed for it without recording a strike, are in slices only their names lead to, so all
 * slices are asked, some at a time. An erasure is rare. Next stop: directory-tables.ts, subject-mentions.ts.
 */
import type { SubjectId } from '../../core/model.ts'
import type { Pepper } from '../../ports.ts'
import { directoryName, reviewsName, serverName, slicesOf, subjectObjectName } from './names.ts'
import { opened } from './rpc.ts'
import type { Others } from './subject-calls.ts'
import type { Elsewhere } from './subject-erasing.ts'

/** Calls under way at once. */
const AT_ONCE = 32

export function createElsewhere({
  others,
  pepper,
}: {
  readonly others: Pick<Others, 'directory' | 'subject'>
  readonly pepper: Pepper
}): Elsewhere {
  const objectOf = (subject: SubjectId): ReturnType<Others['subject']> =>
    others.subject(subjectObjectName(pepper, subject))
  return {
    async keys(subject) {
      const counts = await each(slicesOf('key'), (name) =>
        opened(others.directory(name).keysOf(subject)),
      )
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async drop(subject, servers) {
      const all = [...slicesOf('strike'), ...slicesOf('key'), ...servers.map(serverName)]
      all.push(reviewsName(pepper, subject))
      await each(all, (name) => opened(others.directory(name).dropSubject(subject)))
    },
    async releaseStrikes(subject, ids) {
      const slices = Map.groupBy(ids, (id) => directoryName(pepper, 'strike', id))
      await each([...slices], ([name, own]) =>
        opened(others.directory(name).releaseStrikes(own, subject)),
      )
    },
    unname: async (host, subject, seqs) =>
      void (await opened(objectOf(host).unname(host, subject, seqs))),
    unhost: async (cohost, subject, seqs) =>
      void (await opened(objectOf(cohost).unhost(cohost, subject, seqs ?? null))),
  }
}

/** All of it, some at a time. */
export async function each<T, R>(
  all: readonly T[],
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  for (let i = 0; i < all.length; i += AT_ONCE)
    results.push(...(await Promise.all(all.slice(i, i + AT_ONCE).map(work))))
  return results
}
