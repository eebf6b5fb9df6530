// operate.ts: what runs is renewed until it has to stop, and a key that leaked is exchanged
import { createOperator } from '../../src/index.ts'

export async function mayGoOn(
  gate: { readonly url: string; readonly key: string; readonly fetch?: typeof fetch },
  broadcast: string,
): Promise<string> {
  const { event, lease_until } = await createOperator(gate).renew(broadcast)
  return event === 'revoked' ? 'stop it now' : `go on, and ask again before ${lease_until}`
}

export async function exchangeKey(
  gate: { readonly url: string; readonly key: string; readonly fetch?: typeof fetch },
  leaked: string,
): Promise<string> {
  const options = { overlap_s: 0, idempotency_key: `leaked-${leaked}` } // asked again, the same key
  return (await createOperator(gate).rotateStreamKey(leaked, options)).key
}
