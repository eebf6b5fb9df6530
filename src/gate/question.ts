/**
 * What was asked when a broadcast was let start, read back from what its own record disclosed.
 *
 * The newest renewal's record, where there is one: it says everything the opening said, and what was given since. What
 * cannot be read any more (a co-host was erased, contents are past their retention) is unknown, and then nothing is extended.
 * Next stop: renewal.ts.
 */
import type { Facts, RequestFacts, StreamFacts, SubjectFacts, SubjectId } from '../core/model.ts'
import { supportsRunning } from '../core/policy/supports.ts'
import { decodeFacts } from '../core/record/decode-facts.ts'
import type { BroadcastContent, ResultGroup, SubjectGroup } from '../core/record/groups.ts'
import type { EpochMs } from '../core/time.ts'
import type { OpenBroadcast, StoredFacts, StoredRecord } from '../ports.ts'
import type { Context } from './context.ts'
import { disclosedText } from './disclosed.ts'

export interface Question {
  readonly subject: SubjectId
  readonly stream: StreamFacts
  readonly request: RequestFacts
  readonly supports: readonly string[]
  /** For whom the policy was enforced where it was asked; absent: for everybody. */
  readonly enforce?: string
  readonly cohosts: readonly SubjectId[]
  /** What the caller gave about each host, with when; accounts in it are hashes already. */
  readonly remembered: readonly StoredFacts[]
  /** False: something is unknown, perhaps somebody who joined. */
  readonly readable: boolean
}

/** What was asked about `open`, a broadcast of `subject`. */
export async function questionOf(
  context: Pick<Context, 'directory'>,
  subject: SubjectId,
  open: OpenBroadcast,
): Promise<Question> {
  const newest = await context.directory.record(open.renewed ?? open.id)
  const found = newest === null ? null : readQuestion(subject, newest)
  if (found !== null || open.renewed === undefined) return found ?? unknown(subject, open)
  const opening = await context.directory.record(open.id)
  return (opening === null ? null : readQuestion(subject, opening)) ?? unknown(subject, open)
}

function unknown(subject: SubjectId, { stream: id }: OpenBroadcast): Question {
  const stream = id === '' ? {} : { id }
  return {
    ...{ subject, stream, request: {}, supports: [], cohosts: [], remembered: [] },
    readable: false,
  }
}

function readQuestion(subject: SubjectId, record: StoredRecord): Question | null {
  const said = disclosedText(record, 'facts')
  const decoded = decodeFacts(
    record.kind === 'broadcast' ? (said as BroadcastContent | undefined)?.facts : said,
  )
  const group = disclosedText(record, 'subject') as SubjectGroup | undefined
  if (!decoded.ok || group === undefined) return null
  const { hosts, stream, request, supports, enforce } = decoded.value
  const { cohosts } = group
  if (hosts.length !== 1 + cohosts.length) return null
  const remembered = hosts.map(rememberedOf)
  const door = enforce === undefined ? {} : { enforce }
  const runs = { stream, request, supports: runningWith(record, supports) }
  return { subject, ...runs, ...door, cohosts, remembered, readable: true }
}

/** What runs cannot be shown later than it is: what was a choice at the start is a fact since. */
function runningWith(record: StoredRecord, supports: readonly string[]): readonly string[] {
  // A renewal's record says what ran already.
  if (record.kind === 'broadcast') return supports
  const result = disclosedText(record, 'result') as ResultGroup | undefined
  return supportsRunning(supports, result?.broadcast_delay_s ?? 0)
}

function rememberedOf({ facts, sources }: Facts['hosts'][number]): StoredFacts {
  const given: Record<string, { readonly value: unknown; readonly as_of: EpochMs }> = {}
  for (const [name, value] of Object.entries(facts)) {
    const source = sources[name as keyof SubjectFacts]
    if (source?.from === 'request') given[name] = { value, as_of: source.as_of }
  }
  return given as StoredFacts
}
