/**
 * What the commands about activation have in common: what the gate answers, and how it is told to people.
 */
import { type GateAnswer, type GateClient, problemFailure, readJson } from '../gate-client.ts'
import { plural, printable, type Session } from '../session.ts'

export interface Revision {
  readonly revision: number
  readonly name: string
  readonly digest: string
  readonly active_from: string
  readonly cause: string
  readonly source: string
  readonly by: string
  readonly note?: string
  readonly state?: string
}

export interface Report {
  readonly decisions: number
  readonly unreadable: number
  readonly from?: string
  readonly to?: string
  readonly unchanged: number
  readonly changes: Readonly<Record<string, number>>
  readonly rules: Readonly<
    Record<string, { before: number; after: number; gained: number; lost: number }>
  >
  readonly examples: readonly Example[]
  readonly restrictions: {
    readonly subjects: number
    readonly affected: number
    readonly changes: Readonly<Record<string, number>>
    /** Absent in answers of older gates. */
    readonly removed?: Readonly<Record<string, number>>
    readonly examples: readonly AffectedExample[]
  }
}

interface Side {
  readonly outcome: string
  readonly mode?: string
  readonly until?: string
}

interface Example {
  readonly id: string
  readonly decided_at: string
  readonly change: string
  readonly before: Side
  readonly after: Side
}

interface AffectedExample {
  readonly subject?: string
  readonly rule: string
  readonly change: string
  readonly before?: string
  readonly after?: string
}

export interface Activated extends Revision {
  readonly unchanged?: true
  readonly dry_run?: true
  readonly supersedes: readonly number[]
  readonly warnings: readonly { readonly text: string }[]
  readonly report?: Report
}

/** Every revision of a running gate. */
export async function revisionsOf(
  client: GateClient,
): Promise<{ readonly revision?: number; readonly revisions: readonly Revision[] }> {
  return (await client.json({ method: 'GET', path: '/v1/policies' }, 'list policies')) as {
    readonly revision?: number
    readonly revisions: readonly Revision[]
  }
}

/** The answer to an activation. Throws for anything but 2xx. */
export function activatedOf(answer: GateAnswer, verb: string): Activated {
  if (answer.status !== 200 && answer.status !== 201) throw problemFailure(answer, verb)
  return readJson(answer, verb) as Activated
}

/** What happened, and what it changes. */
export function activationText(session: Session, done: Activated): string {
  const { revision, name, active_from, supersedes } = done
  const head =
    done.unchanged === true
      ? `revision ${revision} (${printable(name)}) is in force already or to come; nothing changes`
      : `${done.dry_run === true ? 'would be ' : ''}revision ${revision} (${printable(name)}), decides from ${active_from} on`
  return [
    session.paint(done.dry_run === true ? 'yellow' : 'green', head),
    ...supersedes.map((other) => `revision ${other} will never decide`),
    ...done.warnings.map(({ text }) => text),
    ...(done.report === undefined ? [] : reportLines(done.report)),
  ].join('\n')
}

function reportLines(report: Report): readonly string[] {
  const { decisions, unreadable, from, to, unchanged, changes, rules, restrictions } = report
  const span = from === undefined ? '' : ` from ${from} to ${to}`
  const gone = unreadable === 0 ? '' : `, ${unreadable} more erased`
  return [
    `of the last ${plural(decisions, 'decision')}${span}, ${unchanged} unchanged${gone}`,
    ...Object.entries(changes).map(([change, n]) => `  ${words(change)}: ${n}`),
    ...Object.entries(rules)
      .filter(([, { gained, lost }]) => gained + lost > 0)
      .map(([rule, { before, after }]) => `  rule ${printable(rule)}: ${before} -> ${after}`),
    ...report.examples.map(exampleLine),
    `of ${plural(restrictions.subjects, 'subject')} with strikes, ${restrictions.affected} affected`,
    ...Object.entries(restrictions.changes).map(([change, n]) => `  ${change}: ${n}`),
    ...Object.entries(restrictions.removed ?? {}).map(removedLine),
    ...restrictions.examples.map(affectedLine),
  ]
}

function words(change: string): string {
  return change.replaceAll('_to_', ' -> ')
}

function exampleLine({ id, decided_at, before, after }: Example): string {
  return `  ${printable(id)} ${decided_at} ${sideText(before)} -> ${sideText(after)}`
}

function sideText({ outcome, mode, until }: Side): string {
  return [outcome, mode, until === undefined ? undefined : `until ${until}`]
    .filter((part) => part !== undefined)
    .join(' ')
}

/** A renamed rule looks the same: whoever it restricts is free. */
function removedLine([rule, freed]: readonly [string, number]): string {
  const whom = freed === 0 ? 'nobody' : plural(freed, 'subject')
  return `  warning: rule ${printable(rule)} is gone, which frees ${whom}`
}

function affectedLine({ subject, rule, change, before, after }: AffectedExample): string {
  const who = subject === undefined ? '' : `${printable(subject)} `
  return `  ${who}${printable(rule)} ${change}: ${before ?? 'none'} -> ${after ?? 'none'}`
}
