/**
 * `livegate webhook replay`: sends dead letters again, and to an endpoint again that had said it was gone.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly index?: readonly string[]
  readonly shard?: string
}

export function webhookReplay(noun: Command, act: Act): void {
  const command = noun
    .command('replay')
    .argument('<endpoint>', 'its id in the webhooks file')
    .description('send dead letters again')
    .option('--index <n...>', 'only these, by their place in the log')
    .option('--shard <n>', 'only of this log; with several, where --index is (0)')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, replay)
}

const EXAMPLE = `
Examples:
  livegate webhook replay platform
  livegate webhook replay platform --index 4711 4712`

async function replay(session: Session, endpoint: string, options: Options): Promise<ExitCode> {
  const indexes = options.index?.map((text) => {
    const index = /^[0-9]{1,15}$/.test(text) ? Number(text) : null
    if (index === null) throw usage('Cannot read --index: expected places in the log, from 0')
    return index
  })
  if (options.shard !== undefined && !/^[0-9]{1,2}$/.test(options.shard))
    throw usage('Cannot read --shard: expected the number of a log, from 0')
  const shard = options.shard === undefined ? {} : { shard: Number(options.shard) }
  const client = await gateClient(session, options)
  const path = `/v1/webhooks/${encodeURIComponent(endpoint)}/replay`
  const body = { ...(indexes === undefined ? {} : { indexes }), ...shard }
  const value = (await client.json({ method: 'POST', path, body }, 'replay dead letters')) as {
    readonly revived: number
    readonly enabled: boolean
  }
  const again = value.enabled ? ['the endpoint is sent to again'] : []
  const said = [`${plural(value.revived, 'dead letter')} to be sent again`, ...again]
  session.result(said.join('\n'), value)
  return EXIT.clean
}
