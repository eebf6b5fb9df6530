/**
 * Fixed keys, salts and drafts for record and audit tests: everything here is reproducible to the byte.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { utf8 } from '../../../src/core/encoding.ts'
import type { Decision, Facts, Strike } from '../../../src/core/model.ts'
import { ENGINE } from '../../../src/core/policy/plan.ts'
import type { RecordDraft } from '../../../src/core/record/drafts.ts'
import { type ChainPlace, decisionDraft } from '../../../src/core/record/drafts.ts'
import type { Ed25519Jwk, RequestGroup, SubjectGroup } from '../../../src/core/record/groups.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { createIssuer, type Issue, type RecordSigner } from '../../../src/core/record/issue.ts'
import { ed25519Jwk, thumbprint } from '../../../src/core/record/jwk.ts'
import { policyDigest } from '../../../src/core/record/policy-parts.ts'
import type { VerifyEd25519 } from '../../../src/core/record/verify.ts'
import { type EpochMs, epochMs } from '../../../src/core/time.ts'

export const ISSUER = 'https://gate.example'
export const LOG = 'gate.example/log/test/0'
export const AT: EpochMs = epochMs(1_769_817_600_000)
export const POLICY_TEXT: Uint8Array = utf8('livegate: policy/v1\nname: sample\ndefault: allow\n')
export const POLICY_DIGEST: string = policyDigest(POLICY_TEXT)

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')

export interface TestKey {
  readonly signer: RecordSigner
  readonly jwk: Ed25519Jwk
  readonly publicKey: KeyObject
}

/** The Ed25519 key whose seed is 32 times `byte`. */
export function testKey(byte: number): TestKey {
  const seed = Buffer.alloc(32, byte)
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const publicKey = createPublicKey(key)
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const jwk = ed25519Jwk(new Uint8Array(raw))
  return {
    signer: { kid: thumbprint(jwk), sign: (bytes) => new Uint8Array(sign(null, bytes, key)) },
    jwk,
    publicKey,
  }
}

/** Ed25519 of the host, for the injected path. */
export const nodeVerify: VerifyEd25519 = (publicKey, message, signature) => {
  const key = createPublicKey({
    key: Buffer.concat([SPKI_ED25519, publicKey]),
    format: 'der',
    type: 'spki',
  })
  return verify(null, message, key, signature)
}

/** Bytes that look random and are the same in every run. */
export function countedRandom(label = 'salt'): (count: number) => Uint8Array {
  let calls = 0
  return (count) => {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i += 32)
      bytes.set(portableHasher.digest(utf8(`${label} ${calls++}`)).subarray(0, count - i), i)
    return bytes
  }
}

export function testIssuer(key: TestKey, label?: string): Issue {
  return createIssuer({
    issuer: ISSUER,
    engine: ENGINE,
    log: LOG,
    signer: key.signer,
    random: countedRandom(label),
  })
}

export function aStrike(id: string, at: EpochMs = AT, more: Partial<Strike> = {}): Strike {
  return {
    id,
    subject: 'u_81f',
    category: 'terrorism.link',
    severity: 'high',
    weight: 1,
    issued_at: at,
    effective_at: at,
    scope: 'any',
    source: { system: 'coop', kind: 'human' },
    evidence_hash: 'sha256-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU',
    status: 'active',
    ...more,
  }
}

/** Facts name hosts and strikes by pseudonym; who they are is `WHO`. */
export function someFacts(
  at: EpochMs = AT,
  strikes: readonly Strike[] = [{ ...aStrike('s_1'), subject: SUB }],
  sub: string = SUB,
): Facts {
  return {
    at,
    hosts: [
      {
        subject: sub,
        facts: { created_at: epochMs(1_704_067_200_000), followers: 120, labels: ['newsroom'] },
        sources: {
          created_at: { from: 'stored', as_of: at },
          followers: { from: 'request', as_of: at },
        },
        strikes,
        holds: [{ rule: 'new-account', first_asked_at: at }],
        reviews: [],
        open_broadcasts: 0,
      },
      {
        subject: 'EBESExQVFhcYGRobHB0eHw',
        facts: {},
        sources: {},
        strikes: [],
        holds: [],
        reviews: [{ rule: 'needs-review', result: 'released', at }],
        open_broadcasts: 1,
      },
    ],
    stream: { id: 'b_204', audience: 'public' },
    request: { territory: 'FR', ingest: 'rtmp' },
    incident: { active: false },
    platform: {},
    supports: ['broadcast_delay'],
  }
}

export const DENY: Decision = {
  outcome: 'deny',
  mode: null,
  until: epochMs(1_772_409_600_000),
  not_before: null,
  review: null,
  retry_after_s: null,
  broadcast_delay_s: null,
  lease_until: null,
  rules: ['dangerous-organisations'],
  reasons: [],
  restrictions: [
    {
      id: 'r_AAAAAAAAAAAAAAAAAAAAAA',
      subject: 'AAECAwQFBgcICQoLDA0ODw',
      rule: 'dangerous-organisations',
      from: AT,
      until: epochMs(1_772_409_600_000),
      opened_by: 's_1',
      strikes: ['s_1'],
    },
  ],
  unknown: [{ rule: 'needs-review', host: 1, facts: ['subject.followers'] }],
  obligations: [{ type: 'audience_cap', viewers: 500 }],
  exemptions: [],
  holds_opened: [],
}

export const REQUEST: RequestGroup = {
  caller: 'key_1',
  stream: 'b_204',
  territory: 'FR',
  ingest: 'rtmp',
}
export const SUB = 'AAECAwQFBgcICQoLDA0ODw'
export const WHO: SubjectGroup = { subject: 'u_81f', cohosts: ['ü_9 🎥'] }

export function aDecision(
  place: Partial<ChainPlace> = {},
  facts: Facts = someFacts(),
): RecordDraft {
  return decisionDraft({
    chain: { sub: SUB, seq: 1, prev: null, ...place },
    policy: POLICY_DIGEST,
    subject: WHO,
    facts,
    decision: DENY,
    request: REQUEST,
  })
}
