/**
 * `livegate incident report`: who was affected by an incident: every page of the gate's report, added up.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { incidentText, type ShownIncident } from '../incident/gate-incidents.ts'
import { plural, printable, type Session } from '../session.ts'

interface Page {
  readonly incident: ShownIncident
  readonly decisions: readonly object[]
  readonly counts: readonly {
    readonly rule: string
    readonly outcome: string
    readonly count: number
  }[]
  readonly revoked: readonly object[]
  readonly erased: number
  readonly next: string | null
}

interface Options extends GateOptions {
  readonly ids?: true
}

export function incidentReport(noun: Command, act: Act): void {
  const command = noun
    .command('report')
    .description('who was affected: refusals and delays by rule, and broadcasts revoked')
    .argument('<id>', 'id of the incident, as `incident show` prints it')
    .option('--ids', 'list every decision and broadcast')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, report)
}

const EXAMPLE = `
Example:
  livegate incident report aR1cX0bq3mZ9vJ8s2LkQwA --ids`

async function report(session: Session, id: string, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const path = `/v1/incident/${encodeURIComponent(id)}/report`
  const pages: Page[] = []
  let cursor: string | null = null
  do {
    const query: string = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`
    const request = { method: 'GET', path: `${path}${query}` } as const
    const page = (await client.json(request, 'report on the incident')) as Page
    pages.push(page)
    cursor = page.next
  } while (cursor !== null)
  const whole = added(pages)
  session.result(reportText(session, whole, options.ids === true), whole)
  return EXIT.clean
}

/** One report of all pages; each decision is on one of them. */
function added(pages: readonly Page[]): Omit<Page, 'next'> {
  const counts = new Map<string, Page['counts'][number]>()
  for (const one of pages.flatMap((page) => page.counts)) {
    const key = `${one.outcome} ${one.rule}`
    counts.set(key, { ...one, count: one.count + (counts.get(key)?.count ?? 0) })
  }
  const last = pages.at(-1)
  if (last === undefined) throw new TypeError('a report has a page')
  return {
    incident: last.incident,
    decisions: pages.flatMap((page) => page.decisions),
    counts: [...counts.values()].toSorted((a, b) => b.count - a.count),
    revoked: pages.flatMap((page) => page.revoked),
    erased: pages.reduce((sum, { erased }) => sum + erased, 0),
  }
}

function reportText(session: Session, whole: Omit<Page, 'next'>, ids: boolean): string {
  const { incident, decisions, counts, revoked, erased } = whole
  const gone = erased === 0 ? '' : `; of ${plural(erased, 'record')} more the contents are erased`
  return [
    incidentText(session, incident),
    `${plural(decisions.length, 'decision')} other than allow, ${plural(revoked.length, 'broadcast')} revoked${gone}`,
    ...counts.map(({ rule, outcome, count }) => `  ${outcome} ${printable(rule)}: ${count}`),
    ...(ids ? [...decisions, ...revoked].map((one) => `  ${printable(JSON.stringify(one))}`) : []),
  ].join('\n')
}
