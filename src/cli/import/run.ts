/**
 * An import from beginning to end: mapping, survey, then either the dry run's words or the sending.
 *
 * Nothing is sent while any row of the file is wrong, unless --skip-bad says that the good ones may go alone; a file that
 * cannot be read to its end is never sent. Shared by `strike import` and `facts import`.
 */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { type GateOptions, gateClient } from '../gate-client.ts'
import type { Session } from '../session.ts'
import { type Mapping, parseMapping } from './mapping.ts'
import type { ImportNoun, Item } from './noun.ts'
import { sentText, sentValue, surveyText, surveyValue } from './report.ts'
import { sendRows } from './send.ts'
import { dropState, loadState } from './state.ts'
import { type Survey, surveyRows } from './survey.ts'

export interface ImportOptions extends GateOptions {
  readonly map: string
  readonly dryRun?: boolean
  readonly skipBad?: boolean
  readonly state?: string
  readonly concurrency: number
}

/** Additional words of a dry run, for example the preview under a policy. */
export interface Appendix {
  readonly text: string
  readonly value: Readonly<Record<string, unknown>>
}

export interface ImportHooks<T extends Item> {
  readonly onItem?: (item: T) => void
  /** Made after the survey; conflicting identities are left out by the caller. */
  readonly appendix?: (survey: Survey) => Appendix
}

const MAX_MAPPING_BYTES: number = 1024 * 1024

/** Runs one import; `file` and option paths as written on the command line. */
export async function runImport<T extends Item>(
  session: Session,
  noun: ImportNoun<T>,
  file: string,
  options: ImportOptions,
  hooks: ImportHooks<T> = {},
): Promise<ExitCode> {
  const path = session.path(file)
  const mappingBytes = await readBounded(session.path(options.map), MAX_MAPPING_BYTES)
  const mapping = parseMapping(new TextDecoder().decode(mappingBytes), options.map, noun.fields)
  const survey = await look(session, { path, mapping, noun, ...hooks })
  const bad = survey.wrong_total + survey.conflicts.length
  if (options.dryRun === true || survey.broken || (bad > 0 && options.skipBad !== true)) {
    const appendix = hooks.appendix?.(survey) ?? { text: '', value: {} }
    session.result(surveyText(session, noun, survey, appendix.text), {
      ...surveyValue(survey),
      ...appendix.value,
    })
    if (options.dryRun !== true)
      session.say(
        survey.broken
          ? 'hint: nothing was sent: the file cannot be read to its end'
          : 'hint: nothing was sent: correct these rows, or send the others alone with --skip-bad',
      )
    return bad > 0 ? EXIT.findings : EXIT.clean
  }
  return send(session, { path, mapping, noun, survey, options, mappingBytes })
}

interface Looking<T extends Item> {
  readonly path: string
  readonly mapping: Mapping
  readonly noun: ImportNoun<T>
  readonly onItem?: (item: T) => void
}

async function look<T extends Item>(session: Session, input: Looking<T>): Promise<Survey> {
  const { size } = await stat(input.path)
  const progress = session.progress('reading', size)
  try {
    return await surveyRows({ ...input, now: session.world.now(), progress })
  } finally {
    progress.end()
  }
}

interface Sending<T extends Item> {
  readonly path: string
  readonly mapping: Mapping
  readonly noun: ImportNoun<T>
  readonly survey: Survey
  readonly options: ImportOptions
  readonly mappingBytes: Uint8Array
}

async function send<T extends Item>(session: Session, input: Sending<T>): Promise<ExitCode> {
  const { path, survey, options, noun } = input
  const client = await gateClient(session, options)
  const state_path =
    options.state === undefined ? `${path}.import-state.json` : session.path(options.state)
  const state = await loadState(state_path, {
    file: survey.digest,
    mapping: createHash('sha256').update(input.mappingBytes).digest('hex'),
    url: client.url,
  })
  if (state.acknowledged > 0) session.say(`continuing after row ${state.acknowledged}`)
  const progress = session.progress('sending', survey.rows)
  try {
    const conflicting = new Set(survey.conflicts.map(({ identity }) => identity))
    const { world } = session
    const { concurrency } = options
    const sent = await sendRows({
      ...input,
      world,
      client,
      conflicting,
      state,
      state_path,
      concurrency,
      progress,
    })
    session.result(sentText(session, noun, survey, sent), sentValue(survey, sent))
    if (sent.refused.length === 0) await dropState(state_path)
    const bad = survey.wrong_total + survey.conflicts.length + sent.refused.length
    return bad > 0 ? EXIT.findings : EXIT.clean
  } finally {
    progress.end()
  }
}

/** Reads --concurrency: 1 to 64. */
export function concurrencyOf(text: string): number {
  const value = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > 64)
    throw usage('Cannot use --concurrency: expected a number from 1 to 64')
  return value
}
