/**
 * Logs of a deployment on the edge over databases in memory: what of a sequencer whoever decides or changes something asks.
 */
import { carried, type Reply, type SequencerRpc } from '../../src/adapters/cloudflare/rpc.ts'
import { createComparison } from '../../src/adapters/cloudflare/sequencer-compare.ts'
import {
  createLoggedIncidents,
  type LoggedIncidents,
} from '../../src/adapters/cloudflare/sequencer-incidents.ts'
import {
  createRevisions,
  type Revisions,
} from '../../src/adapters/cloudflare/sequencer-revisions.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../src/adapters/sqlite/entries.ts'
import { createPolicyTexts } from '../../src/adapters/sqlite/policy-texts.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { createScribe } from '../../src/adapters/sqlite/scribe.ts'
import { LivegateError } from '../../src/core/errors.ts'
import type { Wish } from '../../src/core/policy/activation.ts'
import { keyDraft } from '../../src/core/record/drafts.ts'
import type { Clock } from '../../src/ports.ts'
import { countedRandom, type TestKey, testKey } from '../core/record/samples.ts'

export const KEY: TestKey = testKey(7)

export type PolicyRpc = Pick<
  SequencerRpc,
  | 'activations'
  | 'activate'
  | 'begin'
  | 'learn'
  | 'policyText'
  | 'policies'
  | 'ready'
  | 'incidents'
  | 'changeIncident'
  | 'learnIncidents'
>

export interface TestLog {
  readonly rpc: PolicyRpc
  readonly revisions: Revisions
  readonly incidents: LoggedIncidents
  /** While set, nobody reaches it. */
  away: boolean
}

export function aLog(origin: string, clock: Clock, first?: PolicyRpc): TestLog {
  const sql = openNodeSql(':memory:')
  migrate(sql)
  const entries = createEntries(sql, origin)
  const random = countedRandom(origin)
  const scribe = createScribe({
    ...{ issuer: 'https://gate.example', clock, signer: KEY.signer },
    random: { bytes: random },
    log: {
      origin,
      async append(records, requires) {
        if (!requires.every(entries.has)) throw new LivegateError('conflict', 'Cannot append')
        const receipts = sql.transaction(() => records.map((record) => entries.append(record)))
        entries.committed()
        return receipts
      },
    },
  })
  const begun = scribe.append([keyDraft({ jwk: KEY.jwk, use: 'record', status: 'active' })], [])
  const revisions = createRevisions({ sql, entries, scribe, signer: KEY.signer, clock })
  const incidents = createLoggedIncidents({
    ...{ sql, scribe, signer: KEY.signer, clock, random: { bytes: random } },
  })
  const texts = createPolicyTexts(sql)
  const log = { away: false }
  const keepUp =
    first === undefined
      ? async () => {}
      : createComparison({
          first,
          revisions,
          incidents,
          has: entries.has,
          clock,
          after: () => () => {},
        })
  let last: Promise<unknown> = begun
  const call = <T>(work: () => Promise<T> | T): Promise<Reply<T>> =>
    log.away
      ? Promise.reject(new Error('Network connection lost.'))
      : carried(() => {
          // One at a time, as the sequencer has it.
          const result = last.then(work)
          last = result.catch(() => {})
          return result
        }, console.error)
  return Object.assign(log, {
    revisions,
    incidents,
    rpc: {
      activations: () => call(() => revisions.list()),
      activate: (wish: Wish, bytes: Uint8Array | null) =>
        call(() => revisions.activate(wish, bytes)),
      begin: (first) => call(() => revisions.begin(first)),
      learn: (all, given) => call(() => revisions.learn(all, given)),
      policyText: (digest) => call(() => texts.text(digest)),
      policies: () => call(() => []),
      incidents: () => call(() => incidents.list()),
      changeIncident: (wish) => call(() => incidents.change(wish)),
      learnIncidents: (changes) => call(() => incidents.learn(changes)),
      ready: () =>
        call(async () => {
          await keepUp()
          return { origin, activations: revisions.list(), incidents: incidents.list() }
        }),
    } satisfies PolicyRpc,
  })
}
