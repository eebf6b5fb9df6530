/**
 * `livegate import`: brings an exported deployment to another host, a running gate or a data directory on this machine.
 */
import type { Command } from 'commander'
import type { MoveLine } from '../../core/move/lines.ts'
import { forAudience } from '../../core/move/receive.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { writeAtomic } from '../files.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { type Brought, bring } from '../move/bring.ts'
import { linesOf, type Surveyed, survey } from '../move/file.ts'
import { intoDirectory } from '../move/into-directory.ts'
import { createHttpImporter } from '../move/over-http.ts'
import { countsText } from '../move/words.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly data?: string
  readonly init?: boolean
  readonly origin?: string
  readonly issuer?: string
  readonly pepper?: string
  readonly dryRun?: boolean
  readonly apiKeys?: string
}

export function importCommand(program: Command, act: Act): void {
  const command = program
    .command('import')
    .description('bring an exported deployment to a new host')
    .argument('<file>', 'what `livegate export` wrote')
    .option('--dry-run', 'look at the whole file and write nothing')
    .option('--api-keys <file>', 'write its API keys there, as LIVEGATE_API_KEYS of an edge host')
    .option('--data <dir>', 'instead of a running gate: a data directory')
    .option('--init', 'with --data: create it')
    .option('--origin <name>', 'with --init: name of its log, one the old log was closed for')
    .option('--issuer <url>', 'with --init: `iss` of its records')
    .option('--pepper <file>', 'with --init: the file keys/pepper of the old deployment')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Example:
  livegate import deployment.jsonl --url https://edge.example --key @admin.key

Until all of it has arrived the new gate decides nothing. An interrupted import is the same command again.`

async function run(session: Session, file: string, options: Options): Promise<ExitCode> {
  const path = session.path(file)
  if (options.data !== undefined && options.url !== undefined)
    throw usage('Cannot import to two places: expected --url or --data')
  const surveyed = await look(session, path)
  if (options.apiKeys !== undefined)
    await writeApiKeys(path, session.path(options.apiKeys), surveyed)
  if (options.dryRun === true) {
    session.result(words(surveyed, 'nothing was written'), resultOf(surveyed, null))
    return EXIT.clean
  }
  const brought = await send(session, options, { path, surveyed })
  const past =
    brought.before >= brought.lines ? 'all of it is there already' : 'all of it is there now'
  session.result(words(surveyed, past), resultOf(surveyed, brought))
  return EXIT.clean
}

async function look(session: Session, path: string): Promise<Surveyed> {
  const progress = session.progress('reading', null)
  return survey(path, (number) => progress.update(number)).finally(() => progress.end())
}

async function send(
  session: Session,
  options: Options,
  what: { readonly path: string; readonly surveyed: Surveyed },
): Promise<Brought> {
  const { data } = options
  const { surveyed } = what
  const { signal } = session.world
  const progress = session.progress('importing', surveyed.end.lines + 1)
  const onLines = (lines: number): void => progress.update(lines)
  try {
    if (data === undefined) {
      const importer = createHttpImporter(await gateClient(session, options))
      return await bring({ ...what, importer, signal, onLines })
    }
    return await intoDirectory(session, { ...options, data }, surveyed.header, (importer) =>
      bring({ ...what, importer, signal, onLines }),
    )
  } finally {
    progress.end()
  }
}

/** API keys of an edge host are a secret of the deployment, so they are written for the operator to set. */
async function writeApiKeys(path: string, out: string, { header }: Surveyed): Promise<void> {
  const { origin, successors } = header
  const audience = baseOf(successors)
  const keys: object[] = []
  for await (const { value } of linesOf(path)) {
    const line = forAudience(value as MoveLine, origin, audience)
    if ('api_key' in line && line.api_key.revoked_at === null) keys.push(line.api_key)
  }
  await writeAtomic(out, `${JSON.stringify(keys)}\n`, 0o600)
}

/** What a deployment is called whose logs these are: several are `<base>/0`, `<base>/1` and so on. */
function baseOf(successors: readonly string[]): string {
  const [first = ''] = successors
  return successors.length === 1 ? first : first.replace(/\/\d+$/, '')
}

function words({ header, end }: Surveyed, state: string): string {
  const { origin, counts } = header
  return [
    `${plural(end.lines + 1, 'line')} of ${quote(origin)}: ${countsText(counts)}`,
    state,
  ].join('\n')
}

function resultOf({ header, end }: Surveyed, brought: Brought | null): object {
  const { origin, size, successors, counts } = header
  return { origin, size, successors, counts, lines: end.lines + 1, brought }
}
