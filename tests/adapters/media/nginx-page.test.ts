import { expect, it } from 'vitest'
import { gateLocation, proxyStanza, rtmpStanza } from '../../../src/adapters/media/nginx-stanza.ts'
import { pageBlocks } from '../../support/nginx-page.ts'

const options = (when_down: 'deny' | 'allow') => ({
  server: { id: 'edge-1', when_down, hold_max_ms: 5_000, app: 'live' },
  gate_url: 'http://127.0.0.1:8787',
  rtmp_port: 1935,
  hook_port: 8081,
})

it('the page shows exactly what the program generates, in both variants', () => {
  expect(pageBlocks()).toEqual({
    rtmp: rtmpStanza(options('deny')),
    proxy: proxyStanza(options('deny')),
    open: gateLocation(options('allow')),
  })
})

it('the times nest: hold + decision < proxy < connect + proxy < netcall < 30 s, for every patience', () => {
  for (const hold_max_ms of [0, 1, 5_000, 25_000]) {
    const wanted = { ...options('deny'), server: { ...options('deny').server, hold_max_ms } }
    const seconds = (text: string, name: string) =>
      Number(new RegExp(`${name} (\\d+)s`).exec(text)?.[1])
    const read = seconds(gateLocation(wanted), 'proxy_read_timeout')
    const netcall = seconds(rtmpStanza(wanted), 'netcall_timeout')
    expect(hold_max_ms / 1000 + 2).toBeLessThan(read)
    expect(read + 1).toBeLessThan(netcall)
    expect(netcall).toBeLessThanOrEqual(30)
  }
})
