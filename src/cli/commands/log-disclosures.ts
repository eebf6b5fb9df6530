/**
 * `livegate log disclosures`: what a gate discloses of its decisions to this key, as a file for `log audit`.
 *
 * JSON Lines on standard output, oldest last, one decision a line as `GET /v1/decisions/{id}` answers it. Records of
 * strikes and leases are not decisions; their places in chains stay unopened.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete } from '../failure.ts'
import { type GateClient, type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { jsonText, plural, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly from?: string
  readonly to?: string
}

export function logDisclosures(noun: Command, act: Act): void {
  const command = noun
    .command('disclosures')
    .description('export disclosed decisions of a running gate as JSON Lines')
    .option('--from <instant>', 'decided at or after')
    .option('--to <instant>', 'decided before')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, exportAll)
}

const EXAMPLE = `
Example:
  livegate log disclosures --key @audit.key > disclosures.jsonl`

/** A page of the search; its members are looked up one by one, so many at a time. */
const PAGE = 100
const AT_ONCE = 8

async function exportAll(session: Session, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const progress = session.progress('exporting', null)
  let done = 0
  try {
    for await (const ids of pages(client, options)) {
      if (session.world.signal.aborted) throw incomplete('Cannot finish export: it was interrupted')
      for (let i = 0; i < ids.length; i += AT_ONCE) {
        const lines = await Promise.all(ids.slice(i, i + AT_ONCE).map((id) => lineOf(client, id)))
        session.world.out(lines.join(''))
        done += lines.length
        progress.update(done)
      }
    }
  } finally {
    progress.end()
  }
  session.say(plural(done, 'decision'))
  return EXIT.clean
}

async function* pages(
  client: GateClient,
  { from, to }: Options,
): AsyncGenerator<readonly string[]> {
  let cursor: string | null = null
  do {
    const query = new URLSearchParams({ limit: String(PAGE) })
    for (const [name, value] of Object.entries({ from, to, cursor }))
      if (typeof value === 'string') query.set(name, value)
    const path = `/v1/decisions?${query}`
    const page = (await client.json({ method: 'GET', path }, 'search decisions')) as {
      readonly decisions?: readonly { readonly id: string }[]
      readonly next?: string | null
    }
    yield (page.decisions ?? []).map(({ id }) => id)
    cursor = page.next ?? null
  } while (cursor !== null)
}

async function lineOf(client: GateClient, id: string): Promise<string> {
  const path = `/v1/decisions/${encodeURIComponent(id)}`
  const decision = await client.json({ method: 'GET', path }, 'read decision')
  return `${jsonText(decision)}\n`
}
