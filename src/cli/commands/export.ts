/**
 * `livegate export`: closes the log of a data directory when asked to, and writes the whole deployment into one file.
 */
import type { Command } from 'commander'
import { createScribe } from '../../adapters/node/bootstrap.ts'
import { closeLog } from '../../adapters/node/closing.ts'
import { exportDeployment } from '../../adapters/node/export.ts'
import { type NodeStore, openNodeStore } from '../../adapters/node/store.ts'
import { createSystemRandom, systemClock } from '../../adapters/node/system.ts'
import { LivegateError } from '../../core/errors.ts'
import { incidentFacts } from '../../core/incident.ts'
import { formatInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { type DataOptions, dataOption } from '../keys/store.ts'
import { countsText } from '../move/words.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends DataOptions {
  readonly out: string
  readonly successor?: readonly string[]
  readonly close?: boolean
  readonly despiteIncident?: boolean
}

export function exportCommand(program: Command, act: Act): void {
  const command = program
    .command('export')
    .description('write a whole deployment into one file, to go on with on another host')
    .requiredOption('--out <file>', 'file to write; it names people, keep it secret')
    .option('--close', 'close the log for good first; the gate must be stopped')
    .option('--successor <origins>', 'with --close: the logs that go on, comma-separated', namesOf)
    .option('--despite-incident', 'with --close: also while an incident runs, which does not move')
  dataOption(command).addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Example:
  livegate export --data ./data --close --successor edge.example/log/main --out deployment.jsonl

Closing cannot be taken back. An interrupted export is the same command again.`

async function run(session: Session, options: Options): Promise<ExitCode> {
  const { close, successor, despiteIncident } = options
  if (close === true && successor === undefined)
    throw usage('Cannot close the log: expected --successor with the origins that go on')
  if (close !== true && successor !== undefined)
    throw usage('Cannot use --successor: it names who goes on when the log is closed with --close')
  if (close !== true && despiteIncident === true)
    throw usage('Cannot use --despite-incident: it is about closing the log, expected --close')
  const dir = session.path(options.data ?? session.world.env.LIVEGATE_DATA ?? 'data')
  const store = await openNodeStore({ dir })
  try {
    if (successor !== undefined && despiteIncident !== true) requireCalm(store)
    if (successor !== undefined) await closeLog(store, scribeOf(store), successor)
    return await write(session, { store, dir, path: session.path(options.out) })
  } finally {
    await store.close()
  }
}

/** Whoever goes on would decide as if nothing were happening: the incident has to be started again over there. */
function requireCalm(store: Pick<NodeStore, 'incidents'>): void {
  const changes = store.incidents()
  const incident = incidentFacts(changes, systemClock.now())
  if (!incident.active) return
  const until = changes.at(-1)?.until
  throw new LivegateError(
    'conflict',
    `Cannot close the log: incident ${incident.id} runs${until === undefined ? '' : ` until ${formatInstant(until)}`}, expected none: it does not move`,
    {
      hint: 'End it with `livegate incident end`, or add --despite-incident and start it again where the deployment goes on.',
    },
  )
}

function scribeOf(store: NodeStore): ReturnType<typeof createScribe> {
  const { log, signer } = store
  const issuer = store.recordIssuer() ?? ''
  return createScribe({ issuer, log, signer, clock: systemClock, random: createSystemRandom() })
}

async function write(
  session: Session,
  target: { readonly store: NodeStore; readonly dir: string; readonly path: string },
): Promise<ExitCode> {
  const { signal } = session.world
  const progress = session.progress('exporting', null)
  const onLine = (lines: number): void => progress.update(lines)
  const exported = exportDeployment({ ...target, onLine, signal })
  const { header, lines } = await exported
    .catch((error: unknown) => {
      throw signal.aborted ? incomplete('Cannot finish export: it was interrupted') : error
    })
    .finally(() => progress.end())
  const { origin, size, successors, counts } = header
  const text = [
    `${plural(lines, 'line')}: ${countsText(counts)}`,
    `\`${origin}\` is closed at ${plural(size, 'entry', 'entries')} and goes on in ${successors.map(quote).join(', ')}`,
    'bring over beside it: keys/pepper. Keep log/: it proves what was decided here.',
  ]
  session.result(text.join('\n'), { origin, size, successors, lines, counts, vkey: header.vkey })
  return EXIT.clean
}

function namesOf(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim())
}
