/**
 * Says in plain words what an audit has checked and, as plainly, what it has not.
 *
 * A clean audit that hides its limits proves less than it claims; these sentences are part of the result. The words
 * follow from the counts alone.
 */
import type { RecordKind } from '../record/kinds.ts'
import type { AccessCounts } from './accesses.ts'
import type { ReplayCounts } from './replay/audit-replay.ts'

export interface AuditCounts {
  /** Size of the tree at the end. */
  readonly size: number
  /** Entries seen in this run. */
  readonly entries: number
  readonly by_kind: Readonly<Partial<Record<RecordKind, number>>>
  readonly unreadable: number
  /** Signatures that hold. */
  readonly signatures: number
  readonly chain_opened: number
  readonly chain_unopened: number
  /** Chains met, of all runs. */
  readonly subjects: number
  /** Legal byte-identical repeats. */
  readonly repeats: number
  /** Erased subjects the log names, and how many records of theirs it names. */
  readonly erased: number
  readonly erased_records: number
  /** Who opened records, in the entries of this run. */
  readonly accesses: AccessCounts
  /** Instances of media-server adapters, and records of theirs seen in this run. */
  readonly enforcers: { readonly instances: number; readonly records: number }
  /** Null when replay was left out. */
  readonly replay: ReplayCounts | null
  readonly policies: number
  /** Hash tiles compared. */
  readonly tiles: number
  readonly after_last_heartbeat: number
  /** Origins that may go on; null while the log is open. */
  readonly successors: readonly string[] | null
  /** The log whose chains this one goes on with; `checked` when it was audited with it. */
  readonly predecessor: { readonly origin: string; readonly checked: boolean } | null
  readonly findings: number
  readonly notices: number
}

/** `consistent` is null when no trusted checkpoint was met. */
export function wordsOf(
  counts: AuditCounts,
  consistent: boolean | null,
): { readonly checked: readonly string[]; readonly not_checked: readonly string[] } {
  const { entries, signatures, tiles, chain_opened: opened, chain_unopened: unopened } = counts
  const checked = [
    `${countOf(entries, 'entry', 'entries')}: form, kind, claims, key in force, place in the tree.`,
    `The root over ${counts.size === 1 ? 'the one entry' : `all ${counts.size} entries`} against the checkpoint.`,
    'Policy texts against their digests, and that each was logged before its use.',
    'Heartbeats against the entries they cover.',
  ]
  const not = [
    'That nothing was kept out of the log from the start: only chains, and receipts collected outside, can show that.',
    'That everybody is shown the same log: only witnesses or comparing checkpoints can show that.',
    'Clocks: `iat` is what the gate says.',
  ]
  sayReplay(counts, checked, not)
  sayWho(counts, checked, not)
  if (signatures > 0) checked.push(`${countOf(signatures, 'signature holds', 'signatures hold')}.`)
  if (signatures < entries)
    not.push(`${countOf(entries - signatures, 'entry has', 'entries have')} no verified signature.`)
  if (opened > 0)
    checked.push(
      `${countOf(opened, 'record')} in the chains of ${countOf(counts.subjects, 'subject')}: seq, prev, at.`,
    )
  if (unopened > 0)
    not.push(
      `${countOf(unopened, 'record')} whose place in a chain was not disclosed to this audit.`,
    )
  if (opened > 0) not.push('The end of each chain: records after the last one seen may exist.')
  if (tiles > 0) checked.push(`${countOf(tiles, 'stored hash tile')} against the entries.`)
  else not.push('Stored hash tiles.')
  if (consistent === null) not.push('Consistency: no trusted checkpoint was met.')
  else checked.push('Consistency with the trusted checkpoint.')
  if (counts.after_last_heartbeat > 0)
    not.push(`${countOf(counts.after_last_heartbeat, 'entry', 'entries')} no heartbeat covers yet.`)
  sayWhatFollows(counts, checked, not)
  return { checked, not_checked: not }
}

function sayReplay(counts: AuditCounts, checked: string[], not: string[]): void {
  const { replay, erased, erased_records } = counts
  if (erased > 0) {
    checked.push(
      `${countOf(erased, 'subject')} erased; still proven included, and chained as far as opened: ${countOf(erased_records, 'record')}.`,
    )
    not.push('What the records of erased subjects say: they can no longer be opened.')
  }
  if (replay === null) {
    not.push('Replay: left out.')
    return
  }
  const { replayed, other_engine, followed } = replay
  const all = Math.max(counts.by_kind.decision ?? 0, replayed)
  if (replayed > 0)
    checked.push(
      `${replayed} of ${countOf(all, 'decision')} replayed: logged policy and disclosed facts give the outcome and every member of the result.`,
    )
  if (followed > 0)
    checked.push(
      `What ${countOf(followed, 'decision')} saw against the chain before: strikes, reversals, holds, reviews, open broadcasts.`,
    )
  if (replay.cohosts > 0)
    checked.push(`Strikes of ${countOf(replay.cohosts, 'co-host')} against their own chains.`)
  const closed = all - replayed - other_engine - replay.without_policy
  if (closed > 0)
    not.push(
      `Replay of ${countOf(closed, 'decision')} whose result and facts were not disclosed to this audit.`,
    )
  if (other_engine > 0)
    not.push(
      `Replay of ${countOf(other_engine, 'decision')} made under semantics this version does not have.`,
    )
  if (replay.believed > 0)
    not.push(
      `History of ${countOf(replay.believed, 'decision')}: something earlier in the chain was not opened, so its facts were believed.`,
    )
  if (replay.cohosts_unfollowed > 0)
    not.push(
      `Strikes of ${countOf(replay.cohosts_unfollowed, 'co-host')}: their chain is not in this log, not opened, or too young.`,
    )
  if (replay.holds_elsewhere > 0)
    not.push(
      `${countOf(replay.holds_elsewhere, 'hold')} that no record here began: they may have begun while co-hosting.`,
    )
  if (replayed > 0) not.push('That the facts are true: only that they lead to the outcome.')
}

/** Callers named in words; the report for programs has all. */
const NAMED_CALLERS = 20

function sayWho({ accesses, enforcers }: AuditCounts, checked: string[], not: string[]): void {
  const { answers, records, callers } = accesses
  if (enforcers.records > 0)
    checked.push(
      `${countOf(enforcers.records, 'record')} of ${countOf(enforcers.instances, 'media-server instance')}: numbers without a repeat; gaps are notices.`,
    )
  if (answers === 0) return
  checked.push(
    `${countOf(answers, 'opening')} of ${countOf(records, 'record')} by ${countOf(callers.length, 'caller')}, as the log says:`,
  )
  for (const { by, via, groups, ...caller } of callers.slice(0, NAMED_CALLERS))
    checked.push(
      `  ${quoted(by)}: ${countOf(caller.records, 'record')} in ${countOf(caller.answers, 'answer')} (${via.join(', ')}; ${groups.join(', ')}), entries ${caller.first} to ${caller.last}.`,
    )
  if (callers.length > NAMED_CALLERS)
    checked.push(`  ${countOf(callers.length - NAMED_CALLERS, 'more caller')}.`)
  not.push('That every opening left a record: only somebody who was given one can show that.')
}

function sayWhatFollows(counts: AuditCounts, checked: string[], not: string[]): void {
  const { successors, predecessor } = counts
  if (successors !== null)
    checked.push(`The log is closed and goes on in ${successors.map(quoted).join(', ')}.`)
  if (predecessor === null) return
  const origin = quoted(predecessor.origin)
  if (predecessor.checked)
    checked.push(`That ${origin} ended in favour of this log, with the checkpoint named here.`)
  else not.push(`What came before: the chains go on from ${origin} (--predecessor).`)
}

function quoted(origin: string): string {
  return `\`${origin}\``
}

function countOf(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
