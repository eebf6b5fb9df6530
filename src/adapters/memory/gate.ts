/**
 * A whole gate in memory, ready to ask: for the tests of an application and for trying policies out.
 *
 * It decides, signs and logs like any other gate, with keys made on the spot; nothing survives the process, so it is no
 * gate to go live with. Chooses parts like a composition root. Next stop: ../../gate.ts.
 */
import { fromBase64Url, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { IncidentFacts, PlatformFacts } from '../../core/model.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
import { formatDiagnostic } from '../../core/policy/diagnostic.ts'
import { ENGINE } from '../../core/policy/plan.ts'
import { keyDraft, type RecordDraft } from '../../core/record/drafts.ts'
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import { portableHasher } from '../../core/record/hashing.ts'
import { createIssuer } from '../../core/record/issue.ts'
import { ed25519Jwk, jwksOf, thumbprint } from '../../core/record/jwk.ts'
import { policyDrafts } from '../../core/record/policy-parts.ts'
import { type EpochMs, epochMs } from '../../core/time.ts'
import { ed25519Signer } from '../../core/tlog/note.ts'
import type { GateSettings, Issuer } from '../../gate/context.ts'
import type { IncidentDesk } from '../../gate/incident.ts'
import { createGate } from '../../gate.ts'
import type { Gate } from '../../gate-types.ts'
import type { ActivePolicy, DeploymentKind, Observe, SignedRecord } from '../../ports.ts'
import { createMemoryIncidents } from './incidents.ts'
import { createMemoryPolicies } from './keys.ts'
import { createMemoryStore, type MemoryStore } from './store.ts'

export interface MemoryGateOptions {
  /** Text of the policy that decides. */
  readonly policy: string
  /** `iss` of the records; `livegate` unless given. */
  readonly issuer?: string
  /** Name of the log; `memory.example/log` unless given. */
  readonly origin?: string
  /** UTC milliseconds; the system's clock unless given. */
  readonly now?: () => number
  readonly incident?: () => IncidentFacts
  readonly platform?: () => PlatformFacts
  readonly observe?: Observe
  readonly settings?: Partial<GateSettings>
}

export interface MemoryGate {
  readonly gate: Gate
  readonly store: MemoryStore
  /** The JWKS its records verify with. */
  readonly jwks: ReturnType<typeof jwksOf>
  /** Incident mode; from the first one on `incident` of the options is not asked any more. */
  readonly incidents: IncidentDesk
  /** Logs a policy and decides by it from now on. */
  activate(policy: string): Promise<void>
}

/** A gate with new keys and an empty log. Throws LivegateError `invalid_request` for a policy that does not compile. */
export async function createMemoryGate(options: MemoryGateOptions): Promise<MemoryGate> {
  const { issuer = 'livegate', origin = 'memory.example/log', now = Date.now } = options
  const { incident = () => ({ active: false }), platform = () => ({}) } = options
  const clock = { now: (): EpochMs => epochMs(now()) }
  const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count))
  const [record, checkpoint] = await Promise.all([newKey(), newKey()])
  const publicKey = fromBase64Url(checkpoint.jwk.x) ?? new Uint8Array()
  const checkpointSigner = ed25519Signer({ name: origin, publicKey, sign: checkpoint.sign })
  const store = createMemoryStore({ origin, checkpointSigner })
  const signer = { kid: thumbprint(record.jwk), sign: record.sign }
  const issue = createIssuer({ issuer, engine: ENGINE, log: origin, signer, random })
  const append = async (drafts: readonly RecordDraft[]): Promise<void> => {
    const records = await Promise.all(drafts.map((draft) => signed(issue, draft, clock.now())))
    await store.log.append(records, [])
  }
  await append([keyDraft({ jwk: record.jwk, use: 'record', status: 'active' })])
  const logged = async (text: string): Promise<ActivePolicy> => {
    const policy = activePolicy(text)
    if (!store.log.has(policy.plan.digest)) await append(policyDrafts(policy.bytes))
    return policy
  }
  const policies = createMemoryPolicies(await logged(options.policy))
  const pepper = random(32)
  const incidents = createMemoryIncidents({ append, clock, random: { bytes: random } })
  const gate = createGate(
    {
      ...{ clock, random: { bytes: random }, after, policies },
      ...{ ledger: store.ledger, directory: store.directory },
      issuer: { kid: signer.kid, issue },
      surroundings: {
        incident: (at = clock.now()) => incidents.facts(at) ?? incident(),
        platform,
      },
      pepper: { hash: (what, text) => portableHasher.digestText(`${hex(pepper)} ${what} ${text}`) },
      observe: options.observe ?? (() => {}),
    },
    options.settings,
  )
  const activate = async (text: string): Promise<void> => policies.activate(await logged(text))
  return { gate, store, jwks: jwksOf([record.jwk]), incidents: incidents.desk, activate }
}

interface NewKey {
  readonly jwk: Ed25519Jwk
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

async function newKey(): Promise<NewKey> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair
  const raw = await crypto.subtle.exportKey('raw', pair.publicKey)
  return {
    jwk: ed25519Jwk(new Uint8Array(raw)),
    sign: async (bytes) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, new Uint8Array(bytes))),
  }
}

async function signed(
  issue: Issuer['issue'],
  draft: RecordDraft,
  at: number,
): Promise<SignedRecord> {
  const { jti: id, jws, leaf } = await issue(draft, { iat_s: Math.floor(at / 1000) })
  return { id, kind: draft.kind as DeploymentKind, jws, leaf, openings: {} }
}

function activePolicy(text: string): ActivePolicy {
  const bytes = utf8(text)
  const compiled = compilePolicy(bytes, { file: 'policy' })
  if (compiled.ok) return { plan: compiled.value.plan, bytes }
  const problems = compiled.error.map((one) => formatDiagnostic(one, text)).join('\n')
  throw new LivegateError(
    'invalid_request',
    `Cannot use the policy: it does not compile\n${problems}`,
  )
}

function after(delay_ms: number, fire: () => void): () => void {
  const timer = setTimeout(fire, delay_ms)
  return () => clearTimeout(timer)
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
