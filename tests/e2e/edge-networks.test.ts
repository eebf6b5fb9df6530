/**
 * The networks of docs/hosts/workerd.md in plain workerd: one reaches this machine, the other reaches public addresses only,
 * whatever a name leads to.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startWorkerd, type Workerd } from '../../scripts/edge/workerd.ts'
import { PUBLIC_SERVICE, workerdConfig } from '../../scripts/edge/workerd-config.ts'

/** Asks for an address by one of the networks, and says what came of it. */
const PROBE = `
export default { async fetch(request, { PUBLIC }) {
  const { url, by } = await request.json()
  try {
    const response = await (by === 'public' ? PUBLIC.fetch(url) : fetch(url))
    return Response.json({ status: response.status, text: await response.text() })
  } catch (error) { return Response.json({ failed: String(error) }) }
} }`

const dir = mkdtempSync(join(tmpdir(), 'livegate-networks-'))
let workerd: Workerd
let inside: Server
let asked = 0

beforeAll(async () => {
  inside = createServer((_request, response) => {
    asked++
    response.end('a secret of this machine')
  })
  await new Promise<void>((up) => inside.listen(0, '127.0.0.1', up))
  mkdirSync(join(dir, 'probe'))
  writeFileSync(join(dir, 'probe/probe.js'), PROBE)
  const config = join(dir, 'networks.capnp')
  const probe = {
    name: 'probe',
    modules: [{ name: 'probe.js', kind: 'esModule' as const }],
    objects: [],
    bindings: [['PUBLIC', PUBLIC_SERVICE] as const],
  }
  const compatibility = { compatibility_date: '2026-11-01', compatibility_flags: [] }
  writeFileSync(config, workerdConfig({ ...compatibility, workers: [probe] }))
  workerd = await startWorkerd({ config, data: join(dir, 'data') })
})
afterAll(async () => {
  await workerd.stop()
  inside.close()
  rmSync(dir, { recursive: true, force: true })
})

async function ask(by: 'public' | 'any', url: string): Promise<object> {
  const body = JSON.stringify({ by, url })
  return (await fetch(workerd.url, { method: 'POST', body })).json() as Promise<object>
}

it('media servers and private endpoints are reached on this machine, by name and by number', async () => {
  const { port } = inside.address() as AddressInfo
  for (const host of ['localhost', '127.0.0.1'])
    expect(await ask('any', `http://${host}:${port}/`), host).toMatchObject({ status: 200 })
  expect(asked).toBe(2)
})

it('a name that leads to this machine is no way in for what is to leave it', async () => {
  const { port } = inside.address() as AddressInfo
  const before = asked
  for (const host of ['localhost', '127.0.0.1', '[::ffff:127.0.0.1]', '0.0.0.0'])
    expect(await ask('public', `http://${host}:${port}/`), host).toMatchObject({
      failed: expect.any(String),
    })
  expect(asked).toBe(before)
})
