/** Runs `livegate media doctor` in this process, as somebody without a terminal, and reads its report. */
import { runCli } from '../../src/cli/program.ts'
import { epochMs } from '../../src/core/time.ts'
import { ADMIN_KEY } from './server.ts'

interface Report {
  readonly checks: readonly {
    readonly id: string
    readonly result: string
    readonly seen: string
  }[]
}

export interface Examined {
  readonly exit: number
  /** Results by check. */
  readonly seen: Readonly<Record<string, string>>
  /** The whole report, JSON. */
  readonly out: string
}

/** Examines the server `edge-1` of a servers file. `rtmp` is where its application `live` is; `gate` an address. */
export async function runDoctor(
  { servers, rtmp, gate, cwd }: Readonly<Record<'servers' | 'rtmp' | 'gate' | 'cwd', string>>,
  ...more: readonly string[]
): Promise<Examined> {
  let out = ''
  const words = ['--server', 'edge-1', '--servers', servers, '--publish', `${rtmp}/live`]
  const asked = ['--url', gate, '--key', ADMIN_KEY, '--json', ...more]
  const exit = await runCli(['media', 'doctor', ...words, ...asked], {
    out: (text) => {
      out += text
    },
    talk: () => {},
    ...{ out_tty: false, talk_tty: false, columns: 80, env: {}, cwd },
    pipe: () => ({ input: process.stdin, output: process.stdout }),
    now: () => epochMs(Date.now()),
    fetch: (address, init) => fetch(address, init),
    sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
    watch: () => () => undefined,
    signal: new AbortController().signal,
  })
  const { checks } = JSON.parse(out) as Report
  return { exit, out, seen: Object.fromEntries(checks.map(({ id, result }) => [id, result])) }
}
