/**
 * What a report on a policy looks at in this process: the last decisions, and everybody with strikes, as far as it is bounded.
 */
import type { SubjectId } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ReportSources, Struck } from '../../gate/policy-report.ts'
import { factsOf } from '../../gate/subjects.ts'
import type { StoredRecord, Surroundings } from '../../ports.ts'
import type { NodeStore } from './store.ts'

export interface NodeReportParts {
  readonly store: Pick<NodeStore, 'directory' | 'ledger' | 'struck' | 'pepper'>
  readonly surroundings: Surroundings
  readonly facts_max_age_ms: number
}

const MAX_DECISIONS = 10_000
const DEFAULT_DECISIONS = 1_000
/** Some 2 s of work beside decisions, a page of it at a time. */
const MAX_SUBJECTS = 5_000
const MAX_STRIKES = 50_000
/** Decisions and strikes on one page: each a few milliseconds in which nobody else is answered. */
const DECISIONS_PAGE = 50
const STRIKES_PAGE = 100

export function nodeReportSources(parts: NodeReportParts): ReportSources {
  return {
    max_decisions: MAX_DECISIONS,
    default_decisions: DEFAULT_DECISIONS,
    recent: (limit) => recent(parts, limit),
    struck: (at) => struck(parts, at),
    pause: () => new Promise((go) => setImmediate(go)),
  }
}

async function* recent(
  { store }: NodeReportParts,
  limit: number,
): AsyncGenerator<readonly StoredRecord[]> {
  let left = limit
  let cursor: string | null = null
  do {
    const page = Math.min(left, DECISIONS_PAGE)
    const from: { readonly cursor?: string } = cursor === null ? {} : { cursor }
    const { records, next } = await store.directory.searchDecisions({ limit: page, ...from })
    yield records
    left -= records.length
    cursor = next
  } while (cursor !== null && left > 0)
}

async function* struck(
  { store, surroundings, facts_max_age_ms }: NodeReportParts,
  at: EpochMs,
): AsyncGenerator<readonly Struck[]> {
  const context = { surroundings, pepper: store.pepper, settings: { facts_max_age_ms } }
  const seen = new Set<SubjectId>()
  let before: number | null | undefined
  for (let strikes = 0; strikes < MAX_STRIKES && before !== null; strikes += STRIKES_PAGE) {
    const page = store.struck({ limit: STRIKES_PAGE, ...(before === undefined ? {} : { before }) })
    before = page.before
    const found: Struck[] = []
    for (const subject of page.subjects) {
      if (seen.has(subject) || seen.size >= MAX_SUBJECTS) continue
      seen.add(subject)
      const state = await store.ledger.load(subject)
      found.push({ subject, facts: factsOf(context, null, { subject, state, at }) })
    }
    yield found
    if (seen.size >= MAX_SUBJECTS) return
  }
}
