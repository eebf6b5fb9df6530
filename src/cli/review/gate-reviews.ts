/**
 * What the commands about reviews have in common: what the gate answers, and how it is told to people.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, printable, type Session } from '../session.ts'

export interface ShownReview {
  readonly id: string
  readonly subject: string
  readonly stream?: string
  readonly rule: string
  readonly queue: string
  readonly state: string
  readonly opened_at: string
  readonly review_by: string
  readonly at_deadline: string
  readonly overdue?: true
  readonly claim?: { readonly by: string; readonly until: string }
  readonly result?: { readonly result: string; readonly at: string; readonly by: string }
}

interface Answered extends ShownReview {
  readonly changed: boolean
  readonly revoked: readonly string[]
}

interface Options extends GateOptions {
  readonly reason?: string
  readonly decidedBy?: string
}

/** A command that says one thing about an item. */
export function reviewVerb(
  noun: Command,
  act: Act,
  given: {
    readonly action: 'claim' | 'release' | 'refuse'
    readonly about: string
    readonly example: string
  },
): void {
  const { action, about, example } = given
  const command = noun
    .command(action)
    .description(about)
    .argument('<id>', 'id of the item, as `review list` prints it')
  if (action !== 'claim')
    command
      .option('--reason <text>', 'why, for the record')
      .option('--decided-by <who>', 'who decided')
  gateOptions(command).addHelpText('after', `\nExample:\n  ${example}`)
  act(command, (session: Session, id: string, options: Options) =>
    said(session, { id, action }, options),
  )
}

async function said(
  session: Session,
  { id, action }: { readonly id: string; readonly action: string },
  { reason, decidedBy, ...options }: Options,
): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const why = reason === undefined ? {} : { reason }
  const who = decidedBy === undefined ? {} : { decided_by: decidedBy }
  const body = { action, ...why, ...who }
  const path = `/v1/reviews/${encodeURIComponent(id)}`
  const value = (await client.json({ method: 'POST', path, body }, action)) as Answered
  const lines = [
    ...(value.changed ? [] : ['nothing changes: it was so already']),
    reviewText(session, value),
    ...(value.revoked.length === 0
      ? []
      : [`${plural(value.revoked.length, 'broadcast')} that ran must stop`]),
  ]
  session.result(lines.join('\n'), value)
  return EXIT.clean
}

/** One item, in a line or two. */
export function reviewText(session: Session, one: ShownReview): string {
  const { id, subject, stream, rule, queue, review_by, at_deadline, claim, result } = one
  const about = `${printable(subject)}${stream === undefined ? '' : `, stream ${printable(stream)}`}`
  const head = `${id} ${printable(queue)}: ${about}, rule ${printable(rule)}`
  const then = at_deadline === 'deny' ? 'refused' : 'released'
  const state =
    result !== undefined
      ? session.paint('green', `${result.result} at ${result.at} by ${printable(result.by)}`)
      : one.overdue === true
        ? session.paint('yellow', `overdue since ${review_by}, so ${then}`)
        : `by ${review_by}, else ${then}`
  const held = claim === undefined ? '' : `, claimed by ${printable(claim.by)} until ${claim.until}`
  return `${head}\n  ${state}${held}`
}
