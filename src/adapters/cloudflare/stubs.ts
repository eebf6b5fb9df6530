/**
 * The objects of a deployment as what they answer (rpc.ts), found by the names of names.ts.
 *
 * A stub of the platform belongs to the request it was made in and breaks with its object, so one is made for each call.
 * No call of the Worker is waited for without end; what objects ask of each other has its own limit (subject-calls.ts).
 */
import type { After } from '../../gate/context.ts'
import type { Env } from './env.ts'
import { REGISTRY, sequencerName, webhooksName } from './names.ts'
import { PACKED_CALLS, unpacked } from './packed.ts'
import { withPatience } from './patience.ts'
import type { DirectoryRpc, SequencerRpc, Stubs, SubjectRpc } from './rpc.ts'
import type { KeeperRpc } from './rpc-keeper.ts'
import type { RegistryRpc } from './rpc-registry.ts'
import type { HooksStubs, WebhooksRpc } from './rpc-webhooks.ts'

/** One that cannot be reached: a call takes milliseconds, and a subject's object answers within its own budget of 2 s. */
export const CALL_PATIENCE_MS = 5_000
/** Calls that wait for a checkpoint, write a piece of a whole deployment, look up many records, or are of use late (edge-gate.ts). */
const LONG_CALLS: ReadonlySet<string | symbol> = new Set([
  'proof',
  'move',
  'moveIn',
  'decide',
  'dead',
])
export const LONG_PATIENCE_MS = 60_000

/** With `after`, a call that takes too long rejects, which `opened` (rpc.ts) makes `log_unavailable`. */
export function stubsOf(
  env: Pick<Env, 'SUBJECTS' | 'SEQUENCERS' | 'DIRECTORIES' | 'KEEPERS'>,
  after?: After,
): Stubs {
  return {
    subject: (name) => stub<SubjectRpc>(env.SUBJECTS, name, after),
    sequencer: (shard) => stub<SequencerRpc>(env.SEQUENCERS, sequencerName(shard), after),
    directory: (name) => stub<DirectoryRpc>(env.DIRECTORIES, name, after),
    keeper: (name) => stub<KeeperRpc>(env.KEEPERS, name, after),
    registry: () => stub<RegistryRpc>(env.KEEPERS, REGISTRY, after),
  }
}

/** Those that tell endpoints, likewise. */
export function hooksOf(env: Pick<Env, 'WEBHOOKS'>, after: After): HooksStubs {
  return (which) => stub<WebhooksRpc>(env.WEBHOOKS, webhooksName(which), after)
}

/**
 * Answers every method by making a stub and asking it. The platform types a stub by what it makes of each answer's type;
 * what crosses is plain data all the same.
 */
function stub<T extends object>(namespace: object, name: string, after: After | undefined): T {
  const objects = namespace as DurableObjectNamespace
  return new Proxy({} as T, {
    get: (_target, method) =>
      // Nobody may take it for a promise.
      method === 'then' ? undefined : (...values: readonly unknown[]) => soon(method, values),
  })

  function soon(method: string | symbol, values: readonly unknown[]): Promise<unknown> {
    if (after === undefined) return call(method, values)
    const patience_ms = LONG_CALLS.has(method) ? LONG_PATIENCE_MS : CALL_PATIENCE_MS
    return withPatience(() => call(method, values), { after, patience_ms, who: 'the object' })
  }

  /** A stub that cannot be made is a call that was lost, like any other. */
  async function call(method: string | symbol, values: readonly unknown[]): Promise<unknown> {
    const made = objects.getByName(name) as unknown as Readonly<
      Record<string | symbol, (...given: readonly unknown[]) => unknown>
    >
    const pack = PACKED_CALLS.get(method)
    const given = pack === undefined ? values : [pack(values[0])]
    return unpacked(await made[method]?.(...given))
  }
}
