/**
 * The objects of a deployment as what they answer (rpc.ts), found by the names of names.ts.
 *
 * A stub of the platform belongs to the request it was made in and breaks with its object, so one is made for each call.
 */
import type { Env } from './env.ts'
import { sequencerName } from './names.ts'
import type { DirectoryRpc, SequencerRpc, Stubs, SubjectRpc } from './rpc.ts'

export function stubsOf(env: Pick<Env, 'SUBJECTS' | 'SEQUENCERS' | 'DIRECTORIES'>): Stubs {
  return {
    subject: (name) => stub<SubjectRpc>(env.SUBJECTS, name),
    sequencer: (shard) => stub<SequencerRpc>(env.SEQUENCERS, sequencerName(shard)),
    directory: (name) => stub<DirectoryRpc>(env.DIRECTORIES, name),
  }
}

/**
 * Answers every method by making a stub and asking it. The platform types a stub by what it makes of each answer's type;
 * what crosses is plain data all the same.
 */
function stub<T extends object>(namespace: object, name: string): T {
  const objects = namespace as DurableObjectNamespace
  return new Proxy({} as T, {
    get: (_target, method) =>
      // Nobody may take it for a promise.
      method === 'then' ? undefined : (...values: readonly unknown[]) => call(method, values),
  })

  /** A stub that cannot be made is a call that was lost, like any other. */
  async function call(method: string | symbol, values: readonly unknown[]): Promise<unknown> {
    const made = objects.getByName(name) as unknown as Readonly<
      Record<string | symbol, (...given: readonly unknown[]) => unknown>
    >
    return made[method]?.(...values)
  }
}
