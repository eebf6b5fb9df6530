/**
 * What a checked bundle proves, and what it does not, in sentences for somebody who knows none of the formats.
 *
 * The second list is as much the result as the first: a true file shown alone can still mislead. Names nobody; a
 * disclosed value is shown by who prints the report. Spec: docs/spec/evidence.md, "What it proves".
 */
import { GROUP_NAMES } from '../record/kinds.ts'
import { type EpochMs, formatInstant, isEpochMs } from '../time.ts'
import type { OpenedCheckpoint } from '../tlog/checkpoint.ts'
import { decodeCosignature } from '../tlog/cosignature.ts'
import type { DecisionEntry, ProvenErasure, StrikeCounts } from './contradictions.ts'
import type { Replayed } from './replayed.ts'

export interface Checked {
  readonly checkpoint: OpenedCheckpoint
  /** Size of the older checkpoint in the file; null without. */
  readonly since: number | null
  /** True when that, or the file's own, is the one the reader trusts. */
  readonly from_trusted: boolean
  /** The checkpoint's key is one the log itself had named under a key of the reader's. */
  readonly learned: boolean
  readonly decision: DecisionEntry
  readonly strikes: StrikeCounts
  /** Of its subject, in the order of the log. */
  readonly erasures: readonly ProvenErasure[]
  readonly replayed: Replayed
}

/** Sentences that follow once nothing was found wrong. */
export function provenWords(checked: Checked): readonly string[] {
  const { checkpoint, since, from_trusted, decision, strikes, replayed } = checked
  const { claims } = decision.record
  const groups = GROUP_NAMES.filter((group) => decision.opened[group] !== undefined)
  const words = [
    `Decision ${claims.jti} stands at index ${decision.index} of log ${checkpoint.origin}, under its signed checkpoint of size ${checkpoint.size}.`,
    `A record key in force there signed it: outcome ${claims.outcome}, issued by ${claims.iss} at ${timeOf(claims.iat)}.`,
  ]
  if (groups.length > 0)
    words.push(`The record commits to what is disclosed: ${groups.join(', ')}.`)
  if (replayed.policy !== null)
    words.push(`The exact text of policy ${claims.policy} was in the log before the decision.`)
  if (replayed.activation !== null)
    words.push(
      `It was activated as revision ${replayed.activation.revision}, to decide from ${formatInstant(replayed.activation.active_from)} on.`,
    )
  if (replayed.replayed)
    words.push(
      'Policy text and facts give exactly this decision: it was derived again and every field is the same.',
    )
  if (strikes.shown > 0)
    words.push(
      `${strikes.shown} of ${strikes.relied} strikes it rests on were recorded in the log as the decision tells them.`,
    )
  if (strikes.reversed_since > 0)
    words.push(
      `${plural(strikes.reversed_since, 'strike')} it relied on ${was(strikes.reversed_since)} reversed since.`,
    )
  for (const { index, scope } of checked.erasures)
    words.push(
      scope === 'retention'
        ? `Contents about its subject were removed for their age: the log says so at index ${index}.`
        : `Its subject was erased (${scope}): the log says so at index ${index}.`,
    )
  if (checked.learned)
    words.push(
      'The checkpoint is signed by a key you did not give; the log named it earlier, under a checkpoint your key has signed.',
    )
  if (since !== null)
    words.push(
      `The log of that checkpoint begins with exactly the log of the checkpoint of size ${since}${from_trusted ? ', which you trust' : ''}.`,
    )
  for (const { name, signature } of checkpoint.cosignatures) {
    const time = decodeCosignature(signature)
    if (time !== null) words.push(`Witness ${name} saw this log at ${timeOf(time.timeS)}.`)
  }
  return words
}

/** What nobody may conclude from it. */
export function openWords(checked: Checked): readonly string[] {
  const { checkpoint, since, from_trusted, decision, strikes, replayed } = checked
  const { opened } = decision
  const words: string[] = []
  if (!replayed.replayed)
    words.push(
      'That the decision follows from policy and facts: that takes both groups, result and facts.',
    )
  if (opened.subject === undefined)
    words.push('Whom it is about: the group `subject` is not opened.')
  const closed = GROUP_NAMES.filter((group) => group !== 'subject' && opened[group] === undefined)
  if (closed.length > 0) words.push(`What the closed groups say: ${closed.join(', ')}.`)
  if (opened.facts !== undefined)
    words.push('That the facts are true: only that the gate decided on them.')
  if (strikes.shown < strikes.relied)
    words.push(
      `That ${strikes.relied - strikes.shown} of ${strikes.relied} strikes it rests on are in the log: their records are not here or not opened.`,
    )
  if (strikes.closed > 0)
    words.push(
      `Which strikes ${plural(strikes.closed, 'closed record')} of strikes or reversals tell of.`,
    )
  words.push(
    'That no reversal, erasure or later decision followed: only an audit of the whole chain shows what is not there.',
    'That no other decision was left out, or made elsewhere: `livegate log audit` looks for that.',
    'That no record has ended or withdrawn its key meanwhile, beyond the key records in this file.',
  )
  if (checkpoint.cosignatures.length === 0)
    words.push(
      'That everybody is shown the same log: no witness you trust has cosigned the checkpoint.',
    )
  if (since === null && !from_trusted)
    words.push(
      'That this is the log you have seen before: the file joins it to no checkpoint you trust.',
    )
  words.push('When it happened: times are the gate’s own word, but for those of witnesses.')
  return words
}

function timeOf(seconds: number): string {
  const ms = 1000 * seconds
  return isEpochMs(ms) ? formatInstant(ms as EpochMs) : `${seconds} s`
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function was(count: number): string {
  return count === 1 ? 'was' : 'were'
}
