/**
 * What the Worker asks of every log at once: its heartbeat, its keeper's attention, the keys it ever brought into force.
 */
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import type { RecheckCause } from '../../ports.ts'
import { keeperOfLog, keeperOfServer, originOfShard } from './names.ts'
import { opened, type SequencerRpc, type Stubs } from './rpc.ts'
import { reportFailure } from './worker-lines.ts'

export interface NamedSequencer {
  readonly origin: string
  readonly sequencer: SequencerRpc
}

/** Every log of a deployment in the order of its shards. */
export function sequencersOf(
  stubs: Pick<Stubs, 'sequencer'>,
  { origin, shards }: { readonly origin: string; readonly shards: number },
): readonly NamedSequencer[] {
  return Array.from({ length: shards }, (_, shard) => ({
    origin: originOfShard(origin, shard, shards),
    sequencer: stubs.sequencer(shard),
  }))
}

/** Has each log write a heartbeat that is due. Never rejects: the next tick asks again. */
export async function beatAll(stubs: Pick<Stubs, 'sequencer'>, shards: number): Promise<void> {
  const beats = Array.from({ length: shards }, (_, shard) =>
    opened(stubs.sequencer(shard).heartbeat()).catch((error: unknown) =>
      reportFailure(`heartbeat of log ${shard}`, error),
    ),
  )
  await Promise.all(beats)
}

/** Has what runs looked after, in logs and at media servers; `cause`: what has changed. Never rejects: keepers also look by themselves. */
export async function ringKeepers(
  stubs: Pick<Stubs, 'keeper'>,
  { shards, servers = [] }: { readonly shards: number; readonly servers?: readonly string[] },
  cause: RecheckCause | null = null,
): Promise<void> {
  const logs = Array.from({ length: shards }, (_, shard) => keeperOfLog(shard))
  const names = [...logs, ...servers.map(keeperOfServer)]
  const rings = names.map((name) =>
    opened(stubs.keeper(name).ring(cause)).catch((error: unknown) =>
      reportFailure(`keeper of ${name}`, error),
    ),
  )
  await Promise.all(rings)
}

/** Record keys of all logs, each once. */
export async function recordKeysOf(
  logs: readonly NamedSequencer[],
): Promise<readonly Ed25519Jwk[]> {
  const found = await Promise.all(logs.map(({ sequencer }) => opened(sequencer.recordKeys())))
  return [...new Set(found.flat())].map((x) => ({ kty: 'OKP', crv: 'Ed25519', x }))
}
