/**
 * `livegate policy rollout`: who would have been stopped by what is not enforced yet: every page of the gate's report, added up.
 */
import type { Command } from 'commander'
import { formatInstant, parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, printable, quote, type Session } from '../session.ts'

interface Spared {
  readonly id: string
  readonly at: string
  readonly outcome: string
  readonly would: {
    readonly outcome: string
    readonly mode?: string
    readonly rules: readonly { readonly rule: string; readonly host?: number }[]
  }
  readonly stopped: boolean
  readonly server?: string
  readonly subject?: string
}

interface Count {
  readonly rule: string
  readonly server?: string
  readonly would: string
  readonly count: number
  readonly stopped: number
}

interface Page {
  readonly decisions: readonly Spared[]
  readonly renewals: readonly Spared[]
  readonly counts: readonly Count[]
  readonly erased: number
  readonly next: string | null
}

interface Options extends GateOptions {
  readonly from: string
  readonly to?: string
  readonly subjects?: true
  readonly ids?: true
}

export function policyRollout(noun: Command, act: Act): void {
  const command = noun
    .command('rollout')
    .description('who would have been stopped by what is not enforced yet, by rule and server')
    .requiredOption('--from <instant>', 'leave earlier decisions out')
    .option('--to <instant>', 'leave later decisions out')
    .option('--subjects', 'name the people; needs scope identity, and is recorded in the log')
    .option('--ids', 'list every decision and renewal')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, report)
}

const EXAMPLE = `
Example:
  livegate policy rollout --from 2026-11-16 --subjects`

async function report(session: Session, options: Options): Promise<ExitCode> {
  const asked = queryOf(options)
  const client = await gateClient(session, options)
  const pages: Page[] = []
  let cursor: string | null = null
  do {
    if (cursor !== null) asked.set('cursor', cursor)
    const request = { method: 'GET', path: `/v1/rollout?${asked}` } as const
    const page = (await client.json(request, 'report on the rollout')) as Page
    pages.push(page)
    cursor = page.next
  } while (cursor !== null)
  const whole = added(pages)
  session.result(reportText(session, whole, options), whole)
  return EXIT.clean
}

function queryOf({ from, to, subjects }: Options): URLSearchParams {
  const query = new URLSearchParams({ from: instantOf('--from', from) })
  if (to !== undefined) query.set('to', instantOf('--to', to))
  if (subjects === true) query.set('subjects', 'true')
  return query
}

function instantOf(option: string, written: string): string {
  const at = parseInstant(written)
  if (at.ok) return formatInstant(at.value)
  throw usage(
    `Cannot use ${option} ${quote(written)}: expected an instant like 2026-11-20T12:00:00Z`,
  )
}

/** One report of all pages; each decision is on one of them. */
function added(pages: readonly Page[]): Omit<Page, 'next'> {
  const counts = new Map<string, Count>()
  for (const one of pages.flatMap((page) => page.counts)) {
    const key = JSON.stringify([one.rule, one.server, one.would])
    const before = counts.get(key)
    const count = one.count + (before?.count ?? 0)
    counts.set(key, { ...one, count, stopped: one.stopped + (before?.stopped ?? 0) })
  }
  return {
    decisions: pages.flatMap((page) => page.decisions),
    renewals: pages.flatMap((page) => page.renewals),
    counts: [...counts.values()].toSorted((a, b) => b.count - a.count),
    erased: pages.reduce((sum, { erased }) => sum + erased, 0),
  }
}

function reportText(session: Session, whole: Omit<Page, 'next'>, options: Options): string {
  const { decisions, renewals, counts, erased } = whole
  const stopped = decisions.filter((one) => one.stopped)
  const running = new Set(renewals.filter((one) => one.stopped).map(({ id }) => id)).size
  const gone = erased === 0 ? '' : `; of ${plural(erased, 'record')} more the contents are erased`
  const head = `${plural(decisions.length, 'decision')} not enforced: ${stopped.length} would have been stopped${gone}`
  return [
    stopped.length === 0 ? head : session.paint('yellow', head),
    `${plural(renewals.length, 'renewal')} not enforced: ${running} would have been cut`,
    ...counts.map(countText),
    ...(options.subjects === true ? peopleText([...decisions, ...renewals]) : []),
    ...(options.ids === true ? [...decisions, ...renewals].map(lineOf) : []),
  ].join('\n')
}

function countText({ rule, server, would, count, stopped }: Count): string {
  const where = server === undefined ? '' : ` at ${printable(server)}`
  return `  ${would} ${printable(rule)}${where}: ${count}, stopped ${stopped}`
}

/** Those who would have been stopped, and how often. */
function peopleText(all: readonly Spared[]): readonly string[] {
  const people = new Map<string, number>()
  for (const { subject, stopped } of all)
    if (subject !== undefined && stopped) people.set(subject, (people.get(subject) ?? 0) + 1)
  const often = [...people].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  return often.map(([subject, times]) => `  ${printable(subject)}: ${plural(times, 'time')}`)
}

function lineOf(one: Spared): string {
  return `  ${printable(JSON.stringify(one))}`
}
