/**
 * What each claim may be, value by value, at its limits and past them: a model of the claims table written down a second
 * time, so that no limit, word or member of it changes unseen.
 */
import { describe, expect, it } from 'vitest'
import { ACTIVATION_CAUSES, ACTIVATION_SOURCES } from '../../../src/core/model.ts'
import { CLAIMS, claimCheck } from '../../../src/core/record/claims.ts'
import { decodeFacts } from '../../../src/core/record/decode-facts.ts'
import { isChainKind, kindOfTyp, RECORD_KINDS } from '../../../src/core/record/kinds.ts'
import { someFacts } from './samples.ts'

/** Values that are taken, the first of them a usual one, and values that are not. */
interface Values {
  readonly good: readonly unknown[]
  readonly bad: readonly unknown[]
}

const MAX = Number.MAX_SAFE_INTEGER

function chars(min: number, max: number, ...bad: readonly string[]): Values {
  const short = min === 0 ? [] : ['x'.repeat(min - 1)]
  return {
    good: ['x'.repeat(max), 'x'.repeat(min)],
    bad: [...short, 'x'.repeat(max + 1), 1, null, ...bad],
  }
}
const ints = (min: number, max: number = MAX): Values => ({
  good: [min, max],
  bad: [min - 1, max + 1, min + 0.5, String(min), null],
})
const words = (...good: readonly string[]): Values => ({ good, bad: ['', 'another', 1, null] })
const instants: Values = {
  good: [0, -62_135_596_800_000, 253_402_300_799_999],
  bad: [-62_135_596_800_001, 253_402_300_800_000, 0.5, '0', null],
}
const flags: Values = { good: [true, false], bad: [0, 'true', null] }
const orNull = ({ good, bad }: Values): Values => ({
  good: [...good, null],
  bad: bad.filter((value) => value !== null),
})

function lists({ good, bad }: Values, max: number, min = 0): Values {
  const [usual] = good
  const many = (count: number): unknown[] => Array<unknown>(count).fill(usual)
  return {
    good: [
      many(Math.max(1, min)),
      many(min),
      many(max),
      ...good.map((one) => [...many(Math.max(0, min - 1)), one]),
    ],
    bad: [
      many(max + 1),
      ...(min > 0 ? [many(min - 1)] : []),
      ...bad.map((one) => [...many(Math.max(0, min - 1)), one]),
      {},
      null,
    ],
  }
}

type Members = Readonly<Record<string, Values | readonly [Values]>>

/** Members in a list of their own may be absent. */
function objects(members: Members): Values {
  const all = Object.entries(members).map(([name, values]) => {
    const optional = Array.isArray(values)
    return { name, optional, values: (optional ? values[0] : values) as Values }
  })
  const whole = Object.fromEntries(all.map(({ name, values }) => [name, values.good[0]]))
  const least = Object.fromEntries(
    all.filter(({ optional }) => !optional).map(({ name, values }) => [name, values.good[0]]),
  )
  const without = (left: string): object =>
    Object.fromEntries(Object.entries(whole).filter(([name]) => name !== left))
  return {
    good: [
      whole,
      least,
      ...all.flatMap(({ name, values }) => values.good.map((one) => ({ ...whole, [name]: one }))),
    ],
    bad: [
      ...all.flatMap(({ name, values }) => values.bad.map((one) => ({ ...whole, [name]: one }))),
      ...all.filter(({ optional }) => !optional).map(({ name }) => without(name)),
      ...[{ ...whole, more: 1 }, [], null, 'x'],
    ],
  }
}

function maps(
  key: string,
  { good, bad }: Values,
  max: number,
  ...badKeys: readonly string[]
): Values {
  const many = (count: number): object =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `${key}${'abcdefghijklmnopqrstuvwxyz_'.charAt(i % 27)}${'_'.repeat(Math.floor(i / 27))}`,
        good[0],
      ]),
    )
  return {
    good: [{}, many(max), ...good.map((one) => ({ [key]: one }))],
    bad: [
      many(max + 1),
      ...bad.map((one) => ({ [key]: one })),
      ...badKeys.map((name) => ({ [name]: good[0] })),
      [],
      null,
    ],
  }
}

const HASH = `${'x'.repeat(42)}A`
const digest: Values = {
  good: [HASH],
  bad: [`${'x'.repeat(42)}B`, `${HASH}A`, HASH.slice(1), `${'+'.repeat(42)}A`, null],
}
const policy: Values = {
  good: [`sha256-${HASH}`],
  bad: [HASH, `sha512-${HASH}`, `sha256-${HASH}A`, `sha256-${'x'.repeat(43)}`, null],
}
const random: Values = chars(22, 64, `${'x'.repeat(22)}+`, `${'x'.repeat(22)}\n`)
const origin: Values = {
  good: ['!*,~', ...chars(1, 256).good],
  bad: chars(1, 256, 'a+b', 'a b', 'a\x7f', 'é').bad,
}
const word = chars(1, 64)
const id = chars(1, 128)
const rule = chars(1, 256)
const person = chars(1, 256)
const sentence = chars(0, 2048)
const until: Values = { good: ['forever', ...instants.good], bad: ['', 'never', ...instants.bad] }
const host = ints(0, 16)
const count = ints(0)
const group = words('chain', 'result', 'subject', 'request', 'facts')

const strike = objects({
  ...{ id, subject: person, category: id, severity: words('low', 'medium', 'high', 'critical') },
  ...{ weight: ints(1, 1000), issued_at: instants, effective_at: instants },
  ...{ notified_at: [instants], content_created_at: [instants], expires_at: [instants] },
  ...{ scope: word, context: [word] },
  source: [
    objects({ system: word, kind: words('human', 'model', 'authority', 'flagger', 'import') }),
  ],
  ...{ evidence_hash: [chars(1, 256)], status: words('active', 'reversed') },
})
/** A member that may be absent. */
function optionally(values: Values): readonly [Values] {
  return [values]
}
const asked = {
  at: instants,
  hosts: lists(
    objects({
      subject: person,
      facts: objects({
        ...{ created_at: [instants], followers: [count], age_band: [word], verified: [flags] },
        ...{ labels: [lists(word, 64)], linked: [lists(person, 64)] },
      }),
      sources: maps(
        'a',
        objects({ from: words('stored', 'request'), as_of: instants }),
        16,
        '',
        'A',
        'x'.repeat(33),
      ),
      strikes: lists(strike, 4096),
      holds: lists(objects({ rule, first_asked_at: instants }), 4096),
      reviews: lists(objects({ rule, result: words('released', 'refused'), at: instants }), 4096),
      open_broadcasts: count,
      suppressions: [lists(objects({ rule, from: instants, until, id }), 64, 1)],
      bucket: [ints(0, 99)],
    }),
    17,
    1,
  ),
  stream: objects({
    id: [person],
    audience: [word],
    category: [id],
    admission: [word],
    one_to_many: [flags],
  }),
  request: objects({ territory: [word], ingest: [word] }),
  incident: objects({ active: flags, id: [id], scope: [id] }),
  platform: objects({ moderation_available: [flags] }),
  supports: lists(word, 32),
  enforce: optionally({
    good: ['off', 'canary 1%', 'canary 99%'],
    bad: ['on', 'canary 0%', 'canary 100%', 'canary 5', 'canary 05%', ' off', 0, null],
  }),
}
const facts = objects(asked)
const recheck = objects({ ...asked, running_since: [instants] })
const parameter: Values = {
  good: ['x', '', 'x'.repeat(1024), true, 0.5],
  bad: ['x'.repeat(1025), null, [], Number.POSITIVE_INFINITY],
}
const result: Readonly<Record<string, Values>> = {
  mode: orNull(words('hold', 'review', 'retry', 'broadcast')),
  until: orNull(until),
  not_before: orNull(instants),
  review: orNull(objects({ queue: word, by: instants, at_deadline: words('deny', 'allow') })),
  ...{
    retry_after_s: orNull(count),
    broadcast_delay_s: orNull(count),
    lease_until: orNull(instants),
  },
  rules: lists(rule, 1000),
  restrictions: lists(
    objects({
      ...{ id, subject: person, rule, from: instants, until, opened_by: [id] },
      strikes: lists(id, 4096),
    }),
    17_000,
  ),
  unknown: lists(objects({ rule, host, facts: lists(chars(1, 256), 256) }), 17_000),
  obligations: lists(maps('A_', parameter, 32, '', '1a', 'a-b', 'x'.repeat(65)), 64),
  exemptions: lists(rule, 1000),
  holds_opened: lists(objects({ host, rule }), 17_000),
}
const would = objects({
  ...{ outcome: words('allow', 'deny', 'delay'), until: orNull(until) },
  mode: orNull(words('hold', 'review', 'retry', 'broadcast')),
  rules: lists(objects({ host, rule }), 17_000),
})
/** Never true. */
const enforced: Values = { good: [false], bad: [true, null, 0, 'false'] }

/** By place and kind; `all` and `chains` as in the specification. */
const TABLE: Readonly<Record<string, Readonly<Record<string, Values>>>> = {
  'public all': {
    iss: { good: chars(1, 256).good, bad: chars(1, 256, 'a b', 'é', 'a\x7f').bad },
    ...{
      jti: random,
      iat: ints(0, 253_402_300_799),
      engine: word,
      log: origin,
      mmd: ints(1, 604_800),
    },
  },
  'public chains': { _sd: lists(digest, 5, 5), _sd_alg: words('sha-256') },
  'public decision': {
    outcome: words('allow', 'deny', 'delay'),
    policy,
    revision: ints(1),
    enforced,
  },
  'public broadcast': { policy, revision: ints(1), enforced },
  'public policy': {
    ...{ digest: policy, part: ints(1, 4096), of: ints(1, 4096) },
    text: chars(0, 5462, 'YQ==', 'a+b'),
  },
  'public incident': {
    ...{ change: ints(1), active: flags, id, scope: id, at: instants, until: instants },
    ...{ expires_at: instants, confirmed: flags, by: person, reason: chars(1, 512) },
  },
  'public key': {
    jwk: objects({ kty: words('OKP'), crv: words('Ed25519'), x: digest }),
    ...{ use: words('record', 'checkpoint'), status: words('active', 'retired', 'revoked') },
    from: count,
  },
  'public heartbeat': {
    ...{ from_index: count, to_index: count, shed: count },
    totals: {
      good: [{}, Object.fromEntries(RECORD_KINDS.map((kind) => [kind, 1]))],
      bad: [{ pardon: 1 }, { decision: -1 }, { decisions: 1 }, [], null],
    },
  },
  'public erasure': {
    ...{ sub: random, last_seq: ints(1), scope: words('subject', 'full', 'retention') },
    ...{ basis: person, counts: maps('a', count, 32, '', 'A', 'x'.repeat(65)) },
    strikes: lists(digest, 64, 1),
  },
  'public closing': { successors: lists(origin, 64, 1) },
  'public predecessor': {
    predecessor: origin,
    vkey: chars(1, 512, 'a b', 'é'),
    ...{ checkpoint: chars(1, 2048), keys: lists(digest, 32, 1) },
  },
  'public activation': {
    ...{ revision: ints(1), digest: policy, name: chars(1, 100), active_from: instants },
    ...{ scheduled: flags, previous: orNull(ints(1)), cause: words(...ACTIVATION_CAUSES) },
    ...{ source: words(...ACTIVATION_SOURCES), by: person, note: chars(1, 512) },
  },
  'public access': {
    by: person,
    via: words('records', 'decision', 'subject_export', 'challenge', 'rollout'),
    ...{ groups: lists(group, 5, 1), count: ints(1), digest },
  },
  'chain chains': { sub: random, seq: ints(1), prev: orNull(digest), at: instants },
  'result decision': { ...result, would },
  'result broadcast': { outcome: words('allow', 'deny', 'delay'), ...result, would },
  'subject chains': { subject: person, cohosts: lists(person, 16) },
  'request chains': {
    ...{ caller: person, stream: person, territory: word, ingest: word, idempotency: random },
    ...{ supersedes: random, server: id, session: person, enforcer: random, enf_seq: ints(1) },
  },
  'facts strike': { strike, received_at: instants },
  'facts reversal': { strike: id, reason: sentence, decided_by: person, at: instants },
  'facts broadcast': {
    event: words('renewed', 'revoked', 'ended', 'cut', 'ungated'),
    ...{ broadcast: random, reason: sentence, facts: recheck, ordered: random },
    confirmed: words('dropped', 'reported', 'absent', 'none'),
    ...{ took_ms: count, attempts: count },
  },
  'facts review': {
    ...{ rule, result: words('released', 'refused'), stream: person, decision: random },
    ...{ decided_by: person, reason: sentence, at: instants },
  },
}

function rowOf(name: string, kinds: string, place: string): (typeof CLAIMS)[number] | undefined {
  const wanted = kinds === 'all' || kinds === 'chains' ? 'decision' : kinds
  return CLAIMS.find(
    (row) =>
      row.name === name &&
      row.where === place &&
      row.kinds.some((kind) => kind === wanted) &&
      (kinds === 'all' ? row.kinds.length === RECORD_KINDS.length : true) &&
      (kinds === 'chains' ? row.kinds.length === 5 : true),
  )
}

for (const [where, claims] of Object.entries(TABLE)) {
  const [place = '', kinds = ''] = where.split(' ')
  describe(`${place} claims of ${kinds}`, () => {
    it.each(Object.entries(claims))(
      '%s is taken at its limits and not past them',
      (name, values) => {
        const row = rowOf(name, kinds, place)
        expect(row).toBeDefined()
        for (const good of values.good) expect(row?.check(good), shown(good)).toBeNull()
        for (const bad of values.bad) expect(row?.check(bad), shown(bad)).not.toBeNull()
      },
    )
  })
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 200)
}

it('every claim is written down here, too', () => {
  const here = new Set(
    Object.entries(TABLE).flatMap(([where, claims]) =>
      Object.keys(claims).map((name) => `${where} ${name}`),
    ),
  )
  const there = CLAIMS.filter(({ where, kinds }) => where !== 'facts' || kinds[0] !== 'decision')
  const named = there.map(({ where, kinds, name }) => {
    const chains = kinds.length === 5 ? 'chains' : kinds[0]
    return `${where} ${kinds.length === RECORD_KINDS.length ? 'all' : chains} ${name}`
  })
  expect(named.filter((name) => !here.has(name))).toEqual([])
})

describe('facts', () => {
  it('are taken at their limits and not past them', () => {
    const check = claimCheck('decision', 'facts')
    for (const good of facts.good) expect(check(good), shown(good)).toBeNull()
    for (const bad of facts.bad) expect(check(bad), shown(bad)).not.toBeNull()
  })

  it('come back as they are, or with the place that is wrong', () => {
    const good = someFacts()
    expect(decodeFacts(good)).toEqual({ ok: true, value: good })
    expect(decodeFacts({ ...good, supports: [1] })).toEqual({
      ok: false,
      error: { path: 'supports.0', problem: 'wrong', expected: 'a text of 1 to 64 characters' },
    })
  })
})

describe('kinds', () => {
  it('are these, the first five of them chained', () => {
    expect(RECORD_KINDS.filter(isChainKind).join()).toBe(
      'decision,strike,reversal,broadcast,review',
    )
    const others = 'policy,incident,key,heartbeat,erasure,closing,predecessor,activation,access'
    expect(RECORD_KINDS.slice(5).join()).toBe(others)
    expect(kindOfTyp('livegate-erasure+jwt')).toBe('erasure')
    expect(kindOfTyp('livegate-pardon+jwt')).toBeUndefined()
  })
})
