/**
 * `livegate review list`: what people are asked about in a running gate, soonest deadline first.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { reviewText, type ShownReview } from '../review/gate-reviews.ts'
import type { Session } from '../session.ts'

interface Options extends GateOptions {
  readonly queue?: string
  readonly state?: string
  readonly limit?: string
  readonly cursor?: string
}

interface Page {
  readonly reviews: readonly ShownReview[]
  readonly next: string | null
}

export function reviewList(noun: Command, act: Act): void {
  const command = noun
    .command('list')
    .description('what people are asked about, soonest deadline first')
    .option('--queue <name>', 'only this queue')
    .option('--state <state>', 'open, released or refused; open unless given')
    .option('--limit <n>', 'items of a page, at most 200')
    .option('--cursor <cursor>', 'go on where a page ended')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, list)
}

const EXAMPLE = `
Example:
  livegate review list --queue live`

async function list(session: Session, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const query = new URLSearchParams()
  for (const name of ['queue', 'state', 'limit', 'cursor'] as const) {
    const value = options[name]
    if (value !== undefined) query.set(name, value)
  }
  const path = query.size === 0 ? '/v1/reviews' : `/v1/reviews?${query}`
  const page = (await client.json({ method: 'GET', path }, 'list reviews')) as Page
  const lines = page.reviews.map((one) => reviewText(session, one))
  const more = page.next === null ? [] : [`more: --cursor ${page.next}`]
  session.result(lines.length === 0 ? 'nobody waits' : [...lines, ...more].join('\n'), page)
  return EXIT.clean
}
