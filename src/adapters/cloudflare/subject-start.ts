/**
 * Chooses the parts of a subject's object: storage of its context, keys and settings of its environment. No logic.
 *
 * What is the same for every subject is made once an isolate.
 */

import { type EpochMs, epochMs } from '../../core/time.ts'
import type { Random, Surroundings } from '../../ports.ts'
import { BUNDLED_POLICY } from './bundle.ts'
import { type EdgeConfig, requireEdgeConfig } from './config.ts'
import { createDoSql } from './do-sql.ts'
import { createRecordSigner } from './edge-keys.ts'
import { createPepper } from './edge-pepper.ts'
import { requireBundledPolicy } from './edge-policy.ts'
import type { Env } from './env.ts'
import { stubsOf } from './stubs.ts'
import { createSubjectHost, type SubjectHost, type SubjectSettings } from './subject-host.ts'
import type { KnownReady } from './subject-ready.ts'
import { createTurnWriter } from './turn-writer.ts'
import { logEvents } from './worker-lines.ts'

const clock = { now: (): EpochMs => epochMs(Date.now()) }
const random: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }
const after = (delay_ms: number, fire: () => void): (() => void) => {
  const timer = setTimeout(fire, delay_ms)
  return () => clearTimeout(timer)
}

const ready: KnownReady = new Set()
const settingsOf = new WeakMap<EdgeConfig, SubjectSettings>()

/** The host over an object's own storage. Throws `internal` when the deployment is not configured. */
export async function startSubjectHost(ctx: DurableObjectState, env: Env): Promise<SubjectHost> {
  const config = requireEdgeConfig(env)
  const settings = await subjectSettings(config)
  const sql = createDoSql(ctx.storage)
  const writer = createTurnWriter(sql)
  const isSelf = (name: string): boolean => env.SUBJECTS.idFromName(name).equals(ctx.id)
  const observe = logEvents(config.log_level, clock.now)
  return createSubjectHost({
    ...{ sql, writer, storage: ctx.storage, isSelf, settings, observe },
    ...{ others: stubsOf(env), ready, clock, random, after },
  })
}

async function subjectSettings(config: EdgeConfig): Promise<SubjectSettings> {
  const known = settingsOf.get(config)
  if (known !== undefined) return known
  const { signer } = await createRecordSigner(config.record_key)
  const { origin, issuer, shards, facts_max_age_ms } = config
  const settings: SubjectSettings = {
    ...{ origin, issuer, shards, facts_max_age_ms, signer },
    pepper: createPepper(config.pepper),
    policy: requireBundledPolicy(BUNDLED_POLICY),
    surroundings: surroundingsOf(config),
  }
  settingsOf.set(config, settings)
  return settings
}

function surroundingsOf({ moderation_available }: EdgeConfig): Surroundings {
  const platform = moderation_available === null ? {} : { moderation_available }
  return { incident: () => ({ active: false }), platform: () => platform }
}
