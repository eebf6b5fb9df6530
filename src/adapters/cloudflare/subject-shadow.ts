/**
 * A candidate in the shadow where decisions are made: a share of them is judged, and how it differs goes along with the record.
 *
 * Judged is what was signed, from its own disclosures, so nothing here can reach the decision, the record or the subject. The
 * clock of a Worker stands while it computes, so what a candidate may cost is bounded by the share and not by time. It needs no
 * call and no row: the log counts what came with the record (sequencer-shadow.ts). A record that had to be sent again brings nothing.
 * On Node: gate/shadow.ts. Spec: docs/spec/policy.md, "Trying a candidate".
 */

import type { Decision } from '../../core/model.ts'
import { newlyLacking } from '../../core/policy/compare/backtest.ts'
import type { Said } from '../../core/policy/compare/changes.ts'
import { createTally } from '../../core/policy/compare/tally.ts'
import { evaluate } from '../../core/policy/evaluate.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { withBucket } from '../../core/policy/rollout.ts'
import { disclosedText, factsIn } from '../../gate/disclosed.ts'
import type { Change, Ledger, Random, SignedRecord } from '../../ports.ts'
import type { SequencerRpc } from './rpc.ts'
import type { Shadowed } from './rpc-shadow.ts'

export interface ShadowSettings {
  readonly plan: Plan
  /** Of decisions; above 0, at most 1. */
  readonly share: number
}

type Append = Pick<SequencerRpc, 'append'>

/** A subject's way to its ledger and to its log, with the candidate's say taken along. */
export interface SubjectShadow {
  ledger(ledger: Ledger): Ledger
  log(log: Append): Append
}

export const NO_SHADOW: SubjectShadow = { ledger: (ledger) => ledger, log: (log) => log }

export function createSubjectShadow(
  { plan, share }: ShadowSettings,
  random: Random,
): SubjectShadow {
  /** By record; what is on its way. */
  const judged = new Map<string, Shadowed>()
  const isChosen = (): boolean => {
    const [a = 0, b = 0, c = 0] = random.bytes(3)
    return ((a << 16) | (b << 8) | c) / 2 ** 24 < share
  }
  return {
    ledger: (ledger) => ({
      ...ledger,
      async commit(change) {
        const { record, decision } = change
        if (record === null || decision === undefined || !isChosen()) return ledger.commit(change)
        judged.set(record.id, judge(plan, record, decision))
        try {
          return await ledger.commit(change)
        } finally {
          judged.delete(record.id)
        }
      },
    }),
    log: (log) => ({
      append: (entries) =>
        log.append(
          entries.map((entry) => {
            const shadow = judged.get(entry.record.id)
            return shadow === undefined ? entry : { ...entry, shadow }
          }),
        ),
    }),
  }
}

function judge(
  plan: Plan,
  record: SignedRecord,
  { outcome }: NonNullable<Change['decision']>,
): Shadowed {
  const { digest } = plan
  try {
    const facts = factsIn(record)
    const result = disclosedText(record, 'result')
    if (facts === null || result === undefined) throw new TypeError('a record without its contents')
    const before = { outcome, ...(result as Omit<Said & Pick<Decision, 'unknown'>, 'outcome'>) }
    const after = evaluate(plan, withBucket(plan, facts))
    const tally = createTally()
    tally.add({ id: record.id, at: facts.at, before, after })
    return { digest, lacking: newlyLacking(before, after), counted: tally.part() }
  } catch {
    return { digest, lacking: [], counted: null }
  }
}
