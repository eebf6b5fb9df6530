/**
 * The objects of a deployment as what they answer (rpc.ts), found by the names of names.ts.
 *
 * A stub is made for each call: one that broke with its object would fail every call after. Nothing is asked here.
 */
import type { Env } from './env.ts'
import { sequencerName } from './names.ts'
import type { DirectoryRpc, SequencerRpc, SubjectRpc } from './rpc.ts'

export interface Stubs {
  /** By `subjectObjectName`. */
  subject(objectName: string): SubjectRpc
  /** By shard, from 0. */
  sequencer(shard: number): SequencerRpc
  /** By `directoryName` or `serverName`. */
  directory(name: string): DirectoryRpc
}

export function stubsOf(env: Pick<Env, 'SUBJECTS' | 'SEQUENCERS' | 'DIRECTORIES'>): Stubs {
  return {
    subject: (name) => stub<SubjectRpc>(env.SUBJECTS, name),
    sequencer: (shard) => stub<SequencerRpc>(env.SEQUENCERS, sequencerName(shard)),
    directory: (name) => stub<DirectoryRpc>(env.DIRECTORIES, name),
  }
}

/** The platform types a stub by what it makes of each answer's type; what crosses is plain data all the same. */
function stub<T>(namespace: object, name: string): T {
  return (namespace as DurableObjectNamespace).getByName(name) as unknown as T
}
