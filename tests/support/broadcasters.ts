/** People with a stream key, as a running gate knows them, and the hooks nginx-rtmp calls about what they do. */
import { expect } from 'vitest'
import { call, type ServerProcess } from './server.ts'

export interface Broadcaster {
  readonly subject: string
  readonly key: string
  /** Name viewers use. */
  readonly name: string
}

/** Gives somebody a stream key; an account of years ago unless `facts` say otherwise. */
export async function aBroadcaster(
  gate: ServerProcess,
  subject: string,
  facts: object = {},
): Promise<Broadcaster> {
  const given = { created_at: '2020-01-01T00:00:00Z', ...facts }
  const { body, status } = await call(gate, 'POST', '/v1/stream-keys', { subject, facts: given })
  expect(status).toBe(201)
  const { id, key } = body as { id: string; key: string }
  return { subject, key, name: id.replace('sk_', 'live_') }
}

/** A strike that withdraws Live, once for each of them. */
export async function strikeThem(gate: ServerProcess, subject: string): Promise<void> {
  const issued_at = new Date().toISOString()
  const body = { id: `s_${subject}`, category: 'terrorism.link', severity: 'high', issued_at }
  expect((await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, body)).status).toBe(201)
}

/** Status of the answer to one hook call of nginx-rtmp. */
export async function nginxHook(
  gate: ServerProcess,
  given: Readonly<Record<'server' | 'secret' | 'what' | 'session' | 'name', string>>,
): Promise<number> {
  const { server, secret, what, session, name } = given
  const rest = 'addr=203.0.113.9&type=live&flashver=x&swfurl=&tcurl=rtmp%3A%2F%2Fx%2Flive&pageurl='
  const response = await fetch(`${gate.url}/hooks/nginx-rtmp/${server}`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: `call=${what}&app=live&name=${name}&clientid=${session}&${rest}`,
  })
  await response.arrayBuffer()
  return response.status
}
