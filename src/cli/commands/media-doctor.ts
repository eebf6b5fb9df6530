/**
 * `livegate media doctor`: does the operator's own media server do what the gate decides?
 */
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { dialectFor } from '../../adapters/media/dialects.ts'
import { type MediaServer, parseServersFile } from '../../adapters/media/servers-file.ts'
import { formatInstant } from '../../core/time.ts'
import { describeProblem } from '../../scrub.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { type GateClient, type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { examine } from '../media/doctor.ts'
import type { Check, DoctorPorts, GateAsked } from '../media/doctor-steps.ts'
import { canPlay, requireFfmpeg, sendTestStream, watchStream } from '../media/ffmpeg.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly server: string
  readonly servers: string
  readonly template?: string
  readonly publish: string
  readonly play?: string
  readonly facts: string
  readonly delayedFacts?: string
  readonly playDelayed?: string
}

export function mediaDoctor(noun: Command, act: Act): void {
  const command = noun
    .command('doctor')
    .description('go live on your own media server as a made-up account, and be struck')
    .requiredOption('--server <id>', 'its id')
    .requiredOption('--servers <file>', 'the servers file')
    .option('--template <name>', 'its template in the servers file, if it registers itself')
    .requiredOption('--publish <url>', 'where encoders publish, rtmp://host/app')
    .option('--play <url>', 'where viewers watch over RTMP; as --publish unless given')
    .option('--facts <json>', 'facts of an account that may go live', DEFAULT_FACTS)
    .option('--delayed-facts <json>', 'facts of an account that your policy shows late')
    .option(
      '--play-delayed <url>',
      'where viewers watch what is shown late; --play with the delayed application unless given',
    )
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, doctor)
}

const DEFAULT_FACTS =
  '{"created_at":"2020-01-01T00:00:00Z","followers":1000,"age_band":"18+","verified":true,"labels":[]}'
const EXAMPLE = `
The account is made for the run. Its strike is reversed and everything about it erased at the end; its records stay in the log.

Example:
  livegate media doctor --server edge-1 --servers servers.yaml --publish rtmp://127.0.0.1/live`

async function doctor(session: Session, options: Options): Promise<ExitCode> {
  const server = await serverOf(session, options)
  const publish = streamUrl(options.publish, '--publish')
  const play = options.play === undefined ? publish : streamUrl(options.play, '--play')
  const facts = factsOf(options.facts, '--facts')
  const late = lateOf(options, server, play)
  const client = await gateClient(session, options)
  const cleaner = await gateClient(uninterrupted(session), options)
  await requireFfmpeg()
  const { world } = session
  const checks = await examine({
    ...{ cleaner: asking(cleaner) },
    ...{ gate: asking(client), publish, play, facts, late },
    ...{ canPlay, send: sendTestStream, watch: watchStream },
    server: {
      ...{ id: server.id, playback: server.playback, when_down: server.when_down },
      ...{ cuts: server.control !== null, delayed: server.delayed },
    },
    subject: `livegate-doctor-${randomBytes(9).toString('hex')}`,
    ...{ elapsed: () => performance.now(), sleep: world.sleep },
    now: () => formatInstant(world.now()),
    told: ({ id, seen }) => session.say(`${id}: ${seen}`),
  })
  const failed = checks.filter(({ result }) => result === 'fail').length
  const lines = checks.map((check) => lineOf(session, check))
  const verdict = failed === 0 ? 'nothing to mend' : `${plural(failed, 'check')} failed`
  session.result([...lines, verdict].join('\n'), { server: server.id, checks })
  return failed === 0 ? EXIT.clean : EXIT.findings
}

function lineOf(session: Session, { id, result, seen, hint }: Check): string {
  const colour = result === 'fail' ? 'red' : result === 'pass' ? 'green' : 'yellow'
  const line = `${session.paint(colour, result.padEnd(7))} ${id}: ${seen}`
  return hint === undefined ? line : `${line}\n        ${hint}`
}

/** The entry of the file; its secrets are not needed and need not be here. */
async function serverOf(session: Session, options: Options): Promise<MediaServer> {
  const bytes = await readBounded(session.path(options.servers), 256 * 1024)
  let count = 0
  const secret = (): string => `not-needed-here-${count++}`
  const parsed = parseServersFile(bytes, options.servers, { env: secret, file: secret })
  if (!parsed.ok) throw incomplete(parsed.error.map(describeProblem).join('\n'))
  const { servers, templates } = parsed.value
  const registered = templates.find((one) => one.server.id === options.template)?.server
  const server =
    options.template === undefined
      ? servers.find(({ id }) => id === options.server)
      : registered && { ...registered, id: options.server }
  if (server === undefined)
    throw usage(
      `Cannot examine ${quote(options.server)}: the servers file has no such ${options.template === undefined ? 'server' : 'template'}`,
      ...(templates.length > 0 ? ['name the template of one that registered with --template'] : []),
    )
  if (dialectFor(server.kind).capabilities.style === 'front-door' || server.subject_from === 'name')
    throw usage(
      `Cannot examine ${quote(server.id)}: the doctor publishes over RTMP with stream keys`,
      'try an encoder of your own, and `livegate` for what the gate answered',
    )
  if (server.enforce !== undefined)
    throw usage(
      `Cannot examine ${quote(server.id)}: its \`enforce\` is \`${server.enforce}\`, expected \`on\``,
      'what is not enforced is neither refused nor cut: examine it first, then roll it out',
    )
  return server
}

function streamUrl(text: string, option: string): string {
  if (/^rtmps?:\/\/[^\s?#]+$/.test(text)) return text.replace(/\/+$/, '')
  throw usage(`Cannot read ${option}: expected an address such as rtmp://127.0.0.1/live`)
}

/** Whom to show late, and where that is seen. */
function lateOf(options: Options, server: MediaServer, play: string): DoctorPorts['late'] {
  const { delayed, kind, id } = server
  if (options.delayedFacts === undefined && options.playDelayed === undefined) return null
  if (options.delayedFacts === undefined)
    throw usage('Cannot use --play-delayed without --delayed-facts: nobody would be shown there')
  if (delayed === null)
    throw usage(
      `Cannot use --delayed-facts: ${quote(id)} has no \`delayed\` in the servers file`,
      'without a delayed application a tape delay is the policy’s `unsupported`: see docs/media/tape.md',
    )
  const there = play.replace(/[^/]+$/, delayed.app)
  return {
    facts: factsOf(options.delayedFacts, '--delayed-facts'),
    play:
      options.playDelayed === undefined ? there : streamUrl(options.playDelayed, '--play-delayed'),
    at_least_s: dialectFor(kind).capabilities.late === 'move' ? delayed.up_to_s : 0,
  }
}

function factsOf(text: string, option: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Told below.
  }
  throw usage(
    `Cannot read ${option}: expected a JSON object, as PUT /v1/subjects/{subject}/facts takes`,
  )
}

function uninterrupted(session: Session): Session {
  const { signal } = new AbortController()
  return { ...session, world: { ...session.world, signal } }
}

function asking(client: GateClient): GateAsked {
  return {
    async ask(method, path, body) {
      const request = { method, path, ...(body === undefined ? {} : { body }) }
      if (method !== 'DELETE') return client.json(request, 'ask the gate')
      await client.send(request)
      return null
    },
  }
}
