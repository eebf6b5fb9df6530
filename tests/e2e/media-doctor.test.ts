/** `livegate media doctor` against a real nginx-rtmp and a real gate: nothing to mend, then three ways to be ill. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Examined, runDoctor } from '../support/doctor.ts'
import { HOLD_RULE, policyOf } from '../support/gate.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { pageConfig } from '../support/nginx-page.ts'
import { freePorts } from '../support/ports.ts'
import { describeWithMedia } from '../support/programs.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'

const SECRET = 'Zmlyc3Qgc2VjcmV0IG9mIHRoZSB0ZXN0'

describeWithMedia('the doctor of media servers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-doctor-'))
  const servers = join(folder, 'servers.yaml')
  const started: Nginx[] = []
  let gate: ServerProcess
  let healthy: Nginx
  let port: number

  beforeAll(async () => {
    ;[port = 0] = await freePorts(1)
    const url = `http://127.0.0.1:${port}`
    healthy = await nginx(url)
    writeFileSync(
      servers,
      `servers:
  - { id: edge-1, kind: nginx-rtmp, secret_env: EDGE, subject: { from: stream_key }, app: live, control: '${healthy.http}' }
`,
    )
    gate = await startServer({ data: join(folder, 'data'), servers, port, env: { EDGE: SECRET } })
  })
  afterAll(async () => {
    for (const one of started) await one.stop()
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  async function nginx(url: string, ...replace: (readonly [string, string])[]): Promise<Nginx> {
    const one = await startNginx((ports) =>
      pageConfig({ ...ports, gate: url, secret: SECRET, when_down: 'deny', replace }),
    )
    started.push(one)
    return one
  }

  const examine = (target: Nginx, ...more: string[]): Promise<Examined> =>
    runDoctor({ servers, rtmp: target.rtmp, gate: gate.url, cwd: folder }, ...more)

  it('finds nothing at a server set up as the page says, and leaves nothing behind', async () => {
    const { exit, seen, out } = await examine(healthy)
    expect({ exit, seen, out: exit === 0 ? '' : out }).toEqual({
      exit: 0,
      out: '',
      seen: {
        ...{ policy: 'pass', allow: 'pass', name: 'pass', end: 'pass', 'unknown-key': 'pass' },
        ...{ cut: 'pass', reconnect: 'pass', down: 'skipped' },
      },
    })
    const { body } = await call(gate, 'GET', '/v1/records?limit=500')
    expect(JSON.stringify(body)).not.toContain('livegate-doctor')
  }, 120_000)

  it('finds a server that does not ask at all', async () => {
    const mute = await nginx(
      gate.url,
      ['on_publish      http', '# on_publish http'],
      ['on_update       http', '# on_update http'],
    )
    const { exit, seen, out } = await examine(mute)
    expect({ exit, seen }).toEqual({
      exit: 3,
      seen: { policy: 'pass', allow: 'fail', down: 'skipped' },
    })
    expect(out).toContain('media flows and the gate has not been asked')
  }, 120_000)

  it('finds a server whose proxy has another secret', async () => {
    const stranger = await nginx(gate.url, [SECRET, `${SECRET}AAAA`])
    const { exit, seen } = await examine(stranger)
    expect({ exit, seen }).toEqual({
      exit: 3,
      seen: { policy: 'pass', allow: 'fail', down: 'skipped' },
    })
  }, 120_000)

  it('finds a policy under which its account may not go live, and publishes nothing', async () => {
    const policy = join(folder, 'policy.yaml')
    writeFileSync(policy, policyOf(HOLD_RULE))
    const strict = await startServer({
      data: join(folder, 'strict'),
      servers,
      policy,
      env: { EDGE: SECRET },
    })
    const facts = '{"followers":3}'
    const { exit, seen, out } = await examine(healthy, '--url', strict.url, '--facts', facts)
    await strict.kill()
    expect({ exit, seen }).toEqual({ exit: 3, seen: { policy: 'fail', down: 'skipped' } })
    expect(out).toContain('the policy answers delay')
  }, 120_000)
})
