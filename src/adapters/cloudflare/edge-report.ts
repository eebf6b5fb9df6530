/**
 * What a report on a policy looks at on the edge: the last decisions of all logs, and the subjects of those.
 *
 * Nobody's object can be listed, and each record is a question to one: so few are looked at, and the report says how many.
 */
import type { Facts } from '../../core/model.ts'
import { disclosedFacts } from '../../gate/disclosed.ts'
import type { ReportSources, Struck } from '../../gate/policy-report.ts'
import type { Directory, StoredRecord } from '../../ports.ts'

/** A request of a Worker may ask a thousand objects; a page asks every log besides. */
const MAX_DECISIONS = 400
const DEFAULT_DECISIONS = 200
const PAGE = 50

/** For one report: it remembers whose decisions it saw. */
export function edgeReportSources(directory: Pick<Directory, 'searchDecisions'>): ReportSources {
  const seen = new Map<string, { readonly subject: string; readonly facts: Facts }>()

  async function* recent(limit: number): AsyncGenerator<readonly StoredRecord[]> {
    let left = limit
    let cursor: string | null = null
    do {
      const from: { readonly cursor?: string } = cursor === null ? {} : { cursor }
      const page = await directory.searchDecisions({ limit: Math.min(left, PAGE), ...from })
      for (const record of page.records) {
        const facts = disclosedFacts(record)
        if (facts !== null && !seen.has(record.subject))
          seen.set(record.subject, { subject: record.subject, facts })
      }
      yield page.records
      left -= page.records.length
      cursor = page.next
    } while (cursor !== null && left > 0)
  }

  return {
    ...{ max_decisions: MAX_DECISIONS, default_decisions: DEFAULT_DECISIONS, recent },
    async *struck(at) {
      const found = [...seen.values()].flatMap(({ subject, facts }): Struck[] => {
        const [host] = facts.hosts
        return host.strikes.length === 0
          ? []
          : [{ subject, facts: { ...facts, at, hosts: [host] } }]
      })
      yield found
    },
    pause: () => new Promise((go) => setTimeout(go, 0)),
  }
}
