/**
 * Chooses the parts of a subject's object: storage of its context, keys and settings of its environment. No logic.
 *
 * What is the same for every subject is made once an isolate.
 */
import type { Surroundings } from '../../ports.ts'
import { BUNDLED_POLICY, BUNDLED_SHADOW } from './bundle.ts'
import { type EdgeConfig, requireEdgeConfig } from './config.ts'
import { cutIn } from './cutting.ts'
import { createDoSql } from './do-sql.ts'
import { candidateOf, planOf } from './edge-candidate.ts'
import { createRecordSigner } from './edge-keys.ts'
import { createPepper } from './edge-pepper.ts'
import { requireBundledPolicy } from './edge-policy.ts'
import type { Env } from './env.ts'
import { stubsOf } from './stubs.ts'
import type { AtServer } from './subject-cuts.ts'
import { createSubjectHost, type SubjectHost, type SubjectSettings } from './subject-host.ts'
import type { KnownReady } from './subject-ready.ts'
import { subjectSql } from './subject-schema.ts'
import { createTurnWriter } from './turn-writer.ts'
import { logEvents } from './worker-lines.ts'
import { after, createOnce, random, systemClock } from './worker-system.ts'

const ready: KnownReady = new Map()

/** The host over an object's own storage. Throws `internal` when the deployment is not configured. */
export async function startSubjectHost(ctx: DurableObjectState, env: Env): Promise<SubjectHost> {
  const config = requireEdgeConfig(env)
  const settings = { ...(await settingsOf(config)), cut: (at: AtServer) => cutIn(env, at) }
  const sql = subjectSql(createDoSql(ctx.storage))
  return createSubjectHost({
    ...{ sql, writer: createTurnWriter(sql), storage: ctx.storage, settings, ready },
    ...{ others: stubsOf(env), clock: systemClock, random, after },
    isSelf: (name) => env.SUBJECTS.idFromName(name).equals(ctx.id),
    observe: logEvents(config.log_level, systemClock.now),
  })
}

const settingsOf = createOnce(async (config: EdgeConfig): Promise<SubjectSettings> => {
  const { signer } = await createRecordSigner(config.record_key)
  const next = config.record_key_next
  const next_signer = next === null ? null : (await createRecordSigner(next)).signer
  const { origin, issuer, shards, facts_max_age_ms, retention, shadow_share: share } = config
  const candidate = planOf(candidateOf(config, BUNDLED_SHADOW))
  return {
    ...{ origin, issuer, shards, facts_max_age_ms, signer },
    ...(next_signer === null ? {} : { next_signer }),
    ...(retention === null ? {} : { retention }),
    ...(candidate === null ? {} : { shadow: { plan: candidate, share } }),
    pepper: createPepper(config.pepper),
    policy: requireBundledPolicy(BUNDLED_POLICY),
    surroundings: surroundingsOf(config),
  }
})

function surroundingsOf({ moderation_available }: EdgeConfig): Surroundings {
  const platform = moderation_available === null ? {} : { moderation_available }
  return { incident: () => ({ active: false }), platform: () => platform }
}
