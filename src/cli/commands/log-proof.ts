/**
 * `livegate log proof`: the standard proof that a decision, or whatever stands at an index, is in the log.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { gateClient, gateOptions, problemFailure } from '../gate-client.ts'
import { logKeyOf } from '../log/head.ts'
import { indexOf, proofOf } from '../log/proof-of.ts'
import { openSource } from '../log/source.ts'
import { quote, type Session } from '../session.ts'

interface Options {
  readonly url?: string
  readonly key?: string
  readonly log?: string
  readonly vkey?: string
}

export function logProof(noun: Command, act: Act): void {
  const command = noun
    .command('proof')
    .description('print a tlog-proof')
    .argument('<what>', 'id of a decision (asks a gate), or an index (reads a log)')
    .option('--log <log>', 'for an index: directory of a mirror, or address before /checkpoint')
    .option('--vkey <key>', 'for an index: verifier key of the log')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, proof)
}

const EXAMPLE = `
Example:
  livegate log proof 4711 --log ./mirror --vkey gate.example/log+1a2b3c4d+AQ… > 4711.proof`

async function proof(session: Session, what: string, options: Options): Promise<ExitCode> {
  const index = indexOf(what)
  const text =
    index === null
      ? await ofDecision(session, what, options)
      : await ofIndex(session, index, options)
  session.result(text, { proof: text })
  return EXIT.clean
}

async function ofIndex(session: Session, index: number, options: Options): Promise<string> {
  const { log, vkey } = options
  const url = options.url ?? session.world.env.LIVEGATE_URL
  const where = log ?? (url === undefined ? undefined : `${url.replace(/\/+$/, '')}/log`)
  if (where === undefined || vkey === undefined)
    throw usage('Cannot prove an index: expected --vkey and --log (or --url)')
  return proofOf(await openSource(session, where, options.key), logKeyOf(vkey), index)
}

async function ofDecision(session: Session, id: string, options: Options): Promise<string> {
  const client = await gateClient(session, options)
  const path = `/v1/decisions/${encodeURIComponent(id)}/proof?wait=5s`
  const answer = await client.send({ method: 'GET', path })
  if (answer.status !== 200) throw problemFailure(answer, `prove decision ${quote(id)}`)
  return new TextDecoder().decode(answer.bytes)
}
