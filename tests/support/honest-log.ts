/**
 * One honest log with something of everything in it, taken apart so that a test can lie in it (forge.ts).
 *
 * A real gate in memory decided, struck, reversed, waited, exchanged policies and erased; what its host would have added
 * (checkpoint key, heartbeats, another record key, who opened what) stands between. Records are known by labels.
 */

import {
  erasureDraft,
  heartbeatDraft,
  keyDraft,
  type RecordDraft,
} from '../../src/core/record/drafts.ts'
import { ed25519Jwk } from '../../src/core/record/jwk.ts'
import { createEnforcement } from '../../src/gate/enforcement.ts'
import type { SignedRecord } from '../../src/ports.ts'
import { keyOf } from '../cli/a-log.ts'
import { countedRandom, testKey } from '../core/record/samples.ts'
import { type LoggedRecord, type Unfolded, unfold } from './forge.ts'
import { aGate, aStrike, ask, HOUR, MINUTE, policyOf, RECORD_KEY, STRIKE_RULE } from './gate.ts'

const WAIT =
  '  - { id: wait, ground: terms, when: "subject.followers < 10", outcome: delay, hold: 15m }'
const MILD = policyOf(`${STRIKE_RULE}\n${WAIT}`)
/** Whoever was struck before it keeps what the milder one promised. */
const HARSH = policyOf(`${STRIKE_RULE.replace('1: 30d', '1: 60d')}\n${WAIT}`)

/** Signs from the exchange on. */
export const NEXT_KEY: ReturnType<typeof testKey> = testKey(9)

/** Records in their order, and what each is called. */
export interface HonestLog {
  readonly records: readonly Unfolded[]
  /** Label of a record, by its `jti`. */
  readonly labels: ReadonlyMap<string, string>
}

/** The place of a label. */
export function placeOf(log: readonly Unfolded[], { labels }: HonestLog, label: string): number {
  const index = log.findIndex(({ jti }) => labels.get(jti) === label)
  if (index < 0) throw new Error(`there is no ${label}`)
  return index
}

export async function honestLog(): Promise<HonestLog> {
  const world = await aGate({ policy: MILD, numbered: true })
  const { gate, pass, store, desk, erasure, access } = world
  const enforcement = createEnforcement({ bytes: countedRandom('enforcer') })
  /** As they were before anything was erased. */
  const seen = new Map<string, LoggedRecord>()
  const labels = new Map<string, string>()
  const order: string[] = []
  const see = (label: string): void => {
    const fresh = store.entries().filter(({ id }) => !seen.has(id))
    for (const [i, record] of fresh.entries()) {
      seen.set(record.id, copyOf(record))
      order.push(record.id)
      labels.set(record.id, fresh.length === 1 ? label : `${label}${i}`)
    }
  }
  const step = async (label: string, work: () => Promise<unknown>, ms = MINUTE): Promise<void> => {
    pass(ms)
    await work()
    see(label)
  }
  const goLive = (subject: string, stream: string, followers = 100, hooked = false) =>
    gate.decide(
      ask(subject, {
        ...{ stream: { id: stream }, facts: { followers } },
        ...(hooked ? { session: { server: 'm', session: stream }, enforcement } : {}),
      }),
    )

  see('first')
  await step('allowed', () => goLive('a', 'x', 100, true))
  await step('second', () => goLive('a', 'y', 100, true), 10_000)
  // Both have ended by themselves: what a strike ends is in broadcast-lies.ts.
  await step('struck', () => gate.strike(aStrike('s1', 'a')), 4 * HOUR)
  await step('denied', () => goLive('a', 'x'))
  await step('reversed', () => gate.reverse({ strike: 's1', reason: 'upheld' }))
  await step('again', () => goLive('a', 'x'))
  await step('struckB', () => gate.strike(aStrike('s2', 'b')))
  await step('deniedB', () => goLive('b', 'z'))
  await step('opened', () => access(ACCESS))
  await step('harsh', () =>
    desk.activate({
      ...{ by: 'key_1', note: null, expect_revision: null, activate_at: null, dry_run: false },
      ...{ bytes: new TextEncoder().encode(HARSH), decisions: 0 },
    }),
  )
  await step('deniedMild', () => goLive('b', 'z'), 3 * MINUTE)
  await step('small', () => goLive('d', 'w', 1))
  await step('smaller', () => goLive('d', 'w', 1), 20 * MINUTE)
  await step('struckE', () => gate.strike(aStrike('s3', 'e')))
  await step('deniedE', () => goLive('e', 'v'))
  await step('erased', () => erasure.erase({ subject: 'e', scope: 'subject', basis: 'art17' }))
  await step('kept', () => goLive('e', 'v'))
  await step('keptAgain', () => goLive('e', 'v2'))
  await step('late', () => goLive('f', 'u'), 26 * HOUR)
  await step('last', () => goLive('f', 'u'), 26 * HOUR)

  const records = unfold(order.map((id) => seen.get(id) as LoggedRecord))
  const log: HonestLog = { records, labels }
  for (const label of ['struckE', 'deniedE'])
    Object.assign(records[placeOf(records, log, label)] as Unfolded, { closed: 'all' })
  const put = (after: string, label: string, draft: RecordDraft, s = 0): void => {
    const index = placeOf(records, log, after)
    const jti = label.padEnd(22, '0')
    labels.set(jti, label)
    const { kind, claims } = draft
    const iat = (records[index]?.iat ?? 0) + s
    records.splice(index + 1, 0, {
      ...{ kind, claims: claims as Record<string, unknown>, groups: null, jti, iat },
    })
  }
  const checkpointKey = ed25519Jwk(keyOf(2).publicKey)
  const count = heartbeatDraft({ from_index: 0, to_index: 0, totals: {}, shed: 0 })
  put(
    'first0',
    'checkpointKey',
    keyDraft({ jwk: checkpointKey, use: 'checkpoint', status: 'active' }),
  )
  // The key in force, said again, means nothing.
  const same = keyDraft({ jwk: RECORD_KEY.jwk, use: 'record', status: 'active' })
  put('again', 'beat1', count)
  // So that the log itself tells that time has passed before anybody asks again.
  for (let n = 1; n <= 7; n++) put(n === 1 ? 'harsh1' : `quiet${n - 1}`, `quiet${n}`, same, 20)
  put('smaller', 'nextKey', keyDraft({ jwk: NEXT_KEY.jwk, use: 'record', status: 'active' }))
  put('nextKey', 'oldKey', keyDraft({ jwk: RECORD_KEY.jwk, use: 'record', status: 'retired' }))
  put('keptAgain', 'beat2', count)
  for (const record of records.slice(placeOf(records, log, 'oldKey'))) record.signer = NEXT_KEY
  return log
}

const ACCESS = { by: 'key_1', via: 'records', groups: ['chain'], ids: ['r1', 'r2'] } as const

function copyOf({ kind, jws, openings }: SignedRecord): LoggedRecord {
  return { kind, jws, openings: { ...openings } }
}

/** Says that the chain of the record under a label has ended. */
export function erasureOf(
  log: readonly Unfolded[],
  honest: HonestLog,
  label: string,
  more: Partial<Parameters<typeof erasureDraft>[0]> = {},
): Record<string, unknown> {
  const chain = log[placeOf(log, honest, label)]?.groups?.chain
  const said = { sub: String(chain?.sub), scope: 'subject', basis: 'art17', counts: {} } as const
  return { ...(erasureDraft({ ...said, ...more }).claims as Record<string, unknown>) }
}
