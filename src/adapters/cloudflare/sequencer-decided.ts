/**
 * Decisions a log has taken in since its object woke: by outcome, by rule, and by what would have been, for the metrics.
 *
 * What the entries say anyway, counted in memory once they are durable; a count that begins anew is what counters are read
 * as. A record that had to be sent again says nothing of what was not enforced. From: sequencer-chains.ts.
 */
import { MAX_POLICY_RULES } from '../../core/limits.ts'
import { NOT_ENFORCED } from '../../gate/effects.ts'
import type { Mirror } from '../sqlite/sql.ts'
import type { ChainEntry } from './rpc.ts'
import type { Decided } from './rpc-status.ts'

export interface DecidedBook extends Mirror {
  /** Inside a transaction: an entry that is new to the log. */
  note(entry: ChainEntry): void
  counts(): readonly Decided[]
}

/** Rules of two policies, by outcome: beyond that what was counted first is forgotten, which reads as beginning anew. */
const MAX_COUNTS: number = 6 * MAX_POLICY_RULES

/** `followed` by the writer of the log. */
export function createDecidedBook(): DecidedBook {
  const counts = new Map<string, { readonly labels: Decided; count: number }>()
  /** Of a transaction under way. */
  let coming: NonNullable<ChainEntry['decision']>[] = []

  function count(what: Decided['what'], labels: readonly string[]): void {
    const key = JSON.stringify([what, ...labels])
    const known = counts.get(key)
    if (known !== undefined) {
      known.count++
      return
    }
    counts.set(key, { labels: { what, labels, count: 0 }, count: 1 })
    const [oldest] = counts.keys()
    if (counts.size > MAX_COUNTS && oldest !== undefined) counts.delete(oldest)
  }

  return {
    note({ decision }) {
      if (decision !== null) coming.push(decision)
    },
    committed() {
      for (const { outcome, mode, rules, would } of coming) {
        count('outcome', [outcome, mode ?? 'none'])
        for (const rule of rules) if (rule !== NOT_ENFORCED) count('rule', [rule, outcome])
        for (const rule of would?.rules ?? []) count('would', [rule, would?.outcome ?? outcome])
      }
      coming = []
    },
    aborted() {
      coming = []
    },
    counts: () => [...counts.values()].map(({ labels, count: n }) => ({ ...labels, count: n })),
  }
}
