/**
 * A little of everything a gate records, asked over HTTP: the same on every host.
 *
 * Decisions of every outcome and mode under two policies, strikes, a reversal, an exchange of both keys in between, and,
 * where the host offers it, an erasure.
 */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

const CLI = resolve(import.meta.dirname, '../../src/cli/main.ts')
const POLICY = join(import.meta.dirname, 'policy.yaml')
const OLD = { created_at: '2020-01-01T00:00:00Z', followers: 1000 }

/** A running gate and a key of its admin. */
export interface Gate {
  readonly url: string
  readonly key: string
}

/** Runs a command line of livegate against the gate; what it prints. */
export async function livegate(gate: Gate, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, LIVEGATE_URL: gate.url, LIVEGATE_KEY: gate.key, NO_COLOR: '1' }
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], { env })
  return stdout
}

/** One request; null when the gate has nothing there. Throws for any other refusal. */
export async function ask(
  { url, key }: Gate,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (response.status === 404) return null
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

/** Outcomes in their order, to see that the corpus holds what it is for. */
export async function live(gate: Gate, how: Rotation): Promise<readonly string[]> {
  const seen: string[] = []
  const decide = async (subject: string, facts: object = OLD): Promise<void> => {
    const asked = { subject, stream: { id: `b_${subject}` }, facts }
    const { outcome, mode } = (await ask(gate, 'POST', '/v1/decisions', asked)) as {
      readonly outcome: string
      readonly mode?: string
    }
    seen.push(mode === undefined ? outcome : `${outcome} ${mode}`)
  }
  const strike = (subject: string, id: string, category: string): Promise<unknown> =>
    ask(gate, 'POST', `/v1/subjects/${subject}/strikes`, {
      ...{ id, category, severity: 'high', issued_at: new Date().toISOString() },
    })

  await decide('anna')
  await strike('bert', 's_1', 'terrorism.link')
  await decide('bert')
  await how.record(gate)
  await decide('anna')
  await ask(gate, 'POST', '/v1/strikes/s_1/reversal', { reason: 'appeal upheld' })
  await decide('bert')
  await livegate(gate, 'policy', 'activate', POLICY)
  await how.activated()
  await decide('carl', { ...OLD, created_at: new Date().toISOString() })
  await decide('dora', { ...OLD, followers: 3 })
  await decide('emil', { created_at: OLD.created_at })
  await how.checkpoint(gate)
  await strike('anna', 's_2', 'spam.bulk')
  await decide('anna')
  await strike('anna', 's_3', 'spam.bulk')
  await decide('anna')
  await strike('fred', 's_4', 'spam.bulk')
  await decide('fred')
  await ask(gate, 'DELETE', '/v1/subjects/fred', { basis: 'Art. 17 GDPR' })
  return seen
}

/** How a host exchanges keys, and how long it takes until an activation decides. */
export interface Rotation {
  record(gate: Gate): Promise<unknown>
  checkpoint(gate: Gate): Promise<unknown>
  activated(): Promise<unknown>
}

/** On Node both keys are exchanged in peace. */
export const IN_PEACE: Rotation = {
  record: (gate) => livegate(gate, 'key', 'rotate', '--use', 'record'),
  async checkpoint(gate) {
    await livegate(gate, 'key', 'rotate', '--use', 'checkpoint')
    await wait(1_500)
    await livegate(gate, 'key', 'rotate', '--use', 'checkpoint', '--finish')
  },
  activated: async () => {},
}

/** On the edge the record key is compromised, because in peace it ends after an hour; activations decide after 10 s. */
export const REVOKED: Rotation = {
  ...IN_PEACE,
  async record(gate) {
    const { keys } = (await ask(gate, 'GET', '/v1/keys')) as {
      readonly keys: readonly { readonly use: string; readonly kid: string }[]
    }
    const kid = keys.find(({ use }) => use === 'record')?.kid ?? ''
    await livegate(gate, 'key', 'revoke-record', kid)
    // Objects hear of it within 5 s.
    await wait(6_000)
  },
  activated: () => wait(11_000),
}
