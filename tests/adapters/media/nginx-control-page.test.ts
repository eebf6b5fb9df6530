/**
 * The control interface for a gate on another machine, as docs/media/nginx-rtmp.md has it: nothing replaced but address,
 * port and certificate.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createControlAccess } from '../../../src/adapters/media/control.ts'
import { ControlAuth } from '../../../src/adapters/media/control-auth.ts'
import { nginxRtmpControl } from '../../../src/adapters/media/nginx-rtmp-control.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { type Nginx, startNginx } from '../../support/nginx.ts'
import { pageConfig } from '../../support/nginx-page.ts'
import { freePorts } from '../../support/ports.ts'
import { describeWithMedia } from '../../support/programs.ts'

const PAGE = readFileSync(new URL('../../../docs/media/nginx-rtmp.md', import.meta.url), 'utf8')
const PASSWORD = 'a-password-of-the-control-interface'

function controlBlock(port: number, folder: string): string {
  const [, block = ''] = /^ {2}```nginx\n(.*?)^ {2}```$/ms.exec(PAGE) ?? []
  let text = block.replace(/^ *ssl_certificate.*\n/gm, '')
  for (const [from, to] of [
    ['10.0.0.5:8443 ssl', `127.0.0.1:${port}`],
    ['10.0.0.7', '127.0.0.1'],
    ['/etc/nginx/', `${folder}/`],
  ] as const) {
    if (!text.includes(from)) throw new Error(`Cannot replace ${from}: the page does not have it`)
    text = text.replace(from, to)
  }
  return text
}

describeWithMedia('the control interface of nginx-rtmp behind a password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-control-'))
  let nginx: Nginx
  let base = ''
  beforeAll(async () => {
    writeFileSync(join(folder, 'control.htpasswd'), `gate:{PLAIN}${PASSWORD}\n`)
    const [port = 0] = await freePorts(1)
    base = `http://127.0.0.1:${port}`
    nginx = await startNginx((ports) => {
      const gate = 'http://127.0.0.1:1'
      const page = pageConfig({ ...ports, gate, secret: 'unused-secret', when_down: 'deny' })
      return { ...page, http: page.http + controlBlock(port, folder) }
    })
  })
  afterAll(async () => {
    await nginx?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const access = (auth: ControlAuth | null) =>
    createControlAccess({
      base,
      authorization: auth === null ? null : () => auth.header(),
      fetch: (url, init) => fetch(url, init),
      after,
    })

  it('tells and drops for whoever has it', async () => {
    const gate = access(new ControlAuth('basic', 'gate', PASSWORD))
    expect(await nginxRtmpControl.list(gate)).toEqual({ ok: true, value: [] })
    expect(await nginxRtmpControl.cut(gate, { session: '1', handle: 'app=live' })).toEqual({
      ok: true,
      value: { dropped: 0 },
    })
  })

  for (const [who, auth] of [
    ['nobody', null],
    ['a wrong password', new ControlAuth('basic', 'gate', 'wrong')],
    ['a wrong scheme', new ControlAuth('bearer', null, PASSWORD)],
  ] as const)
    it(`refuses ${who}`, async () => {
      const stranger = access(auth)
      expect(await nginxRtmpControl.list(stranger)).toEqual({ ok: false, error: 'refused' })
      const ref = { session: '1', handle: 'app=live' }
      expect(await nginxRtmpControl.cut(stranger, ref)).toEqual({ ok: false, error: 'refused' })
    })

  it('can drop and nothing else: no renaming, no recording', async () => {
    const auth = new ControlAuth('basic', 'gate', PASSWORD)
    for (const path of [
      '/control/redirect/publisher?newname=x',
      '/control/record/start?app=live',
    ]) {
      const answer = await access(auth).call({ method: 'GET', path })
      expect(answer).toMatchObject({ ok: true, value: { status: 404 } })
    }
  })
})
