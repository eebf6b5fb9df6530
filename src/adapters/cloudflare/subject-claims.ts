/**
 * What a subject's object has other objects know before it is true here: whose a strike id is, what a session runs, who is named.
 *
 * Duties: edge-ledger.ts, `Claims`.
 */

import type { SubjectId } from '../../core/model.ts'
import { groupIn } from '../../core/record/cohost-openings.ts'
import type { Pepper, SignedRecord } from '../../ports.ts'
import type { Claims } from './edge-ledger.ts'
import { directoryName, reviewsName, serverName, subjectObjectName } from './names.ts'
import type { CohostRpc } from './remote-cohosts.ts'
import { opened } from './rpc.ts'
import type { Others } from './subject-calls.ts'

export interface ClaimParts {
  readonly others: Others
  readonly pepper: Pepper
}

/** The objects of co-hosts, by who they are. */
export function cohostOf({ others, pepper }: ClaimParts): (subject: SubjectId) => CohostRpc {
  return (subject) => others.subject(subjectObjectName(pepper, subject))
}

export function claimsOf({ others, pepper }: ClaimParts): Claims {
  return {
    strike: ({ id, subject }) =>
      opened(others.directory(directoryName(pepper, 'strike', id)).claimStrike(id, subject)),
    async openSession(subject, { id, server, session }) {
      await opened(others.directory(serverName(server)).openSession(session, subject, id))
    },
    async names({ cohosts, host, seq, record }) {
      const named = await Promise.all(
        cohosts.map((cohost) => {
          const object = others.subject(subjectObjectName(pepper, cohost))
          const called = calledIn(record, cohost)
          // Whoever has no chain is called by a keyed hash, which no erasure changes.
          const pseudonym = called === pepper.hash('account', cohost) ? null : called
          return opened(object.named(cohost, { host, seq, pseudonym }))
        }),
      )
      return named.every((isSo) => isSo)
    },
    async queueReviews(subject, items, at) {
      await opened(others.directory(reviewsName(pepper, subject)).putReviews(subject, items, at))
    },
    closeSession({ id, server, session }) {
      opened(others.directory(serverName(server)).closeSession(session, id)).catch(() => {})
    },
  }
}

/** What a record calls somebody it names; null where it does not tell. */
function calledIn({ openings }: Pick<SignedRecord, 'openings'>, cohost: SubjectId): string | null {
  const { cohosts = [] } = (groupIn(openings, 'subject') ?? {}) as {
    readonly cohosts?: readonly SubjectId[]
  }
  const { hosts = [] } = (groupIn(openings, 'facts') ?? {}) as {
    readonly hosts?: readonly { readonly subject: string }[]
  }
  const place = cohosts.indexOf(cohost)
  return place === -1 ? null : (hosts[place + 1]?.subject ?? null)
}
