/**
 * What the commands about signing keys have in common: what the gate answers, and how it is told to people.
 */
import { type GateAnswer, type GateClient, problemFailure, readJson } from '../gate-client.ts'
import { printable, type Session } from '../session.ts'

export interface SigningKey {
  readonly log: string
  readonly kid: string
  readonly use: string
  readonly status: string
  readonly from: number
  readonly until?: number
  readonly signs: boolean
  readonly vkey?: string
}

export interface KeyChange {
  readonly changed: boolean
  readonly keys: readonly SigningKey[]
}

/** Asks a running gate for a change. Throws for anything but 2xx. */
export async function changeKeys(
  client: GateClient,
  request: { readonly path: string; readonly body: object; readonly verb: string },
): Promise<KeyChange> {
  const { path, body, verb } = request
  const answer: GateAnswer = await client.send({ method: 'POST', path, body })
  if (answer.status !== 200 && answer.status !== 201) throw problemFailure(answer, verb)
  return readJson(answer, verb) as KeyChange
}

/** What happened, every key of the use, and what is left to do. */
export function keyChangeText(
  session: Session,
  { changed, keys }: KeyChange,
  { use, next }: { readonly use: string; readonly next: readonly string[] },
): string {
  const head = changed
    ? session.paint('green', 'done: the log has it')
    : session.paint('yellow', 'nothing changes: it was so already')
  return [head, ...keys.filter((key) => key.use === use).map(keyLine), ...next].join('\n')
}

function keyLine({ log, kid, status, from, until, signs, vkey }: SigningKey): string {
  const span = until === undefined ? `from ${from}` : `${from} to ${until - 1}`
  const state = signs ? `${status}, signs` : status
  const shown = vkey === undefined ? '' : `\n    ${printable(vkey)}`
  return `  ${printable(log)} ${kid} ${state}, ${span}${shown}`
}
