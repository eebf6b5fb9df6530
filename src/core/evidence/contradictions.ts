/**
 * The second half of checking a bundle: do records that are all genuine contradict each other?
 *
 * Only what the pieces show by themselves is called a lie. That something stands *after* the decision is none: an exporter
 * may have taken a later repeat of it, so it is "not shown". Chains, strikes and reversals are here; policy and replay are
 * replayed.ts's. Spec: docs/spec/evidence.md, "Checking", steps 5 to 7.
 */

import { sameValue } from '../audit/replay/same.ts'
import type { Facts, Strike } from '../model.ts'
import { evaluatedFacts } from '../record/disclosure.ts'
import type { ReversalContent, StrikeContent } from '../record/groups.ts'
import { isChainKind } from '../record/kinds.ts'
import { type EvidenceFault, faultOf } from './faults.ts'
import type { ProvenEntry } from './trust.ts'

/** The decision of a bundle among its entries. */
export type DecisionEntry = ProvenEntry & { readonly record: { readonly kind: 'decision' } }

/** True for the record of a decision. */
export function isDecision(entry: ProvenEntry): entry is DecisionEntry {
  return entry.record.kind === 'decision'
}

/** How far strikes and reversals are told; numbers for the words of the report. */
export interface StrikeCounts {
  /** Strikes the decision considered (facts opened) or rests on. */
  readonly relied: number
  /** Of those, with a record here whose contents are opened. */
  readonly shown: number
  /** Strike and reversal records whose contents are closed. */
  readonly closed: number
  /** Reversals of strikes it relied on, after it. */
  readonly reversed_since: number
}

/** Links of one chain among the entries: the same place twice, a wrong link, time running back. */
export function chainFaults(entries: readonly ProvenEntry[]): readonly EvidenceFault[] {
  const faults: EvidenceFault[] = []
  const links = entries
    .flatMap(({ opened, ...rest }) =>
      opened.chain === undefined || !isChainKind(rest.record.kind)
        ? []
        : [{ ...rest, chain: opened.chain }],
    )
    .toSorted((a, b) => a.chain.seq - b.chain.seq || a.index - b.index)
  const last = new Map<string, (typeof links)[number]>()
  for (const link of links) {
    const { sub, seq, prev, at } = link.chain
    const before = last.get(sub)
    last.set(sub, link)
    if (before === undefined || before.leaf === link.leaf) continue
    const name = `Seq ${seq} of a chain`
    if (before.chain.seq === seq)
      faults.push(faultOf('chain_fork', link.index, `${name} is there with other bytes.`))
    else if (before.chain.seq === seq - 1 && prev !== before.leaf)
      faults.push(faultOf('chain_prev', link.index, `${name} does not name the record before it.`))
    if (at < before.chain.at)
      faults.push(faultOf('chain_time', link.index, `${name} is earlier than one before it.`))
  }
  return faults
}

/** Strike and reversal records against what the decision says of them. */
export function strikeFaults(
  entries: readonly ProvenEntry[],
  decision: DecisionEntry,
): { readonly faults: readonly EvidenceFault[]; readonly counts: StrikeCounts } {
  const faults: EvidenceFault[] = []
  const known = knownStrikes(decision)
  const [shown, reversed] = [new Set<string>(), new Set<string>()]
  let closed = 0
  for (const entry of entries) {
    const content = entry.opened.facts
    if (entry.record.kind !== 'strike' && entry.record.kind !== 'reversal') continue
    if (content === undefined) closed++
    else if (entry.record.kind === 'strike') {
      const { strike } = content as StrikeContent
      if (known.has(strike.id)) shown.add(strike.id)
      faults.push(...strikeFault(entry, strike, decision, known))
    } else {
      const { strike } = content as ReversalContent
      if (known.has(strike) && order(entry, decision) !== 'before') reversed.add(strike)
      faults.push(...reversalFault(entry, decision, known.get(strike)))
    }
  }
  const counts = { relied: known.size, shown: shown.size, closed, reversed_since: reversed.size }
  return { faults, counts }
}

/** Strikes by id as the decision knew them; null where only the id is opened. */
function knownStrikes({ opened }: DecisionEntry): ReadonlyMap<string, Strike | null> {
  const known = new Map<string, Strike | null>()
  for (const { opened_by, strikes } of opened.result?.restrictions ?? [])
    for (const id of [opened_by, ...strikes]) if (id !== undefined) known.set(id, null)
  const facts: Facts | undefined = evaluatedFacts('decision', opened)
  for (const { strikes } of facts?.hosts ?? [])
    for (const strike of strikes) known.set(strike.id, strike)
  return known
}

function strikeFault(
  entry: ProvenEntry,
  strike: Strike,
  decision: DecisionEntry,
  known: ReadonlyMap<string, Strike | null>,
): readonly EvidenceFault[] {
  const told = known.get(strike.id)
  const faults: EvidenceFault[] = []
  if (told !== undefined && order(entry, decision) === 'after')
    faults.push(
      faultOf('strike_invented', entry.index, 'The decision relies on a strike recorded after it.'),
    )
  if (told && !sameValue({ ...told, status: '' }, { ...strike, status: '' }))
    faults.push(
      faultOf(
        'strike_altered',
        entry.index,
        'The facts tell this strike otherwise than its record.',
      ),
    )
  return faults
}

function reversalFault(
  entry: ProvenEntry,
  decision: DecisionEntry,
  told: Strike | null | undefined,
): readonly EvidenceFault[] {
  const place = order(entry, decision)
  if (!told || place === null) return []
  if (place === 'before' && told.status === 'active')
    return [
      faultOf('reversal_ignored', entry.index, 'The decision counts a strike reversed before it.'),
    ]
  if (place === 'after' && told.status === 'reversed')
    return [
      faultOf(
        'reversal_invented',
        entry.index,
        'The decision left out a strike reversed only after it.',
      ),
    ]
  return []
}

/** Where a link stands relative to the decision, when both are opened links of one chain. */
function order(entry: ProvenEntry, decision: ProvenEntry): 'before' | 'after' | null {
  const [one, other] = [entry.opened.chain, decision.opened.chain]
  if (one === undefined || other === undefined || one.sub !== other.sub) return null
  return one.seq < other.seq ? 'before' : 'after'
}

/** Erasure records of the decision's chain: of no other, and none of the records here is beyond the last one they name. */
export function erasureFaults(
  entries: readonly ProvenEntry[],
  decision: DecisionEntry,
): { readonly faults: readonly EvidenceFault[]; readonly erasures: readonly ProvenErasure[] } {
  const faults: EvidenceFault[] = []
  const erasures: ProvenErasure[] = []
  const sub = decision.opened.chain?.sub
  for (const { index, record } of entries) {
    if (record.kind !== 'erasure') continue
    const { scope, last_seq } = record.claims
    if (record.claims.sub !== sub) {
      faults.push(
        faultOf('entry_unneeded', index, 'It is not the chain of the decision it erases.'),
      )
      continue
    }
    erasures.push({ index, scope })
    const last = scope === 'retention' ? undefined : last_seq
    const beyond = entries.find(
      ({ opened }) => opened.chain?.sub === sub && last !== undefined && opened.chain.seq > last,
    )
    if (beyond !== undefined)
      faults.push(
        faultOf(
          'erased_chain',
          index,
          `It names ${last} as the last of a chain that goes further.`,
        ),
      )
  }
  return { faults, erasures }
}

/** An erasure of the decision's subject, in the log of the bundle. */
export interface ProvenErasure {
  readonly index: number
  readonly scope: string
}
