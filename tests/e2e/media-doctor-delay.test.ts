/** The doctor's look at a tape delay, against a real nginx-rtmp with the recipe of docs/media/tape.md: well, and ill in three ways. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Examined, runDoctor } from '../support/doctor.ts'
import { policyOf, STRIKE_RULE } from '../support/gate.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { pageConfig } from '../support/nginx-page.ts'
import { freePorts } from '../support/ports.ts'
import { describeWithMedia } from '../support/programs.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'
import { withTape } from '../support/tape-page.ts'

const SECRET = 'dGFwZSBkZWxheSBvZiB0aGUgZG9jdG9y'
const SECONDS = 8
const POLICY = policyOf(
  `  - { id: small, ground: terms, when: subject.followers < 10, outcome: delay, broadcast_delay: ${SECONDS}s }
  - { id: tiny, ground: terms, when: subject.followers < 3, outcome: delay, broadcast_delay: 12s }
${STRIKE_RULE}`,
)
/** As a person might write it who wants viewers back after every interruption, and does not know what nginx kills. */
const STUBBORN = `#!/bin/bash
PATH=FOLDER:/usr/local/bin:/usr/bin:/bin
[[ $1 =~ ^tape_([0-9]{1,4})_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{22}$ ]] || exit 0
quick='-v error -nostdin -fpsprobesize 0'
to="rtmp://127.0.0.1:PORT/live_delayed/live_\${BASH_REMATCH[2]}"
ffmpeg $quick -i "rtmp://127.0.0.1:PORT/live/$1" -map 0 -c copy -f mpegts - \\
  | livegate media delay --seconds "\${BASH_REMATCH[1]}" \\
  | for again in 1 2 3 4 5 6; do ffmpeg $quick -analyzeduration 1100000 -probesize 200000 -f mpegts -i - -map 0 -c copy -f flv "$to"; done
`

describeWithMedia('the doctor of a tape delay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-doctor-delay-'))
  const policy = join(folder, 'policy.yaml')
  const started: Nginx[] = []
  const gates: ServerProcess[] = []

  beforeAll(() => writeFileSync(policy, POLICY))
  afterAll(async () => {
    for (const one of started) await one.stop()
    for (const one of gates) await one.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A gate and its nginx; `change` what stands in the script of the page. */
  async function deployment(
    change: (script: string, port: number) => string = (script) => script,
  ): Promise<{ readonly gate: ServerProcess; readonly nginx: Nginx; readonly servers: string }> {
    const place = join(folder, String(started.length))
    mkdirSync(place)
    const [port = 0] = await freePorts(1)
    const nginx = await startNginx((ports) => {
      const at = { ...ports, gate: `http://127.0.0.1:${port}`, secret: SECRET }
      const config = withTape(pageConfig({ ...at, when_down: 'deny' }), place, ports.rtmp)
      const script = join(place, 'tape.sh')
      writeFileSync(script, change(readFileSync(script, 'utf8'), ports.rtmp))
      return config
    })
    started.push(nginx)
    const servers = join(place, 'servers.yaml')
    writeFileSync(
      servers,
      `servers:
  - { id: edge-1, kind: nginx-rtmp, secret: ${SECRET}, subject: { from: stream_key }, app: live, control: '${nginx.http}',
      delayed: { app: live_delayed, up_to: ${SECONDS}s } }
`,
    )
    const gate = await startServer({ data: join(place, 'data'), policy, servers, port })
    gates.push(gate)
    return { gate, nginx, servers }
  }

  const examine = (
    { gate, nginx, servers }: Awaited<ReturnType<typeof deployment>>,
    ...more: string[]
  ): Promise<Examined> =>
    runDoctor({ servers, rtmp: nginx.rtmp, gate: gate.url, cwd: folder }, ...more)

  const LATE = ['--delayed-facts', '{"followers":5}']
  const healthy = {
    ...{ policy: 'pass', allow: 'pass', name: 'pass', end: 'pass', 'unknown-key': 'pass' },
    ...{ cut: 'pass', reconnect: 'pass', down: 'skipped' },
  }

  it('finds nothing at a server set up as the page says, and says when viewers saw it', async () => {
    const well = await deployment()
    const { exit, seen, out } = await examine(well, ...LATE)
    expect({ exit, seen, out: exit === 0 ? '' : out }).toEqual({
      ...{ exit: 0, out: '' },
      seen: { ...healthy, delay: 'pass', 'delay-cut': 'pass' },
    })
    expect(out).toMatch(
      new RegExp(
        `shown (7\\.[5-9]|[89]\\.\\d|1\\d\\.\\d) s after it began, the rule asks for ${SECONDS} s`,
      ),
    )
    const { body } = await call(well.gate, 'GET', '/v1/records?limit=500')
    expect(JSON.stringify(body)).not.toContain('livegate-doctor')
    // Nobody named an account, or one that is shown at once, or later than the server can.
    const unnamed = await examine(well)
    expect([unnamed.exit, unnamed.seen.delay]).toEqual([0, 'skipped'])
    for (const followers of [100, 1]) {
      const other = await examine(well, '--delayed-facts', JSON.stringify({ followers }))
      expect([other.exit, other.seen.delay, other.seen['delay-cut']]).toEqual([
        3,
        'fail',
        undefined,
      ])
      expect(other.out).toContain('for the account that should be shown late')
    }
  }, 240_000)

  it('finds one that shows it too early', async () => {
    const hasty = await deployment((script) =>
      script.replace('--seconds "$seconds"', '--seconds 1'),
    )
    const { exit, seen, out } = await examine(hasty, ...LATE)
    expect({ exit, seen }).toEqual({ exit: 3, seen: { ...healthy, delay: 'fail' } })
    expect(out).toMatch(/shown [1-7]\.\d s after it began, the rule asks for 8 s/)
  }, 120_000)

  it('finds one that shows after a cut what it still held', async () => {
    const stubborn = await deployment((script, port) => {
      const [, path = ''] = /PATH=([^:]+):/.exec(script) ?? []
      return STUBBORN.replaceAll('FOLDER', path).replaceAll('PORT', String(port))
    })
    const { exit, seen, out } = await examine(stubborn, ...LATE)
    expect({ exit, seen }).toEqual({
      exit: 3,
      seen: { ...healthy, delay: 'pass', 'delay-cut': 'fail' },
    })
    expect(out).toContain('what was held back when the broadcast was cut is shown all the same')
  }, 120_000)

  it('finds one whose program does not run', async () => {
    const mute = await deployment(() => '#!/bin/sh\nexit 1\n')
    const { exit, seen, out } = await examine(mute, ...LATE)
    expect({ exit, seen }).toEqual({ exit: 3, seen: { ...healthy, delay: 'fail' } })
    expect(out).toContain('nothing was shown within 8 s and 15 s more')
  }, 120_000)
})
