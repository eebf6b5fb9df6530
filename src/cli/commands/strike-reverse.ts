/**
 * `livegate strike reverse`: an appeal was upheld; lists the decisions that relied on the strike.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly reason: string
  readonly decidedBy?: string
}

export function strikeReverse(noun: Command, act: Act): void {
  const command = noun
    .command('reverse')
    .description('take a strike back')
    .argument('<id>', 'id of the strike')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--decided-by <who>', 'who decided the appeal')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, reverse)
}

const EXAMPLE = `
Example:
  livegate strike reverse s_1 --reason "wrong account" --decided-by appeals-team`

interface Reversed {
  readonly decisions?: readonly {
    readonly id: string
    readonly outcome: string
    readonly decided_at: string
  }[]
}

async function reverse(session: Session, id: string, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const { reason, decidedBy } = options
  const body = { reason, ...(decidedBy === undefined ? {} : { decided_by: decidedBy }) }
  const path = `/v1/strikes/${encodeURIComponent(id)}/reversal`
  const value = (await client.json({ method: 'POST', path, body }, 'reverse strike')) as Reversed
  const decisions = value.decisions ?? []
  const lines = [
    `strike ${quote(id)} reversed; ${plural(decisions.length, 'decision')} relied on it`,
    ...decisions.map((one) => `  ${one.id} ${one.outcome} ${one.decided_at}`),
  ]
  session.result(lines.join('\n'), value)
  return EXIT.clean
}
