/**
 * A test broadcast and a test viewer, by the operator's own ffmpeg.
 *
 * Its exit code cannot tell a refusal from a cut, so what counts is whether media went out: its own progress. Every run has
 * an end of its own, whatever happens to this process or the server.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { incomplete } from '../failure.ts'

export interface TestStream {
  /** True once media has gone out, false when it ended before that. */
  readonly live: Promise<boolean>
  /** Instant it ended, ms of a clock that never steps. */
  readonly ended: Promise<number>
  stop(): Promise<void>
}

const SOURCE = '-re -f lavfi -i testsrc=size=160x90:rate=10 -f lavfi -i sine=frequency=440'
const CODEC = '-c:v libx264 -preset ultrafast -tune zerolatency -g 10 -c:a aac -b:a 32k'

/** Sends test pictures to `url` for at most `seconds`. */
export function sendTestStream(url: string, seconds: number): TestStream {
  const words = `-nostdin -v error ${SOURCE} -t ${seconds} ${CODEC} -stats_period 0.1 -progress pipe:1 -f flv`
  const child = start('ffmpeg', [...words.split(' '), url], seconds + 10)
  const ended = endOf(child)
  return {
    live: Promise.race([mediaWentOut(child), ended.then(() => false)]),
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** True when a viewer gets pictures from `url` within eight seconds. */
export async function canPlay(url: string): Promise<boolean> {
  const words =
    '-v error -rw_timeout 2000000 -analyzeduration 1000000 -show_entries stream=codec_type'
  const child = start('ffprobe', [...words.split(' '), url], 8)
  let out = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out = (out + chunk.toString()).slice(-4_000)
  })
  await endOf(child)
  return out.includes('codec_type=video')
}

/** Somebody who waits for a stream, and stays. */
export interface Viewer {
  /** When the first picture came, ms of the clock of TestStream; null while none has. */
  first(): number | null
  /** Of pictures so far. */
  bytes(): number
  stop(): Promise<void>
}

/** Between two tries of a viewer whom the server does not let wait. */
const COME_BACK_MS = 300

/** Watches `url` from now on for at most `seconds`, again and again where the server does not let anybody wait for a stream. */
export function watchStream(url: string, seconds: number): Viewer {
  const words = '-nostdin -v error -fpsprobesize 0 -i'
  const until = performance.now() + seconds * 1_000
  const seen: { first: number | null; bytes: number } = { first: null, bytes: 0 }
  let child: ChildProcess | null = null
  let stopped = false
  async function watch(): Promise<void> {
    while (!stopped && performance.now() < until) {
      const left_s = Math.max(1, (until - performance.now()) / 1_000)
      const whole = [...words.split(' '), url, '-map', '0:v', '-c', 'copy', '-f', 'h264', 'pipe:1']
      child = start('ffmpeg', whole, left_s)
      child.stdout?.on('data', (chunk: Buffer) => {
        seen.first ??= performance.now()
        seen.bytes += chunk.length
      })
      await endOf(child)
      if (!stopped) await new Promise((done) => setTimeout(done, COME_BACK_MS))
    }
  }
  const over = watch()
  return {
    first: () => seen.first,
    bytes: () => seen.bytes,
    async stop() {
      stopped = true
      child?.kill('SIGKILL')
      await over
    },
  }
}

/** Ends the command with a hint when a program is not there. */
export async function requireFfmpeg(): Promise<void> {
  for (const program of ['ffmpeg', 'ffprobe']) {
    const child = spawn(program, ['-version'], { stdio: 'ignore' })
    const found = await new Promise<boolean>((resolve) => {
      child.once('error', () => resolve(false))
      child.once('exit', (code) => resolve(code === 0))
    })
    if (!found)
      throw incomplete(
        `Cannot send test streams: ${program} is not on this machine`,
        'install ffmpeg',
      )
  }
}

function start(program: string, args: readonly string[], limit_s: number): ChildProcess {
  return spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    ...{ timeout: Math.ceil(limit_s * 1_000), killSignal: 'SIGKILL' },
  })
}

function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('close', () => resolve(performance.now()))
    child.once('error', () => resolve(performance.now()))
  })
}

function mediaWentOut(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-2_000)
      if (/out_time_us=[1-9]/.test(text)) resolve(true)
    })
  })
}
