/**
 * What of a deployment is the same for every subject's object, and what of it its gate is made with.
 */
import type { RetentionRules } from '../../core/retention.ts'
import type { ActivePolicy, Pepper, RecordSigner, Surroundings } from '../../ports.ts'
import type { CutAtServer } from './subject-cuts.ts'
import type { ShadowSettings } from './subject-shadow.ts'

/** What of a deployment is the same for every subject. */
export interface SubjectSettings {
  /** Name of the log; with several shards each adds its number. */
  readonly origin: string
  readonly issuer: string
  readonly shards: number
  readonly pepper: Pepper
  readonly signer: RecordSigner
  /** The key that is to take over, while keys are exchanged. */
  readonly next_signer?: RecordSigner
  /** What a deployment begins with. */
  readonly policy: ActivePolicy
  readonly surroundings: Surroundings
  readonly facts_max_age_ms?: number
  readonly budget_ms?: number
  readonly shadow?: ShadowSettings
  /** Ends sessions at media servers; nobody can be asked unless given. */
  readonly cut?: CutAtServer
  /** How long contents are kept; for ever unless given. */
  readonly retention?: RetentionRules
}

/** For the gate of one subject; what is not given has its default. */
export function gateSettings({
  facts_max_age_ms,
  budget_ms,
}: SubjectSettings): Partial<Pick<SubjectSettings, 'facts_max_age_ms' | 'budget_ms'>> {
  return {
    ...(facts_max_age_ms === undefined ? {} : { facts_max_age_ms }),
    ...(budget_ms === undefined ? {} : { budget_ms }),
  }
}
