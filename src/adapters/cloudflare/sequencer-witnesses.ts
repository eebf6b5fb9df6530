/**
 * Who cosigns the checkpoints of a log on the edge: the witnesses every host has, over the log's object and its bucket.
 *
 * An object sleeps and wakes all day, so a checkpoint everybody has cosigned is not taken around again when it wakes; the
 * cron trigger that asks for heartbeats wakes it for those who were out of reach. Whether its storage was set back it
 * finds out from its bucket first (sqlite/rounds.ts). Next stop: sqlite/witnesses.ts.
 */
import type { WitnessPolicy } from '../../core/tlog/witness-policy.ts'
import type { After } from '../../gate/context.ts'
import type { Clock, Random } from '../../ports.ts'
import { verifyEd25519 } from '../sqlite/witness-ed25519.ts'
import {
  createWitnesses,
  type Witnesses,
  type WitnessParts,
  type WitnessSettings,
} from '../sqlite/witnesses.ts'
import type { Bucket } from './r2-tiles.ts'
import { createR2Witnessed } from './r2-witnessed.ts'

/** What a deployment says about its witnesses, with the platform's means; none without a policy. */
export function witnessSettings(
  policy: WitnessPolicy | null,
  {
    clock,
    after,
    random,
  }: { readonly clock: Clock; readonly after: After; readonly random: Random },
): { readonly witnesses?: WitnessSettings } {
  if (policy === null) return {}
  const jitter = (): number => (random.bytes(1)[0] ?? 0) / 255
  const asked = { policy, verifyEd25519, clock, after, jitter }
  return { witnesses: { ...asked, fetch: (url, init) => fetch(url, init) } }
}

/** Null where nobody is asked. */
export function witnessesOf(
  parts: {
    readonly witnesses?: WitnessSettings
    readonly bucket: Bucket
    readonly prefix: string
    readonly after: After
  } & Pick<
    WitnessParts,
    'origin' | 'vkeys' | 'sql' | 'writer' | 'rounds' | 'tiles' | 'halt' | 'observe' | 'onError'
  >,
): Witnesses | null {
  const { witnesses, bucket, prefix, after, ...own } = parts
  if (witnesses === undefined) return null
  const file = createR2Witnessed(bucket, prefix, after)
  return createWitnesses({ ...own, ...witnesses, file, settledBefore: true })
}
