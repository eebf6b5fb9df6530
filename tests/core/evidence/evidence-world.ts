/**
 * A small log as an honest gate makes it, and places where a test plants one lie before the tree is built and signed.
 *
 * Two revisions, a strike that withdraws Live, the decision that follows from it, a reversal afterwards, and a witness.
 * Reproducible to the byte; Also what tests/vectors/evidence is made of.
 */
import { createHash } from 'node:crypto'
import { utf8 } from '../../../src/core/encoding.ts'
import { buildEvidence, type EvidenceInput } from '../../../src/core/evidence/build.ts'
import { chosen, EvidenceSurvey } from '../../../src/core/evidence/collect.ts'
import type { Activation, Facts, Strike } from '../../../src/core/model.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { planInForce } from '../../../src/core/policy/in-force.ts'
import { ENGINE, type Plan } from '../../../src/core/policy/plan.ts'
import {
  activationDraft,
  decisionDraft,
  heartbeatDraft,
  keyDraft,
  type RecordDraft,
  reversalDraft,
  strikeDraft,
} from '../../../src/core/record/drafts.ts'
import {
  createIssuer,
  type IssuedRecord,
  type RecordSigner,
} from '../../../src/core/record/issue.ts'
import { GROUP_NAMES, type GroupName } from '../../../src/core/record/kinds.ts'
import { policyDrafts } from '../../../src/core/record/policy-parts.ts'
import { type EpochMs, epochMs } from '../../../src/core/time.ts'
import { formatCheckpoint } from '../../../src/core/tlog/checkpoint.ts'
import { cosignatureMessage, encodeCosignature } from '../../../src/core/tlog/cosignature.ts'
import { leafHash, rowRoot } from '../../../src/core/tlog/hash.ts'
import { ed25519Signer, type NoteSigner, signNote } from '../../../src/core/tlog/note.ts'
import {
  formatVkey,
  NOTE_COSIGNATURE_V1,
  NOTE_ED25519,
  noteKeyId,
} from '../../../src/core/tlog/note-key.ts'
import { type AsyncHashReader, rootFromAsync } from '../../../src/core/tlog/tree.ts'
import { AT, ISSUER, testKey } from '../record/samples.ts'

export const ORIGIN: string = 'gate.example/log/evidence'
export const SUB: string = 'AAECAwQFBgcICQoLDA0ODw'
const WITNESS = 'witness.example/w1'

const RECORD = testKey(1)
export const OTHER: ReturnType<typeof testKey> = testKey(9)

const TEXT = (name: string, days: number): Uint8Array =>
  utf8(
    [
      ...['livegate: policy/v1', `name: ${name}`, 'strikes:', '  expire: { default: 365d }'],
      ...['rules:', '  - id: grave', '    ground: terms', '    clause: Terrorist content'],
      ...['    count: { category: [terrorism.*], severity: high.. }'],
      ...[`    ladder: { 1: ${days}d, 2: forever }`, '    outcome: deny', '    because:'],
      ...['      en: "Live is withdrawn until {until}."', 'default: allow', 'lease: 4h', ''],
    ].join('\n'),
  )
export const FIRST_POLICY: Uint8Array = TEXT('first', 30)
export const SECOND_POLICY: Uint8Array = TEXT('second', 60)

export const LATER = (s: number): EpochMs => epochMs(AT + 1000 * s)

/** What a gate would say, which a test may change before it is signed. */
export interface Plans {
  readonly first: Plan
  readonly second: Plan
  /** `second`, with what `first` promised. */
  readonly inForce: Plan
}

/** One step of the log; `entries` are those before it. */
export interface Step {
  readonly name: string
  readonly draft: (entries: readonly IssuedRecord[], named: Named) => RecordDraft
  readonly iat_s?: number
  readonly engine?: string
  readonly signer?: RecordSigner
  /** Changes the bytes after signing. */
  readonly spoil?: (jws: string) => string
}
type Named = ReadonlyMap<string, IssuedRecord>

export interface EvidenceWorld {
  readonly entries: readonly IssuedRecord[]
  readonly named: ReadonlyMap<string, number>
  readonly hashes: AsyncHashReader
  readonly root: (size: number) => Promise<Uint8Array>
}

export const STRIKE: Strike = {
  ...{ id: 's_1', subject: 'u_1', category: 'terrorism.link', severity: 'high', weight: 1 },
  ...{ issued_at: LATER(60), effective_at: LATER(60), scope: 'any', status: 'active' },
}

export function plans(): Plans {
  const plan = (bytes: Uint8Array): Plan => {
    const made = compilePolicy(bytes, { file: 'policy.yaml' })
    if (!made.ok) throw new Error(made.error.map(({ message }) => message).join('\n'))
    return made.value.plan
  }
  const [first, second] = [plan(FIRST_POLICY), plan(SECOND_POLICY)]
  const both = [activation(1, first, LATER(0)), activation(2, second, LATER(90))] as const
  const made = planInForce(both, both[1], { plan: second, planOf: () => first })
  if (!made.ok) throw new Error('no plan')
  return { first, second, inForce: made.value }
}

export function activation(revision: number, plan: Plan, active_from: EpochMs): Activation {
  const { digest, name } = plan
  const what = { revision, digest, name, active_from, scheduled: false }
  const previous = revision === 1 ? null : revision - 1
  return { ...what, previous, cause: 'activation', source: 'api', by: 'key_1', note: null }
}

export function factsOf(at: EpochMs, strikes: readonly Strike[]): Facts {
  const host = { subject: SUB, facts: { followers: 12 }, sources: {}, holds: [], reviews: [] }
  return {
    at,
    hosts: [
      { ...host, strikes: strikes.map((one) => ({ ...one, subject: SUB })), open_broadcasts: 0 },
    ],
    stream: { id: 'b_1', audience: 'public' },
    request: { territory: 'FR' },
    incident: { active: false },
    platform: {},
    supports: [],
  }
}

export function decisionStep(
  changes: {
    readonly facts?: Facts
    readonly plan?: Plan
    readonly says?: object
    readonly revision?: number | null
    readonly policy?: string
    readonly seq?: number
    readonly prev?: string
  } = {},
): Step {
  const { inForce } = plans()
  const { facts = factsOf(LATER(120), [STRIKE]), plan = inForce, says = {}, seq = 2 } = changes
  const revision = changes.revision === undefined ? 2 : changes.revision
  return {
    name: 'decision',
    iat_s: AT / 1000 + 120,
    draft: (_entries, named) =>
      decisionDraft({
        chain: {
          ...{ sub: SUB, seq },
          prev:
            seq === 1
              ? null
              : (changes.prev ?? leafOf(named.get(seq === 2 ? 'strike' : 'reversal'))),
        },
        policy: changes.policy ?? plan.digest,
        ...(revision === null ? {} : { revision }),
        subject: { subject: 'u_1', cohosts: [] },
        ...{ facts, decision: { ...evaluate(plan, facts), ...says }, request: { caller: 'key_1' } },
      }),
  }
}

export function strikeStep(changes: Partial<Strike> = {}, seq = 1): Step {
  return {
    name: 'strike',
    iat_s: AT / 1000 + 60,
    draft: (_entries, named) =>
      strikeDraft({
        chain: {
          sub: SUB,
          seq,
          prev: seq === 1 ? null : leafOf(named.get('decision')),
          at: LATER(60),
        },
        ...{ strike: { ...STRIKE, ...changes }, received_at: LATER(60) },
        request: { caller: 'key_2' },
      }),
  }
}

export function reversalStep(
  { seq = 3, at = LATER(600), prev }: { seq?: number; at?: EpochMs; prev?: string } = {},
  name = 'reversal',
): Step {
  return {
    name,
    iat_s: at / 1000,
    draft: (_entries, named) =>
      reversalDraft({
        chain: {
          sub: SUB,
          seq,
          prev: prev ?? leafOf(named.get('decision') ?? named.get('strike')),
          at,
        },
        ...{ subject: 'u_1', strike: 's_1', reason: 'wrong account', decided_by: 'mod_7' },
        request: { caller: 'key_2' },
      }),
  }
}

/** The honest log, in order. */
export function honest(): readonly Step[] {
  const { first, second } = plans()
  const text = (name: string, bytes: Uint8Array): Step[] =>
    policyDrafts(bytes).map((draft) => ({ name, draft: () => draft }))
  const activate = (name: string, one: Activation): Step => ({
    name,
    draft: () => activationDraft(one),
  })
  return [
    { name: 'key', draft: () => keyDraft({ jwk: RECORD.jwk, use: 'record', status: 'active' }) },
    ...text('first', FIRST_POLICY),
    activate('activation1', activation(1, first, LATER(0))),
    ...text('second', SECOND_POLICY),
    activate('activation2', activation(2, second, LATER(90))),
    strikeStep(),
    {
      name: 'heartbeat',
      draft: () => heartbeatDraft({ from_index: 0, to_index: 6, totals: {}, shed: 0 }),
    },
    decisionStep(),
    reversalStep(),
    {
      name: 'end',
      iat_s: AT / 1000 + 610,
      draft: () => heartbeatDraft({ from_index: 6, to_index: 9, totals: {}, shed: 0 }),
    },
  ]
}

/** The honest log with some steps in place of others, by name. */
export function instead(...changes: readonly Step[]): readonly Step[] {
  return honest().map((step) => changes.find(({ name }) => name === step.name) ?? step)
}

export async function aWorld(steps: readonly Step[] = honest()): Promise<EvidenceWorld> {
  let drawn = 0
  const random = (count: number): Uint8Array => {
    const bytes = Buffer.alloc(count)
    for (let i = 0; i < count; i += 32)
      createHash('sha256').update(`evidence ${drawn++}`).digest().copy(bytes, i)
    return new Uint8Array(bytes)
  }
  const entries: IssuedRecord[] = []
  const named = new Map<string, IssuedRecord>()
  for (const { name, draft, iat_s, engine = ENGINE, signer = RECORD.signer, spoil } of steps) {
    const issue = createIssuer({ issuer: ISSUER, engine, log: ORIGIN, signer, random })
    const record = await issue(draft(entries, named), {
      iat_s: iat_s ?? AT / 1000 + 10 * entries.length,
    })
    const jws = spoil === undefined ? record.jws : spoil(record.jws)
    const bytes = utf8(jws)
    const repeated = entries.find((entry) => entry.jws === jws)
    entries.push(repeated ?? { ...record, jws, bytes, leaf: leafHash(bytes) })
    named.set(name, record)
  }
  const leaves = entries.map(({ leaf }) => leaf)
  const hashes: AsyncHashReader = async (nodes) =>
    nodes.map(({ level, index }) =>
      rowRoot(
        new Uint8Array(Buffer.concat(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))),
      ),
    )
  const places = new Map(steps.map(({ name }, i) => [name, i]))
  return { entries, named: places, hashes, root: (size) => rootFromAsync(size, hashes) }
}

function leafOf(record: IssuedRecord | undefined): string {
  return Buffer.from(record?.leaf ?? new Uint8Array()).toString('base64url')
}

interface NoteKeyPair {
  readonly vkey: string
  readonly publicKey: Uint8Array
  readonly sign: (message: Uint8Array) => Uint8Array
}

export function noteKey(byte: number, name: string, type: 1 | 4): NoteKeyPair {
  const { jwk, signer } = testKey(byte)
  const publicKey = new Uint8Array(Buffer.from(jwk.x, 'base64url'))
  const kind = type === 1 ? NOTE_ED25519 : NOTE_COSIGNATURE_V1
  const sign = (message: Uint8Array): Uint8Array => signer.sign(message) as Uint8Array
  return { vkey: formatVkey({ name, type: kind, publicKey }), publicKey, sign }
}

const LOG_KEY = noteKey(2, ORIGIN, 1)
const WITNESS_KEY = noteKey(3, WITNESS, 4)
export const VKEY: string = LOG_KEY.vkey
export const WITNESS_VKEY: string = WITNESS_KEY.vkey
/** When the witness saw the log. */
export const SEEN_S: number = AT / 1000 + 3600

/** A note over a tree head by the log, and by a witness when `seen_s` is given. */
export async function noteOf(
  head: { readonly size: number; readonly root: Uint8Array; readonly origin?: string },
  { key = LOG_KEY, seen_s }: { readonly key?: NoteKeyPair; readonly seen_s?: number } = {},
): Promise<string> {
  const { origin = ORIGIN } = head
  const signers: NoteSigner[] = [ed25519Signer({ name: origin, ...key })]
  if (seen_s !== undefined)
    signers.push({
      name: WITNESS,
      keyId: noteKeyId({
        name: WITNESS,
        type: NOTE_COSIGNATURE_V1,
        publicKey: WITNESS_KEY.publicKey,
      }),
      sign: (body) =>
        encodeCosignature({
          timeS: seen_s,
          signature: WITNESS_KEY.sign(cosignatureMessage(seen_s, body)),
        }),
    })
  return signNote({ body: formatCheckpoint({ ...head, origin }), signers })
}

export interface BundleOptions {
  readonly open?: readonly GroupName[]
  /** Names of steps whose records are added to what the survey finds; strike and reversal unless given. */
  readonly also?: readonly string[]
  /** Names of steps left out. */
  readonly without?: readonly string[]
  readonly since?: number
  readonly change?: (input: EvidenceInput) => EvidenceInput
}

/** The bundle an exporter makes of that log. */
export async function aBundle(world: EvidenceWorld, options: BundleOptions = {}): Promise<string> {
  const {
    open = ['chain', 'result', 'facts'],
    also = ['strike', 'reversal'],
    without = [],
    since,
  } = options
  const { entries, named, hashes, root } = world
  const decision = named.get('decision') ?? 0
  const survey = new EvidenceSurvey(entries[decision]?.jti ?? '')
  for (const [index, { bytes }] of entries.entries()) survey.entry(index, bytes)
  const place = (name: string): number => named.get(name) ?? -1
  const left = new Set(without.map(place))
  const indexes = [...survey.end().indexes, ...also.map(place)].filter(
    (index) => index >= 0 && !left.has(index),
  )
  const size = entries.length
  const input: EvidenceInput = {
    decision,
    records: [...new Set(indexes)].map((index) => {
      const { jws, kind, openings } = entries[index] as IssuedRecord
      const all = GROUP_NAMES.flatMap((group) => openings[group] ?? [])
      return { index, jws, disclosures: chosen(kind, all, open) }
    }),
    checkpoint: { note: await noteOf({ size, root: await root(size) }, { seen_s: SEEN_S }), size },
    since:
      since === undefined
        ? null
        : { note: await noteOf({ size: since, root: await root(since) }), size: since },
    ...{ vkeys: [VKEY], witnesses: [WITNESS_VKEY], hashes },
  }
  return buildEvidence(options.change?.(input) ?? input)
}
