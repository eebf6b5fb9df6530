/**
 * What a new log begins with, and what must be in it before anything else is decided: keys, then policy texts.
 *
 * Index 0 is the record key, signed by itself; a policy revision is logged whole before its first use, so an auditor
 * needs nothing but the log. Appending a revision that is there already does nothing. The same on every host.
 */
import { fromBase64Url } from '../../core/encoding.ts'
import { ENGINE } from '../../core/policy/plan.ts'
import { keyDraft, type RecordDraft } from '../../core/record/drafts.ts'
import type { Hasher } from '../../core/record/hashing.ts'
import { createIssuer, type Issue } from '../../core/record/issue.ts'
import { ed25519Jwk } from '../../core/record/jwk.ts'
import { policyDigest, policyDrafts } from '../../core/record/policy-parts.ts'
import { parseVkey } from '../../core/tlog/note-key.ts'
import { randomRecordIds } from '../../gate/record-ids.ts'
import type { Clock, DeploymentKind, Log, Random, RecordSigner, SignedRecord } from '../../ports.ts'

export interface Scribe {
  readonly issue: Issue
  /** Signs drafts that belong to the deployment; nothing is appended. */
  sign(drafts: readonly RecordDraft[]): Promise<readonly SignedRecord[]>
  /** Signs drafts that belong to the deployment and appends them, in order, durably. */
  append(drafts: readonly RecordDraft[], requires: readonly string[]): Promise<void>
}

interface Signed {
  readonly records: readonly SignedRecord[]
  readonly kids: ReadonlySet<string>
}

export interface ScribeParts {
  readonly issuer: string
  readonly log: Pick<Log, 'origin' | 'append'>
  readonly signer: RecordSigner
  readonly clock: Clock
  readonly random: Random
  /** A faster SHA-256 of the host; the portable one unless given. */
  readonly hasher?: Hasher
}

/** Issues records of one log under one key. */
export function createScribe(parts: ScribeParts): Scribe {
  const { issuer, log, signer, clock, random, hasher } = parts
  const newRecordId = randomRecordIds(random)
  const issue = createIssuer({
    issuer,
    engine: ENGINE,
    log: log.origin,
    signer,
    random: (count) => random.bytes(count),
    ...(hasher === undefined ? {} : { hasher }),
  })
  async function signed(drafts: readonly RecordDraft[]): Promise<Signed> {
    const records: SignedRecord[] = []
    const kids = new Set<string>()
    for (const draft of drafts) {
      const at = clock.now()
      const issued = await issue(draft, {
        iat_s: Math.floor(at / 1000),
        jti: newRecordId(at),
      })
      const { jti: id, jws, leaf } = issued
      kids.add(issued.kid)
      records.push({ id, kind: draft.kind as DeploymentKind, jws, leaf, openings: {} })
    }
    return { records, kids }
  }
  return {
    issue,
    sign: async (drafts) => (await signed(drafts)).records,
    async append(drafts, requires) {
      const { records, kids } = await signed(drafts)
      // A log's first entries require nothing: the key that signs them is one of them.
      const keys = requires.length === 0 ? [] : [...kids]
      await log.append(records, [...new Set([...requires, ...keys])])
    },
  }
}

/** The first entries of a log: its record key, then the key its checkpoints are signed with. */
export function firstDrafts(keys: {
  readonly recordKey: string
  readonly vkey: string
}): readonly RecordDraft[] {
  const record = fromBase64Url(keys.recordKey)
  const checkpoint = parseVkey(keys.vkey)
  if (record === null || !checkpoint.ok) throw new TypeError('the keys of a new log are malformed')
  const active = { status: 'active' } as const
  return [
    keyDraft({ jwk: ed25519Jwk(record), use: 'record', ...active }),
    keyDraft({ jwk: ed25519Jwk(checkpoint.value.publicKey), use: 'checkpoint', ...active }),
  ]
}

/** Puts a revision's whole text into the log unless it is there. Resolves when durable, with its digest. */
export async function logPolicy(
  scribe: Pick<Scribe, 'append'>,
  log: Pick<Log, 'has'>,
  signer: Pick<RecordSigner, 'kid'>,
  bytes: Uint8Array,
): Promise<string> {
  const digest = policyDigest(bytes)
  if (!log.has(digest)) await scribe.append(policyDrafts(bytes), [signer.kid])
  return digest
}
