/**
 * Kinds of lie about a whole log (honest-log.ts), each told with valid keys, and where an audit finds which of its codes.
 *
 * `tell` changes what is going to be signed, `records` what was, `files` what is served. For faults/dishonest-gate.test.ts.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { VKEY } from '../cli/a-log.ts'
import { aDirectory, run } from '../cli/a-world.ts'
import { testKey } from '../core/record/samples.ts'
import { type LoggedRecord, resigned, type Unfolded } from './forge.ts'
import { DAY, MINUTE, RECORD_KEY } from './gate.ts'
import { erasureOf, type HonestLog, NEXT_KEY, placeOf } from './honest-log.ts'

type Json = Record<string, unknown>

/** An honest log that is about to change. */
export interface Draft {
  readonly honest: HonestLog
  readonly log: Unfolded[]
  /** The record under a label. */
  at(label: string): Unfolded
  index(label: string): number
  /** One of its groups. */
  group(label: string, name: string): Json
  host(label: string): Json
  claims(label: string): Json
}

export interface LogLie {
  readonly name: string
  /** Before the liar signs: chains and heartbeats are made to fit. */
  readonly tell?: (draft: Draft) => void
  /** After that: nothing fits any more but what is left alone. */
  readonly records?: (signed: LoggedRecord[], draft: Draft) => void
  /** Of the files that are served. */
  readonly files?: (dir: string) => void
  /** More of the command line; `dir` has the log as it was. */
  readonly words?: (dir: string, draft: Draft) => Promise<readonly string[]>
  /** Where (a label, or `tree`) and what; all of it. */
  readonly told: readonly string[]
}

const { assign } = Object
const OTHER = 'A'.repeat(43)
const removed = ({ log, index }: Draft, label: string): Unfolded =>
  log.splice(index(label), 1)[0] as Unfolded
const moved = (draft: Draft, label: string, after: string): void => {
  const one = removed(draft, label)
  draft.log.splice(draft.index(after) + 1, 0, one)
}
const shifted = ({ at, group }: Draft, label: string, ms: number): void => {
  const instant = Number(group(label, 'chain').at) + ms
  for (const name of ['chain', 'facts']) assign(group(label, name), { at: instant })
  assign(at(label), { iat: Math.floor(instant / 1000) })
}
/** Id of what a liar adds. */
export const TWIN: string = 'T'.repeat(22)
const twin = ({ at }: Draft, label: string): Unfolded => ({ ...copyOf(at(label)), jti: TWIN })
/** Keys hold functions, which are shared. */
export const copyOf = ({ signer, ...one }: Unfolded): Unfolded =>
  signer === undefined ? structuredClone(one) : { ...structuredClone(one), signer }
const remembering = async (honest: string): Promise<readonly string[]> => {
  const state = join(aDirectory(), 'state.json')
  const words = ['log', 'audit', honest, '--vkey', VKEY, '--state', state]
  expect((await run(honest, words)).exit).toBe(0)
  return ['--state', state]
}
const STRANGE = testKey(99)
/** As if nothing had been kept: an allow. */
const unkept = ({ at, group, host, claims }: Draft, label: string): void => {
  const { suppressions: _kept, ...rest } = host(label)
  assign(group(label, 'facts'), { hosts: [rest] })
  assign(claims(label), { outcome: 'allow' })
  const lease_until = Number(group(label, 'facts').at) + 240 * MINUTE
  const result = { ...group('late', 'result'), lease_until }
  assign(at(label), { groups: { ...at(label).groups, result } })
}

export const LOG_LIES: readonly LogLie[] = [
  // The tree, and what is served of it.
  {
    name: 'a record is dropped from the log',
    records: (signed, { index }) => void signed.splice(index('second'), 1),
    told: ['struck chain_gap', 'beat1 heartbeat_gap', 'beat2 heartbeat_gap'],
  },
  {
    name: 'two records of a chain are in the wrong order',
    records: (signed, { index }) => {
      const [one] = signed.splice(index('allowed'), 1) as [LoggedRecord]
      signed.splice(index('second'), 0, one)
    },
    told: ['allowed chain_fork', 'second chain_gap'],
  },
  {
    name: 'claims are changed, the signature is not',
    tell: ({ at }) => {
      at('allowed').altered = (jws) => {
        const [header, payload = '', signature] = jws.split('.')
        const text = Buffer.from(payload, 'base64url').toString().replace('"allow"', '"deny"')
        return [header, Buffer.from(text).toString('base64url'), signature].join('.')
      }
    },
    told: ['allowed signature', 'allowed replay_outcome'],
  },
  {
    name: 'an entry is no record',
    tell: ({ at }) => assign(at('last'), { altered: () => 'hello', closed: 'all' }),
    told: ['35 malformed'],
  },
  {
    name: 'the log is forked: a tree signed before had something else in it',
    tell: ({ claims }) => assign(claims('opened'), { by: 'key_9' }),
    words: remembering,
    told: ['tree root', 'tree tile'],
  },
  {
    name: 'the log is rolled back',
    records: (signed) => void signed.splice(-2),
    words: remembering,
    told: ['tree rollback'],
  },
  {
    name: 'a tile is not that of the entries',
    files: (dir) => {
      const tiles = join(dir, 'tile', '0', '000.p')
      const path = join(tiles, readdirSync(tiles).at(-1) ?? '')
      const bytes = readFileSync(path)
      bytes[70] = (bytes[70] ?? 0) ^ 1
      writeFileSync(path, bytes)
    },
    told: ['tree tile'],
  },
  {
    name: 'a signed record that was handed out is kept out of the log',
    tell: (draft) => void removed(draft, 'late'),
    words: async (dir, { honest }) => {
      const { jti } = honest.records[placeOf(honest.records, honest, 'late')] as Unfolded
      const path = join(aDirectory(), 'records.jsonl')
      const lines = readFileSync(join(dir, 'disclosures.jsonl'), 'utf8').split('\n')
      writeFileSync(
        path,
        lines.filter((line) => line !== '' && idOf(JSON.parse(line).record) === jti).join('\n'),
      )
      return ['--records', path]
    },
    told: ['tree record_missing'],
  },
  // Keys.
  {
    name: 'the first entry is not the key that signs it',
    tell: ({ claims }) => assign(claims('first0'), { jwk: STRANGE.jwk }),
    told: ['every key_unknown', 'first0 first_not_key'],
  },
  {
    name: 'a record is signed by a key the log does not know',
    tell: ({ at }) => assign(at('denied'), { signer: STRANGE }),
    told: ['denied key_unknown', 'reversed chain_gap'],
  },
  {
    name: 'a key signs before its record',
    tell: ({ at }) => assign(at('smaller'), { signer: NEXT_KEY }),
    told: ['smaller key_unknown'],
  },
  {
    name: 'a key announces itself',
    tell: ({ at }) => assign(at('nextKey'), { signer: NEXT_KEY }),
    told: ['every key_unknown'],
  },
  {
    name: 'a retired key goes on signing',
    tell: ({ at }) => assign(at('kept'), { signer: RECORD_KEY }),
    told: ['kept key_not_in_force'],
  },
  {
    name: 'a key that ended is activated again',
    tell: (draft) => {
      const again = { ...twin(draft, 'nextKey'), signer: NEXT_KEY }
      assign(again.claims, { jwk: RECORD_KEY.jwk })
      draft.log.splice(draft.index('oldKey') + 1, 0, again)
    },
    told: ['twin key_record'],
  },
  {
    name: 'the checkpoint is signed by a key that the log does not name',
    tell: ({ claims }) => assign(claims('checkpointKey'), { jwk: STRANGE.jwk }),
    told: ['tree checkpoint_key'],
  },
  // Records that are none of this log.
  {
    name: 'a record is of a kind nobody knows',
    tell: ({ at }) => {
      const header = { typ: 'livegate-opinion+jwt' }
      assign(at('last'), { altered: (jws: string) => resigned(jws, { header }, NEXT_KEY) })
    },
    told: ['last type_unknown'],
  },
  {
    name: 'a record has a claim of no class',
    tell: ({ at }) => {
      const claims = { mood: 'bad' }
      assign(at('last'), { altered: (jws: string) => resigned(jws, { claims }, NEXT_KEY) })
    },
    told: ['last claim_unclassified'],
  },
  {
    name: 'an access record does not say who',
    tell: ({ at }) => {
      const claims = { by: undefined }
      assign(at('opened'), { altered: (jws: string) => resigned(jws, { claims }) })
    },
    told: ['opened claim_missing', 'beat2 heartbeat_totals'],
  },
  {
    name: 'an access record opens nothing',
    tell: ({ at }) => {
      const claims = { count: 0 }
      assign(at('opened'), { altered: (jws: string) => resigned(jws, { claims }) })
    },
    told: ['opened claim_malformed', 'beat2 heartbeat_totals'],
  },
  {
    name: 'a record is of another issuer',
    tell: ({ at }) => assign(at('last'), { named: { issuer: 'https://other.example' } }),
    told: ['last issuer'],
  },
  {
    name: 'a record is of another log',
    tell: ({ at }) => assign(at('last'), { named: { log: 'other.example/log' } }),
    told: ['last log'],
  },
  {
    name: 'groups of a record contradict each other',
    tell: ({ group }) => assign(group('last', 'facts'), { at: 1 }),
    told: ['last groups_disagree'],
  },
  // Chains.
  {
    name: 'a seq is left out',
    tell: ({ at }) => assign(at('denied'), { chained: { seq: 5 } }),
    told: ['denied chain_gap'],
  },
  {
    name: 'two decisions have one seq',
    tell: ({ at }) => assign(at('denied'), { chained: { seq: 3 } }),
    told: ['denied chain_fork', 'reversed chain_prev'],
  },
  {
    name: 'a record names another as the one before it',
    tell: ({ at }) => assign(at('denied'), { chained: { prev: OTHER } }),
    told: ['denied chain_prev'],
  },
  {
    name: 'an instant falls along a chain',
    tell: (draft) => shifted(draft, 'keptAgain', -2 * MINUTE),
    told: ['keptAgain chain_time'],
  },
  // Policies.
  {
    name: 'something is decided under a policy that is not in the log yet',
    tell: (draft) => {
      moved(draft, 'harsh0', 'deniedMild')
      moved(draft, 'harsh1', 'harsh0')
    },
    told: ['deniedMild policy_not_logged', 'deniedMild policy_not_active'],
  },
  {
    name: 'a policy is activated that is not in the log yet',
    tell: (draft) => moved(draft, 'harsh0', 'harsh1'),
    told: ['harsh1 policy_not_logged'],
  },
  {
    name: 'something is decided under a revision that is not active yet',
    tell: ({ claims, honest }) => assign(claims('deniedB'), claimsOf(honest, 'deniedMild')),
    told: ['deniedB policy_not_logged', 'deniedB policy_not_active'],
  },
  {
    name: 'something is decided under a revision another has taken the place of',
    tell: ({ claims, honest }) => assign(claims('deniedMild'), claimsOf(honest, 'deniedB')),
    told: ['deniedMild policy_outdated'],
  },
  {
    name: 'an activation is skipped',
    tell: ({ claims }) => {
      assign(claims('harsh1'), { revision: 3 })
      for (const label of DECIDED_LATER) assign(claims(label), { revision: 3 })
    },
    told: ['harsh1 activation_order'],
  },
  {
    name: 'a text is not that of its digest',
    tell: ({ claims }) => assign(claims('harsh0'), { text: String(claims('first1').text) }),
    told: ['harsh0 policy_parts', 'every policy_not_logged'],
  },
  {
    name: 'a restriction that an earlier revision promised to end is lengthened',
    tell: ({ group }) => {
      const result = group('deniedMild', 'result')
      const until = Number(result.until) + 30 * DAY
      const [one] = result.restrictions as [Json]
      assign(result, { until, restrictions: [{ ...one, until }] })
    },
    told: ['deniedMild replay_field'],
  },
  // What media servers and heartbeats count.
  {
    name: 'one number of a media server is on two records',
    tell: ({ group }) => assign(group('second', 'request'), { enf_seq: 1 }),
    told: ['second enforcer_repeat'],
  },
  {
    name: 'a heartbeat counts other records than there are',
    tell: ({ at, claims }) => {
      assign(at('beat1'), { keep: true })
      assign(claims('beat1'), { from_index: 0, to_index: 10, totals: { decision: 4, key: 6 } })
    },
    told: ['beat1 heartbeat_totals'],
  },
  {
    name: 'a heartbeat passes over records',
    tell: ({ at, claims }) => {
      assign(at('beat2'), { keep: true })
      assign(claims('beat2'), { from_index: 12, to_index: 26, totals: { decision: 1 } })
    },
    told: ['beat2 heartbeat_gap'],
  },
  // Erasure.
  {
    name: 'a chain goes on after it was erased',
    tell: ({ group }) => {
      const { sub } = group('deniedE', 'chain')
      for (const label of ['kept', 'keptAgain']) {
        assign(group(label, 'chain'), { sub })
        const facts = group(label, 'facts') as { hosts: Json[] }
        assign(facts.hosts[0] as Json, { subject: sub })
      }
    },
    told: [
      'kept erased_chain',
      'kept replay_field',
      'keptAgain erased_chain',
      'keptAgain replay_field',
    ],
  },
  {
    name: 'a restriction that outlived an erasure is left out later on, and the decision follows from that',
    tell: (draft) => unkept(draft, 'keptAgain'),
    told: ['keptAgain suppression_ignored'],
  },
  {
    name: 'a restriction is said to have outlived an erasure that an earlier decision knew nothing of',
    tell: (draft) => unkept(draft, 'kept'),
    told: ['keptAgain suppression_invented'],
  },
  {
    name: 'a restriction that outlived an erasure is lengthened',
    tell: ({ host, group }) => {
      const [one] = host('keptAgain').suppressions as [Json]
      const until = Number(one.until) + 30 * DAY
      const result = group('keptAgain', 'result')
      const [restriction] = result.restrictions as [Json]
      assign(one, { until })
      assign(result, { until, restrictions: [{ ...restriction, until }] })
    },
    told: ['keptAgain suppression_ignored', 'keptAgain suppression_invented'],
  },
  {
    name: 'a chain is said to end earlier than it does',
    tell: (draft) => {
      const { honest, log, index, at } = draft
      const one = {
        ...twin(draft, 'erased'),
        claims: erasureOf(log, honest, 'again', { last_seq: 2 }),
      }
      log.splice(index('last'), 0, { ...one, iat: at('late').iat })
    },
    told: ['twin erased_chain'],
  },
  {
    name: 'a log is closed and goes on all the same',
    tell: (draft) => {
      const one = twin(draft, 'erased')
      const closing: Unfolded = { ...one, kind: 'closing', claims: { successors: ['b.example'] } }
      draft.log.splice(draft.index('last'), 0, { ...closing, iat: draft.at('late').iat })
    },
    told: ['last after_closing'],
  },
]

const DECIDED_LATER = [
  'deniedMild',
  'small',
  'smaller',
  'deniedE',
  'kept',
  'keptAgain',
  'late',
  'last',
]

/** `jti` of a record; empty for what is none. */
export function idOf(jws: string): string {
  const [, payload = ''] = jws.split('.')
  return payload === '' ? '' : JSON.parse(Buffer.from(payload, 'base64url').toString()).jti
}

/** Policy and revision of an honest record. */
function claimsOf(honest: HonestLog, label: string): Json {
  const { policy, revision } = (honest.records[placeOf(honest.records, honest, label)] as Unfolded)
    .claims
  return { policy, revision }
}
