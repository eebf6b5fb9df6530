/**
 * `livegate webhook dead`: messages that never arrived at an endpoint.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, type Session } from '../session.ts'

interface Letter {
  readonly index: number
  readonly message: string | null
  readonly type: string | null
  readonly attempts: number
  readonly failed_at: string
  readonly error: string
}

interface Page {
  readonly letters: readonly Letter[]
  readonly next: number | null
}

export function webhookDead(noun: Command, act: Act): void {
  const command = noun
    .command('dead')
    .argument('<endpoint>', 'its id in the webhooks file')
    .description('list messages that never arrived')
  gateOptions(command).addHelpText('after', '\nExample:\n  livegate webhook dead platform')
  act(command, dead)
}

async function dead(session: Session, endpoint: string, options: GateOptions): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const logs = await countOfLogs(client, endpoint)
  const letters: (Letter & { readonly shard: number })[] = []
  for (let shard = 0; shard < logs; shard++)
    for (let from: number | null = 0; from !== null; ) {
      const of = logs === 1 ? '' : `shard=${shard}&`
      const path: string = `/v1/webhooks/${encodeURIComponent(endpoint)}/dead?${of}from=${from}&limit=200`
      const page = (await client.json({ method: 'GET', path }, 'list dead letters')) as Page
      letters.push(...page.letters.map((letter) => ({ shard, ...letter })))
      from = page.next
    }
  const lines = letters.map(
    ({ shard, index, message, type, attempts, failed_at, error }) =>
      `${logs === 1 ? '' : `${shard}/`}${index}  ${failed_at}  ${type ?? 'erased'}  ${message ?? '-'}  ${error}, ${plural(attempts, 'attempt')}`,
  )
  const value = { letters }
  session.result([...lines, plural(letters.length, 'dead letter')].join('\n'), value)
  return letters.length === 0 ? EXIT.clean : EXIT.findings
}

/** How many logs an endpoint is told of; one where it is not known, so that the gate says so. */
async function countOfLogs(
  client: Awaited<ReturnType<typeof gateClient>>,
  endpoint: string,
): Promise<number> {
  const request = { method: 'GET', path: '/v1/webhooks' } as const
  const { endpoints } = (await client.json(request, 'list webhooks')) as {
    readonly endpoints: readonly { readonly id: string; readonly logs?: readonly unknown[] }[]
  }
  return endpoints.find(({ id }) => id === endpoint)?.logs?.length ?? 1
}
